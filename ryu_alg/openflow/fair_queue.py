"""Packets that wait until they are dealt with: who has taken less time comes first.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with the time that a packet turns out
to have taken. A sender begins where the one is that is being served, and not at nothing: so neither
does it help to send under many names, nor to have been away for a while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MOST = 1024
"""KiB in all, each begun one counted: so a small packet counts as one."""
MOST_OF_ONE = 512
"""Of one sender."""

_MOST_SENDERS = 2 * MOST

_Item = TypeVar("_Item")


@dataclass(slots=True)
class FairQueue(Generic[_Item]):
    """In lines, one for each sender."""

    shed: int = 0
    """Items that were dropped since the queue was empty."""
    _lines: dict[bytes, deque[tuple[_Item, int]]] = field(default_factory=dict)
    """Items with their sizes, of senders of which something waits."""
    _sizes: dict[bytes, int] = field(default_factory=dict)
    """Of lines."""
    _size: int = 0
    """Of all."""
    _taken: dict[bytes, float] = field(default_factory=dict)
    """Seconds, since the queue was empty."""
    _level: float = 0.0
    """Seconds that the one had taken who was served last."""

    def __bool__(self) -> bool:
        return bool(self._lines)

    def put(self, sender: bytes, item: _Item, size: int = 0) -> Sequence[bytes]:
        """Have an item of `size` bytes wait. Where there is no room, something is dropped, the
        newest of whoever has most: whose, as often as an item was."""
        units = 1 + (size >> 10)
        mine = self._sizes.get(sender, 0) + units
        if mine > MOST_OF_ONE:
            self.shed += 1
            return (sender,)
        dropped: list[bytes] = []
        while self._size + units > MOST:
            most = max(self._sizes, key=self._sizes.__getitem__)
            self.shed += 1
            if self._sizes[most] <= mine:
                return (*dropped, sender)
            dropped.append(most)
            self._remove(most, self._lines[most].pop()[1])
        line = self._lines.get(sender)
        if line is None:
            line = self._lines[sender] = deque()
            self._taken[sender] = max(self._taken.get(sender, 0.0), self._level)
        line.append((item, units))
        self._sizes[sender] = mine
        self._size += units
        return dropped

    def take(self) -> tuple[bytes, _Item]:
        """The sender whose turn it is, and its first item. Then say what it `took`. ValueError
        when nothing waits."""
        sender = min(self._lines, key=self._taken.__getitem__)
        item, units = self._lines[sender].popleft()
        self._level = self._taken[sender]
        self._remove(sender, units)
        return sender, item

    def took(self, sender: bytes, seconds: float) -> None:
        """What was taken of `sender` took so long."""
        if not self._lines:
            self._taken.clear()
            self._level = 0.0
            self.shed = 0
            return
        self._taken[sender] += seconds
        if len(self._taken) > _MOST_SENDERS:
            self._taken = {waiting: self._taken[waiting] for waiting in self._lines}

    def _remove(self, sender: bytes, units: int) -> None:
        """An item has gone from the sender's line."""
        self._size -= units
        self._sizes[sender] -= units
        if not self._lines[sender]:
            del self._lines[sender], self._sizes[sender]
