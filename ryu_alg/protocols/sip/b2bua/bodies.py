"""Which bodies cross, and what becomes of the session descriptions in them.

Towards inside, every body crosses. Towards outside, one of several parts leaves as its session
description alone, and otherwise only what cannot say anything about the inside's network does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip.b2bua.headers import body_headers
from ryu_alg.protocols.sip.b2bua.hiding import Hiding
from ryu_alg.protocols.sip.bodies import MalformedBody, descriptions
from ryu_alg.protocols.sip.media import CallMedia, MediaEffect, Refused
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header

OUTWARD_TYPES = (
    b"application/dtmf",
    b"application/dtmf-relay",
    b"application/im-iscomposing+xml",
    b"application/media_control+xml",
    b"application/pidf+xml",
    b"application/simple-message-summary",
    b"message/sipfrag",
    b"text/plain",
)
"""Besides application/sdp in a call."""
_SDP = b"application/sdp"


@dataclass(frozen=True, slots=True)
class Crossed:
    """A body as it leaves, and its headers."""

    body: bytes = b""
    headers: tuple[Header, ...] = ()
    effects: tuple[MediaEffect, ...] = ()
    described: bool = False
    """It is, or holds, a session description."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """It does not cross."""

    status: int
    code: str
    detail: str
    effects: tuple[MediaEffect, ...] = ()


def cross(
    message: Message,
    towards: Realm,
    hiding: Hiding,
    media: CallMedia | None,
    leg: bytes,
    *,
    answer: bool,
) -> Crossed | Stopped:
    """The body of `message` on its way; `media` of the call if descriptions belong there.

    `leg` and `answer`: see `CallMedia`.
    """
    if not message.body:
        return Crossed()
    spans = descriptions(
        message.body, message.value(b"content-type"), message.value(b"content-encoding")
    )
    if isinstance(spans, MalformedBody):
        return Stopped(400, "sip.body.malformed", spans.reason)
    if not spans or media is None:
        return _plain(message, towards)
    if len(spans) > 1:
        return Stopped(488, "sip.body.several", "more than one session description")
    (start, end) = spans[0]
    description = message.body[start:end]
    outward = towards is Realm.OUTSIDE
    turn = media.from_inside if outward else media.from_outside
    turned = turn(description, leg, answer=answer)
    if isinstance(turned, Refused):
        return Stopped(488, turned.code, turned.detail, turned.effects)
    if outward:
        # Names of sessions and unknown attributes may hold addresses, too.
        whole = (start, end) == (0, len(message.body))
        headers = body_headers(message) if whole else [(b"Content-Type", _SDP)]
        return Crossed(hiding.covered(turned.body), tuple(headers), turned.effects, True)
    body = message.body[:start] + turned.body + message.body[end:]
    return Crossed(body, tuple(body_headers(message)), turned.effects, True)


def _plain(message: Message, towards: Realm) -> Crossed | Stopped:
    kind = (message.value(b"content-type") or b"").split(b";")[0].strip().lower()
    if towards is Realm.INSIDE:
        return Crossed(message.body, tuple(body_headers(message)))
    if kind not in OUTWARD_TYPES or message.value(b"content-encoding"):
        return Stopped(415, "sip.body.type", f"a body of type {kind[:64]!r} does not leave")
    body = message.body
    if kind == b"message/sipfrag":
        # How far a REFER has come is in the status line; what follows it is about hops.
        body = body.split(b"\n")[0].rstrip(b"\r") + b"\r\n"
    return Crossed(body, tuple(body_headers(message)))
