"""How much one host may do."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Realm


@dataclass(slots=True)
class Rate:
    """At most `per_second` in the long run, and twice that at once."""

    per_second: float
    _left: float | None = None
    _since: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more is within the rate; it counts if it is."""
        burst = 2 * self.per_second
        if self._left is None:
            self._left = burst
        else:
            self._left = min(burst, self._left + max(0.0, now - self._since) * self.per_second)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(slots=True)
class Rates:
    """By where something comes from: a flood from the one side leaves the other its own."""

    per_second: float
    """Of each."""
    _inside: Rate | None = None
    _outside: Rate | None = None

    def take(self, realm: Realm, now: float) -> bool:
        """Whether one more of a realm is within its rate; it counts if it is."""
        if realm is Realm.INSIDE:
            rate = self._inside = self._inside or Rate(self.per_second)
        else:
            rate = self._outside = self._outside or Rate(self.per_second)
        return rate.take(now)
