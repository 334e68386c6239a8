"""Public ports that the gateway hands out itself: control connections and data pinholes.

A port belongs to one inside endpoint at a time (RFC 4787 section 4.1 calls the alternative
overloading), is picked at random (RFC 6056 section 3.3.1), and rests after use, so that what is
still on its way to the old owner never reaches the new one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from random import Random, SystemRandom

from ryu_alg.engine.config import PortRange

_RANDOM_TRIES = 16


@dataclass(slots=True)
class PortPool:
    """The ports of one partition of one public address."""

    ports: PortRange
    quarantine: float
    """Seconds."""
    random: Random = field(default_factory=SystemRandom)
    _taken: set[int] = field(default_factory=set)
    """In use or resting."""
    _resting: deque[tuple[float, int]] = field(default_factory=deque)
    """(when it is free again, port), in that order."""

    def take(self, now: float) -> int | None:
        """A free port; None if there is none."""
        self._wake(now)
        low, high = self.ports.low, self.ports.high
        for _ in range(_RANDOM_TRIES):
            port = self.random.randint(low, high)
            if port not in self._taken:
                self._taken.add(port)
                return port
        start = self.random.randint(low, high)
        ports: Iterable[int] = chain(range(start, high + 1), range(low, start))
        free = next((port for port in ports if port not in self._taken), None)
        if free is not None:
            self._taken.add(free)
        return free

    def give_back(self, port: int, now: float) -> None:
        """The port is no longer used; it rests first."""
        self._resting.append((now + self.quarantine, port))

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            self._taken.discard(self._resting.popleft()[1])
