"""Until when endpoints stay that nobody uses: the first of many, without looking at all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace

from ryu_alg.engine.control_bindings import Control

UNKNOWN_IDLE = 2.0
"""Seconds for which an endpoint waits of which nothing has left yet. What inspectors only drop must
not take the ports of all."""
_SLACK = 64
"""Entries that do not count any more are kept until they are as many as others, and this many."""


def deadline(control: Control, idle: float) -> float:
    """When an endpoint goes, unless its session has it stay. `idle`: seconds without traffic."""
    if not control.known:
        return control.last_activity + UNKNOWN_IDLE
    return max(control.last_activity + idle, control.held_until)


@dataclass(slots=True)
class _Queue:
    """Endpoints by their deadlines: a heap with lazy deletion. A deadline that moves later is found
    out when it comes up, one that moves earlier has to be pushed."""

    idle: float
    known: bool
    """Which endpoints it is for; others count no more."""
    entries: list[tuple[float, int, Control]] = field(default_factory=list)
    """With numbers, so that endpoints need no order."""
    pushed: int = 0

    def push(self, control: Control) -> None:
        self.pushed += 1
        heappush(self.entries, (deadline(control, self.idle), self.pushed, control))

    def first(self, live: dict[int, Control]) -> float:
        """The earliest deadline; the first entry is then its own. Infinite without any."""
        entries = self.entries
        while entries:
            due, number, control = entries[0]
            if control.known is not self.known or live.get(control.inside.port) is not control:
                heappop(entries)
                continue
            actual = deadline(control, self.idle)
            if actual <= due:
                return actual
            heapreplace(entries, (actual, number, control))
        return float("inf")

    def rebuild(self, live: dict[int, Control]) -> None:
        """Each endpoint once."""
        self.entries = [
            (deadline(control, self.idle), number, control)
            for number, control in enumerate(live.values())
            if control.known is self.known
        ]
        heapify(self.entries)
        self.pushed = len(live)


@dataclass(slots=True)
class Deadlines:
    """Of the endpoints of one host."""

    idle: float
    """Seconds without traffic."""
    _live: dict[int, Control] = field(default_factory=dict)
    """By port."""
    _known: _Queue = field(init=False)
    _unknown: _Queue = field(init=False)

    def __post_init__(self) -> None:
        self._known = _Queue(self.idle, known=True)
        self._unknown = _Queue(self.idle, known=False)

    def add(self, control: Control) -> None:
        """There is one more, or it is known now, or may go earlier. (That there was traffic need
        not be said.)"""
        self._live[control.inside.port] = control
        queue = self._known if control.known else self._unknown
        queue.push(control)
        if len(queue.entries) > 2 * len(self._live) + _SLACK:
            queue.rebuild(self._live)

    def drop(self, control: Control) -> None:
        """It is gone."""
        self._live.pop(control.inside.port, None)

    def next(self, earliest: float) -> float:
        """When the first one goes, if none that is known goes before `earliest`; infinite without
        any."""
        return min(self._unknown.first(self._live), max(self._known.first(self._live), earliest))

    def take(self, earliest: float, now: float) -> list[Control]:
        """Drop those whose time is up; `earliest` as for `next`."""
        gone: list[Control] = []
        for queue in (self._unknown, self._known) if earliest <= now else (self._unknown,):
            while queue.first(self._live) <= now:
                _, _, control = heappop(queue.entries)
                self.drop(control)
                gone.append(control)
        return gone
