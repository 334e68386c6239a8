"""Tables whose keys only rise, to be read from any key on without going through those before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_Item = TypeVar("_Item")

_SLACK = 64
"""Keys that are gone are kept until there are as many of them as of others, and this many."""


@dataclass(slots=True)
class Rising(Generic[_Item]):
    """The order of a table's keys. Adding one takes as long however many there are, and for taking
    one out of the table nothing is to be done here."""

    items: dict[int, _Item]
    """The table. Whoever puts something in says so."""
    _keys: list[int] = field(default_factory=list)

    def added(self, key: int) -> None:
        """`key`, which is above all that there ever were, is in the table."""
        self._keys.append(key)
        self._tidy()

    def after(self, key: int) -> Iterator[tuple[int, _Item]]:
        """What has keys above `key`, in their order. The table is not to change meanwhile."""
        self._tidy()
        for position in range(bisect_right(self._keys, key), len(self._keys)):
            number = self._keys[position]
            item = self.items.get(number)
            if item is not None:
                yield number, item

    def _tidy(self) -> None:
        if len(self._keys) > 2 * len(self.items) + _SLACK:
            self._keys = [key for key in self._keys if key in self.items]
