"""Messages with a start line, header fields and a body, as of SIP (RFC 3261) and RTSP (RFC 7826).

A message is read in place: fields say where they stand in the bytes they were read from, so
that a rewriter can put something else there and leave every other byte alone. Nothing is
buffered here; see `framing`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from ryu_alg.inspection.framing import LF

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_BLANKS = b" \t\r\n"
_NOT_BLANK = re.compile(rb"[^ \t\r\n]|\Z")
_FORBIDDEN = re.compile(rb"(?<!\\)\0|\r(?!\n)")
"""Some programs end a text at a NUL, and a line at a CR: they would read another message. A NUL
behind a backslash can only stand in a quoted string (RFC 4475 section 3.1.1.2)."""
_MAX_DIGITS = 10


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """What a message may have at most before its body."""

    line: int = 8192
    """Bytes of one line, with its end."""
    head: int = 24576
    """Bytes in all."""
    fields: int = 160
    """Header fields."""


class Unread(Enum):
    """Why no message could be read."""

    PARTIAL = "partial"
    """It goes on, but not here."""
    OVERLONG = "overlong"
    """It exceeds a limit: it will never be a message."""
    SYNTAX = "syntax"
    """No header field, or a length that is none."""
    UNKNOWN_LENGTH = "unknown_length"
    """It must say where it ends, and does not."""


@dataclass(frozen=True, slots=True)
class Field:
    """One header field; the positions are within the bytes that it was read from."""

    name: bytes
    """In lower case."""
    start: int
    """Of the name."""
    value_start: int
    value_end: int
    """The value, folds within it included, without the blanks around it."""
    end: int
    """Behind its last line's end."""


@dataclass(frozen=True, slots=True)
class Head:
    """All that stands before a body."""

    start: int
    line_end: int
    """Of the start line, without its line's end."""
    fields: tuple[Field, ...]
    end: int
    """Behind the empty line: where the body begins."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole message."""

    head: Head
    end: int
    """Of the body."""


def take_head(data: bytes, start: int, limits: HeadLimits) -> Head | Unread:
    """The head that begins at `start`. Lines end with CR LF, or with LF alone."""
    position = _line_end(data, start, limits, start)
    if isinstance(position, Unread):
        return position
    first_end = position
    fields: list[Field] = []
    while True:
        end = _line_end(data, position, limits, start)
        if isinstance(end, Unread):
            return end
        if data[position] == LF or data[position:end] == b"\r\n":
            break
        while (folded := data[end : end + 1]) in (b" ", b"\t") and folded:
            further = _line_end(data, end, limits, start)
            if isinstance(further, Unread):
                return further
            end = further
        name = _NAME.match(data, position, end)
        if name is None:
            return Unread.SYNTAX
        if len(fields) >= limits.fields:
            return Unread.OVERLONG
        value = _value(data, name.end(), end)
        fields.append(Field(name[1].lower(), position, *value, end))
        position = end
    if _FORBIDDEN.search(data, start, end):
        return Unread.SYNTAX
    line_end = start + len(data[start:first_end].rstrip(b"\r\n"))
    return Head(start, line_end, tuple(fields), end)


def _line_end(data: bytes, start: int, limits: HeadLimits, head: int) -> int | Unread:
    """Behind the LF of the line that begins at `start`."""
    last = min(start + limits.line, head + limits.head)
    found = data.find(LF, start, last)
    if found >= 0:
        return found + 1
    return Unread.OVERLONG if len(data) >= last else Unread.PARTIAL


def _value(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the value between `start` and `end` begins and ends without blanks around it."""
    text = data[start:end].rstrip(_BLANKS)
    first = _NOT_BLANK.search(data, start, start + len(text))
    return first.start() if first else start + len(text), start + len(text)


def content_length(data: bytes, head: Head, names: Collection[bytes]) -> int | Unread | None:
    """The body's length as the one field named in `names` says; None if there is no such field.

    Several, even if they agree, are one too many: who takes the first, and who the last?
    """
    found = [field for field in head.fields if field.name in names]
    if not found:
        return None
    text = data[found[0].value_start : found[0].value_end]
    if len(found) > 1 or not text.isdigit() or len(text) > _MAX_DIGITS:
        return Unread.SYNTAX
    return int(text)


def take_message(
    data: bytes,
    start: int,
    limits: HeadLimits,
    body_limit: int,
    names: Collection[bytes],
    *,
    bare: int | None = None,
) -> Framed | Unread:
    """The message that begins at `start` of a stream, of which `data` may hold more or less.

    `names` are those of the field that says the body's length; without it, it is `bare`.
    """
    head = take_head(data, start, limits)
    if isinstance(head, Unread):
        return head
    length = content_length(data, head, names)
    if length is None:
        length = bare
    if length is None:
        return Unread.UNKNOWN_LENGTH
    if isinstance(length, Unread):
        return length
    if length > body_limit:
        return Unread.OVERLONG
    end = head.end + length
    return Framed(head, end) if end <= len(data) else Unread.PARTIAL
