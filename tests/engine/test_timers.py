"""The deadline heap."""

from __future__ import annotations

from ryu_alg.engine.timers import Timers


def test_the_earliest_deadline_comes_first_and_only_once() -> None:
    timers = Timers()
    timers.set(1, 5.0)
    timers.set(2, 3.0)
    assert timers.next() == 3.0
    assert timers.due(4.0) == [2]
    assert timers.due(4.0) == []
    assert timers.due(6.0) == [1]
    assert timers.next() is None


def test_an_earlier_deadline_replaces_a_later_one() -> None:
    timers = Timers()
    timers.set(1, 5.0)
    timers.set(1, 2.0)
    assert timers.next() == 2.0
    assert timers.due(9.0) == [1]


def test_a_later_deadline_is_found_out_when_the_earlier_one_comes_up() -> None:
    timers = Timers()
    timers.set(1, 2.0)
    timers.set(1, 5.0)
    assert timers.due(3.0) == [1]


def test_a_key_without_a_deadline_does_not_wake() -> None:
    timers = Timers()
    timers.set(1, 2.0)
    timers.set(1, None)
    assert timers.next() is None
    assert timers.due(9.0) == []


def test_setting_it_again_and_again_does_not_grow_the_heap() -> None:
    timers = Timers()
    for step in range(1000):
        timers.set(1, 10.0 + step)
    assert len(timers._heap) == 1


def test_nor_does_setting_it_earlier_and_earlier() -> None:
    timers = Timers()
    timers.set(2, 5000.0)
    for step in range(1000):
        timers.set(1, 10_000.0 - step)
        assert len(timers._heap) < 100
    assert timers.due(4999.0) == []
    assert timers.due(20_000.0) == [2, 1]
