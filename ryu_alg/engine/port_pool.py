"""Public ports that the gateway hands out itself: control connections and data pinholes.

A port belongs to one inside endpoint at a time (RFC 4787 section 4.1 calls the alternative
overloading), is picked at random (RFC 6056 section 3.3.1), and rests after use, so that what is
still on its way to the old owner never reaches the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain
from random import Random, SystemRandom

from ryu_alg.engine.config import PortRange

_RANDOM_TRIES = 16


@dataclass(slots=True)
class UsedPorts:
    """Those of one public address that are not free, whatever partition they were taken from: a
    configuration that is read again may draw other lines between these."""

    taken: set[int] = field(default_factory=set)
    """In use or resting."""
    resting: list[tuple[float, int]] = field(default_factory=list)
    """(when it is free again, port), a heap."""

    def wake(self, now: float) -> None:
        """What has rested long enough is free."""
        while self.resting and self.resting[0][0] <= now:
            self.taken.discard(heappop(self.resting)[1])


@dataclass(slots=True)
class PortPool:
    """The ports of one partition of one public address."""

    ports: PortRange
    quarantine: float
    """Seconds."""
    random: Random = field(default_factory=SystemRandom)
    used: UsedPorts = field(default_factory=UsedPorts)

    def take(self, now: float) -> int | None:
        """A free port; None if there is none."""
        return self.take_run(1, now)

    def take_run(self, count: int, now: float, *, even: bool = False) -> int | None:
        """The first of `count` free ports in a row, with `even` from an even one on.

        None if there are none.
        """
        self.used.wake(now)
        low, high = self.ports.low, self.ports.high - count + 1
        step = 1
        if even:
            low += low % 2
            step = 2
        starts = range(low, high + 1, step)
        if not starts:
            return None
        for _ in range(_RANDOM_TRIES):
            first = starts[self.random.randrange(len(starts))]
            if self._free(first, count):
                return self._mark(first, count)
        offset = self.random.randrange(len(starts))
        for first in chain(starts[offset:], starts[:offset]):
            if self._free(first, count):
                return self._mark(first, count)
        return None

    def give_back(self, port: int, now: float) -> None:
        """The port is no longer used; it rests first."""
        heappush(self.used.resting, (now + self.quarantine, port))

    def return_unused(self, port: int) -> None:
        """Nobody outside knows of the port: it need not rest."""
        self.used.taken.discard(port)

    def _free(self, first: int, count: int) -> bool:
        return self.used.taken.isdisjoint(range(first, first + count))

    def _mark(self, first: int, count: int) -> int:
        self.used.taken.update(range(first, first + count))
        return first
