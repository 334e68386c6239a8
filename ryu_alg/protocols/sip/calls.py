"""Calls as they pass: which dialogues (RFC 3261 section 12) belong to one, and until when.

A call is begun by an INVITE, and is over with the BYE, CANCEL or final failure that ends it, or
when its time is up: ringing, session timer (RFC 4028), or the limit for calls without one. An
offer within a dialogue that nobody knows (the gateway has been restarted) begins one, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.media import CallMedia, MediaEffect, Owner
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.passages import TRANSACTION_LIFETIME

_RETRIED = frozenset({401, 407, 422})
"""Failures after which the caller tries again: with credentials, with another timer."""
_BRANCHES = 16
_DIALOGUE_GONE = frozenset({408, 481})
"""Failures within a dialogue that end it (RFC 3261 section 12.2.1.2)."""

Key = Owner
"""The caller's realm, Call-ID, and the caller's tag."""


@dataclass(slots=True)
class Call:
    """One call."""

    key: Key
    media: CallMedia
    flow: tuple[Endpoint, Endpoint]
    """The inside host's endpoint and the other end's, of signalling."""
    winner: bytes | None = None
    """The leg that was answered."""
    ringing: tuple[bytes, ...] = ()
    """Digests of the INVITEs without final response: a proxy may have forked the call."""

    def leg(self, message: Message) -> bytes:
        """Which of the call's dialogues a message belongs to: the tag of whoever was called."""
        sender, recipient = message.from_tag or b"", message.to_tag or b""
        return recipient if sender == self.key[2] else sender


@dataclass(slots=True)
class Calls:
    """The calls of one inside host."""

    table: Expiring[Key, Call]
    ringing_limit: float
    """Seconds."""
    call_limit: float
    """Seconds."""
    owners: dict[int, Key] = field(default_factory=dict)
    """Which call a binding is of."""

    def find(self, message: Message, origin: Realm) -> Call | None:
        """The call of a request from `origin`, or of a response to one."""
        sender, recipient = message.from_tag or b"", message.to_tag or b""
        by_caller = self.table.get((origin, message.call_id, sender))
        if by_caller is not None:
            return by_caller
        return self.table.get((origin.other, message.call_id, recipient))

    def of_binding(self, binding: int) -> Call | None:
        """The call that a binding is of."""
        key = self.owners.get(binding)
        return None if key is None else self.table.get(key)

    def begin(self, call: Call, now: float) -> bool:
        """A new one. False: there are too many."""
        return self.table.put(call.key, call, now + self.ringing_limit)

    def rings(self, call: Call, invite: bytes, now: float) -> None:
        """An INVITE passed that begins the call, or begins it again."""
        if len(call.ringing) < _BRANCHES and invite not in call.ringing:
            call.ringing += (invite,)
        self.table.keep(call.key, now + self.ringing_limit)

    def over(self, call: Call) -> tuple[MediaEffect, ...]:
        """It is."""
        self.table.discard(call.key)
        return call.media.close()

    def ending(self, call: Call, now: float) -> None:
        """BYE or CANCEL passed: if no response says so, time ends it."""
        until = self.table.until(call.key)
        if until is not None:
            self.table.keep(call.key, min(until, now + TRANSACTION_LIFETIME))

    def expired(self, now: float) -> list[Call]:
        """Calls whose time is up; they are over."""
        return [call for _, call in self.table.expired(now)]

    def invited(
        self, call: Call, response: Message, invite: bytes, now: float
    ) -> tuple[MediaEffect, ...]:
        """A response passes to an INVITE that began the call."""
        leg, status = call.leg(response), response.status
        if status >= 200:
            call.ringing = tuple(other for other in call.ringing if other != invite)
        if call.winner is not None:
            return ()
        if status < 200:
            self.table.keep(call.key, now + self.ringing_limit)
            return ()
        if status < 300:
            call.winner = leg
            self._confirmed(call, response, now)
            return call.media.winner(leg)
        if call.ringing:
            return call.media.leg_failed(leg)
        if status in _RETRIED:
            self.ending(call, now)
            return ()
        return self.over(call)

    def renegotiated(
        self, call: Call, response: Message, origin: Realm, offered: bool, now: float
    ) -> tuple[MediaEffect, ...]:
        """A response passes to a re-INVITE, UPDATE or PRACK of `origin`."""
        if response.status < 300:
            refreshes = response.status >= 200 and response.method != "PRACK"
            if refreshes and call.winner is not None:
                self._confirmed(call, response, now)
            return ()
        leg = call.leg(response)
        if response.status in _DIALOGUE_GONE and leg == call.winner:
            return self.over(call)
        return call.media.offer_failed(origin, leg) if offered else ()

    def hung_up(self, call: Call, response: Message) -> tuple[MediaEffect, ...]:
        """A final response passes to a BYE."""
        if response.status in (401, 407):
            return ()
        leg = call.leg(response)
        return self.over(call) if leg == call.winner else call.media.leg_failed(leg)

    def _confirmed(self, call: Call, response: Message, now: float) -> None:
        """A 2xx starts the session timer anew."""
        interval = response.number(b"session-expires")
        lifetime = self.call_limit if interval is None else min(interval, self.call_limit)
        self.table.keep(call.key, now + lifetime)
