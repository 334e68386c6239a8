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
from typing import NamedTuple

from ryu_alg.inspection.framing import LF

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_BLANKS = b" \t\r\n"
_FOLD = b" \t"
_EMPTY = (b"\n", b"\r\n")
_BARE_NUL = re.compile(rb"(?<!\\)\0")
"""A NUL behind a backslash can only stand in a quoted string (RFC 4475 section 3.1.1.2)."""
_MAX_DIGITS = 10


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """What a message may have at most before its body."""

    line: int = 8192
    """Bytes of one line, with its end."""
    head: int = 16384
    """Bytes in all."""
    fields: int = 128
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


class Field(NamedTuple):
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


class Head(NamedTuple):
    """All that stands before a body."""

    start: int
    line_end: int
    """Of the start line, without its line's end."""
    fields: tuple[Field, ...]
    end: int
    """Behind the empty line: where the body begins."""

    def moved(self, by: int) -> Head:
        """The same in bytes that begin `-by` further on."""
        if by == 0:
            return self
        fields = tuple(
            Field(name, start + by, value_start + by, value_end + by, end + by)
            for name, start, value_start, value_end, end in self.fields
        )
        return Head(self.start + by, self.line_end + by, fields, self.end + by)


class Framed(NamedTuple):
    """A whole message."""

    head: Head
    end: int
    """Of the body."""


def take_head(data: bytes, start: int, limits: HeadLimits) -> Head | Unread:
    """The head that begins at `start`. Lines end with CR LF, or with LF alone."""
    lines = _lines(data, start, limits)
    if isinstance(lines, Unread):
        return lines
    fields: list[Field] = []
    position = lines[0]
    for end in lines[1:-1]:
        name = _NAME.match(data, position, end)
        if name is None:
            return Unread.SYNTAX
        behind = name.end()
        value = data[behind:end].rstrip(_BLANKS)
        value_end = behind + len(value)
        value_start = value_end - len(value.lstrip(_BLANKS))
        fields.append(Field(name[1].lower(), position, value_start, value_end, end))
        position = end
    if _is_ambiguous(data, start, lines[-1]):
        return Unread.SYNTAX
    line_end = start + len(data[start : lines[0]].rstrip(b"\r\n"))
    return Head(start, line_end, tuple(fields), lines[-1])


def _is_ambiguous(data: bytes, start: int, end: int) -> bool:
    """Some programs end a text at a NUL, and a line at a CR: they would read another message."""
    if data.count(b"\r", start, end) != data.count(b"\r\n", start, end):
        return True
    return data.find(0, start, end) >= 0 and _BARE_NUL.search(data, start, end) is not None


def _lines(data: bytes, start: int, limits: HeadLimits) -> list[int] | Unread:
    """Where the lines up to the empty one end, folded ones together with what they go on from."""
    last = start + limits.head
    ends: list[int] = []
    position = start
    while True:
        bound = min(position + limits.line, last)
        end = data.find(LF, position, bound) + 1
        if end == 0:
            return Unread.OVERLONG if len(data) >= bound else Unread.PARTIAL
        first = data[position]
        if first in _FOLD and len(ends) > 1:
            ends[-1] = end
        else:
            ends.append(end)
            if end - position <= 2 and len(ends) > 1 and data[position:end] in _EMPTY:
                return ends
            if len(ends) > limits.fields + 1:
                return Unread.OVERLONG
        position = end


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
) -> Framed | Unread:
    """The message that begins at `start` of a stream, of which `data` may hold more or less.

    `names` are those of the field that says the body's length.
    """
    head = take_head(data, start, limits)
    if isinstance(head, Unread):
        return head
    length = content_length(data, head, names)
    if length is None:
        return Unread.UNKNOWN_LENGTH
    if isinstance(length, Unread):
        return length
    if length > body_limit:
        return Unread.OVERLONG
    end = head.end + length
    return Framed(head, end) if end <= len(data) else Unread.PARTIAL
