"""HTTP/1.0 and 1.1 (RFC 9112): start lines, and where a message ends.

What two readers could take for different messages is not taken for any: a length that is there
twice, a length and a transfer coding together, a transfer coding other than `chunked`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ryu_alg.inspection.edits import Span
from ryu_alg.inspection.framing import Unframed, take_line
from ryu_alg.inspection.headers import Field, Head, HeadLimits, Unread, content_length

LIMITS = HeadLimits(line=8192, head=16384, fields=100)
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([^\0-\x20\x7f]+) HTTP/1\.[01]")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\0\r]*)?")
_MAX_CHUNK_LINE = 512
"""Bytes of the line before a chunk, and of a line of the trailer."""
_MAX_TRAILER = 32
"""Lines."""
_COLON = b":"
_CONTENT_LENGTH = frozenset({b"content-length"})
_NO_CONTENT = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Message:
    """The head of a request or an answer, within the bytes that it was read from."""

    raw: bytes
    head: Head

    def fields(self, name: bytes) -> Iterator[Field]:
        """The fields of a name, which is in lower case, in order."""
        return (field for field in self.head.fields if field.name == name)

    def values(self, name: bytes) -> list[bytes]:
        """Their values."""
        return [self.raw[field.value_start : field.value_end] for field in self.fields(name)]


@dataclass(frozen=True, slots=True)
class Request(Message):
    """What a client says."""

    method: bytes
    target: Span
    """Where the request target stands, in whatever form: a path, or the URL that a proxy is to
    fetch."""


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """What a server says."""

    status: int


def read_request(raw: bytes, head: Head) -> Request | None:
    """The request with that head; None if it is none."""
    line = _REQUEST_LINE.fullmatch(raw, head.start, head.line_end)
    if line is None or not _sound(raw, head):
        return None
    return Request(raw, head, line[1], line.span(2))


def read_answer(raw: bytes, head: Head) -> Answer | None:
    """The answer with that head; None if it is none."""
    line = _STATUS_LINE.fullmatch(raw, head.start, head.line_end)
    if line is None or not _sound(raw, head):
        return None
    return Answer(raw, head, int(line[1]))


def _sound(raw: bytes, head: Head) -> bool:
    """Whether no field has blanks between its name and the colon (RFC 9112 section 5.1)."""
    ends = (each.start + len(each.name) for each in head.fields)
    return all(raw[end : end + 1] == _COLON for end in ends)


# -- bodies -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Counted:
    """A body of so many bytes, or none."""

    left: int
    content: bytearray = field(default_factory=bytearray)

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self.left == 0

    def take(self, data: bytes, at: int, *, keep: bool = False) -> int | Unread:
        """Where what `data` holds of it ends; with `keep`, that is added to `content`."""
        end = min(len(data), at + self.left)
        self.left -= end - at
        if keep:
            self.content += data[at:end]
        return end


@dataclass(slots=True)
class Endless:
    """A body that ends with the connection."""

    content: bytearray = field(default_factory=bytearray)
    done: bool = field(default=False, init=False)

    def take(self, data: bytes, at: int, *, keep: bool = False) -> int | Unread:
        """As of `Counted`."""
        if keep:
            self.content += data[at:]
        return len(data)


class _At(Enum):
    """Where a chunked body is (RFC 9112 section 7.1)."""

    SIZE = "size"
    DATA = "data"
    BEHIND = "behind"
    """The line's end behind the data."""
    TRAILER = "trailer"
    DONE = "done"


@dataclass(slots=True)
class Chunked:
    """A body in chunks."""

    content: bytearray = field(default_factory=bytearray)
    at: _At = _At.SIZE
    left: int = 0
    """Bytes of the present chunk."""
    trailer: int = 0
    """Lines of it so far."""

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self.at is _At.DONE

    def take(self, data: bytes, at: int, *, keep: bool = False) -> int | Unread:
        """As of `Counted`; what cannot be read is no body."""
        while not self.done and at < len(data):
            if self.at is _At.DATA:
                end = min(len(data), at + self.left)
                self.left -= end - at
                if keep:
                    self.content += data[at:end]
                if self.left == 0:
                    self.at = _At.BEHIND
                at = end
                continue
            line = take_line(data, at, _MAX_CHUNK_LINE)
            if line is Unframed.PARTIAL:
                break
            if isinstance(line, Unframed) or not self._line(line.text):
                return Unread.SYNTAX
            at += len(line.raw)
        return at

    def _line(self, text: bytes) -> bool:
        """Go on behind a line; False: it is none that may stand here."""
        match self.at:
            case _At.SIZE:
                size = _CHUNK_SIZE.fullmatch(text)
                if size is None:
                    return False
                self.left = int(size[1], 16)
                self.at = _At.DATA if self.left else _At.TRAILER
            case _At.BEHIND:
                self.at = _At.SIZE
                return text == b""
            case _:
                self.trailer += 1
                if text == b"":
                    self.at = _At.DONE
                return self.trailer <= _MAX_TRAILER
        return True


Body = Counted | Chunked | Endless


def request_body(request: Request) -> Body | None:
    """What follows its head; None if that is not clear."""
    return _body(request, Counted(0))


def answer_body(answer: Answer, method: bytes) -> Body | None:
    """What follows its head, given the method of the request; None if that is not clear."""
    if method == b"HEAD" or answer.status < 200 or answer.status in _NO_CONTENT:
        return Counted(0)
    return _body(answer, Endless())


def _body(message: Message, otherwise: Body) -> Body | None:
    codings = [value.lower() for value in message.values(b"transfer-encoding")]
    length = content_length(message.raw, message.head, _CONTENT_LENGTH)
    if codings:
        return Chunked() if codings == [b"chunked"] and length is None else None
    if isinstance(length, Unread):
        return None
    return otherwise if length is None else Counted(length)
