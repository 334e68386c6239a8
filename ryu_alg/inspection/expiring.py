"""A bounded table whose entries have a time at which they are over."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_SLACK = 64


@dataclass(slots=True)
class Expiring(Generic[K, V]):
    """Times are seconds on the clock of `Gateway.now`.

    A full table takes no new entry; nobody's is thrown out for another's.
    """

    limit: int
    _entries: dict[K, tuple[float, V]] = field(default_factory=dict)
    _queue: list[tuple[float, int, K]] = field(default_factory=list)
    """May hold outdated entries: one counts if its time is that of the table."""
    _added: int = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    @property
    def full(self) -> bool:
        """Whether a new entry would be refused."""
        return len(self._entries) >= self.limit

    @property
    def crowded(self) -> bool:
        """Whether only a quarter of the room is left: for those whom others must not keep out."""
        return len(self._entries) >= self.limit - self.limit // 4

    def get(self, key: K) -> V | None:
        """The entry, whether its time is over or not."""
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def values(self) -> list[V]:
        """All entries."""
        return [value for _, value in self._entries.values()]

    def until(self, key: K) -> float | None:
        """When an entry is over."""
        entry = self._entries.get(key)
        return entry[0] if entry else None

    def put(self, key: K, value: V, until: float) -> bool:
        """Adds or replaces an entry. False: the table is full."""
        if key not in self._entries and self.full:
            return False
        self._entries[key] = (until, value)
        self._added += 1
        heapq.heappush(self._queue, (until, self._added, key))
        if len(self._queue) > 2 * len(self._entries) + _SLACK:
            self._queue = [(entry[0], n, k) for n, (k, entry) in enumerate(self._entries.items())]
            heapq.heapify(self._queue)
            self._added = len(self._queue)
        return True

    def keep(self, key: K, until: float) -> None:
        """An entry that is there is over at another time."""
        entry = self._entries.get(key)
        if entry is not None and entry[0] != until:
            self.put(key, entry[1], until)

    def discard(self, key: K) -> V | None:
        """Removes an entry."""
        entry = self._entries.pop(key, None)
        return entry[1] if entry else None

    def next_timeout(self) -> float | None:
        """When the first entry is over."""
        while self._queue:
            until, _, key = self._queue[0]
            if until == self.until(key):
                return until
            heapq.heappop(self._queue)
        return None

    def expired(self, now: float) -> list[tuple[K, V]]:
        """Removes what is over."""
        gone = []
        while (until := self.next_timeout()) is not None and until <= now:
            _, _, key = heapq.heappop(self._queue)
            entry = self._entries.pop(key)
            gone.append((key, entry[1]))
        return gone
