"""Transactions as they pass: what went through, so that its like goes through the same way.

A response passes only if its request did. A request or response that comes again leaves as it
left the first time, whatever has happened since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from ryu_alg.inspection import Address, Datagram, Endpoint, Realm
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.registrations import Asked
from ryu_alg.protocols.sip.responses import stamped
from ryu_alg.protocols.sip.uris import DEFAULT_PORT

TRANSACTION_LIFETIME = 32.0
"""64 * T1, in seconds: how long either end repeats itself (RFC 3261 section 17)."""
_SETTLED = 5.0
"""T4, in seconds: how long a message may stay in the network."""
_RESPONSES = 16
"""Different responses to one request (forking) that are remembered as they left."""


class Key(NamedTuple):
    """What a request has in common with its responses, and an INVITE with the ACK of a failure.

    Not the branch alone, which RFC 2543 does not know.
    """

    origin: Realm
    """Of the request."""
    peer: Address
    """The other end of the inside host."""
    branch: bytes
    call_id: bytes
    number: int
    method: str


def key_of(message: Message, origin: Realm, peer: Address) -> Key:
    """Of a request from `origin`, or of a response to one."""
    method = "INVITE" if message.method == "ACK" else message.method
    branch = message.branch or b""
    return Key(origin, peer, branch, message.call_id, message.cseq.number, method)


def digest(raw: bytes) -> bytes:
    """What two messages have in common if they are the same."""
    return blake2b(raw, digest_size=16).digest()


@dataclass(slots=True)
class Passage:
    """A request, and what came of it."""

    digest: bytes
    """Of the request as it came."""
    source: Endpoint
    """Its sender."""
    restored: bytes
    """The same as it would stand in a response if there were no gateway; empty without NAT."""
    answer_to: Endpoint
    """Where its sender waits for responses (RFC 3261 section 18.2.2, RFC 3581)."""
    sent: bytes = b""
    """The request as it left."""
    answer: bytes = b""
    """The gateway's own response; then the request did not leave."""
    responses: dict[bytes, bytes] = field(default_factory=dict)
    """By their digest as they came, as they left."""
    offers: bool = False
    """The request carried an offer (RFC 3264): a description in a response is the answer."""
    settled: bool = False
    """A final response has passed, or a CANCEL: it will soon be over."""
    begins: bool = False
    """An INVITE outside of any dialogue."""
    asked: Asked | None = None
    """Of a REGISTER."""

    def remember(self, raw: bytes, left: bytes) -> None:
        """A response came as `raw` and left as `left`."""
        if len(self.responses) < _RESPONSES:
            self.responses[digest(raw)] = left


def passage_of(message: Message, datagram: Datagram) -> Passage:
    """A new one for a request."""
    source = datagram.inside if datagram.origin is Realm.INSIDE else datagram.remote
    translated = datagram.origin is Realm.INSIDE and datagram.public != datagram.inside
    via = message.vias[0]
    port = source.port if via.wants_rport else via.sent_by.port or DEFAULT_PORT
    return Passage(
        digest=digest(message.raw),
        source=source,
        restored=stamped(message.raw, via, source) if translated else b"",
        answer_to=Endpoint(source.address, port),
    )


@dataclass(slots=True)
class Passages:
    """All that is under way, of one inside host."""

    table: Expiring[Key, Passage]
    patience: float
    """Seconds for which an INVITE may go unanswered, and between provisional responses."""

    def room_for(self, key: Key) -> bool:
        """Whether one may be begun; nobody outside can take all the room from the inside."""
        if key in self.table:
            return True
        return not (self.table.crowded if key.origin is Realm.OUTSIDE else self.table.full)

    def begun(self, key: Key, passage: Passage, now: float) -> None:
        """A request passes, or was answered; without room for it, it is forgotten at once."""
        if not self.room_for(key):
            return
        lifetime = TRANSACTION_LIFETIME + _SETTLED
        if key.method == "INVITE" and not passage.answer:
            lifetime = self.patience
        self.table.put(key, passage, now + lifetime)

    def cancelled(self, key: Key, now: float) -> None:
        """A CANCEL of this INVITE passes: it is over then, even if no response says so (RFC 3261
        section 9.1)."""
        passage, until = self.table.get(key), self.table.until(key)
        if passage is not None and until is not None:
            passage.settled = True
            self.table.keep(key, min(until, now + TRANSACTION_LIFETIME))

    def answered(self, key: Key, status: int, now: float) -> None:
        """A response passes: how long may there be others, and repetitions?"""
        passage = self.table.get(key)
        if passage is None or (passage.settled and status < 200):
            return  # a provisional response that was overtaken prolongs nothing
        passage.settled = status >= 200
        if key.method == "INVITE":
            lifetime = self.patience if status < 200 else TRANSACTION_LIFETIME
        else:
            lifetime = TRANSACTION_LIFETIME + _SETTLED if status < 200 else _SETTLED
        self.table.keep(key, now + lifetime)
