"""Lines within a stream, for protocols that speak in lines (FTP, IRC, SIP headers).

There is no buffer here: the engine holds what an inspector does not decide and offers it
again, so a line is looked for from where the undecided bytes begin, and never further than
the protocol's limit.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

CR = 0x0D
LF = 0x0A


class Line(NamedTuple):
    """One whole line: `raw` as it stands in the stream, with its LF."""

    raw: bytes

    @property
    def text(self) -> bytes:
        """The line without its LF, and without the CRs in front of that."""
        return self.raw[:-1].rstrip(b"\r")


class Unframed(Enum):
    """Why there is no line to be had."""

    PARTIAL = "partial"
    """Its end has not come yet."""
    OVERLONG = "overlong"
    """Its end is not within the limit: it will never be a line."""


def take_line(data: bytes, start: int, limit: int) -> Line | Unframed:
    """The line that begins at `start` and, LF included, is at most `limit` bytes long.

    A line ends with LF: most often CR LF, bare LF from those who know no better.
    """
    end = data.find(LF, start, start + limit)
    if end >= 0:
        return Line(data[start : end + 1])
    return Unframed.OVERLONG if len(data) - start >= limit else Unframed.PARTIAL
