"""Where in a body session descriptions stand: RFC 3261 section 7.4, RFC 2046 section 5.1, RFC 5621.

A description may be the body, or a part of a multipart body, which may itself be a part of one.
What is encoded (gzip, base64) or of another type is nobody's to read: it has no description.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ryu_alg.inspection.edits import Span
from ryu_alg.inspection.headers import Head, HeadLimits, Unread, take_head
from ryu_alg.protocols.sip.grammar import TOKEN, parameter, take_parameters
from ryu_alg.protocols.sip.names import long_form

MAX_PARTS = 16
"""Of one multipart body."""
MAX_DEPTH = 2
"""Multipart bodies within each other."""
_PART_LIMITS = HeadLimits(line=1024, head=4096, fields=32)
_MEDIA_TYPE = re.compile(rb"(" + TOKEN + rb")[ \t\r\n]*/[ \t\r\n]*(" + TOKEN + rb")")
_BOUNDARY = re.compile(rb"[A-Za-z0-9'()+_,\-./:=? ]{0,69}[A-Za-z0-9'()+_,\-./:=?]")
_PLAIN = (b"", b"identity", b"7bit", b"8bit", b"binary")
"""Encodings that leave the bytes as they are."""


@dataclass(frozen=True, slots=True)
class MalformedBody:
    """A multipart body whose parts cannot be told apart."""

    reason: str
    """Fit to be shown."""


class _BodyError(Exception):
    """Reading ends."""


def descriptions(
    body: bytes, content_type: bytes | None, content_encoding: bytes | None = None
) -> tuple[Span, ...] | MalformedBody:
    """The spans within `body` of all session descriptions, in order.

    Both headers as written, None if there is none. A body that consists of several parts keeps
    every other byte when the spans are replaced.
    """
    if content_type is None or not _plain(content_encoding):
        return ()
    try:
        return tuple(_within(body, (0, len(body)), content_type, MAX_DEPTH))
    except _BodyError as error:
        return MalformedBody(str(error))


def _plain(encoding: bytes | None) -> bool:
    return encoding is None or encoding.strip().lower() in _PLAIN


def _within(body: bytes, span: Span, content_type: bytes, depth: int) -> list[Span]:
    match = _MEDIA_TYPE.match(content_type)
    if match is None:
        raise _BodyError("Content-Type names no type")
    kind, subtype = match[1].lower(), match[2].lower()
    if (kind, subtype) == (b"application", b"sdp"):
        return [span] if span[0] < span[1] else []
    if kind != b"multipart":
        return []
    if depth == 0:
        raise _BodyError("multipart bodies are nested too deeply")
    found = []
    for part, part_type in _parts(body, span, _boundary(content_type, match.end())):
        found += _within(body, part, part_type, depth - 1)
    return found


def _boundary(content_type: bytes, start: int) -> bytes:
    parameters, _ = take_parameters(content_type, start, len(content_type))
    found = parameter(parameters, b"boundary")
    text = (found.value or b"") if found else b""
    if text.startswith(b'"'):
        text = re.sub(rb"\\(.)", rb"\1", text[1:-1], flags=re.DOTALL)
    if not _BOUNDARY.fullmatch(text):
        raise _BodyError("multipart without a boundary")
    return text


def _parts(body: bytes, span: Span, boundary: bytes) -> list[tuple[Span, bytes]]:
    """The content of each part that can be read, and its type."""
    start, end = span
    delimiter = re.compile(
        rb"(?:\A|(?<=\n)|\r?\n)--" + re.escape(boundary) + rb"(?P<last>--)?[ \t]*(?=\r?\n|\Z)"
    )
    found: list[tuple[Span, bytes]] = []
    opening = delimiter.search(body, start, end)
    for _ in range(MAX_PARTS + 1):
        if opening is None:
            raise _BodyError("a multipart body does not end")
        if opening["last"]:
            return found
        closing = delimiter.search(body, opening.end(), end)
        if closing is None:
            raise _BodyError("a multipart body does not end")
        head = take_head(body, body.index(b"--", opening.start()), _PART_LIMITS)
        if isinstance(head, Unread):
            raise _BodyError("the head of a part cannot be read")
        content_type = _plain_type(body, head)
        # An empty part may share its line end with the delimiter that follows.
        if content_type is not None and head.end <= closing.start():
            found.append(((head.end, closing.start()), content_type))
        opening = closing
    raise _BodyError("a multipart body has too many parts")


def _plain_type(body: bytes, head: Head) -> bytes | None:
    """The Content-Type of a part; None if it has none, or is encoded."""
    values = {
        long_form(field.name): body[field.value_start : field.value_end] for field in head.fields
    }
    for name in (b"content-encoding", b"content-transfer-encoding"):
        if not _plain(values.get(name)):
            return None
    return values.get(b"content-type")
