"""A bounded table whose entries have a time at which they are over."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_SLACK = 64
_GONE = 0


@dataclass(slots=True, eq=False)
class _Entry(Generic[K, V]):
    key: K
    value: V
    until: float
    number: int
    """Rises with each time that is set in the table: of two equal ones, the one set first is over
    first. `_GONE`: it is not there any more."""


@dataclass(slots=True)
class Expiring(Generic[K, V]):
    """Times are seconds on the clock of `Gateway.now`.

    A full table takes no new entry; nobody's is thrown out for another's.
    """

    limit: int
    _entries: dict[K, _Entry[K, V]] = field(default_factory=dict)
    _queue: list[tuple[float, int, _Entry[K, V]]] = field(default_factory=list)
    """A heap of times and their numbers. It may hold outdated ones: where an entry is over later
    by now, that is found out when its time here comes up."""
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
        return entry.value if entry else None

    def values(self) -> list[V]:
        """All entries."""
        return [entry.value for entry in self._entries.values()]

    def until(self, key: K) -> float | None:
        """When an entry is over."""
        entry = self._entries.get(key)
        return entry.until if entry else None

    def put(self, key: K, value: V, until: float) -> bool:
        """Adds or replaces an entry. False: the table is full."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.value = value
            self._set(entry, until)
            return True
        if self.full:
            return False
        self._added += 1
        entry = self._entries[key] = _Entry(key, value, until, self._added)
        self._push(entry)
        return True

    def keep(self, key: K, until: float) -> None:
        """An entry that is there is over at another time."""
        entry = self._entries.get(key)
        if entry is not None and entry.until != until:
            self._set(entry, until)

    def discard(self, key: K) -> V | None:
        """Removes an entry."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        entry.number = _GONE
        self._shrink()
        return entry.value

    def next_timeout(self) -> float | None:
        """When the first entry is over."""
        queue = self._queue
        while queue:
            until, number, entry = queue[0]
            if entry.number == number:
                return until
            if entry.number != _GONE and entry.until >= until:
                heapreplace(queue, (entry.until, entry.number, entry))
            else:
                heappop(queue)
        return None

    def expired(self, now: float) -> list[tuple[K, V]]:
        """Removes what is over."""
        gone = []
        while (until := self.next_timeout()) is not None and until <= now:
            _, _, entry = heappop(self._queue)
            entry.number = _GONE
            del self._entries[entry.key]
            gone.append((entry.key, entry.value))
        if gone:
            self._shrink()
        return gone

    def _set(self, entry: _Entry[K, V], until: float) -> None:
        earlier = until < entry.until
        self._added += 1
        entry.until, entry.number = until, self._added
        if earlier:
            self._push(entry)

    def _push(self, entry: _Entry[K, V]) -> None:
        heappush(self._queue, (entry.until, entry.number, entry))
        if len(self._queue) > 2 * len(self._entries) + _SLACK:
            self._queue = [(each.until, each.number, each) for each in self._entries.values()]
            heapify(self._queue)

    def _shrink(self) -> None:
        """A dictionary keeps the room that its entries had."""
        if not self._entries:
            self._entries = {}
            self._queue = []
