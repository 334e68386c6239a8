"""Who is where: the gateway switch, the networks of both realms, the public addresses."""

from __future__ import annotations

from ipaddress import IPv4Address

from pydantic import Field

from ryu_alg.inspection import Address, Network
from ryu_alg.settings.fields import (
    AnyAddress,
    Database,
    DatapathId,
    FailModeCheck,
    Mac,
    Name,
    PortName,
    Ports,
    Prefix,
    PublicAddress,
    RouterAddress,
    Zone,
)
from ryu_alg.settings.parsers import FailMode
from ryu_alg.settings.section import Section


class GatewaySwitch(Section):
    """The Open vSwitch bridge that is the gateway."""

    datapath_id: DatapathId = Field(
        description="The bridge's datapath id, 16 hexadecimal digits, in quotes. "
        "No other switch is served."
    )
    mac: Mac = Field(
        description="The router's MAC address on all its ports, unicast. Its IPv6 link-local "
        "address is made from it."
    )
    ct_zone: Zone = Field(
        default=4242,
        description="The conntrack zone of all tracked connections. Nothing else on the same "
        "datapath may use it.",
    )
    ovsdb: Database | None = Field(
        default=None,
        description="The database of the switch's Open vSwitch: `unix:PATH`, `tcp:HOST:PORT` or, "
        "with the certificates of `openflow.tls`, `ssl:HOST:PORT`. "
        "There the fail mode is looked up. Default: the one of this machine.",
    )
    fail_mode: FailModeCheck = Field(
        default=FailMode.VERIFIED,
        description="`verified`: a switch is served only if its database says that its fail mode "
        "is `secure`. `trusted`: where the database cannot be asked, you say that it is.",
    )


class AttachedNetwork(Section):
    """A network on a port of the gateway, of either realm."""

    name: Name = Field(description="The network's name, unique: rules and output use it.")
    port: PortName = Field(
        description="The name of the switch port that leads to it and to nothing else. Frames on "
        "it are untagged."
    )
    addresses: tuple[RouterAddress, ...] = Field(
        min_length=1,
        description="The router's addresses in it, each with the prefix length of the network. "
        "IPv4 and IPv6.",
    )

    @property
    def prefixes(self) -> tuple[Network, ...]:
        """The connected prefixes."""
        return tuple(interface.network for interface in self.addresses)

    def holds(self, address: Address) -> bool:
        """Whether `address` is in one of the connected prefixes."""
        return any(address in prefix for prefix in self.prefixes)


class InsideNetwork(AttachedNetwork):
    """A network of the inside realm."""

    nat: tuple[PublicAddress, ...] = Field(
        default=(),
        description="The public addresses that its hosts' IPv4 connections leave with. With "
        "several, each host keeps to one. Without the key its IPv4 is routed without NAT, "
        "behind the firewall only, as its IPv6 always is.",
    )

    def translates(self, address: Address) -> bool:
        """Whether connections of the host with this address of the network get NAT."""
        return address.version == 4 and bool(self.nat)


class OutsideNetwork(AttachedNetwork):
    """A network of the outside realm."""

    next_hop: tuple[AnyAddress, ...] = Field(
        default=(),
        description="The default routers in it, at most one of IPv4 and one of IPv6. Without "
        "one, only hosts of the outside networks themselves can be reached. A link-local IPv6 "
        "address is fine.",
    )
    routed: tuple[Prefix, ...] = Field(
        default=(),
        description="Prefixes that outside routers send to this gateway, besides the networks "
        "it is attached to: public addresses may be taken from them.",
    )


class Realms(Section):
    """The two address realms (RFC 2663)."""

    inside: tuple[InsideNetwork, ...] = Field(
        min_length=1, description="The networks whose hosts are protected."
    )
    outside: tuple[OutsideNetwork, ...] = Field(
        min_length=1, description="The networks that lead to everybody else."
    )

    @property
    def networks(self) -> tuple[AttachedNetwork, ...]:
        """All networks, inside ones first."""
        return (*self.inside, *self.outside)

    def inside_of(self, address: Address) -> InsideNetwork | None:
        """The inside network that `address` belongs to, if any."""
        return next((network for network in self.inside if network.holds(address)), None)

    def outside_of(self, address: Address) -> OutsideNetwork | None:
        """The outside network whose connected prefix `address` is in, if any."""
        return next((network for network in self.outside if network.holds(address)), None)


class Partitions(Section):
    """Who hands out which port of each public address. The three never overlap."""

    napt: Ports = Field(description="Ordinary NAPT: conntrack picks.")
    data: Ports = Field(description="Data connections of inspected sessions: the gateway picks.")
    control: Ports = Field(
        description="Inspected control connections: the gateway picks. Made of at most 4 "
        "power-of-two blocks, since each block is one masked match in the switch."
    )

    def items(self) -> tuple[tuple[str, Ports], ...]:
        """Name and range, in the order of the file format."""
        return (("napt", self.napt), ("data", self.data), ("control", self.control))


class PublicSide(Section):
    """What the inside is seen as from outside."""

    addresses: tuple[PublicAddress, ...] = Field(
        default=(),
        description="The IPv4 addresses that connections are translated to. Each is in an "
        "outside network, or in what is `routed` to the gateway.",
    )
    ports: Partitions | None = Field(
        default=None,
        description="How the ports of every public address are divided, all within "
        "1024-65535. Required when there are addresses.",
    )

    @property
    def partitions(self) -> Partitions:
        """The port partitions, where there is NAT; KeyError where there is none."""
        if self.ports is None:
            raise KeyError("this configuration has no public addresses")
        return self.ports

    def knows(self, address: Address) -> bool:
        """Whether `address` is a public address."""
        return isinstance(address, IPv4Address) and address in self.addresses
