"""Flows that come and go with sessions, as messages: the same as `flowtext.flow_mod`, for less.

Such flows are a few texts, time and again with other addresses, ports, marks and cookies. From the
second of a kind on, the message is one that was compiled before, with the values of this text in
their places. Where those are is not written down but tried out: each value is changed, and what
changes in the message by that is its place.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, zip_longest
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from ryu_alg.openflow import flowtext
from ryu_alg.openflow.fields import SyntaxProblem
from ryu_alg.openflow.flowtext import Command

# A number or an address, and the character in front. Not one with a mask, but of all its bits; and
# no number that says what other parts mean, or is always the same.
_VALUE = re.compile(
    r"([=:-])(?<!table=)(?<!priority=)(?<!zone=)(?<!proto=)(?<!type=)(?<!reg1=)(?<!\[0\]=)"
    r"(0x[0-9a-f]+|[0-9a-f]*:[0-9a-f:]++|\d+\.\d+\.\d+\.\d+|\d+)"
    r"(?![\w.]|/(?!32\b|128\b))"
)

_KINDS = 256
"""How many kinds of flows are remembered; there are some twenty."""

Reader = Callable[[str], bytes]
"""From a value in a text to its bytes in a message; ValueError, OverflowError or OSError."""


def flow_mod(text: str, command: Command = Command.ADD) -> bytes:
    """See `flowtext.flow_mod`, errors included."""
    parts = _VALUE.split(text)
    values = parts[2::3]
    del parts[2::3]
    kind = _kind(command, *parts)
    if kind.places is None and not kind.look_at(values):
        return flowtext.flow_mod(text, command)
    try:
        return kind.filled(values)
    except (ValueError, OverflowError, OSError):
        return flowtext.flow_mod(text, command)


class _Kind:
    """Flows whose texts differ in their values only."""

    __slots__ = ("_command", "_end", "_looked_at", "_parts", "places")

    def __init__(self, command: Command, parts: tuple[str, ...]) -> None:
        self._command = command
        self._parts = parts
        self._looked_at = 0
        self._end = b""
        """What the message has behind the last value."""
        self.places: list[tuple[bytes, int, Reader]] | None = None
        """In the order of the message: what it has in front of a value, and which one that is.
        None while that is not known."""

    def filled(self, values: Sequence[str]) -> bytes:
        """The message with these values."""
        pieces = []
        for before, number, read in self.places or ():
            pieces.append(before)
            pieces.append(read(values[number]))
        pieces.append(self._end)
        return b"".join(pieces)

    def look_at(self, values: Sequence[str]) -> bool:
        """Find out the places of values, the second time that there are some."""
        self._looked_at += 1
        if self._looked_at != 2:
            return False
        found = [self._place(values, number) for number in range(len(values))]
        if None in found:
            return False
        message = self._compiled(values)
        places, end = [], 0
        for at, size, number, read in sorted(place for place in found if place is not None):
            places.append((message[end:at], number, read))
            end = at + size
        self.places, self._end = places, message[end:]
        return True

    def _place(self, values: Sequence[str], number: int) -> tuple[int, int, int, Reader] | None:
        """Where the message has a value, in how many bytes; None if not in one piece as it is."""
        for low, high, written, read in _trials(values[number]):
            try:
                one, other = (
                    self._compiled([*values[:number], written(value), *values[number + 1 :]])
                    for value in (low, high)
                )
            except (SyntaxProblem, OverflowError, struct.error):
                continue  # the field is smaller
            if len(one) != len(other):
                return None
            size = len(low)
            differ = [at for at in range(len(one)) if one[at] != other[at]]
            at = differ[0] if differ else 0
            if differ != list(range(at, at + size)) or one[at : at + size] != low:
                return None
            return at, size, number, read
        return None

    def _compiled(self, values: Sequence[str]) -> bytes:
        separated = zip_longest(self._parts[::2], self._parts[1::2], values, fillvalue="")
        return flowtext.flow_mod("".join(chain.from_iterable(separated)), self._command)


@lru_cache(maxsize=_KINDS)
def _kind(command: Command, *parts: str) -> _Kind:
    return _Kind(command, parts)


Trial = tuple[bytes, bytes, Callable[[bytes], str], Reader]
"""Two values that have no byte in common, and how such values are written and read."""


def _trials(example: str) -> Iterator[Trial]:
    """What to try in place of a value; of numbers, the largest first."""
    if "." in example:
        yield _pair(4, _written_ipv4, _ipv4)
    elif ":" in example:
        yield _pair(16, _written_ipv6, _ipv6)
    else:
        for size, read in _NUMBERS.items():
            yield _pair(size, _written_number, read)


def _pair(size: int, written: Callable[[bytes], str], read: Reader) -> Trial:
    return bytes([0x12] * size), bytes([0xED] * size), written, read


def _written_number(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))


def _written_ipv4(value: bytes) -> str:
    return inet_ntop(AF_INET, value)


def _written_ipv6(value: bytes) -> str:
    return inet_ntop(AF_INET6, value)


def _ipv4(text: str) -> bytes:
    return inet_pton(AF_INET, text)


def _ipv6(text: str) -> bytes:
    return inet_pton(AF_INET6, text)


def _number(size: int) -> Reader:
    def read(text: str) -> bytes:
        return int(text, 0).to_bytes(size, "big")

    return read


_NUMBERS = {size: _number(size) for size in (8, 4, 2, 1)}
