"""The search for the highest rate that holds, against made-up gateways."""

import pytest

from tests.bench.rates import highest


class Gateway:
    """Holds every rate up to its own; what it was asked stays."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tried: list[int] = []

    def __call__(self, rate: int) -> bool:
        self.tried.append(rate)
        return rate <= self.capacity


@pytest.mark.parametrize("capacity", [1, 2, 7, 60, 99, 100, 101, 399, 400, 5000])
@pytest.mark.parametrize("start", [1, 100, 5000])
def test_given_time_it_comes_near(capacity: int, start: int) -> None:
    gateway = Gateway(capacity)
    found = highest(gateway, start, stride=4.0, attempts=100)
    assert found <= capacity <= max(found, found * 1.05)
    assert len(gateway.tried) < 20
    assert len(set(gateway.tried)) == len(gateway.tried)


def test_what_it_says_has_held() -> None:
    gateway = Gateway(150)
    found = highest(gateway, 100, stride=4.0, attempts=3)
    assert gateway.tried == [100, 400, 200]
    assert found == 100


def test_a_good_start_needs_few_attempts() -> None:
    gateway = Gateway(1000)
    assert highest(gateway, 980, stride=1.15, attempts=3) == 980
    assert gateway.tried == [980, 1127, 1051]


def test_it_goes_down_until_a_rate_holds_however_many_attempts_that_takes() -> None:
    gateway = Gateway(10)
    assert highest(gateway, 1000, stride=1.15, attempts=2) == gateway.tried[-1] == 9
    assert gateway.tried[:3] == [1000, 869, 579]


def test_what_never_holds_is_0() -> None:
    gateway = Gateway(0)
    assert highest(gateway, 100, stride=4.0, attempts=3) == 0
    assert gateway.tried[-1] == 1
