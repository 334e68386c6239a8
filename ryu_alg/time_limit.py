"""Limits the time of inspectors in a process that runs Ryu: the engine's watch.

All of a controller runs in one thread. An inspector that does not come to an end, or that waits for
something, would stop the gateway: so an alarm interrupts it (SIGALRM, which reaches Python code and
the matching of regular expressions), and nothing in it can wait for another green thread. What
neither comes back from C nor looks for signals there is out of reach.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

import eventlet.hubs

from ryu_alg.engine.supervision import OvertimeError

_Answer = TypeVar("_Answer")

LIMIT = 1.0
"""Seconds of processor time that an inspector may take for one answer."""
PATIENCE = 10.0
"""Seconds that an answer may take in all, where the processor is busy with other things."""
TICK = 0.005
"""Seconds between two alarms, once the limit is near."""


class TimeLimit:
    """An `ryu_alg.engine.supervision.Watch`. There is one for a process: SIGALRM is its own."""

    def __init__(self, limit: float = LIMIT, patience: float = PATIENCE) -> None:
        """Raises ValueError in another thread than the main one."""
        self.limit = limit
        self.patience = patience
        self._used_up = 0.0
        self._over = 0.0
        signal.signal(signal.SIGALRM, self._ring)

    def __call__(self, question: Callable[[], _Answer], /) -> _Answer:
        """What `question` returns; OvertimeError is raised within it when its time is up."""
        hub = eventlet.hubs.get_hub()
        self._used_up = time.thread_time() + self.limit
        self._over = time.monotonic() + self.patience
        hub.switch = _refuse_to_wait
        signal.setitimer(signal.ITIMER_REAL, self.limit, TICK)
        try:
            return self._ask(question)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            del hub.switch  # the class's own is there again

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        """What the alarm may interrupt."""
        return question()

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        due = time.thread_time() >= self._used_up or time.monotonic() >= self._over
        if due and self._interruptible(frame):
            raise OvertimeError

    def _interruptible(self, frame: FrameType | None) -> bool:
        """Whether the inspector runs, and not what it has called of the engine: that must not stop
        half-way. It comes to an end, and there will be another alarm."""
        called_engine = in_engine = False
        while frame is not None and frame.f_code is not TimeLimit._ask.__code__:
            outside = not str(frame.f_globals.get("__name__")).startswith("ryu_alg.engine.")
            # The outermost frames are the question itself, which is the engine's too.
            called_engine = called_engine or (in_engine and outside)
            in_engine = in_engine or not outside
            frame = frame.f_back
        return frame is not None and not called_engine


def _refuse_to_wait() -> NoReturn:
    raise RuntimeError("an inspector must not wait")
