"""Responses of the gateway's own (RFC 3261 section 8.2.6), and messages written from scratch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

from ryu_alg.inspection import Endpoint
from ryu_alg.inspection.headers import Field, Head, Unread, take_head
from ryu_alg.protocols.sip.grammar import SipSyntaxError
from ryu_alg.protocols.sip.message import LIMITS, Message
from ryu_alg.protocols.sip.names import long_form
from ryu_alg.protocols.sip.via import Via, parse_vias

Header = tuple[bytes, bytes]
"""Name and value."""

_COPIED = (b"via", b"from", b"to", b"call-id", b"cseq", b"timestamp")
_TAG = re.compile(rb";[ \t\r\n]*tag[ \t\r\n]*=", re.IGNORECASE)
_TAG_BYTES = 8


def compose(first: bytes, headers: Iterable[Header], body: bytes = b"") -> bytes:
    """A message with this start line; Content-Length is added."""
    lines = [first, *(b"%s: %s" % header for header in headers)]
    lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def respond(
    request: Message,
    status: int,
    reason: str,
    headers: Iterable[Header] = (),
    *,
    source: Endpoint | None = None,
    tag: bytes | None = None,
    body: bytes = b"",
) -> bytes:
    """The response to `request`, which came from `source` (for received and rport).

    Above 100 it has a To tag: `tag`, or one that stays the same for the same request.
    """
    return _respond(request.raw, request.head, status, reason, headers, source, tag, body)


def respond_raw(
    raw: bytes, status: int, reason: str, *, source: Endpoint | None = None
) -> bytes | None:
    """The response to a request that is malformed, but has a head; None without one."""
    head = take_head(raw, 0, LIMITS)
    if isinstance(head, Unread):
        return None
    return _respond(raw, head, status, reason, (), source, None, b"")


def _respond(
    raw: bytes,
    head: Head,
    status: int,
    reason: str,
    headers: Iterable[Header],
    source: Endpoint | None,
    tag: bytes | None,
    body: bytes,
) -> bytes:
    copied: list[Header] = []
    topmost = True
    seen: set[bytes] = set()
    for field in head.fields:
        name = long_form(field.name)
        if name not in _COPIED or (name != b"via" and name in seen):
            continue
        seen.add(name)
        value = raw[field.value_start : field.value_end]
        if name == b"via":
            if topmost and source is not None:
                value = _received(raw, field, source)
            topmost = False
        elif name == b"to" and status > 100 and not _TAG.search(value):
            value += b";tag=" + (tag or _tag(raw, head))
        copied.append((raw[field.start : field.start + len(field.name)], value))
    return compose(b"SIP/2.0 %d %s" % (status, reason.encode()), [*copied, *headers], body)


def _tag(raw: bytes, head: Head) -> bytes:
    """The same for a retransmission, which a stateless server has to take care of (8.2.7)."""
    return blake2b(raw[: head.end], digest_size=_TAG_BYTES).hexdigest().encode()


def _received(raw: bytes, field: Field, source: Endpoint) -> bytes:
    """The Via field of the sender with what it could not know (RFC 3261 18.2.1, RFC 3581 4)."""
    value = raw[field.value_start : field.value_end]
    try:
        via = parse_vias(value, 0, len(value))[0]
    except SipSyntaxError:
        return value
    return value[: via.span[0]] + stamped(value, via, source) + value[via.span[1] :]


def stamped(raw: bytes, via: Via, source: Endpoint) -> bytes:
    """`via` of `raw` with received and rport as whoever is next after `source` writes them."""
    start, end = via.span
    text = raw[start:end]
    wanted = via.wants_rport
    for item in reversed(via.parameters):
        if item.name in (b"received", b"rport"):
            text = text[: item.span[0] - start] + text[item.span[1] - start :]
    if wanted or via.sent_by.address != source.address:
        text += b";received=%s" % str(source.address).encode()
    if wanted:
        text += b";rport=%d" % source.port
    return text
