"""What the turns amount to, and which aims are met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.floods.measure import Turn
from tests.bench.floods.site import FLOODS
from tests.bench.load import percentile
from tests.bench.report import Table

MIB = 1 << 20
_MOST_RATIO = 2.0
_MOST_MEMORY = 20 * MIB
_TITLES = {flood.name: flood.title for flood in FLOODS}
_USERS = {"ftp": "FTP", "sip": "SIP"}
_EVENTS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Times:
    """Of one kind of transaction."""

    tried: int
    failed: int
    p50: float
    p99: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class AtRest:
    """When all floods were over."""

    waited: float
    """Seconds, until the gateway had nothing left, or for as long as was waited."""
    left: Mapping[str, int]
    """What it still had."""
    first: int
    """Its memory before the first flood, and at last."""
    last: int


@dataclass(frozen=True, slots=True)
class Report:
    """One run."""

    started: str
    machine: Mapping[str, str]
    seconds: float
    """Of each flood."""
    turns: Mapping[str, Sequence[Turn]]
    """By flood."""
    at_rest: AtRest

    def times(self, flood: str, user: str, *, during: bool) -> Times:
        """Over all turns."""
        outcomes = [(turn.during if during else turn.without)[user] for turn in self.turns[flood]]
        durations = sorted(took for outcome in outcomes for took in outcome.durations)
        failed = sum(len(outcome.failures) for outcome in outcomes)
        return Times(
            len(durations) + failed, failed, percentile(durations, 50), percentile(durations, 99)
        )

    def growth(self, flood: str) -> int:
        """The most memory that it has cost, in bytes."""
        return max(turn.memory.most - turn.memory.before for turn in self.turns[flood])

    def events(self, flood: str) -> Counter[str]:
        """What the gateway has counted."""
        return sum((Counter(turn.said.events) for turn in self.turns[flood]), Counter())

    def dropped(self, flood: str) -> int:
        """By the switch's meters."""
        return sum(sum(turn.said.meters.values()) for turn in self.turns[flood])

    def missed(self) -> Iterator[str]:
        """Aims that are not met, one line each."""
        for flood in self.turns:
            yield from (f"{_TITLES[flood]}: {what}" for what in self._missed_of(flood))
        growth = self.at_rest.last - self.at_rest.first
        if growth > _MOST_MEMORY:
            yield f"memory does not come back: {growth / MIB:.1f} MiB more at last"
        if self.at_rest.left and self.at_rest.waited:
            yield f"left behind after {self.at_rest.waited:.0f} s: {dict(self.at_rest.left)}"

    def _missed_of(self, flood: str) -> Iterator[str]:
        for user, title in _USERS.items():
            times = self.times(flood, user, during=True)
            if times.failed:
                yield f"{times.failed} of {times.tried} transactions of {title} failed"
            if (ratio := self.ratio(flood, user)) > _MOST_RATIO:
                yield f"p99 of {title} is {ratio:.1f} times as much"
        if (growth := self.growth(flood)) > _MOST_MEMORY:
            yield f"memory grows by {growth / MIB:.1f} MiB"
        if self.events(flood)["switch.disconnected"]:
            yield "the switch was disconnected"
        if sum(turn.said.echo_lost for turn in self.turns[flood]):
            yield "OpenFlow echo timed out"

    def ratio(self, flood: str, user: str) -> float:
        """Of the p99 with the flood to that without."""
        without = self.times(flood, user, during=False).p99
        return self.times(flood, user, during=True).p99 / without if without else 0.0

    def tables(self) -> list[Table]:
        """The users' view, and the gateway's."""
        return [
            Table(
                "Transactions of the users; times in ms, without and with the flood",
                ("", *(f"{of} {what}" for of in _USERS.values() for what in _USERS_HEAD)),
                tuple((_TITLES[flood], *self._users_cells(flood)) for flood in self.turns),
            ),
            Table(
                "The gateway meanwhile",
                (
                    "",
                    "sent, 1/s",
                    "dropped by meters, 1/s",
                    "punts, 1/s",
                    "controller's processor",
                    "memory, MiB",
                    "disconnects",
                    "events",
                ),
                tuple((_TITLES[flood], *self._gateway_cells(flood)) for flood in self.turns),
            ),
        ]

    def _users_cells(self, flood: str) -> Iterator[str]:
        for user in _USERS:
            without, during = (self.times(flood, user, during=it) for it in (False, True))
            yield f"{during.tried - during.failed}/{during.tried}"
            yield f"{without.p50 * 1e3:.1f}, {during.p50 * 1e3:.1f}"
            yield f"{without.p99 * 1e3:.1f}, {during.p99 * 1e3:.1f}"
            yield f"{self.ratio(flood, user):.2f}"

    def _gateway_cells(self, flood: str) -> Iterator[str]:
        turns = self.turns[flood]
        seconds = sum(turn.sent.seconds for turn in turns)
        yield f"{sum(turn.sent.sent for turn in turns) / seconds:,.0f}"
        yield f"{self.dropped(flood) / seconds:,.0f}"
        yield f"{sum(turn.said.punts for turn in turns) / seconds:,.0f}"
        yield f"{sum(turn.said.cpu for turn in turns) / seconds:.0%}"
        yield f"{self.growth(flood) / MIB:.1f}"
        events = self.events(flood)
        yield str(events["switch.disconnected"])
        common = [it for it in events.most_common() if it[0] not in _USUAL][:_EVENTS_SHOWN]
        yield ", ".join(f"{code} {number:,}" for code, number in common) or "-"

    def markdown(self) -> str:
        """The tables, the aims and the machine."""
        tables = "\n\n".join(table.markdown() for table in self.tables())
        missed = [f"- {line}" for line in self.missed()] or ["- none"]
        machine = [f"- {what}: {which}" for what, which in self.machine.items()]
        lines = ["Aims that this run has missed:", "", *missed, "", *machine]
        rest = self.rest()
        return f"Run of {self.started}.\n\n{tables}\n\n{rest}\n\n" + "\n".join(lines)

    def rest(self) -> str:
        """One sentence."""
        rest = self.at_rest
        left = ", ".join(f"{number} {what}" for what, number in rest.left.items()) or "nothing"
        return (
            f"{rest.waited:.0f} s after the last flood the gateway has {left} left, and its memory "
            f"is {rest.last / MIB:.1f} MiB; before the first one it was {rest.first / MIB:.1f} MiB."
        )

    def json(self) -> dict[str, Any]:
        """Everything, each transaction too."""
        return {
            "started": self.started,
            "machine": dict(self.machine),
            "seconds": self.seconds,
            "missed": list(self.missed()),
            "floods": {name: [asdict(turn) for turn in of] for name, of in self.turns.items()},
            "at_rest": asdict(self.at_rest),
        }


_USERS_HEAD = ("worked", "p50", "p99", "p99 ratio")
_USUAL = frozenset({"session.opened", "session.closed", "pinhole.opened", "pinhole.closed"})
"""Events that the users' own transactions have."""
