"""Which session description is an offer and which an answer (RFC 3264, RFC 6337 section 2)."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip.bodies import MalformedBody, descriptions
from ryu_alg.protocols.sip.calls import Call, other
from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.media import MediaEffect, Refused
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.passages import Passage

_OFFERING = frozenset({"INVITE", "UPDATE", "PRACK"})
_ANSWERING = frozenset({"ACK", "PRACK"})


@dataclass(frozen=True, slots=True)
class Negotiated:
    """A message's description is taken note of, and rewritten."""

    effects: tuple[MediaEffect, ...] = ()
    offers: bool = False


def negotiate(
    call: Call, message: Message, origin: Realm, passage: Passage | None, edits: Edits
) -> Negotiated | Refused:
    """What a message from `origin` says about media; `passage` is that of a response's request."""
    if message.method not in _OFFERING | _ANSWERING or message.status >= 300:
        return Negotiated()
    found = descriptions(
        message.body, message.value(b"content-type"), message.value(b"content-encoding")
    )
    if isinstance(found, MalformedBody):
        return Refused("sip.body.malformed", found.reason)
    if not found:
        return Negotiated()
    if len(found) > 1:
        return Refused("sip.body.ambiguous", f"{len(found)} session descriptions")
    start, end = found[0]
    leg = call.leg(message)
    answer = _answers(call, message, origin, passage, leg)
    take = call.media.from_inside if origin is Realm.INSIDE else call.media.from_outside
    outcome = take(message.body[start:end], leg, answer=answer)
    if isinstance(outcome, Refused):
        return outcome
    edits.replace_body(message.body[:start] + outcome.body + message.body[end:])
    return Negotiated(outcome.effects, offers=not answer)


def _answers(
    call: Call, message: Message, origin: Realm, passage: Passage | None, leg: bytes
) -> bool:
    if not message.is_request:
        return passage is not None and passage.offers
    return message.method in _ANSWERING and call.media.offered(other(origin), leg)
