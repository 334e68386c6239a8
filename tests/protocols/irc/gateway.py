"""A gateway in memory: what the FTP tests' does, and what IRC asks besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import (
    Address,
    Endpoint,
    Expectation,
    Network,
    Party,
    Realm,
    Refusal,
    Transport,
)
from tests.protocols.ftp.gateway import MemoryGateway, conversation, endpoint

BEHIND_NAT = conversation("192.168.10.2", "198.51.100.7", client_seen="203.0.113.1")
PUBLISHED = conversation("198.51.100.9", "192.168.20.2", server_seen="203.0.113.1")
IPV6 = conversation("2001:db8:1::9", "2001:db8:2::7")
_OUTSIDE = ("198.51.100.", "203.0.113.", "2001:db8:2::")


@dataclass
class IrcGateway(MemoryGateway):
    """Everything is inside that is not of `_OUTSIDE`."""

    waits: list[int | None] = field(default_factory=list)
    others: dict[Endpoint, Endpoint] = field(default_factory=dict)
    """What public endpoints stand for in other sessions."""
    closed: set[int] = field(default_factory=set)
    """Expectations that are over, whose public ports stand for nothing."""

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
        assert listener is Party.CLIENT and third_party is None and last_port is None
        self.waits.append(wait)
        return super().expect(listener=listener, port=port, transport=transport, peers=peers)

    def realm_of(self, address: Address) -> Realm:
        return Realm.OUTSIDE if str(address).startswith(_OUTSIDE) else Realm.INSIDE

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        assert transport is Transport.TCP
        for armed in self.armed:
            if armed.announced == public and armed.id not in self.closed:
                return armed.listener
        return self.others.get(public)


__all__ = ["BEHIND_NAT", "IPV6", "PUBLISHED", "IrcGateway", "conversation", "endpoint"]
