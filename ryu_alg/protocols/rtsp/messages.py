"""Requests and responses: their start lines, and the headers that the gateway reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ryu_alg.inspection.framing import LF
from ryu_alg.inspection.headers import Field, Head, HeadLimits

LIMITS = HeadLimits(line=8192, head=16384, fields=100)
CONTENT_LENGTH = frozenset({b"content-length"})
_MAX_TIMEOUT = 86_400
_MAX_SESSION = 256
"""Bytes of a session's identifier; RFC 7826 has at most 128."""

_TOKEN = rb"[A-Za-z0-9!#%&'*+\-.^_`|~]{1,64}"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([^ \t]+) (RTSP/[0-9]\.[0-9])")
_STATUS_LINE = re.compile(rb"(RTSP/[0-9]\.[0-9]) ([1-5][0-9]{2})(?: .*)?")
_MAY_BECOME_START_LINE = re.compile(
    rb"(?:RTSP/[0-9.]{0,3}(?: .*)?|" + _TOKEN + rb"(?: [^ \t]*(?: [RTSP/0-9.]*)?)?)\r?"
)
_SESSION = re.compile(rb"([^;\s]{1,%d})[ \t]*(?:;(.*))?" % _MAX_SESSION, re.DOTALL)
_TIMEOUT = re.compile(rb"(?:^|;)[ \t]*timeout[ \t]*=[ \t]*([0-9]{1,10})", re.IGNORECASE)
_CSEQ = re.compile(rb"[0-9]{1,10}")


class Session(NamedTuple):
    """What a Session header says."""

    name: bytes
    timeout: int | None
    """Seconds; None: it says nothing about it."""


class Message(NamedTuple):
    """The head of a message, within the bytes that it was read from."""

    raw: bytes
    head: Head
    version: bytes
    """`RTSP/1.0`."""
    method: str = ""
    """In upper case; empty: a response. Some servers do not mind the case."""
    uri: tuple[int, int] = (0, 0)
    """Where a request's URI stands."""
    status: int = 0
    """Of a response."""

    @property
    def url(self) -> bytes:
        """The URI of a request."""
        return self.raw[self.uri[0] : self.uri[1]]

    def fields(self, name: bytes) -> Iterator[Field]:
        """The fields of a name, in order."""
        return (field for field in self.head.fields if field.name == name)

    def value(self, name: bytes) -> bytes:
        """The value of the only field of a name; empty if there is none, or more than one."""
        found = [field for field in self.head.fields if field.name == name]
        return self.raw[found[0].value_start : found[0].value_end] if len(found) == 1 else b""

    @property
    def cseq(self) -> int | None:
        """Its number; None without one, or with several."""
        value = self.value(b"cseq")
        return int(value) if _CSEQ.fullmatch(value) else None

    @property
    def session(self) -> Session | None:
        """The session that it belongs to; None before there is one."""
        match = _SESSION.fullmatch(self.value(b"session"))
        if match is None:
            return None
        found = _TIMEOUT.search(match[2] or b"")
        seconds = min(int(found[1]), _MAX_TIMEOUT) if found else 0
        return Session(match[1], seconds or None)

    @property
    def describes(self) -> bool:
        """Whether its body is a session description."""
        media_type = self.value(b"content-type").split(b";")[0].strip().lower()
        return media_type == b"application/sdp"


def read(raw: bytes, head: Head) -> Message | None:
    """The message with that head; None if it is none."""
    line = raw[head.start : head.line_end]
    if status := _STATUS_LINE.fullmatch(line):
        return Message(raw, head, status[1], status=int(status[2]))
    request = _REQUEST_LINE.fullmatch(line)
    if request is None:
        return None
    uri = (head.start + request.start(2), head.start + request.end(2))
    return Message(raw, head, request[3], request[1].decode("ascii").upper(), uri)


def may_begin(data: bytes, position: int) -> bool:
    """Whether a message may begin at `position`."""
    end = data.find(LF, position, position + LIMITS.line)
    if end < 0:
        last = position + LIMITS.line
        return bool(_MAY_BECOME_START_LINE.fullmatch(data, position, last))
    line = data[position:end].rstrip(b"\r")
    return bool(_STATUS_LINE.fullmatch(line) or _REQUEST_LINE.fullmatch(line))
