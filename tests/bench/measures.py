"""What is measured, and one measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.bench.peers import Peer


class Better(Enum):
    """Which of two figures is the better one."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the tables."""

    key: str
    title: str
    unit: str
    better: Better
    digits: int
    """Behind the decimal point."""

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}"


FIGURES = (
    Figure("sessions_1", "Passive sessions, 1 client", "1/s", Better.HIGHER, 0),
    Figure("sessions_16", "Passive sessions, 16 clients", "1/s", Better.HIGHER, 0),
    Figure("active_16", "Active sessions, 16 clients", "1/s", Better.HIGHER, 0),
    Figure("noop_p50", "NOOP p50", "ms", Better.LOWER, 3),
    Figure("noop_p99", "NOOP p99", "ms", Better.LOWER, 3),
    Figure("download", "100 MB download", "MB/s", Better.HIGHER, 1),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of the load through one gateway."""

    name: str
    result: dict[str, Any]
    """What the load says: `count` and how many `per_second`, times in seconds, `failures`."""
    cpu: dict[str, float]
    """Processor seconds by process of the gateway."""
    punts: int | None
    """Control packets that went to the controller."""

    def figures(self) -> dict[str, float]:
        """The rows that come of it."""
        if self.name == "noop":
            return {f"noop_{share}": self.result[share] * 1e3 for share in ("p50", "p99")}
        per_second: float = self.result["per_second"]
        return {self.name: per_second / 1e6 if self.name == "download" else per_second}

    @property
    def failures(self) -> list[str]:
        """Why sessions have failed, one line each."""
        return list(self.result.get("failures", ()))


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    sessions_seconds: float
    noop_seconds: float
    budget_seconds: float
    """No round begins that would probably end later than this."""


FULL = Scale(rounds=8, sessions_seconds=3.0, noop_seconds=2.0, budget_seconds=540.0)
QUICK = Scale(rounds=3, sessions_seconds=1.0, noop_seconds=0.5, budget_seconds=100.0)


def loads(scale: Scale) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name, kind of load, parameters) of each measurement of a turn, in order."""
    for name, at_once, active in (
        ("sessions_1", 1, False),
        ("sessions_16", 16, False),
        ("active_16", 16, True),
    ):
        seconds = scale.sessions_seconds
        yield name, "sessions", {"at_once": at_once, "seconds": seconds, "active": active}
    yield "noop", "noop", {"seconds": scale.noop_seconds}
    yield "download", "download", {}


def measure(peer: Peer, name: str, kind: str, parameters: dict[str, Any]) -> Measurement:
    """Run one load. BenchError."""
    cpu, punts = peer.cpu(), peer.punts() if peer.punts else None
    result = peer.load(kind, **parameters)
    used = {process: seconds - cpu[process] for process, seconds in peer.cpu().items()}
    came = None if peer.punts is None or punts is None else peer.punts() - punts
    return Measurement(name, result, used, came)
