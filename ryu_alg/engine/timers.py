"""Deadlines by key, at a cost that does not depend on how many there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

_SLACK = 64
"""Entries that do not count any more are kept until they are as many as others, and this many."""


@dataclass(slots=True)
class Timers:
    """A heap with lazy deletion: a deadline that moves later is found out when it comes up."""

    _heap: list[tuple[float, int]] = field(default_factory=list)
    _queued: dict[int, float] = field(default_factory=dict)
    """The one heap entry of a key that counts."""

    def set(self, key: int, deadline: float | None) -> None:
        """Wake `key` at `deadline` or some time before; None: not at all."""
        if deadline is None:
            self._queued.pop(key, None)
            return
        queued = self._queued.get(key)
        if queued is not None and queued <= deadline:
            return
        self._queued[key] = deadline
        if len(self._heap) > 2 * len(self._queued) + _SLACK:
            self._heap = [(deadline, key) for key, deadline in self._queued.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (deadline, key))

    def next(self) -> float | None:
        """The earliest deadline."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[int]:
        """Take out the keys whose time has come; set those again that go on."""
        keys: list[int] = []
        while True:
            self._drop_stale()
            if not self._heap or self._heap[0][0] > now:
                return keys
            _, key = heappop(self._heap)
            del self._queued[key]
            keys.append(key)

    def _drop_stale(self) -> None:
        while self._heap and self._queued.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
