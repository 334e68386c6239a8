"""A gateway in memory, of both transports: it hands out public ports, and keeps who is let in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ryu_alg.inspection import (
    Address,
    Conversation,
    Endpoint,
    Listen,
    Listener,
    Realm,
    Refusal,
    Transport,
    Watch,
)

INSIDE = (ip_network("192.168.0.0/16"), ip_network("2001:db8:30::/64"))
PUBLIC = ip_address("203.0.113.1")
FIRST_PUBLIC_PORT = 40000
ARMED = 60.0
"""Seconds for which a cause waits to be confirmed."""


def endpoint(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


def conversation(
    client: str, server: str, client_seen: str = "", server_seen: str = "", port: int = 6881
) -> Conversation:
    """Behind NAT if the client is seen elsewhere, published if the server is."""
    return Conversation(
        client=endpoint(client, 40100),
        client_seen=endpoint(client_seen or client, 50000 if client_seen else 40100),
        server=endpoint(server, port),
        server_seen=endpoint(server_seen or server, port + 1000 if server_seen else port),
    )


NAT = conversation("192.168.10.2", "198.51.100.7", client_seen="203.0.113.1")
PUBLISHED = conversation("198.51.100.9", "192.168.20.2", server_seen="203.0.113.1")
IPV6_OUT = conversation("2001:db8:30::2", "2001:db8:1::7")
IPV6_IN = conversation("2001:db8:1::9", "2001:db8:30::2")
ACROSS = conversation("192.168.10.2", "192.168.20.2")


@dataclass
class Site:
    """What all sessions of the protocol share."""

    now: float = 1000.0
    listeners: dict[Endpoint, Listener] = field(default_factory=dict)
    """By inside endpoint; once there, they keep their public ports."""
    causes: dict[int, dict[bytes, float]] = field(default_factory=dict)
    """Of each listener, and until when each of them lets somebody in, or is armed."""
    confirmed: set[tuple[int, bytes]] = field(default_factory=set)
    watched: set[Endpoint] = field(default_factory=set)
    refusals: dict[int, Refusal] = field(default_factory=dict)
    """By inside port."""

    def of(self, inside: Endpoint) -> Listener:
        """The one that stands for an endpoint, from now on."""
        if inside not in self.listeners:
            number = len(self.listeners) + 1
            public = inside
            if inside.address.version == 4:
                public = Endpoint(PUBLIC, FIRST_PUBLIC_PORT + number)
            self.listeners[inside] = Listener(number, inside, public)
            self.causes[number] = {}
        return self.listeners[inside]

    def live(self, listener: Listener) -> dict[bytes, float]:
        """Its causes that are not over."""
        causes = self.causes[listener.id]
        return {cause: until for cause, until in causes.items() if until > self.now}

    def listen(self, effect: Listen) -> None:
        """Carry out what an inspector wants."""
        causes = self.causes[effect.listener]
        assert effect.cause in causes, "neither armed nor open"
        causes[effect.cause] = effect.until
        self.confirmed.add((effect.listener, effect.cause))

    def watch(self, effect: Watch) -> Listener:
        """Likewise."""
        self.watched.add(effect.inside)
        return self.of(effect.inside)

    def reached(self) -> set[tuple[Endpoint, bytes]]:
        """Which endpoints outside peers get in to, on account of what."""
        return {
            (listener.inside, cause)
            for listener in self.listeners.values()
            for cause in self.live(listener)
            if (listener.id, cause) in self.confirmed
        }

    def announce(self, address: str, port: int, cause: bytes = b"\x01" * 20) -> Listener:
        """Somebody has announced an endpoint for long."""
        listener = self.of(endpoint(address, port))
        self.causes[listener.id][cause] = self.now
        self.listen(Listen(listener.id, cause, self.now + 3600))
        return listener


@dataclass
class MemoryGateway:
    """What an inspector of either transport may ask; give `conversation` or `inside`."""

    site: Site = field(default_factory=Site)
    ends: Conversation | None = None
    inside: Address | None = None
    """The host of a `DatagramGateway`."""
    listened: list[tuple[Endpoint, bytes]] = field(default_factory=list)
    """What was asked for."""

    @property
    def now(self) -> float:
        return self.site.now

    @property
    def conversation(self) -> Conversation:
        assert self.ends is not None
        return self.ends

    @property
    def host(self) -> Address:
        """The inside host."""
        if self.inside is not None:
            return self.inside
        both = (self.conversation.client.address, self.conversation.server.address)
        return next(each for each in both if self.realm_of(each) is Realm.INSIDE)

    def realm_of(self, address: Address) -> Realm:
        inside = any(address in network for network in INSIDE)
        return Realm.INSIDE if inside else Realm.OUTSIDE

    def public_of(self, host: Address) -> Address:
        return PUBLIC if host.version == 4 and self.realm_of(host) is Realm.INSIDE else host

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        for listener in self.site.listeners.values():
            if listener.public == public != listener.inside and self.site.live(listener):
                return listener.inside
        return None

    def listen(self, inside: Endpoint, cause: bytes) -> Listener | Refusal:
        assert 0 < len(cause) <= 64
        self.listened.append((inside, cause))
        if inside.port < 1024:
            return Refusal("port.privileged", f"port {inside.port}")
        if inside.address != self.host:
            return Refusal("listener.foreign", str(inside))
        if inside.port in self.site.refusals:
            return self.site.refusals[inside.port]
        listener = self.site.of(inside)
        causes = self.site.causes[listener.id]
        if (listener.id, cause) not in self.site.confirmed or causes[cause] <= self.now:
            causes[cause] = self.now + ARMED
            self.site.confirmed.discard((listener.id, cause))
        return listener

    def listening(self, inside: Endpoint) -> Listener | None:
        assert 0 <= inside.port <= 65535
        listener = self.site.listeners.get(inside)
        return listener if listener is not None and self.site.live(listener) else None

    def held_until(self, listener: int, cause: bytes) -> float | None:
        if (listener, cause) not in self.site.confirmed:
            return None
        until = self.site.causes[listener][cause]
        return until if until > self.now else None

    def causes(self) -> Collection[bytes]:
        return {
            cause
            for listener in self.site.listeners.values()
            if listener.inside.address == self.host
            for cause in self.site.live(listener)
        }

    def signalling(self, inside: Endpoint) -> Endpoint | Refusal:
        return Endpoint(self.public_of(inside.address), inside.port + 10000)

    def expect(self, **_: Any) -> Any:
        raise AssertionError("BitTorrent listens, it expects nobody in particular")

    def bind(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("BitTorrent listens, it binds nothing")
