"""Gateways in memory: inside hosts that share public addresses, and who exchanges what.

A `World` is what the engine knows of all hosts, a `MemoryGateway` what it tells the inspector of
one of them. `carry_out` does what the engine would do with media effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ryu_alg.inspection import (
    Address,
    Admit,
    Binding,
    Endpoint,
    Exchange,
    Network,
    Realm,
    Refusal,
    Transport,
    Unbind,
)

FIRST_DATA_PORT = 32768
FIRST_CONTROL_PORT = 49152
PUBLIC = ip_address("203.0.113.1")
HOST = ip_address("192.168.10.2")
OTHER_HOST = ip_address("192.168.10.3")
PLAIN_HOST = ip_address("198.51.100.130")
"""Inside, without NAT."""
HOST_IPV6 = ip_address("2001:db8:30::2")
"""Inside, without NAT."""


def endpoint(address: str | Address, port: int) -> Endpoint:
    return Endpoint(ip_address(address) if isinstance(address, str) else address, port)


@dataclass
class World:
    """What the engine knows."""

    inside: tuple[Network, ...] = (
        ip_network("192.168.10.0/24"),
        ip_network("198.51.100.128/25"),
        ip_network("2001:db8:30::/64"),
    )
    public: dict[Network, Address] = field(
        default_factory=lambda: {ip_network("192.168.10.0/24"): PUBLIC}
    )
    """Of the inside networks that are translated."""
    now: float = 1000.0
    bindings: dict[int, Binding] = field(default_factory=dict)
    """All that are not unbound yet."""
    admitted: dict[int, Admit] = field(default_factory=dict)
    """What is open, by binding."""
    control: dict[Endpoint, Endpoint] = field(default_factory=dict)
    """Public control endpoints of UDP, by inside endpoint."""
    refusals: dict[int, Refusal] = field(default_factory=dict)
    """By inside port: what `bind` and `signalling` say."""
    bound: int = 0
    """Bindings so far."""
    _next_port: int = FIRST_DATA_PORT

    def gateway(self, host: Address = HOST) -> MemoryGateway:
        """What the inspector of `host` is told."""
        return MemoryGateway(self, host)

    def public_of(self, host: Address) -> Address:
        for network, public in self.public.items():
            if host in network:
                return public
        return host

    def carry_out(self, effects: Iterable[Any]) -> None:
        """As the engine would; what it would refuse fails."""
        for effect in effects:
            match effect:
                case Admit(binding, exchanges):
                    ports = len(self.bindings[binding].inside)
                    assert all(0 <= exchange.index < ports for exchange in exchanges)
                    assert len(exchanges) <= 64
                    self.admitted[binding] = effect
                    if not exchanges:
                        del self.admitted[binding]
                case Unbind(binding):
                    del self.bindings[binding]
                    self.admitted.pop(binding, None)

    def open(self) -> set[tuple[Endpoint, Endpoint]]:
        """All that may flow: (inside endpoint, remote endpoint)."""
        return {
            (self.bindings[number].inside[exchange.index], exchange.remote)
            for number, admit in self.admitted.items()
            for exchange in admit.exchanges
        }

    def exchanges(self, inside: Endpoint) -> tuple[Exchange, ...]:
        """What is open for the binding that begins with this inside endpoint."""
        for number, admit in self.admitted.items():
            if self.bindings[number].inside[0] == inside:
                return admit.exchanges
        return ()

    def take_ports(self, count: int, even: bool) -> int:
        first = self._next_port + (self._next_port % 2 if even else 0)
        self._next_port = first + count
        return first


@dataclass
class MemoryGateway:
    """A `DatagramGateway`."""

    world: World
    host: Address = HOST

    @property
    def now(self) -> float:
        return self.world.now

    def realm_of(self, address: Address) -> Realm:
        inside = any(address in network for network in self.world.inside)
        return Realm.INSIDE if inside else Realm.OUTSIDE

    def public_of(self, host: Address) -> Address:
        return self.world.public_of(host)

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        for binding in self.world.bindings.values():
            if binding.transport is transport and public in binding.public:
                return binding.inside[binding.public.index(public)]
        if transport is Transport.UDP:
            for inside, seen in self.world.control.items():
                if seen == public:
                    return inside
        return None

    def bind(
        self,
        inside: Sequence[Endpoint],
        *,
        transport: Transport = Transport.UDP,
        even: bool = False,
        public: Address | None = None,
        idle: int | None = None,
    ) -> Binding | Refusal:
        world = self.world
        for each in inside:
            assert self.realm_of(each.address) is Realm.INSIDE
            if each.port < 1024:
                return Refusal("port.privileged", f"port {each.port}")
            if each.port in world.refusals:
                return world.refusals[each.port]
        address = self.public_of(inside[0].address)
        public = tuple(inside)
        if address != inside[0].address:
            first = world.take_ports(len(inside), even)
            public = tuple(Endpoint(address, first + offset) for offset in range(len(inside)))
        world.bound += 1
        binding = Binding(world.bound, transport, tuple(inside), public)
        world.bindings[binding.id] = binding
        return binding

    def signalling(self, inside: Endpoint) -> Endpoint | Refusal:
        assert inside.address == self.host
        if inside.port in self.world.refusals:
            return self.world.refusals[inside.port]
        address = self.public_of(inside.address)
        if address == inside.address:
            return inside
        port = FIRST_CONTROL_PORT + len(self.world.control)
        return self.world.control.setdefault(inside, Endpoint(address, port))
