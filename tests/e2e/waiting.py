"""Waiting for what will happen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_Answer = TypeVar("_Answer")


def wait_for(condition: Callable[[], _Answer | None], what: str, timeout: float = 30) -> _Answer:
    """Return what `condition` says once that is true; AssertionError after `timeout` s."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.01)
