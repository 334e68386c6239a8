"""What has happened: counted, kept for a while, and logged.

A flood may cause an event with each of its packets. All are counted; of one code, no more than some
a second are kept and logged, so that what else happens can be found among them, and the disk is not
filled from outside.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from dataclasses import dataclass, field

from ryu_alg.engine.commands import Publish
from ryu_alg.engine.views import EventView

LOG = logging.getLogger("ryu_alg")

KEPT = 2000
"""The most recent events that `/v1.0/alg/events` shows."""
SHOWN_PER_SECOND = 100
"""Events of one code."""


@dataclass(slots=True)
class EventLog:
    """All events of one gateway."""

    counts: Counter[str] = field(default_factory=Counter)
    """How many there were, by code."""
    kept: deque[EventView] = field(default_factory=lambda: deque(maxlen=KEPT))
    """The most recent ones that were shown, oldest first."""
    _last: int = 0
    """The id of the last one."""
    _second: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The second in which a code came last, and how often it did in that one."""

    def add(self, event: Publish, now: float) -> None:
        """Something happened, at `now` in seconds of Unix time."""
        self.counts[event.code] += 1
        second, seen = self._second.get(event.code, (0, 0))
        if second != int(now):
            if seen > SHOWN_PER_SECOND:
                self._show(Publish(event.code, f"and {seen - SHOWN_PER_SECOND} more"), now)
            second, seen = int(now), 0
        self._second[event.code] = second, seen + 1
        if seen < SHOWN_PER_SECOND:
            self._show(event, now)

    def _show(self, event: Publish, now: float) -> None:
        self._last += 1
        self.kept.append(
            EventView(self._last, now, event.code, event.detail, event.session, event.protocol)
        )
        who = "" if event.session is None else f"#{event.session} "
        LOG.info("%s%s %s", who, event.code, event.detail)
