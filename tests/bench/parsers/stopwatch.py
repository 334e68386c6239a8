"""Inspectors whose time is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from ryu_alg.inspection import Datagram, Direction, Forward, ProtocolSpec, Replace

_TRIES = 1001


@dataclass
class Stopwatch:
    """What inspectors were told, and for how long they thought about it."""

    messages: int = 0
    """What one side says at a time: a datagram, or a segment's payload."""
    size: int = 0
    """Bytes of all of them."""
    seconds: float = 0.0
    """Of processor time."""

    def watching(self, spec: ProtocolSpec) -> ProtocolSpec:
        """The same protocol; its inspectors are watched."""
        stream, datagram = spec.stream, spec.datagram
        return replace(
            spec,
            stream=stream and (lambda *given: _Stream(stream(*given), self)),
            datagram=datagram and (lambda *given: _Datagrams(datagram(*given), self)),
        )

    def ask(self, question: Callable[..., Sequence[Any]], *arguments: Any) -> Sequence[Any]:
        """Put it, and take the time."""
        begin = time.thread_time()
        effects = question(*arguments)
        self.seconds += time.thread_time() - begin - OVERHEAD
        return effects

    def told(self, size: int) -> None:
        """One message of so many bytes was new."""
        self.messages += 1
        self.size += size


@dataclass
class _Watched:
    inner: Any
    watch: Stopwatch

    def wake(self) -> Sequence[Any]:
        return self.watch.ask(self.inner.wake)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class _Stream(_Watched):
    undecided: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(Direction, 0))

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Any]:
        effects = self.watch.ask(self.inner.inspect, direction, data)
        fresh = len(data) - self.undecided[direction]
        if fresh > 0:  # not asked again, since the other side has said something
            self.watch.told(fresh)
        decided = sum(each.length for each in effects if isinstance(each, Forward | Replace))
        self.undecided[direction] = len(data) - decided
        return effects


@dataclass
class _Datagrams(_Watched):
    def inspect(self, datagram: Datagram) -> Sequence[Any]:
        self.watch.told(len(datagram.payload))
        return self.watch.ask(self.inner.inspect, datagram)


def _overhead() -> float:
    """Seconds that the clock takes for itself each time."""
    found = []
    for _ in range(_TRIES):
        begin = time.thread_time()
        found.append(time.thread_time() - begin)
    return median(found)


OVERHEAD = _overhead()
