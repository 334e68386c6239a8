"""What several threads see, in the order in which it happened."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """Sightings with the Unix time that each had where it was made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, T]] = []
        self._order = itertools.count()

    def add(self, time: float, sighting: T) -> None:
        """From any thread."""
        with self._lock:
            heapq.heappush(self._heap, (time, next(self._order), sighting))

    def take(self, until: float) -> Iterator[tuple[float, T]]:
        """All up to Unix time `until`, oldest first."""
        while True:
            with self._lock:
                if not self._heap or self._heap[0][0] > until:
                    return
                time, _, sighting = heapq.heappop(self._heap)
            yield time, sighting
