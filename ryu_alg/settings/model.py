"""The whole configuration."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field

from ryu_alg.inspection import Network
from ryu_alg.settings.fields import AnyAddress, FilePath, Name, Port, Ports
from ryu_alg.settings.limits import Quotas, Timers
from ryu_alg.settings.openflow import OpenFlowSettings
from ryu_alg.settings.ports import PortRange
from ryu_alg.settings.realms import GatewaySwitch, PublicSide, Realms
from ryu_alg.settings.section import Section
from ryu_alg.settings.traffic import OutboundPolicy, ProtocolSettings, PublishedService

DENIED_PORTS = tuple(
    PortRange(first, last)
    for first, last in (
        (1433, 1434),  # Microsoft SQL Server
        (1521, 1521),  # Oracle
        (2049, 2049),  # NFS
        (2375, 2376),  # Docker
        (2379, 2380),  # etcd
        (3306, 3306),  # MySQL
        (3389, 3389),  # remote desktop
        (5432, 5432),  # PostgreSQL
        (5900, 5910),  # VNC
        (5985, 5986),  # WinRM
        (6000, 6063),  # X11
        (6379, 6379),  # Redis
        (6633, 6633),  # OpenFlow, as it once was
        (6640, 6640),  # OVSDB
        (6653, 6653),  # OpenFlow
        (8080, 8080),  # our own REST endpoint, and others'
        (9200, 9200),  # Elasticsearch
        (11211, 11211),  # memcached
        (27017, 27017),  # MongoDB
    )
)


class RestSettings(Section):
    """The REST endpoint and the metrics."""

    bind: AnyAddress = Field(
        default=ip_address("127.0.0.1"), description="The address it listens on."
    )
    port: Port = Field(default=8080, description="Its TCP port.")
    token_file: FilePath | None = Field(
        default=None,
        description="A file whose first line is the bearer token that requests must carry. "
        "Required when bound elsewhere than to loopback. Relative to the configuration file.",
    )


class Settings(Section):
    """One gateway. `load` returns it; its parts are consistent with each other."""

    gateway: GatewaySwitch = Field(description="The switch that is the gateway.")
    openflow: OpenFlowSettings = Field(
        default=OpenFlowSettings(), description="Where the controller waits for that switch."
    )
    realms: Realms = Field(description="The networks inside and outside.")
    public: PublicSide = Field(
        default=PublicSide(), description="Public addresses and their port partitions."
    )
    published: tuple[PublishedService, ...] = Field(
        default=(), description="Inside servers that outside hosts may connect to."
    )
    outbound: OutboundPolicy = Field(
        default=OutboundPolicy(), description="What inside hosts may connect to."
    )
    protocols: dict[Name, ProtocolSettings] = Field(
        default={},
        description="The inspected protocols, by name. A protocol that is not here is ordinary "
        "traffic.",
    )
    timers: Timers = Field(default=Timers(), description="How long things last.")
    quotas: Quotas = Field(default=Quotas(), description="How much there may be of anything.")
    rest: RestSettings = Field(default=RestSettings(), description="The REST endpoint.")
    denied_ports: tuple[Ports, ...] = Field(
        default=DENIED_PORTS,
        description="Ports and port ranges of hosts that no pinhole ever leads to, besides all "
        "below 1024.",
    )

    def denies(self, port: int) -> bool:
        """Whether no pinhole may lead to `port` of a host."""
        return any(port in denied for denied in self.denied_ports)

    def prefixes(self, selector: str | Network | None) -> tuple[Network, ...]:
        """The prefixes that an outbound rule's `from` or `to` stands for; () for anywhere.

        Raises KeyError for the name of no network, which `load` has refused before.
        """
        if selector is None:
            return ()
        if not isinstance(selector, str):
            return (selector,)
        for network in self.realms.networks:
            if network.name == selector:
                return network.prefixes
        raise KeyError(selector)
