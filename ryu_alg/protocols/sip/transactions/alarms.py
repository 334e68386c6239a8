"""Deadlines by key, at a cost that does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
_STALE = 64
"""How many entries that don't count may stand in the heap, besides as many as do."""


class Alarms(Generic[K]):
    """A heap with lazy deletion."""

    def __init__(self) -> None:
        self._deadlines: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._deadlines)

    def set(self, key: K, deadline: float | None) -> None:
        """`key` is due at `deadline`, and at no other time; None: at none."""
        if deadline is None:
            self._deadlines.pop(key, None)
            return
        if self._deadlines.get(key) == deadline:
            return
        self._deadlines[key] = deadline
        self._order += 1
        heappush(self._heap, (deadline, self._order, key))
        if len(self._heap) > 2 * len(self._deadlines) + _STALE:
            self._heap = [entry for entry in self._heap if self._counts(entry)]
            heapify(self._heap)

    def get(self, key: K) -> float | None:
        """When `key` is due."""
        return self._deadlines.get(key)

    def next(self) -> float | None:
        """The earliest deadline."""
        while self._heap and not self._counts(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[K]:
        """Takes out the keys whose time has come, the earliest first."""
        keys = []
        while (deadline := self.next()) is not None and deadline <= now:
            key = heappop(self._heap)[2]
            del self._deadlines[key]
            keys.append(key)
        return keys

    def _counts(self, entry: tuple[float, int, K]) -> bool:
        return self._deadlines.get(entry[2]) == entry[0]
