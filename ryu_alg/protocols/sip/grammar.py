"""The pieces that SIP's headers are made of: RFC 3261 section 25, as patterns over bytes.

Where software in the field writes what the grammar does not allow, and every reader takes it
the same way, the patterns allow it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ryu_alg.inspection.edits import Span

LWS = rb"[ \t\r\n]*"
"""Blanks between tokens. A line's end is among them only where the line is folded."""
TOKEN = rb"[A-Za-z0-9\-.!%*_+`'~]+"
QUOTED = rb'"(?:[^"\\]|\\.)*"'
HOST = rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9._\-]{0,254})"

_VALUE = rb'(?:"(?:[^"\\]|\\.)*"|[^\s;,"<>]+)'
_PARAMETER = re.compile(
    LWS + rb";" + LWS + rb"(" + TOKEN + rb")(?:" + LWS + rb"=" + LWS + rb"(" + _VALUE + rb")?)?",
    re.DOTALL,
)
_BLANKS = b" \t\r\n"
_SOME_BLANKS = re.compile(LWS)


class SipSyntaxError(ValueError):
    """What stands there is not what the grammar says. Its text is fit to be shown."""


class Parameter(NamedTuple):
    """;name=value, or ;name."""

    name: bytes
    """In lower case."""
    value: bytes | None
    """As written, quotes included; None without `=`."""
    span: Span
    """From the semicolon to the end of the value."""
    value_span: Span
    """Of the value; empty, and behind the name, without one."""


def take_parameters(raw: bytes, start: int, end: int) -> tuple[tuple[Parameter, ...], int]:
    """All parameters from `start` on, and where they end."""
    found = []
    position = start
    while match := _PARAMETER.match(raw, position, end):
        name, value = match.groups()
        semicolon, position = raw.index(b";", position), match.end()
        value_span = (position, position) if value is None else match.span(2)
        found.append(Parameter(name.lower(), value, (semicolon, position), value_span))
    return tuple(found), position


def parameter(parameters: tuple[Parameter, ...], name: bytes) -> Parameter | None:
    """The parameter of that name; of several, the first."""
    for candidate in parameters:
        if candidate.name == name:
            return candidate
    return None


def skip_blanks(raw: bytes, position: int, end: int) -> int:
    """Where the next token begins."""
    if position == end or raw[position] not in _BLANKS:
        return position
    match = _SOME_BLANKS.match(raw, position, end)
    assert match is not None
    return match.end()


def next_item(raw: bytes, position: int, end: int) -> int | None:
    """Behind the comma that stands at `position`; None at the end of the list."""
    position = skip_blanks(raw, position, end)
    if position == end:
        return None
    if raw[position : position + 1] != b",":
        raise SipSyntaxError("something between two items of a list")
    return skip_blanks(raw, position + 1, end)
