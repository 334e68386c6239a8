"""Wakes somebody in time, in a process that runs Ryu."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import eventlet.hubs
from ryu.lib import hub


class Alarm:
    """One alarm at a time, for the earliest deadline that it was set to.

    A timer of the event loop, and not a green thread that sleeps: to cancel one of these lets
    others run, which may set the alarm meanwhile.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called in a green thread of its own; it sets the alarm again."""
        self._wake = wake
        self._timer: Any = None
        self._due = float("inf")

    def set(self, due: float | None) -> None:
        """Ring at `due`, in seconds of the monotonic clock, or before. What was set to an earlier
        time stays so: an alarm that comes too early costs less than setting another."""
        if due is None or due >= self._due:
            return
        self._stop()
        self._due = due
        delay = max(0.0, due - time.monotonic())
        self._timer = eventlet.hubs.get_hub().schedule_call_global(delay, hub.spawn, self._ring)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = None, float("inf")

    def _ring(self) -> None:
        # It may have been set again since its time came.
        self._stop()
        self._wake()
