"""A long time at a good part of what the gateway can do: whether its memory stays what it is, and
no session is lost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from tests.bench.floods.measure import resident
from tests.bench.punts.conversations import Noops, Options, Ports
from tests.bench.punts.switch import Switch
from tests.bench.scale.controlled import Served
from tests.bench.scale.talks import Greeted, Steady

SHARE = 0.7
"""Of the highest rate."""
_NOOPS, _PORTS, _OPTIONS = 56, 4, 4
"""Conversations of each kind, which go on all the time."""
_NEWCOMERS = 2
"""Sessions that begin in each turn."""
_STAY = 100
"""Turns after which a client resets its session."""
_FASTEST_PART = 0.05
"""Of the time: how long the highest rate is looked for."""
_SAMPLES = 60
"""Of the process's memory."""


@dataclass
class Soak:
    """What came of it."""

    fastest: float
    """Punts a second, as many as there can be."""
    seconds: float
    punts: int
    sessions: int
    """That came, and went or stayed; all of them had all that was theirs."""
    memory: list[tuple[float, int]]
    """Bytes of the process, by seconds."""

    @property
    def share(self) -> float:
        """Of the highest rate, that there was."""
        return self.punts / self.seconds / self.fastest

    def at(self, share: float) -> int:
        """Bytes, when that share of the time was over."""
        return next(size for when, size in self.memory if when >= share * self.memory[-1][0])

    @property
    def growth(self) -> int:
        """Bytes, after the first third."""
        return self.at(1.0) - self.at(1 / 3)


class _Traffic:
    """Conversations that go on, and sessions that come and go."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._numbers = count()
        self.steady: list[Noops | Options] = [
            kind(next(self._numbers))
            for kind, number in ((Steady, _NOOPS), (Ports, _PORTS), (Options, _OPTIONS))
            for _ in range(number)
        ]
        self._staying: deque[list[Greeted]] = deque()
        self._beginning: list[Greeted] = []
        self.sessions = len(self.steady)
        while any(talk.beginning for talk in self.steady):
            self._run(self.steady)

    def turn(self) -> int:
        """Everybody says something: how many punts that were. BenchError when an answer is
        missing, or is wrong."""
        new = [Greeted(next(self._numbers)) for _ in range(_NEWCOMERS)]
        self.sessions += len(new)
        self._beginning += new
        leaving = self._staying.popleft() if len(self._staying) > _STAY else []
        for talk in leaving:
            talk.leave()
        punts = self._run([*self.steady, *self._beginning, *leaving])
        self._staying.append([talk for talk in self._beginning if not talk.beginning])
        self._beginning = [talk for talk in self._beginning if talk.beginning]
        return punts

    def _run(self, talks: Sequence[Noops | Options]) -> int:
        punts = self._switch.run(talks, 0.0).punts
        for talk in talks:
            talk.check()
        return punts


def measure(served: Served, seconds: float, settling: float = 0.0) -> Soak:
    """For so long, after `settling` seconds of the same. BenchError when a session or an answer is
    lost."""
    switch, pid = served.switch, served.pid
    switch.idle()
    traffic = _Traffic(switch)
    run = switch.run(traffic.steady, seconds * _FASTEST_PART)
    for talk in traffic.steady:
        talk.check()
    found = Soak(run.punts / run.seconds, 0.0, 0, 0, [])
    pace = SHARE * found.fastest
    for _ in _paced(traffic, pace, settling):
        pass
    traffic.sessions = len(traffic.steady)
    for now, found.punts in _paced(traffic, pace, seconds):
        if not found.memory or now >= found.memory[-1][0] + seconds / _SAMPLES:
            found.memory.append((now, resident(pid)))
        found.seconds = now
    found.memory.append((found.seconds, resident(pid)))
    found.sessions = traffic.sessions
    return found


def _paced(traffic: _Traffic, pace: float, seconds: float) -> Iterator[tuple[float, int]]:
    """Turns, `pace` punts a second: the seconds and the punts so far, before and after each."""
    punts, begun = 0, time.monotonic()
    while (now := time.monotonic() - begun) < seconds:
        yield now, punts
        punts += traffic.turn()
        time.sleep(max(0.0, begun + punts / pace - time.monotonic()))
    yield now, punts
