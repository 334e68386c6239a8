"""The application's alarm rings in time, and once."""

from __future__ import annotations

import gc
import time

import eventlet
import pytest
from eventlet.hubs.timer import Timer

from ryu_alg.alarm import Alarm

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def in_time() -> object:
    with eventlet.Timeout(PATIENCE):
        yield


def pending() -> int:
    """How many alarms are going to ring."""
    timers = (each for each in gc.get_objects() if isinstance(each, Timer))
    return sum(not timer.called and "Alarm._ring" in repr(timer.tpl) for timer in timers)


class Sleeper:
    """Is woken, and may go on setting the alarm."""

    def __init__(self) -> None:
        self.alarm = Alarm(self.wake)
        self.woken: list[float] = []
        self.goes_on = False

    def wake(self) -> None:
        self.woken.append(time.monotonic())
        if self.goes_on:
            self.alarm.set(time.monotonic() + 300)
            self.alarm.set(time.monotonic() + 0.001)


def test_it_rings_when_it_is_time() -> None:
    sleeper = Sleeper()
    due = time.monotonic() + 0.05
    sleeper.alarm.set(due)
    sleeper.alarm.set(None)
    while not sleeper.woken:
        eventlet.sleep(0.01)
    assert sleeper.woken[0] >= due


def test_the_earliest_counts_whichever_was_set_first() -> None:
    sleeper = Sleeper()
    now = time.monotonic()
    for due in (now + 300, now + 0.01, now + 200):
        sleeper.alarm.set(due)
    while not sleeper.woken:
        eventlet.sleep(0.01)
    assert len(sleeper.woken) == 1


def test_it_can_be_set_again_and_for_what_is_over() -> None:
    sleeper = Sleeper()
    for number in range(1, 4):
        sleeper.alarm.set(time.monotonic() - 1)
        while len(sleeper.woken) < number:
            eventlet.sleep(0)


def test_however_many_set_it_there_is_one() -> None:
    """Whoever is woken sets it, late and early, while others do as well."""
    sleeper = Sleeper()
    sleeper.goes_on = True

    def others() -> None:
        while sleeper.goes_on:
            sleeper.alarm.set(time.monotonic() + 0.0005)
            eventlet.sleep(0)

    at_work = [eventlet.spawn(others) for _ in range(3)]
    while len(sleeper.woken) < 200:
        eventlet.sleep(0.001)
        assert pending() <= 1
    sleeper.goes_on = False
    for other in at_work:
        other.wait()
