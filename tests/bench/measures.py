"""What is measured, and one measurement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from functools import partial
from statistics import median
from typing import Any

from tests.bench.calls import Attempt
from tests.bench.errors import BenchError
from tests.bench.load import percentile
from tests.bench.peer import Peer
from tests.bench.rates import highest
from tests.bench.swarm import Swarm


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
    Figure("calls", "Calls, none of them failed", "1/s", Better.HIGHER, 0),
    Figure("invite_p50", "INVITE to 200 p50", "ms", Better.LOWER, 3),
    Figure("invite_p99", "INVITE to 200 p99", "ms", Better.LOWER, 3),
    Figure("transfers_1", "TFTP transfers, 1 client", "1/s", Better.HIGHER, 0),
    Figure("transfers_16", "TFTP transfers, 16 clients", "1/s", Better.HIGHER, 0),
    Figure("announces_http", "Announces over HTTP, 16 clients", "1/s", Better.HIGHER, 0),
    Figure("announces_udp", "Announces over UDP, 16 clients", "1/s", Better.HIGHER, 0),
    Figure("inbound", "64 MB torrent from inside", "MB/s", Better.HIGHER, 1),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of the load through one gateway."""

    name: str
    result: dict[str, Any]
    """What the load says: `count` and how many `per_second`, times in seconds, `failures`; of the
    search for the highest rate of calls, the `attempts`."""
    cpu: dict[str, float]
    """Processor seconds by process of the gateway."""
    punts: int | None
    """Control packets that went to the controller."""
    limits: dict[str, int] = field(default_factory=dict)
    """How often it told that some limit was reached, by event."""

    def figures(self) -> dict[str, float]:
        """The rows that come of it."""
        if self.name in ("noop", "invite"):
            return {f"{self.name}_{share}": self.result[share] * 1e3 for share in ("p50", "p99")}
        per_second: float = self.result["per_second"]
        of_bytes = self.name in ("download", "inbound")
        return {self.name: per_second / 1e6 if of_bytes else per_second}

    @property
    def failures(self) -> list[str]:
        """Why sessions, calls and announces have failed, one line each."""
        return list(self.result.get("failures", ()))


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    sessions_seconds: float
    noop_seconds: float
    downloads: int
    calls_seconds: float
    """For so long calls are begun, at each rate that is tried."""
    first_attempts: int
    """So many rates are tried in the first round, which knows nothing yet."""
    attempts: int
    """And so many in each later one, which begins with what those before have found."""
    invite_seconds: float
    transfers_seconds: float
    announces_seconds: float
    torrents: bool
    budget_seconds: float
    """No round begins that would probably end later than this."""
    profile_seconds: float


FULL = Scale(
    rounds=7,
    sessions_seconds=2.0,
    noop_seconds=1.0,
    downloads=5,
    calls_seconds=1.5,
    first_attempts=7,
    attempts=2,
    invite_seconds=1.5,
    transfers_seconds=1.0,
    announces_seconds=1.5,
    torrents=True,
    budget_seconds=720.0,
    profile_seconds=8.0,
)
QUICK = Scale(
    rounds=2,
    sessions_seconds=0.5,
    noop_seconds=0.3,
    downloads=1,
    calls_seconds=0.5,
    first_attempts=4,
    attempts=1,
    invite_seconds=0.4,
    transfers_seconds=0.4,
    announces_seconds=0.3,
    torrents=False,
    budget_seconds=60.0,
    profile_seconds=2.0,
)

INVITES_PER_SECOND = 40
MEDIA_EVERY = 10
"""One in so many of these calls has RTP."""
_ANNOUNCERS = 16
_USUAL_SHARE = 0.7
_LIMIT = re.compile(r"^punt\.|quota|exhausted|limit|\.rate\.")
"""Codes of events."""
_FIRST_RATE = 400
_FIRST_STRIDE, _STRIDE = 4.0, 1.15

Load = tuple[str, Callable[[Peer], dict[str, Any]]]
"""Its name, and what runs it through a gateway. BenchError."""


def usual_rate(turns: Sequence[Sequence[Measurement]]) -> int | None:
    """Where a gateway's next search for its rate of calls begins, given its turns so far: at their
    median. The last turn alone may have been a bad one, and a few attempts do not make up for it.
    None when there is nothing to begin with."""
    found = [run.result["per_second"] for turn in turns for run in turn if run.name == "calls"]
    return round(median(found)) if found else None


