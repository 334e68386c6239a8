"""What the pipeline is rendered from: the gateway's networks, addresses, services and policy.

Plain data, without a trace of how it was configured. Ports of the switch go by name here: their
OpenFlow numbers are known only once the switch has connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)

from ryu_alg.inspection import Address, Endpoint, Network, Realm, Transport

Interface = IPv4Interface | IPv6Interface

LINK_LOCAL = IPv6Network("fe80::/10")


@dataclass(frozen=True, slots=True)
class PortRange:
    """TCP or UDP ports `low` to `high`, both included."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"

    def blocks(self) -> Iterator[tuple[int, int]]:
        """The fewest (value, mask) pairs, 16 bits each, that together match this range."""
        low = self.low
        while low <= self.high:
            size = low & -low or 0x10000
            while low + size - 1 > self.high:
                size >>= 1
            yield low, 0x10000 - size
            low += size


@dataclass(frozen=True, slots=True)
class InsideNetwork:
    """A network of the inside realm, on a port of its own."""

    name: str
    port: str
    addresses: tuple[Interface, ...]
    """The router's addresses, with the prefixes of the network."""
    public: tuple[IPv4Address, ...] = ()
    """What its IPv4 hosts are translated to; empty: no NAT. Each host always gets the same one
    (RFC 4787 REQ-2), by the low bits of its address."""

    @property
    def public_by_low_bits(self) -> tuple[IPv4Address, ...]:
        """One public address per value of the low bits of a host's address.

        As many as there are public addresses, rounded up to a power of two: a switch can match
        bits, but not divide. The engine's `public_for` chooses in the same way.
        """
        if not self.public:
            return ()
        size = 1 << (len(self.public) - 1).bit_length()
        return tuple(self.public[bits % len(self.public)] for bits in range(size))


@dataclass(frozen=True, slots=True)
class OutsideNetwork:
    """A network of the outside realm, on a port of its own: an uplink."""

    name: str
    port: str
    addresses: tuple[Interface, ...]
    next_hops: tuple[Address, ...] = ()
    """At most one per IP version; a link-local IPv6 address is fine."""


@dataclass(frozen=True, slots=True)
class PublishedService:
    """An inside server that outside hosts may connect to."""

    public: Endpoint
    inside: Endpoint
    """Equal to `public` where there is no NAT."""
    transport: Transport
    protocol: int | None = None
    """Index of the protocol that inspects it; None: ordinary connections."""


class IpProtocol(Enum):
    """What an outbound rule may ask for."""

    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"
    """Of either IP version."""


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """A rule about new connections of inside hosts. What is empty or None is not looked at."""

    allow: bool
    sources: tuple[Network, ...] = ()
    destinations: tuple[Network, ...] = ()
    protocol: IpProtocol | None = None
    ports: tuple[PortRange, ...] = ()


@dataclass(frozen=True, slots=True)
class InterceptedProtocol:
    """A protocol whose control packets go to the controller."""

    index: int
    """In the cookie of its punts."""
    name: str
    transport: Transport
    ports: tuple[int, ...]
    """Server ports."""
    servers: tuple[Network, ...]
    first_sizes: tuple[int, int] | None = None
    """Payloads of UDP datagrams to other ports that go to the controller as well, if they begin an
    exchange: the shortest and the longest, in bytes."""
    first_hosts: tuple[Network, ...] = ()
    """Whose."""


@dataclass(frozen=True, slots=True)
class MeterRates:
    """How much reaches the controller from each network, in packets per second; what exceeds it
    is dropped."""

    known: int = 20_000
    """Control packets of what the gateway knows."""
    first: int = 20_000
    """Those that anybody may send: SYNs, and datagrams of hosts that it does not know."""
    neighbours: int = 500
    """ARP and ND from there, and again packets that wait for it."""
    icmp_errors: int = 200
    fragments: int = 5_000
    """UDP fragments that may be of a control datagram."""

    @property
    def greedy(self) -> int:
        """Of conversations that take more than half of what is there for those that are known."""
        return max(1, self.known // 2)


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """All that the static pipeline depends on."""

    datapath_id: str
    """16 hex digits."""
    mac: str
    """The router's, on every port: `02:a1:60:00:00:01`."""
    ct_zone: int
    inside: tuple[InsideNetwork, ...]
    outside: tuple[OutsideNetwork, ...]
    public: tuple[IPv4Address, ...]
    napt: PortRange
    data: PortRange
    control: PortRange
    published: tuple[PublishedService, ...] = ()
    outbound: tuple[OutboundRule, ...] = ()
    """The first rule that fits decides."""
    outbound_default: bool = True
    """Whether to allow what no rule fits."""
    protocols: tuple[InterceptedProtocol, ...] = ()
    meters: MeterRates = field(default_factory=MeterRates)

    @property
    def link_local(self) -> IPv6Address:
        """The router's link-local address, from its MAC address (RFC 4291 appendix A)."""
        mac = bytes.fromhex(self.mac.replace(":", ""))
        identifier = bytes((mac[0] ^ 0x02,)) + mac[1:3] + b"\xff\xfe" + mac[3:]
        return IPv6Address(b"\xfe\x80" + bytes(6) + identifier)

    @property
    def networks(self) -> tuple[NumberedNetwork, ...]:
        """Every network with its number, as in reg2 and in neighbour flows."""
        inside = (
            NumberedNetwork(number, Realm.INSIDE, network)
            for number, network in enumerate(self.inside, start=1)
        )
        outside = (
            NumberedNetwork(number, Realm.OUTSIDE, network)
            for number, network in enumerate(self.outside, start=1 + len(self.inside))
        )
        return (*inside, *outside)

    @property
    def port_names(self) -> tuple[str, ...]:
        """The ports of the switch that the pipeline needs."""
        return tuple(network.port for network in self.networks)


@dataclass(frozen=True, slots=True)
class NumberedNetwork:
    """A network with its place in the pipeline."""

    number: int
    realm: Realm
    network: InsideNetwork | OutsideNetwork

    @property
    def port(self) -> str:
        """The name of its port."""
        return self.network.port

    @property
    def ipv4(self) -> tuple[IPv4Interface, ...]:
        """The router's IPv4 addresses here."""
        return tuple(a for a in self.network.addresses if isinstance(a, IPv4Interface))

    @property
    def ipv6(self) -> tuple[IPv6Interface, ...]:
        """The router's global IPv6 addresses here."""
        return tuple(a for a in self.network.addresses if isinstance(a, IPv6Interface))

    @property
    def public(self) -> tuple[IPv4Address, ...]:
        """What its IPv4 hosts are translated to; empty: no NAT."""
        return self.network.public if isinstance(self.network, InsideNetwork) else ()

    def next_hop(self, version: int) -> Address | None:
        """Where packets for elsewhere go from here."""
        if isinstance(self.network, InsideNetwork):
            return None
        return next((a for a in self.network.next_hops if a.version == version), None)

    def prefixes(self, version: int) -> tuple[IPv4Network | IPv6Network, ...]:
        """The prefixes of the network of this IP version, without repetition."""
        found = (a.network for a in self.network.addresses if a.version == version)
        return tuple(dict.fromkeys(found))
