"""A gateway in memory: NAT for whoever is seen elsewhere than it is, and some refusals."""

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

INSIDE = (ip_network("192.168.0.0/16"), ip_network("2001:db8:1::/64"))
FIRST_PUBLIC_PORT = 0x8000


def endpoint(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


def conversation(
    client: str, server: str, client_seen: str = "", server_seen: str = ""
) -> Conversation:
    return Conversation(
        client=endpoint(client, 40000),
        client_seen=endpoint(client_seen or client, 50000 if client_seen else 40000),
        server=endpoint(server, 5222),
        server_seen=endpoint(server_seen or server, 5222),
    )


BEHIND_NAT = conversation("192.168.10.2", "198.51.100.7", client_seen="203.0.113.1")
PUBLISHED = conversation("198.51.100.9", "192.168.20.2", server_seen="203.0.113.1")
WITHIN = conversation("192.168.10.2", "192.168.20.2")
OUTSIDE = conversation("198.51.100.9", "198.51.100.7")
IPV6 = conversation("2001:db8:1::9", "2001:db8:2::7")
"""Inside without NAT."""


@dataclass
class Asked:
    """One call of `expect`."""

    listener: Party
    port: int
    third_party: Address | None
    peers: tuple[Network, ...]
    wait: int | None


@dataclass
class MemoryGateway:
    """Arms expectations and remembers what was asked."""

    conversation: Conversation
    now: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    armed: list[Expectation] = field(default_factory=list)
    standing: dict[Endpoint, Endpoint] = field(default_factory=dict)
    """What stands outside for somebody inside."""
    room: int = 1000
    """How many may be armed."""

    def realm_of(self, address: Address) -> Realm:
        inside = any(address in network for network in INSIDE)
        return Realm.INSIDE if inside else Realm.OUTSIDE

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        assert transport is Transport.TCP
        return self.standing.get(public)

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
        assert transport is Transport.TCP and last_port is None
        self.asked.append(Asked(listener, port, third_party, tuple(peers), wait))
        if port < 1024:
            return Refusal("port.privileged", f"port {port} is not from 1024 to 65535")
        if len(self.armed) >= self.room:
            return Refusal("quota.session", f"{self.room} are announced already")
        number = len(self.armed) + 1
        actual, seen = self.conversation.actual(listener), self.conversation.seen(listener)
        announced = Endpoint(third_party or seen.address, port)
        if actual.address != seen.address:
            announced = Endpoint(seen.address, FIRST_PUBLIC_PORT + number)
        expectation = Expectation(
            number, transport, Endpoint(third_party or actual.address, port), announced
        )
        self.armed.append(expectation)
        self.standing[announced] = expectation.listener
        return expectation
