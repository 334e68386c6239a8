"""What the engine is told of the gateway's configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from ryu_alg.engine.supervision import Watch, unwatched
from ryu_alg.inspection import (
    Address,
    DatagramGateway,
    DatagramInspector,
    Endpoint,
    Network,
    Realm,
    Sizes,
    StreamGateway,
    StreamInspector,
    Transport,
)


@dataclass(frozen=True, slots=True)
class InsideNetwork:
    """Prefixes of one inside network, and what its IPv4 hosts are translated to."""

    name: str
    prefixes: tuple[Network, ...]
    public: tuple[IPv4Address, ...] = ()

    def public_for(self, host: Address) -> IPv4Address | None:
        """The public address of a host; None without NAT.

        Always the same one (RFC 4787 REQ-2, paired pooling): the switch picks by the same low
        bits of the address, in a power of two of buckets.
        """
        if not self.public or host.version != 4:
            return None
        buckets = 1
        while buckets < len(self.public):
            buckets *= 2
        return self.public[(int(host) & (buckets - 1)) % len(self.public)]


@dataclass(frozen=True, slots=True)
class Service:
    """A published inside server whose connections a protocol inspects."""

    public: Endpoint
    inside: Endpoint
    protocol: str
    transport: Transport = Transport.TCP


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """Empty tuples match anything. `ports` are (first, last) pairs."""

    sources: tuple[Network, ...]
    destinations: tuple[Network, ...]
    transport: Transport | None
    """None: any."""
    ports: tuple[tuple[int, int], ...]
    allow: bool

    def fits(self, source: Address, destination: Endpoint, transport: Transport) -> bool:
        """Whether this rule decides about the connection."""
        return (
            (not self.sources or any(source in prefix for prefix in self.sources))
            and (
                not self.destinations
                or any(destination.address in prefix for prefix in self.destinations)
            )
            and self.transport in (None, transport)
            and (not self.ports or any(a <= destination.port <= b for a, b in self.ports))
        )


@dataclass(frozen=True, slots=True)
class ProtocolBinding:
    """A protocol, where it is inspected, and how an inspector of it is made."""

    name: str
    ports: frozenset[int]
    servers: tuple[Network, ...]
    stream: Callable[[StreamGateway], StreamInspector] | None = None
    """None: it is not inspected over TCP."""
    datagram: Callable[[DatagramGateway], DatagramInspector] | None = None
    """None: it is not inspected over UDP."""
    sizes: Sizes | None = None
    """UDP datagrams to other ports that are inspected; None: none."""
    opaque_on_fault: bool = False
    """What an inspector that fails has not decided passes as it came; else its session ends."""


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds; see `ryu_alg.settings.limits` for what each is."""

    session_setup: float = 240.0
    session_idle: float = 7440.0
    half_closed: float = 240.0
    time_wait: float = 30.0
    pinhole_unused: int = 30
    pinhole_hard: int = 60
    data_idle: int = 120
    keepalive_interval: float = 120.0
    keepalive_limit: float = 86400.0
    port_quarantine: float = 120.0
    datagram_idle: float = 300.0


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bounds of the engine's tables."""

    sessions: int = 10_000
    sessions_per_host: int = 200
    sessions_per_protocol: int = 7_500
    half_open: int = 500
    pinholes: int = 20_000
    pinholes_per_host: int = 400
    pinholes_per_protocol: int = 15_000
    pinholes_per_session: int = 8
    port_share: int = 100


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """One gateway."""

    networks: tuple[InsideNetwork, ...]
    protocols: tuple[ProtocolBinding, ...]
    """By the index that punts carry."""
    services: tuple[Service, ...] = ()
    outbound: tuple[OutboundRule, ...] = ()
    outbound_default: bool = True
    public: tuple[IPv4Address, ...] = ()
    napt: PortRange = PortRange(1024, 32767)
    data: PortRange = PortRange(32768, 49151)
    control: PortRange = PortRange(49152, 53247)
    denied_ports: tuple[tuple[int, int], ...] = ()
    """(first, last) pairs of ports that no pinhole leads to."""
    timers: Timers = Timers()
    quotas: Quotas = Quotas()
    watch: Watch = unwatched
    """Who limits the time of inspectors."""

    def network_of(self, address: Address) -> InsideNetwork | None:
        """The inside network that `address` belongs to."""
        for network in self.networks:
            for prefix in network.prefixes:
                if address in prefix:
                    return network
        return None

    def public_for(self, host: Address) -> IPv4Address | None:
        """The public address of a host; None without NAT, and for one that is not inside."""
        network = self.network_of(host)
        return None if network is None else network.public_for(host)

    def protocol_at(self, index: int | None) -> ProtocolBinding | None:
        """The protocol with the index that a punt carries; None if there is none any more."""
        if index is None or not 0 <= index < len(self.protocols):
            return None
        return self.protocols[index]

    def realm_of(self, address: Address) -> Realm:
        """The realm that `address` really is in."""
        return Realm.OUTSIDE if self.network_of(address) is None else Realm.INSIDE

    def service_at(
        self, public: Endpoint, protocol: str, transport: Transport = Transport.TCP
    ) -> Service | None:
        """The published service that a connection to `public` is for."""
        for service in self.services:
            if (service.public, service.protocol, service.transport) == (
                public,
                protocol,
                transport,
            ):
                return service
        return None

    def service_of(self, inside: Endpoint, protocol: str, transport: Transport) -> Service | None:
        """The published service that an inside endpoint is."""
        for service in self.services:
            if (service.inside, service.protocol, service.transport) == (
                inside,
                protocol,
                transport,
            ):
                return service
        return None

    def outbound_allowed(
        self, source: Address, destination: Endpoint, transport: Transport
    ) -> bool:
        """Whether policy lets the inside host send there."""
        for rule in self.outbound:
            if rule.fits(source, destination, transport):
                return rule.allow
        return self.outbound_default

    def hands_out(self, first: int, last: int) -> bool:
        """Whether one of the public ports `first` to `last` belongs to a partition."""
        partitions = (self.napt, self.data, self.control)
        return any(part.low <= last and first <= part.high for part in partitions)

    def denied(self, port: int) -> bool:
        """Whether no pinhole may lead to `port`."""
        return any(first <= port <= last for first, last in self.denied_ports)
