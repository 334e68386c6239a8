"""One line of IRC (RFC 1459 section 2.3.1, RFC 2812 section 2.3), with IRCv3 message tags."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from ryu_alg.inspection.edits import Span
from ryu_alg.inspection.framing import Line

MESSAGE_LIMIT = 512
"""Bytes of a message without its tags, with its end (RFC 2812 section 2.3)."""
LINE_LIMIT = 8191 + MESSAGE_LIMIT
"""Bytes of a line: the tags, from @ to the blank behind them, may have 8191."""
_MAX_PARAMETERS = 15
_HEAD = re.compile(
    rb" *(?P<tags>@[^ ]* +)?(?::(?P<prefix>[^ ]*) +)?(?P<command>[A-Za-z]+|[0-9]{3})(?= |$)"
)
_COLON = 0x3A
_WORD = re.compile(rb"[^ ]+")


class Malformed(Enum):
    """Why a line cannot be read in one way only."""

    NUL = "nul"
    """Some programs end a text there."""
    BARE_CR = "bare_cr"
    """Some programs end a line there."""
    SYNTAX = "syntax"
    """It has no command."""


class Message(NamedTuple):
    """A message, and where its parts stand in the line that it was read from."""

    raw: bytes
    """The line, with its end."""
    tags_end: int
    """Where what counts for `MESSAGE_LIMIT` begins."""
    prefix: bytes
    """Who it is from, without the colon: `nick!user@host`, or a server. Often empty."""
    command: bytes
    """In upper case, or three digits."""
    parameters: tuple[Span, ...]
    """The last one without its colon."""

    def parameter(self, index: int) -> bytes:
        """A parameter; empty if there are not so many."""
        if index >= len(self.parameters):
            return b""
        start, end = self.parameters[index]
        return self.raw[start:end]

    @property
    def nick(self) -> bytes:
        """Who it is from, without user and host."""
        return self.prefix.split(b"!", 1)[0]


def parse(line: Line) -> Message | Malformed:
    """The message in a line."""
    text = line.text
    if b"\0" in text:
        return Malformed.NUL
    if b"\r" in text:
        return Malformed.BARE_CR
    head = _HEAD.match(text)
    if head is None:
        return Malformed.SYNTAX
    tags, prefix, command = head.groups()
    tags_end = head.end("tags") if tags else 0
    return Message(line.raw, tags_end, prefix or b"", command.upper(), _spans(text, head.end()))


def _spans(text: bytes, position: int) -> tuple[Span, ...]:
    """Of the parameters that begin at `position`."""
    spans: list[Span] = []
    for word in _WORD.finditer(text, position):
        start = word.start()
        if text[start] == _COLON:
            return (*spans, (start + 1, len(text)))
        if len(spans) == _MAX_PARAMETERS - 1:
            return (*spans, (start, len(text)))
        spans.append(word.span())
    return tuple(spans)
