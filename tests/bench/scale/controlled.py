"""The same with the whole gateway: a process for each level, and the synthetic switch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from tests.bench.errors import BenchError
from tests.bench.floods.measure import resident
from tests.bench.peer import cpu_seconds
from tests.bench.punts.controllers import running
from tests.bench.punts.conversations import Noops
from tests.bench.punts.switch import Run, Switch
from tests.bench.scale.talks import Greeted

_AT_ONCE = 256
"""Sessions that begin at the same time."""
_TALKERS = 64
"""Sessions that talk while others are idle: so many punts are in flight."""
_PATIENCE = 40.0
"""Seconds that several gateways have to start at once."""
_MOST = 40_000
"""Punts a second for which packets are made beforehand."""


@dataclass
class Controlled:
    """One level. Sessions have got as far as their greeting."""

    sessions: int
    memory: float = 0.0
    """Bytes of each, with whatever else the process has taken meanwhile."""
    rounds: list[dict[str, float]] = field(default_factory=list)
    """Microseconds for a punt: on the clock (`took`), and of the controller's processor time
    (`busy`)."""


@dataclass(frozen=True)
class Served:
    """A gateway's switch, and the gateway's process."""

    switch: Switch
    pid: int


@contextmanager
def gateways(places: Sequence[Path], cpu: int | None) -> Iterator[list[Served]]:
    """Gateways whose files are in directories to be made. They use the processor `cpu` only, once
    they are up. BenchError."""
    with ExitStack() as stack:
        started = []
        for where in places:
            where.mkdir()
            started.append(stack.enter_context(running("ryu_alg", where, None)))
        with ThreadPoolExecutor(len(places)) as pool:  # most of it is waiting
            switches = list(pool.map(lambda one: Switch(one[0], _PATIENCE), started))
        for switch, (_, pid) in zip(switches, started, strict=True):
            stack.callback(switch.close)
            if cpu is not None:
                os.sched_setaffinity(pid, {cpu})
        yield [Served(switch, pid) for switch, (_, pid) in zip(switches, started, strict=True)]


def measure(
    gateways: Sequence[Served], sizes: Sequence[int], rounds: int, seconds: float
) -> list[Controlled]:
    """Levels of so many sessions, each for so long in each round. BenchError."""
    levels = [_Level(one, Controlled(size)) for one, size in zip(gateways, sizes, strict=True)]
    for _ in range(rounds):
        for level in levels:
            level.round(seconds)
    return [level.found for level in levels]


class _Level:
    def __init__(self, served: Served, found: Controlled) -> None:
        self._switch, self._pid, self.found = served.switch, served.pid, found
        chosen = set(Random(found.sessions).sample(range(found.sessions), _TALKERS))
        self._talks: list[Noops] = []
        numbers = iter(range(found.sessions))
        before = resident(self._pid)
        while some := list(islice(numbers, _AT_ONCE)):
            talks = {number: Greeted(number) for number in some}
            _begin(self._switch, list(talks.values()))
            self._talks += [talk for number, talk in talks.items() if number in chosen]
        found.memory = (resident(self._pid) - before) / found.sessions

    def round(self, seconds: float) -> None:
        self._switch.idle()
        before = cpu_seconds(self._pid)
        run = _talk(self._switch, self._talks, seconds)
        self.found.rounds.append(
            {
                "took": run.seconds / run.punts * 1e6,
                "busy": (cpu_seconds(self._pid) - before) / run.punts * 1e6,
            }
        )


def _begin(switch: Switch, talks: Sequence[Noops]) -> None:
    """Have all of them begin, each step of all at once. BenchError."""
    while any(talk.beginning for talk in talks):
        switch.run(talks, 0.0)
    talks[0].check()


def _talk(switch: Switch, talks: Sequence[Noops], seconds: float) -> Run:
    """Have all of them talk for so long. BenchError."""
    for one in talks:
        one.prepare(int(_MOST * seconds / 2 / len(talks)) + 1)
    found = switch.run(talks, seconds)
    for one in talks:
        one.check()
    if not found.punts:
        raise BenchError("nothing was punted")
    return found
