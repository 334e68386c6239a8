"""Bencoding (BEP 3), read within bounds and with the place of every value, so that what is not
changed leaves as it came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MAX_DEPTH = 8
"""Of lists and dictionaries within each other."""
MAX_VALUES = 4096
"""Of one message, keys included."""
MAX_DIGITS = 20
"""Of an integer, and of a length: 64 bits and a sign."""


class BencodeError(ValueError):
    """These bytes are not the bencoding of anything, or of too much."""


class Text(NamedTuple):
    """A byte string."""

    start: int
    """Where its bencoding begins, its length included."""
    end: int
    """Behind it."""
    data: bytes


class Number(NamedTuple):
    """An integer."""

    start: int
    end: int
    value: int


class Sequence(NamedTuple):
    """A list."""

    start: int
    end: int
    items: tuple[Value, ...]


class Dictionary(NamedTuple):
    """A dictionary. With a key twice it is malformed: readers differ in which one counts."""

    start: int
    end: int
    items: dict[bytes, Value]

    def text(self, key: bytes) -> bytes | None:
        """The byte string with this key; None if there is none, or something else."""
        value = self.items.get(key)
        return value.data if isinstance(value, Text) else None

    def number(self, key: bytes) -> int | None:
        """The integer with this key."""
        value = self.items.get(key)
        return value.value if isinstance(value, Number) else None

    def dictionary(self, key: bytes) -> Dictionary | None:
        """The dictionary with this key."""
        value = self.items.get(key)
        return value if isinstance(value, Dictionary) else None


Value = Text | Number | Sequence | Dictionary


def parse(data: bytes) -> Value:
    """The one value that `data` is. Raises BencodeError."""
    value, end = parse_prefix(data)
    if end != len(data):
        raise BencodeError(f"{len(data) - end} bytes behind the end")
    return value


def parse_prefix(data: bytes) -> tuple[Value, int]:
    """The value that `data` begins with, and where it ends. Raises BencodeError."""
    reader = _Reader(data)
    value = reader.value(0)
    return value, value.end


def text(data: bytes) -> bytes:
    """The bencoding of a byte string."""
    return b"%d:%b" % (len(data), data)


def number(value: int) -> bytes:
    """The bencoding of an integer."""
    return b"i%de" % value


def dictionary(items: dict[bytes, bytes]) -> bytes:
    """The bencoding of a dictionary, of values that are encoded already."""
    return b"d" + b"".join(text(key) + items[key] for key in sorted(items)) + b"e"


def edited(data: bytes, edits: Iterable[tuple[Value, bytes]]) -> bytes:
    """`data` with other bytes in the place of some of its values."""
    pieces, at = [], 0
    for value, replacement in sorted(edits, key=lambda edit: edit[0].start):
        pieces += [data[at : value.start], replacement]
        at = value.end
    return b"".join((*pieces, data[at:]))


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.values = 0

    def value(self, at: int, depth: int = 0) -> Value:
        self.values += 1
        if self.values > MAX_VALUES:
            raise BencodeError(f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise BencodeError(f"nested deeper than {MAX_DEPTH}")
        match self.data[at : at + 1]:
            case b"i":
                digits, end = self._until(b"e", at + 1)
                return Number(at, end, _integer(digits))
            case b"l":
                return self._sequence(at, depth)
            case b"d":
                return self._dictionary(at, depth)
            case _:
                return self._text(at)

    def _sequence(self, start: int, depth: int) -> Sequence:
        items: list[Value] = []
        at = start + 1
        while not self._ends(at):
            items.append(self.value(at, depth + 1))
            at = items[-1].end
        return Sequence(start, at + 1, tuple(items))

    def _dictionary(self, start: int, depth: int) -> Dictionary:
        items: dict[bytes, Value] = {}
        at = start + 1
        while not self._ends(at):
            key = self._text(at)
            if key.data in items:
                raise BencodeError("a key that is there twice")
            items[key.data] = value = self.value(key.end, depth + 1)
            at = value.end
        return Dictionary(start, at + 1, items)

    def _text(self, start: int) -> Text:
        digits, at = self._until(b":", start)
        if not digits.isdigit() or (digits[0:1] == b"0" and digits != b"0"):
            raise BencodeError("neither a value nor the length of one")
        length = int(digits)
        if length > len(self.data) - at:
            raise BencodeError("a string that goes on behind the end")
        return Text(start, at + length, self.data[at : at + length])

    def _until(self, mark: bytes, at: int) -> tuple[bytes, int]:
        """The digits before `mark`, and where what follows begins."""
        end = self.data.find(mark, at, at + MAX_DIGITS + 1)
        if end < 0:
            raise BencodeError("no number, or one that does not end")
        return self.data[at:end], end + 1

    def _ends(self, at: int) -> bool:
        return self.data[at : at + 1] == b"e"


def _integer(digits: bytes) -> int:
    magnitude = digits.removeprefix(b"-")
    if not magnitude.isdigit() or (magnitude[0:1] == b"0" and digits != b"0"):
        raise BencodeError("not an integer")
    return int(digits)
