"""Public ports that the gateway hands out itself: control connections and data pinholes.

A port belongs to one inside endpoint at a time (RFC 4787 section 4.1 calls the alternative
overloading), is picked at random (RFC 6056 section 3.3.1), and rests after use, so that what is
still on its way to the old owner never reaches the new one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain
from random import Random, SystemRandom

from ryu_alg.engine.config import PortRange
from ryu_alg.inspection import Address

_RANDOM_TRIES = 16


@dataclass(slots=True)
class UsedPorts:
    """Those of one public address that are not free, whatever partition they were taken from: a
    configuration that is read again may draw other lines between these."""

    taken: dict[int, tuple[Address, Counter[Address]]] = field(default_factory=dict)
    """In use or resting: whose they are, and where that is counted."""
    resting: list[tuple[float, int]] = field(default_factory=list)
    """(when it is free again, port), a heap."""

    def wake(self, now: float) -> None:
        """What has rested long enough is free."""
        while self.resting and self.resting[0][0] <= now:
            self.free(heappop(self.resting)[1])

    def free(self, port: int) -> None:
        """It is nobody's."""
        host, count = self.taken.pop(port)
        count[host] -= 1
        if not count[host]:
            del count[host]


@dataclass(slots=True)
class PortPool:
    """The ports of one partition of one public address."""

    ports: PortRange
    quarantine: float
    """Seconds."""
    random: Random = field(default_factory=SystemRandom)
    used: UsedPorts = field(default_factory=UsedPorts)
    of_host: Counter[Address] = field(default_factory=Counter)
    """How many of this partition are in use by a host, or rest after that."""

    def take_run(
        self, host: Address, count: int, now: float, *, even: bool = False, most: int = 1 << 16
    ) -> int | None:
        """The first of `count` free ports in a row for `host`, with `even` from an even one on.

        None if there are none, or the host has `most` of them.
        """
        self.used.wake(now)
        if self.of_host[host] + count > most:
            return None
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
                return self._mark(first, count, host)
        offset = self.random.randrange(len(starts))
        for first in chain(starts[offset:], starts[:offset]):
            if self._free(first, count):
                return self._mark(first, count, host)
        return None

    def give_back(self, port: int, now: float) -> None:
        """The port is no longer used; it rests first."""
        heappush(self.used.resting, (now + self.quarantine, port))

    def return_unused(self, port: int) -> None:
        """Nobody outside knows of the port: it need not rest."""
        self.used.free(port)

    def _free(self, first: int, count: int) -> bool:
        return self.used.taken.keys().isdisjoint(range(first, first + count))

    def _mark(self, first: int, count: int, host: Address) -> int:
        owner = host, self.of_host
        for port in range(first, first + count):
            self.used.taken[port] = owner
        self.of_host[host] += count
        return first