def loads(scale: Scale, peer: Peer, rate: int | None = None) -> Iterator[Load]:
    """The measurements of a gateway's turn, in order; `rate` is where to begin with calls."""
    # First, while the switch has no flows and connections of recent sessions to clear away.
    yield "noop", partial(Peer.load, kind="noop", seconds=scale.noop_seconds)
    yield "download", partial(Peer.load, kind="download", times=scale.downloads)
    for name, at_once, active in (
        ("sessions_1", 1, False),
        ("sessions_16", 16, False),
        ("active_16", 16, True),
    ):
        if active and not peer.active:
            continue
        seconds = scale.sessions_seconds
        yield (
            name,
            partial(Peer.load, kind="sessions", at_once=at_once, seconds=seconds, active=active),
        )
    if peer.sip:
        yield "calls", partial(_calls, scale=scale, rate=rate)
        yield "invite", partial(_invite, seconds=scale.invite_seconds)
    if peer.tftp:
        for at_once in (1, 16):
            seconds = scale.transfers_seconds
            load = partial(Peer.fetch, kind="transfers", at_once=at_once, seconds=seconds)
            yield f"transfers_{at_once}", load
    if peer.swarm is not None:
        for over in ("http", "udp"):
            load = partial(
                Peer.announce,
                kind="announces",
                over=over,
                at_once=_ANNOUNCERS,
                seconds=scale.announces_seconds,
            )
            yield f"announces_{over}", load
        if scale.torrents:
            yield "inbound", partial(_inbound, swarm=peer.swarm)


def measure(peer: Peer, name: str, load: Callable[[Peer], dict[str, Any]]) -> Measurement:
    """Run one load. BenchError."""
    cpu, before = peer.cpu(), peer.status()
    result = load(peer)
    used = {process: seconds - cpu[process] for process, seconds in peer.cpu().items()}
    if before is None:
        return Measurement(name, result, used, None)
    after = peer.status() or {}
    punts = sum(after["punts"].values()) - sum(before["punts"].values())
    limits = reached(before["events"], after["events"])
    return Measurement(name, result, used, punts, limits)


def reached(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """The events in between, as counted by the controller, that say that a limit was reached."""
    return {
        code: count - before.get(code, 0)
        for code, count in after.items()
        if _LIMIT.search(code) and count > before.get(code, 0)
    }


def profiles(scale: Scale, rate: int) -> Iterator[Load]:
    """What the controller is looked at under: passive sessions, and calls at a rate that it can
    handle for long, given the highest that it could for a moment."""
    seconds = scale.profile_seconds
    sessions = partial(Peer.load, kind="sessions", at_once=16, seconds=seconds, active=False)
    yield "16 clients in passive FTP sessions", sessions
    usual = max(1, round(rate * _USUAL_SHARE))

    def calls(peer: Peer) -> dict[str, Any]:
        return asdict(peer.attempt(usual, seconds))

    yield f"{usual} SIP calls a second", calls


def _calls(peer: Peer, scale: Scale, rate: int | None) -> dict[str, Any]:
    """The highest rate at which no call fails."""
    attempts: list[Attempt] = []

    def holds(rate: int) -> bool:
        attempts.append(peer.attempt(rate, scale.calls_seconds))
        return attempts[-1].held

    if rate is None:
        found = highest(holds, _FIRST_RATE, stride=_FIRST_STRIDE, attempts=scale.first_attempts)
    else:
        found = highest(holds, rate, stride=_STRIDE, attempts=scale.attempts)
    if not found:
        raise BenchError(f"{peer.name}: not even one call in a second works: {attempts[-1]}")
    return {
        "count": sum(attempt.successful for attempt in attempts),
        "per_second": found,
        "attempts": [asdict(attempt) for attempt in attempts],
    }


def _invite(peer: Peer, seconds: float) -> dict[str, Any]:
    """How long the answer takes, when calls are few."""
    result = peer.dial("invite", rate=INVITES_PER_SECOND, seconds=seconds, media_every=MEDIA_EVERY)
    durations = sorted(result.pop("durations"))
    return {f"p{share}": percentile(durations, share) for share in (50, 99)} | result


def _inbound(peer: Peer, swarm: Swarm) -> dict[str, Any]:
    """What somebody outside gets from the client."""
    return swarm.inbound(peer.directory)
