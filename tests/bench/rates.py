"""The highest rate that holds, found in a handful of attempts."""

from __future__ import annotations

import math
from collections.abc import Callable

_NEAR = 1.05
"""A rate that held and one that did not are near enough when they differ by this factor."""
_RETREAT = 1.5
"""When the attempts are used up and none has held, the next is lower by this factor."""


def highest(holds: Callable[[int], bool], start: int, *, stride: float, attempts: int) -> int:
    """The highest rate that held: from `start` on by factors of `stride`, until one rate has held
    and one has not, then by halving (in the logarithm) what is between them.

    After `attempts` the highest so far has to do; when none has held by then, goes down until one
    does. 0: not even a rate of 1 holds.
    """
    held, failed = 0, 0
    rate = start
    made = 0
    while rate and (made < attempts or not held):
        if holds(rate):
            held = rate
        else:
            failed = rate
        made += 1
        if not failed:
            rate = max(rate + 1, round(held * stride))
        elif held:
            if failed <= max(held + 1, held * _NEAR):
                break
            rate = min(max(held + 1, round(math.sqrt(held * failed))), failed - 1)
        else:
            rate = int(failed / (stride if made < attempts else _RETREAT))
    return held
