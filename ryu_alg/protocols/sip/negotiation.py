"""Which session description is an offer and which an answer (RFC 3264, RFC 6337 section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ryu_alg.inspection import DatagramGateway, Realm, Report
from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.sip.bodies import MalformedBody, descriptions
from ryu_alg.protocols.sip.calls import Call
from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.media import MediaEffect, Refused, shown
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
    if not negotiates(message):
        return Negotiated()
    found = _found(message)
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


def describe(gateway: DatagramGateway, message: Message, edits: Edits) -> tuple[Report, ...]:
    """A message of the inside that belongs to no call, or says nothing about its media: no
    address of the inside leaves in a description, and nothing is opened."""
    found = _found(message)
    if isinstance(found, MalformedBody):
        return (Report("sip.body.malformed", found.reason),)
    body, reports = message.body, []
    for start, end in reversed(found):
        rewritten = shown(gateway, gateway.host, body[start:end])
        body = body[:start] + rewritten.body + body[end:]
        reports += [effect for effect in rewritten.effects if isinstance(effect, Report)]
    if body != message.body:
        edits.replace_body(body)
    return tuple(reports)


def negotiates(message: Message) -> bool:
    """Whether a description in it is an offer or an answer."""
    return message.method in _OFFERING | _ANSWERING and message.status < 300


def _found(message: Message) -> Sequence[Span] | MalformedBody:
    return descriptions(
        message.body, message.value(b"content-type"), message.value(b"content-encoding")
    )


def _answers(
    call: Call, message: Message, origin: Realm, passage: Passage | None, leg: bytes
) -> bool:
    if not message.is_request:
        return passage is not None and passage.offers
    return message.method in _ANSWERING and call.media.offered(origin.other, leg)
