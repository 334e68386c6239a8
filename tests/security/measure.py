"""How long inspectors take for the worst messages: `python -m tests.security.measure`.

The tests of caps are run, and each answer of an inspector is measured, in processor time without
what goes into garbage. The first round, when everything is new, is shown apart.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ryu_alg.engine.config import EngineConfig
from tests.security import site

ROUNDS = 5
SHOWN = 15
_Answer = TypeVar("_Answer")


class Measuring:
    """An `ryu_alg.engine.supervision.Watch` that lets everything pass, and a plugin of pytest."""

    late = 0.0

    def __init__(self) -> None:
        self.worst: dict[str, float] = {}
        """By test, in seconds."""
        self.test = ""

    def __call__(self, question: Callable[[], _Answer], size: int | None = None, /) -> _Answer:
        began = time.thread_time()
        try:
            return question()
        finally:
            took = time.thread_time() - began
            self.worst[self.test] = max(took, self.worst.get(self.test, 0.0))

    @pytest.fixture(autouse=True)
    def measured(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        """Gateways of this test are watched."""
        made = site.engine_config

        def engine_config(*what: Any) -> EngineConfig:
            return made(*what, self)

        monkeypatch.setattr(site, "engine_config", engine_config)
        self.test = request.node.name
        gc.disable()
        yield
        gc.enable()


def main() -> None:
    """Print the worst of all."""
    rounds = []
    for _ in range(ROUNDS):
        measuring = Measuring()
        where = str(Path(__file__).with_name("test_caps.py"))
        pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", where], plugins=[measuring])
        rounds.append(measuring.worst)
    first, *others = rounds
    worst = {name: max(each.get(name, 0.0) for each in others) for name in first}
    for name in sorted(worst, key=lambda name: -worst[name])[:SHOWN]:
        line = f"{1000 * worst[name]:6.2f} ms, at first {1000 * first[name]:6.2f} ms  {name}"
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
