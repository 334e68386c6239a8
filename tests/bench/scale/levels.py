"""Gateways with few and with many sessions in this process, measured in turns."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import webob

from ryu_alg.rest.listing import SESSIONS
from tests.bench.errors import BenchError
from tests.bench.floods.measure import resident
from tests.bench.punts.conversations import Noops
from tests.bench.scale.site import Site
from tests.bench.scale.talks import Call, Visitor

SAME, ANY, ADMIT, PAGE = "same", "any", "admit", "page"
FEW = 100
"""Sessions of the lowest level, and those that talk where others are idle."""
_SPREAD = 2000
"""Sessions all over a level, that talk in turn."""
_VISITORS = 100
_BATCHES, _BETWEEN_SECONDS = 10, 40.0
"""Calls begin at several times, so far apart that what is kept for repetitions is forgotten."""
_PAGES = 10
_PAGE_OF = 100


@dataclass
class Level:
    """One gateway, with so many FTP sessions that are logged in."""

    sessions: int
    memory: float = 0.0
    """Bytes of each."""
    expire: float = 0.0
    """Microseconds of processor time of each."""
    rounds: list[dict[str, float]] = field(default_factory=list)
    """Microseconds of processor time for a punt (`same`, `any`), a SYN that is admitted (`admit`),
    a page of sessions (`page`)."""


@dataclass
class Calls:
    """SIP calls with media, each of a telephone of its own."""

    calls: int
    memory: float
    """Bytes of each."""
    set_up: float
    """Microseconds of processor time, of INVITE, 200 and ACK."""
    expire: float
    """Microseconds of processor time."""


class _Populated:
    """A level's gateway, and those of its sessions that talk."""

    def __init__(self, where: Path, level: Level) -> None:
        self.site = Site(where)
        self.level = level
        size = level.sessions
        for talk in map(Noops, range(size, size + FEW)):  # for what all share
            _complete(self.site, talk)
        self.site.expire()
        spread = set(Random(size).sample(range(size), min(_SPREAD, size)))
        self._talkers: dict[str, list[Noops]] = {SAME: [], ANY: []}
        before = _resident()
        for number in range(size):
            talk = Noops(number)
            _complete(self.site, talk)
            if number < FEW:
                self._talkers[SAME].append(talk)
            elif number in spread:
                self._talkers[ANY].append(talk)
        level.memory = (_resident() - before) / size
        self._talkers[ANY] = self._talkers[ANY] or self._talkers[SAME]
        self._visitors = count(size)

    def round(self, punts: int) -> dict[str, float]:
        """Everything once."""
        return {
            SAME: self._talked(self._talkers[SAME], punts),
            ANY: self._talked(self._talkers[ANY], punts),
            ADMIT: self._admitted(),
            PAGE: self._listed(),
        }

    def _talked(self, talks: Sequence[Noops], punts: int) -> float:
        turns = [talks[number % len(talks)] for number in range(punts // 2)]
        said = [(talk, talk.next()) for talk in turns for _ in range(2)]
        with _timed() as took:
            for _, message in said:
                self.site.punt(message)
        frames = list(self.site.frames())
        if len(frames) != len(said):
            raise BenchError(f"of {len(said)} packets, {len(frames)} came back")
        for (talk, _), frame in zip(said, frames, strict=True):
            talk.came(frame)
        for talk in talks:
            talk.check()
        return took[0] / len(said) * 1e6

    def _admitted(self) -> float:
        visitors = [Visitor(next(self._visitors)) for _ in range(_VISITORS)]
        syns = [visitor.next() for visitor in visitors]
        with _timed() as took:
            for syn in syns:
                self.site.punt(syn)
        if self.site.sessions != self.level.sessions + _VISITORS:
            raise BenchError("not every session was admitted")
        for visitor in visitors:
            self.site.exchange(visitor, visitor.next())
        if self.site.sessions != self.level.sessions:
            raise BenchError(f"{self.site.sessions} of {self.level.sessions} sessions are left")
        return took[0] / _VISITORS * 1e6

    def _listed(self) -> float:
        where = f"/v1.0/alg/sessions?limit={_PAGE_OF}&after={{}}"
        middle = max(0, self.level.sessions // 2 - _PAGE_OF)
        middle += next(iter(self.site.gateway.engine.sessions)) - 1
        sizes = []
        with _timed() as took:
            for _ in range(_PAGES):
                request = webob.Request.blank(where.format(middle))
                page = SESSIONS.page(request, self.site.gateway.sessions, time.time())
                json.dumps(page)
                sizes.append(len(page["sessions"]))  # type: ignore[arg-type]
        if set(sizes) != {_PAGE_OF}:
            raise BenchError(f"pages of {sizes}")
        return took[0] / _PAGES * 1e6

    def expire(self) -> None:
        """All at once."""
        with _timed() as took:
            self.site.expire()
        self.level.expire = took[0] / self.level.sessions * 1e6


def measure(where: Path, sizes: Sequence[int], rounds: int, punts: int) -> list[Level]:
    """Levels of so many sessions; `punts` a round, in each of two ways. BenchError."""
    levels = [Level(size) for size in sizes]
    populated = [_Populated(where, level) for level in levels]
    with _no_garbage():
        for _ in range(rounds):
            for one in populated:
                one.level.rounds.append(one.round(punts))
        for one in populated:
            one.expire()
    return levels


def calls(where: Path, number: int) -> Calls:
    """So many calls. BenchError."""
    site = Site(where)
    for each in range(number, number + FEW):
        _complete(site, Call(each))
    site.expire()
    before = _resident()
    took = 0.0
    for each in range(number):
        took += _complete(site, Call(each))
        if each and not each % (number // _BATCHES):
            site.wait(_BETWEEN_SECONDS)
    site.settle()
    memory = (_resident() - before) / number
    open_now = len(site.gateway.engine.tables.bindings.live)
    if open_now != number:
        raise BenchError(f"{open_now} of {number} calls have media")
    with _timed() as expiry:
        site.expire()
    return Calls(number, memory, took / number * 1e6, expiry[0] / number * 1e6)


def _complete(site: Site, talk: Noops | Call) -> float:
    """Have a conversation begin: seconds of processor time that the gateway took. BenchError."""
    took = 0.0
    while talk.beginning:
        message = talk.next()
        begun = time.process_time()
        site.punt(message)
        frames = list(site.frames())
        took += time.process_time() - begun
        for frame in frames:
            talk.came(frame)
    talk.check()
    return took


def _resident() -> int:
    gc.collect()
    return resident(os.getpid())


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Seconds of processor time, once it is over."""
    found: list[float] = []
    begun = time.process_time()
    yield found
    found.append(time.process_time() - begun)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Nothing is looked for meanwhile: it would be a matter of chance in whose turn."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
