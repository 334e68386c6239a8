"""Inputs made from others: by bytes, and by whole records."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.fuzz.records import MARK

NUMBERS = (b"0", b"1", b"22", b"1023", b"65535", b"65536", b"65616", b"4294967318", b"-1", b"256")
PIECES = (
    *NUMBERS,
    b"9" * 5000,  # longer than what int() takes
    *(b"\r\n", b"\r", b"\n", b"\0", b"\xff", b" ", b"\t", b",", b";", b":", b"|", b'"', b"'", b"<"),
    *(b"192.168.10.2", b"192.168.10.3", b"203.0.113.1", b"198.51.100.7", b"127.0.0.1", b"[::1]"),
    *(b"0.0.0.0", b"2001:db8:30::2", b"\r\n\r\n", b"\x01", b"e", b"d", b"x" * 600, b"\xc3\xa9"),
)
LONGEST = 8192
"""Bytes of an input."""
KINDS = b"><)(+-fFrRhitoxpqswacsnmlPu"
"""Of all targets' records."""


FEW = 5
"""Records of a short conversation, behind how it begins."""


def shortened(random: Random, data: bytes) -> bytes:
    """How a conversation begins, and a few things that are said in a row later on: most of what may
    go wrong needs no more, and takes a fraction of the time."""
    head, *parts = data.split(MARK)
    begins = random.randrange(3)
    if len(parts) <= begins + FEW:
        return data
    at = random.randrange(begins, len(parts) - 1)
    return MARK.join((head, *parts[:begins], *parts[at : at + random.randint(1, FEW)]))


def mutate(random: Random, data: bytes, others: Sequence[bytes], times: int) -> bytes:
    """`data`, changed in so many places; `others` lend it what they hold."""
    for _ in range(times):
        data = _once(random, data, random.choice(others) if others else b"")[:LONGEST]
    return data


def _once(random: Random, data: bytes, other: bytes) -> bytes:
    if not data:
        return other
    at = random.randrange(len(data) + 1)
    to = min(len(data), at + random.choice((1, 1, 2, 4, 16, 64)))
    match random.randrange(12):
        case 0 | 1:
            return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        case 2:
            return data[:at] + data[to:]
        case 3 | 4 | 5:
            return data[:at] + random.choice(PIECES) + data[to if random.random() < 0.5 else at :]
        case 6:
            return data[:to] + data[at:to] + data[to:]
        case 7:
            return data[:at] + other[random.randrange(len(other) + 1) :]
        case 8:
            return bytes([random.randrange(16)]) + data[1:]
        case _:
            return _records(random, data, other)


def _records(random: Random, data: bytes, other: bytes) -> bytes:
    head, *parts = data.split(MARK)
    if not parts:
        return data + MARK + other[:64]
    at = random.randrange(len(parts))
    match random.randrange(6):
        case 0:
            del parts[at]
        case 1:
            parts.insert(random.randrange(len(parts) + 1), parts[at])
        case 2:
            to = random.randrange(len(parts))
            parts[at], parts[to] = parts[to], parts[at]
        case 3:
            parts[at] = bytes([random.choice(KINDS)]) + parts[at][1:]
        case 4:
            parts.insert(
                at,
                random.choice((b"h", b"i", b"t\x01", b"t\x20", b"t\xff", b"f", b"F", b"P", b"u")),
            )
        case _:
            _, *lent = other.split(MARK)
            parts[at:at] = lent[: random.randrange(4)]
    return MARK.join((head, *parts))
