"""A gateway in memory: NAT for whoever is seen elsewhere than it is, refusals on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from ryu_alg.inspection import (
    Address,
    Conversation,
    Endpoint,
    Expectation,
    Network,
    Party,
    Realm,
    Refusal,
    Transport,
)
from ryu_alg.inspection.addresses import within

INSIDE = (ip_network("192.168.0.0/16"), ip_network("2001:db8:1::/64"))
FIRST_PUBLIC_PORT = 0x8000


def endpoint(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


def conversation(
    client: str, server: str, client_seen: str = "", server_seen: str = ""
) -> Conversation:
    """Behind NAT if the client is seen elsewhere, published if the server is."""
    return Conversation(
        client=endpoint(client, 40000),
        client_seen=endpoint(client_seen or client, 50000 if client_seen else 40000),
        server=endpoint(server, 21),
        server_seen=endpoint(server_seen or server, 21),
    )


BEHIND_NAT = conversation("192.168.10.2", "198.51.100.7", client_seen="203.0.113.1")
PUBLISHED = conversation("198.51.100.9", "192.168.20.2", server_seen="203.0.113.1")
WITHIN = conversation("192.168.10.2", "192.168.20.2")
OUTSIDE = conversation("198.51.100.9", "198.51.100.7")
IPV6 = conversation("2001:db8:1::9", "2001:db8:2::7")
"""From inside, without NAT."""


@dataclass
class Asked:
    """One call of `expect`."""

    listener: Party
    port: int
    third_party: Address | None
    peers: tuple[Network, ...]
    last_port: int | None
    wait: int | None


@dataclass
class MemoryGateway:
    """Arms expectations and remembers what was asked."""

    conversation: Conversation
    now: float = 0.0
    refusals: dict[int, Refusal] = field(default_factory=dict)
    """By port asked for."""
    announce_as: str = ""
    """Announce this address, whatever was asked for."""
    asked: list[Asked] = field(default_factory=list)
    armed: list[Expectation] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    """Expectations that are over, whose public ports stand for nothing."""
    others: dict[Endpoint, Endpoint] = field(default_factory=dict)
    """What public endpoints stand for in other sessions."""

    def realm_of(self, address: Address) -> Realm:
        return Realm.INSIDE if within(address, INSIDE) else Realm.OUTSIDE

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        assert transport is Transport.TCP
        for armed in self.armed:
            if armed.announced == public and armed.id not in self.closed:
                return armed.listener
        return self.others.get(public)

    def expect(
        self,
        *,
        listener: Party,
        port: int,
        transport: Transport = Transport.TCP,
        third_party: Address | None = None,
        peers: Sequence[Network] = (),
        last_port: int | None = None,
        wait: int | None = None,
    ) -> Expectation | Refusal:
        assert 1 <= port <= 65535
        assert transport is Transport.TCP
        asked = Asked(listener, port, third_party, tuple(peers), last_port, wait)
        self.asked.append(asked)
        refused = self.refusal(asked)
        if refused is not None:
            return refused
        number = len(self.armed) + 1
        actual, seen = self.conversation.actual(listener), self.conversation.seen(listener)
        announced = Endpoint(third_party or seen.address, port)
        if actual.address != seen.address:
            announced = Endpoint(seen.address, FIRST_PUBLIC_PORT + number)
        if self.announce_as:
            announced = endpoint(self.announce_as, announced.port)
        listens = Endpoint(third_party or actual.address, port)
        expectation = Expectation(number, transport, listens, announced)
        self.armed.append(expectation)
        return expectation

    def refusal(self, asked: Asked) -> Refusal | None:
        """Why there is to be none."""
        return self.refusals.get(asked.port)
