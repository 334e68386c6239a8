"""The time of inspectors: what does not come to an end is interrupted, what waits is refused."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import eventlet
import pytest

from ryu_alg.engine.supervision import Fault, OvertimeError, ask, ask_effects
from ryu_alg.time_limit import TICK, TimeLimit

# pytest-timeout's usual way needs SIGALRM as well.
pytestmark = pytest.mark.timeout(60, method="thread")

LONG = 1000.0


@pytest.fixture
def alarm() -> Iterator[None]:
    """SIGALRM is as before afterwards, and rings no more once nothing is asked."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    while signal.getitimer(signal.ITIMER_REAL)[0]:
        time.sleep(TICK)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def limit(alarm: None) -> TimeLimit:
    """Of processor time, and short: what is tried here never ends by itself."""
    return TimeLimit(limit=0.1, patience=LONG)


def for_ever() -> None:
    while True:
        pass


def for_ever_but_for_exceptions() -> None:
    while True:
        try:
            for_ever()
        except Exception:
            continue


def backtracking() -> None:
    re.match(r"(a*)*b", "a" * 64)


@pytest.mark.parametrize("work", [for_ever, for_ever_but_for_exceptions, backtracking])
def test_what_does_not_end_is_interrupted(limit: TimeLimit, work: Callable[[], None]) -> None:
    with pytest.raises(OvertimeError):
        limit(work)
    assert limit(lambda: 5) == 5, "and what comes next is not"


def test_an_answer_without_an_end_is_interrupted(limit: TimeLimit) -> None:
    def answers() -> Iterator[int]:
        while True:
            yield from ()

    fault = ask_effects(limit, answers, (int,))
    assert isinstance(fault, Fault) and fault.code == "inspector.slow"
    assert "test_time_limit.py:" in fault.detail


def test_what_blocks_without_using_the_processor_is_interrupted(
    alarm: None, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OvertimeError):
        TimeLimit(limit=0.05, patience=0.1)(fifo.read_bytes)


def test_a_busy_machine_is_nobodys_fault(alarm: None) -> None:
    """Alarms come, but no processor time has been used."""
    patient = TimeLimit(limit=0.01, patience=LONG)

    done = patient(lambda: subprocess.run(["sleep", "0.2"], check=False))
    assert done.returncode == 0


def test_a_machine_that_stood_still_is_nobodys_fault(limit: TimeLimit) -> None:
    """Its clocks have gone on, all of them, and one alarm has come."""

    def answer() -> int:
        limit._used_up = limit._over = 0.0
        os.kill(os.getpid(), signal.SIGALRM)
        return 5

    assert limit(answer) == 5


def busy(seconds: float) -> None:
    """Uses that much of the processor, or a little more."""
    began = time.thread_time()
    while time.thread_time() < began + seconds:
        pass


def test_one_message_has_less_time_than_many(alarm: None) -> None:
    """By itself: nobody has said how long it may take."""
    limit = TimeLimit(patience=LONG)
    with pytest.raises(OvertimeError):
        limit(for_ever, 100)
    limit(lambda: busy(0.2), 64 * 1024)
    limit(lambda: busy(0.2))
    with pytest.raises(OvertimeError):
        limit(for_ever)


def test_an_answer_that_is_late(alarm: None) -> None:
    """5 ms for each KiB or part of one are in time; what is about no bytes has its own."""
    limit = TimeLimit(limit=LONG, patience=LONG)
    for size, late in ((10, True), (1024, True), (64 * 1024, False), (None, False), (0, True)):
        limit(lambda: busy(0.02), size)
        assert (limit.late >= 0.02) == late
        assert bool(limit.late) == late
    limit(lambda: None, 10)
    assert limit.late == 0.0


def test_garbage_is_everybodys(limit: TimeLimit) -> None:
    """What it takes to collect it is no answer's time."""

    def collect_slowly(phase: str, _information: object) -> None:
        if phase == "start":
            busy(0.3)

    gc.callbacks.append(collect_slowly)
    try:
        assert limit(lambda: gc.collect() >= 0, 10)
        assert limit.late < 0.1
        with pytest.raises(OvertimeError):
            limit(lambda: (gc.collect(), for_ever()))
    finally:
        gc.callbacks.remove(collect_slowly)


def test_an_alarm_behind_the_answer_is_for_nobody(limit: TimeLimit) -> None:
    limit(lambda: None)
    limit._used_up = limit._over = 0.0
    os.kill(os.getpid(), signal.SIGALRM)
    with pytest.raises(ZeroDivisionError):
        limit(lambda: 1 / 0)
    os.kill(os.getpid(), signal.SIGALRM)


def in_module(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """As if it had been defined there."""
    code: CodeType = function.__code__
    return FunctionType(code, {**globals(), "__name__": name}, closure=function.__closure__)


def test_what_the_inspector_has_called_of_the_engine_is_not_stopped_half_way(
    limit: TimeLimit,
) -> None:
    done = []

    def changes_tables() -> None:
        began = time.thread_time()
        while time.thread_time() < began + 0.3:
            pass
        done.append(True)

    expect = in_module("ryu_alg.engine.session", changes_tables)

    def inspect() -> None:
        expect()
        for_ever()

    question = in_module("ryu_alg.engine.session", lambda: inspect())
    fault = ask(limit, question)
    assert done == [True]
    assert isinstance(fault, Fault) and fault.code == "inspector.slow"


@pytest.mark.parametrize(
    "wait",
    [
        lambda: eventlet.sleep(0),
        lambda: eventlet.sleep(LONG),
        lambda: eventlet.spawn(int).wait(),
        lambda: eventlet.connect(("127.0.0.1", unused_port())),
    ],
    ids=["yields", "sleeps", "waits for a thread", "connects"],
)
def test_an_inspector_cannot_wait_for_others(limit: TimeLimit, wait: Callable[[], Any]) -> None:
    """Others would find the engine in the middle of something."""
    fault = ask(limit, wait)
    assert isinstance(fault, Fault) and fault.code == "inspector.failed"
    assert fault.detail.startswith("RuntimeError")


def test_others_can_wait_again_afterwards(limit: TimeLimit) -> None:
    with pytest.raises(OvertimeError):
        limit(for_ever)
    assert eventlet.spawn(lambda: 7).wait() == 7


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
