"""How long control endpoints of the inside are to stay, for all who need them."""

from __future__ import annotations

from collections.abc import Hashable

from ryu_alg.inspection import Endpoint, Hold


class Holds:
    """An endpoint stays as long as its longest holder wants: a call, or a registration."""

    def __init__(self) -> None:
        self._until: dict[Endpoint, dict[Hashable, float]] = {}

    def __len__(self) -> int:
        return len(self._until)

    def keep(self, inside: Endpoint, holder: Hashable, until: float) -> list[Hold]:
        """`holder` wants `inside` until then. Returns what is to be done."""
        holders = self._until.setdefault(inside, {})
        before = max(holders.values(), default=0.0)
        holders[holder] = until
        after = max(holders.values())
        return [Hold(inside, after)] if after != before else []

    def release(self, inside: Endpoint, holder: Hashable, now: float) -> list[Hold]:
        """`holder` wants `inside` no more."""
        holders = self._until.get(inside)
        if holders is None or holder not in holders:
            return []
        before = max(holders.values())
        del holders[holder]
        if not holders:
            del self._until[inside]
            return [Hold(inside, now)] if before > now else []
        after = max(holders.values())
        return [Hold(inside, after)] if after != before else []
