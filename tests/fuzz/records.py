"""Inputs as records, so that what mutates bytes also mutates conversations.

An input is one byte that picks the situation, and records: a mark, a byte that says what happens,
and the payload, up to the next mark. Every sequence of bytes is an input.
"""

from __future__ import annotations

from collections.abc import Iterable

MARK = b"\xc2\xa7"
Record = tuple[str, bytes]
"""What happens, and with which payload."""
MOST_RECORDS = 64


def read(data: bytes) -> tuple[int, list[Record]]:
    """The situation, and the records."""
    records = [
        (chr(part[0]), part[1:]) for part in data[1:].split(MARK, MOST_RECORDS + 1)[1:] if part
    ]
    return (data[0] if data else 0), records[:MOST_RECORDS]


def written(situation: int, records: Iterable[Record]) -> bytes:
    """The input that `read` reads as these."""
    return bytes([situation]) + b"".join(MARK + kind.encode() + data for kind, data in records)
