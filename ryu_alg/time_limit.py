"""Limits the time of inspectors in a process that runs Ryu: the engine's watch.

All of a controller runs in one thread. An inspector that does not come to an end, or that waits for
something, would stop the gateway: so an alarm interrupts it (SIGALRM, which reaches Python code and
the matching of regular expressions), and nothing in it can wait for another green thread. What
neither comes back from C nor looks for signals there is out of reach.

What one message takes is known by measuring (docs/security.md): less than 2 ms. Inspectors are
asked about all bytes of a stream that are undecided, which may be many messages, so what they may
take goes by the bytes. An answer that takes more than 5 ms for each KiB or part of one is late: it
is told, and nothing else happens, since a slow machine is nobody's fault. One that takes many times
as long is interrupted. Time that goes into collecting all garbage counts for nobody.

Inspectors are asked several times for each packet, so that being asked must not cost a system call
more than it has to: the alarm rings at intervals for as long as there are questions, whosever they
are, and who answers too long is found out when it rings.
"""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

import eventlet.hubs

from ryu_alg.engine.supervision import OvertimeError

_Answer = TypeVar("_Answer")

LATE = 0.005
"""Seconds of processor time that an answer should take at most, for each KiB or part of one."""
SLOW = 0.25
"""Seconds of processor time that an answer may take whatever it is about."""
SLOW_PER_BYTE = 8e-6
"""And for each byte, of which a stream has up to 64 Ki that were not decided yet."""
LIMIT = 0.5
"""For an answer to a question that is not about bytes: in its time, much may be over."""
PATIENCE = 10.0
"""Seconds that an answer may take in all, where the processor is busy with other things."""
TICK = 0.02
"""Seconds between two alarms, by which an answer may be interrupted too late."""
ALARMS = 4
"""An answer is asked for during so many of them before it is interrupted. Where a virtual machine
stood still meanwhile, its clocks went on, and that of the processor's time may have as well; but of
the alarms of that time, one comes."""

_ALL = 2
"""The generation of objects whose collection goes through all that there are."""


class TimeLimit:
    """An `ryu_alg.engine.supervision.Watch`. There is one for a process: SIGALRM is its own."""

    def __init__(self, limit: float | None = None, patience: float = PATIENCE) -> None:
        """`limit`: in place of all of these above. Raises ValueError in another thread than the
        main one."""
        self.limit = limit
        self.patience = patience
        self.late = 0.0
        self._hub = eventlet.hubs.get_hub()
        self._asked = False
        """An answer is awaited."""
        self._alarms = 0
        """So many have rung meanwhile."""
        self._since_alarm = False
        """Something was asked since the latest alarm."""
        self._rings = False
        """There will be another alarm."""
        self._used_up = 0.0
        self._over = 0.0
        self._collecting: float | None = None
        """When the collection of garbage began that goes on."""
        self._collected = 0.0
        """Seconds that it has taken."""
        signal.signal(signal.SIGALRM, self._ring)
        gc.callbacks.append(self._collects)

    def __call__(self, question: Callable[[], _Answer], size: int | None = None, /) -> _Answer:
        """What `question` returns; OvertimeError is raised within it when its time is up."""
        began_at, began = time.monotonic(), self._spent()
        self._used_up = began + (self.limit or _limit(size))
        self._over = began_at + self.patience
        self._asked = self._since_alarm = True
        self._alarms = 0
        if not self._rings:
            self._rings = True
            signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        self._hub.switch = _refuse_to_wait
        try:
            return self._ask(question)
        finally:
            del self._hub.switch  # the class's own is there again
            self._asked = False
            self.late = 0.0
            # Processor time is asked for where it can be too much only: it is a system call.
            if size is not None and time.monotonic() - began_at > LATE:
                took = self._spent() - began
                self.late = took if took > _expected(size) else 0.0

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        """What the alarm may interrupt."""
        return question()

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        if self._collecting is not None:
            return  # there will be another alarm
        if not self._asked:
            if not self._since_alarm:
                self._rings = False
                signal.setitimer(signal.ITIMER_REAL, 0)
            self._since_alarm = False
            return
        self._alarms += 1
        due = self._spent() >= self._used_up or time.monotonic() >= self._over
        if due and self._alarms >= ALARMS and self._interruptible(frame):
            raise OvertimeError

    def _spent(self) -> float:
        """Seconds of processor time, without those that went into garbage."""
        now = time.thread_time() if self._collecting is None else self._collecting
        return now - self._collected

    def _collects(self, phase: str, information: dict[str, int]) -> None:
        if information["generation"] < _ALL:
            return  # of which there are many, each soon done
        if phase == "start":
            self._collecting = time.thread_time()
        elif self._collecting is not None:
            self._collected += time.thread_time() - self._collecting
            self._collecting = None

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


def _expected(size: int) -> float:
    """How long an answer about so many bytes should take at most."""
    return LATE * max(1, -(-size // 1024))


def _limit(size: int | None) -> float:
    """When it is interrupted."""
    return LIMIT if size is None else SLOW + SLOW_PER_BYTE * size


def _refuse_to_wait() -> NoReturn:
    raise RuntimeError("an inspector must not wait")
