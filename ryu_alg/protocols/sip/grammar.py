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
    LWS + rb";" + LWS + rb"(?P<name>" + TOKEN + rb")"
    rb"(?:" + LWS + rb"=" + LWS + rb"(?P<value>" + _VALUE + rb")?)?",
    re.DOTALL,
)
_BLANK = re.compile(LWS)


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
        span = (match.start() + raw[match.start() : match.end()].index(b";"), match.end())
        value_span = match.span("value") if match["value"] is not None else (span[1], span[1])
        found.append(Parameter(match["name"].lower(), match["value"], span, value_span))
        position = match.end()
    return tuple(found), position


def parameter(parameters: tuple[Parameter, ...], name: bytes) -> Parameter | None:
    """The parameter of that name; of several, the first."""
    for candidate in parameters:
        if candidate.name == name:
            return candidate
    return None


def skip_blanks(raw: bytes, position: int, end: int) -> int:
    """Where the next token begins."""
    match = _BLANK.match(raw, position, end)
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
