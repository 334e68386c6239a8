"""More comes than this process can do: whoever takes most of its time has to wait.

Meters bound packets, not what each costs, nor do they know how fast the machine is. What is too
much waits in the connection to the switch, and everybody's packets behind it. So the time that each
sender takes is kept; and while too much waits, and has for some time, packets of a sender that has
taken more than half of that time are dropped, until nothing waits any more.
"""

from __future__ import annotations

import array
import fcntl
import termios
from dataclasses import dataclass, field

PATIENCE = 0.1
"""Seconds for which there may always be something that waits: a burst has its time."""
ROOM = 16_384
"""Bytes that may wait for longer than that: clients, which wait for answers, have no more on the
way."""

_MOST_SENDERS = 10_000


def waiting(descriptor: int) -> int:
    """Bytes that have come to a socket and have not been read."""
    found = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, found)
    return found[0]


@dataclass(slots=True)
class Overload:
    """Since the last moment at which nothing waited."""

    shed: int = 0
    """Packets."""
    _busy_since: float = 0.0
    _taken: dict[bytes, float] = field(default_factory=dict)
    """Seconds, by packed address."""
    _total: float = 0.0

    def sheds(self, sender: bytes, waiting: int, now: float) -> bool:
        """Whether to drop a packet of `sender`, at `now` in seconds, while so many bytes wait
        behind it."""
        if not waiting:
            self._busy_since = now
            self._taken.clear()
            self._total = 0.0
            self.shed = 0
            return False
        if waiting < ROOM or now < self._busy_since + PATIENCE:
            return False
        if self._taken.get(sender, 0.0) * 2 <= self._total:
            return False
        self.shed += 1
        return True

    def took(self, sender: bytes, seconds: float) -> None:
        """A packet of `sender` took so long."""
        if sender in self._taken or len(self._taken) < _MOST_SENDERS:
            self._taken[sender] = self._taken.get(sender, 0.0) + seconds
        self._total += seconds
