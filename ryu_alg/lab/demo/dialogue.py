"""An FTP control conversation as it looks on both sides of the gateway."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ryu_alg.inspection import Direction
from ryu_alg.inspection.names import escaped
from ryu_alg.lab.demo.streams import Streams
from ryu_alg.packets import Packet

FTP_PORT = 21

_PASSWORD = re.compile(r"(?i)(PASS ).+")


class Side(Enum):
    """Which wire: the client's or the server's."""

    CLIENT = "client"
    SERVER = "server"


_ARRIVES = {Direction.TO_SERVER: Side.CLIENT, Direction.TO_CLIENT: Side.SERVER}
"""On which side the gateway receives what goes in a direction."""


@dataclass(frozen=True, slots=True)
class ControlLine:
    """One line, before and after the gateway."""

    direction: Direction
    before: str
    after: str

    @property
    def rewritten(self) -> bool:
        """Whether the gateway changed it."""
        return self.before != self.after


class Dialogue:
    """Puts together what the captures of both wires see of one session.

    The n-th line that goes into the gateway in a direction is the n-th that comes out of it: the
    demonstration sends nothing that the gateway would answer or drop itself.
    """

    def __init__(self, seen: Callable[[float, ControlLine], None]) -> None:
        """`seen` is called with the Unix time at which a line came out, and the line."""
        self._seen = seen
        self._streams = {side: Streams() for side in Side}
        self._partial = {(side, direction): b"" for side in Side for direction in Direction}
        self._came = {direction: deque[str]() for direction in Direction}
        self._left = {direction: deque[tuple[float, str]]() for direction in Direction}
        # Each side's capture has a thread of its own.
        self._lock = threading.Lock()

    def at(self, side: Side) -> Callable[[float, Packet], None]:
        """What the capture on that side calls."""

        def packet_seen(time: float, packet: Packet) -> None:
            with self._lock:
                self._take(side, time, packet)

        return packet_seen

    def _take(self, side: Side, time: float, packet: Packet) -> None:
        direction = Direction.TO_SERVER if packet.dport == FTP_PORT else Direction.TO_CLIENT
        data = self._partial[side, direction] + self._streams[side].fresh(packet)
        *lines, self._partial[side, direction] = data.split(b"\n")
        for line in lines:
            if side is _ARRIVES[direction]:
                self._came[direction].append(_text(line))
            else:
                self._left[direction].append((time, _text(line)))
        came, left = self._came[direction], self._left[direction]
        while came and left:
            out, after = left.popleft()
            self._seen(out, ControlLine(direction, came.popleft(), after))


def _text(line: bytes) -> str:
    """For the terminal: no control characters, no password."""
    text = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
    return _PASSWORD.sub(r"\1********", escaped(text))
