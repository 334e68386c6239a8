"""What hosts say here, besides `tests.bench.punts.conversations`."""

from __future__ import annotations

from ryu_alg import packets
from ryu_alg.engine.segment import RST
from tests.bench.errors import BenchError
from tests.bench.punts.conversations import Calls, Noops

_INSIDE = 1
_HEADERS = 54
"""Bytes of a frame in front of what is said over TCP."""


class Steady(Noops):
    """`Noops`, less looked at: a soak is to keep the gateway busy, and not the switch."""

    def check(self) -> None:
        """Whether what was said came back. BenchError. Forgets it."""
        said, heard = ([frame[_HEADERS:] for frame in of] for of in (self._sent, self._back))
        if self.beginning or said != heard:
            super().check()
        self._sent.clear()
        self._back.clear()


class Greeted(Noops):
    """An FTP session that gets no further than its greeting: four punts."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        del self._said[4:]

    def leave(self) -> None:
        """What comes next is the client's reset."""
        self._said = [(_INSIDE, b"", RST)]

    def _compare(self, before: packets.Packet, after: packets.Packet) -> None:
        if not before.flags & RST:
            super()._compare(before, after)
        elif not after.flags & RST or after.seq != before.seq:
            raise BenchError("a reset came back as something else")


class Visitor(Noops):
    """A client that wants to open a session, and gives up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._said = [self._said[0], (_INSIDE, b"", RST)]


class Call(Calls):
    """A telephone calls another one, which rings and answers, and nobody hangs up."""

    @property
    def beginning(self) -> bool:
        """It is not up yet."""
        return self.kind != "ACK"
