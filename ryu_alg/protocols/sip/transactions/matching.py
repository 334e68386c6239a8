"""Which transaction a message belongs to: RFC 3261 sections 17.1.3 and 17.2.3.

Who sends no branch with the cookie, as in RFC 2543, has no key here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Address, Realm
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.via import COOKIE


@dataclass(frozen=True, slots=True)
class ClientKey:
    """Of a response: the branch is the gateway's own, and names one request."""

    branch: bytes
    method: str


@dataclass(frozen=True, slots=True)
class ServerKey:
    """Of a request. Where it comes from is part of it: nobody else cancels or acknowledges."""

    realm: Realm
    source: Address
    branch: bytes
    sent_by: tuple[bytes, int | None]
    """Host in lower case, and port."""
    method: str
    """INVITE for ACK, too."""

    @property
    def cancelled(self) -> ServerKey:
        """What a CANCEL with this key is about (section 9.2)."""
        return ServerKey(self.realm, self.source, self.branch, self.sent_by, "INVITE")


def client_key(response: Message) -> ClientKey | None:
    """The client transaction of a response; None if it names none."""
    branch = response.branch
    return ClientKey(branch, response.cseq.method) if branch else None


def server_key(request: Message, realm: Realm, source: Address) -> ServerKey | None:
    """The server transaction of a request from `source` in `realm`; None as in RFC 2543."""
    via = request.vias[0]
    branch = via.branch
    if branch is None or not branch.startswith(COOKIE) or branch == COOKIE:
        return None
    method = "INVITE" if request.method == "ACK" else request.method
    return ServerKey(realm, source, branch, (via.sent_by.host.lower(), via.sent_by.port), method)
