"""What the rounds amount to: medians, spread, ratios; as JSON, and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from textwrap import indent
from typing import Any

from tests.bench.measures import FIGURES, Better, Figure, Measurement, Scale

BEGIN, END = "<!-- The benchmark's last run. -->", "<!-- End of the last run. -->"
PROFILE_BEGIN, PROFILE_END = "<!-- The last profile. -->", "<!-- End of the last profile. -->"
LETTERS = {"bridge": "a", "ovs-nat": "b", "ovs-alg": "c", "kernel": "d", "ryu_alg": "e"}
OURS = "ryu_alg"
"""What the others are compared with."""
_COSTS = {
    "sessions_1": "Passive sessions, 1 client",
    "sessions_16": "Passive sessions, 16 clients",
    "active_16": "Active sessions, 16 clients",
    "noop": "NOOP",
    "invite": "Calls, few",
    "transfers_16": "TFTP transfers, 16 clients",
    "announces_http": "Announces over HTTP, 16 clients",
    "announces_udp": "Announces over UDP, 16 clients",
}
"""By measurement."""

Round = Mapping[str, Sequence[Measurement]]
"""The measurements of one round, by gateway."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        ordered = sorted(values)
        return cls(median(ordered), ordered[0], ordered[-1])

    def text(self, digits: int) -> str:
        """`median (low-high)`, only the median where there is nothing else."""
        middle = f"{self.median:,.{digits}f}"
        if self.low == self.high:
            return middle
        return f"{middle} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


def _text(spread: Spread | None, digits: int) -> str:
    return spread.text(digits) if spread else "-"


def _plain(spread: Spread | None) -> dict[str, float] | None:
    return asdict(spread) if spread else None


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first column is a title, the others are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As GitHub renders it."""
        lines = [self.head, ("---", *["---:"] * (len(self.head) - 1)), *self.rows]
        return f"{self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True, slots=True)
class Report:
    """One run."""

    started: str
    scale: Scale
    machine: Mapping[str, str]
    rounds: Sequence[Round]
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Where the controller's time went, by load."""

    @property
    def peers(self) -> tuple[str, ...]:
        """In the order of their turns."""
        return tuple(self.rounds[0])

    def label(self, peer: str) -> str:
        """What a gateway is called in the tables."""
        return f"({LETTERS[peer]}) {peer}"

    def figure(self, figure: Figure, peer: str) -> Spread | None:
        """One gateway's figure over the rounds; None when it has none."""
        values = self._values(figure, peer)
        return Spread.of(values) if values else None

    def ratio(self, figure: Figure, peer: str, base: str) -> Spread | None:
        """Of the two figures of each round: what slows a whole round down cancels out. None
        when one of the two has none."""
        pairs = self._pairs(figure, peer, base)
        return Spread.of(value / other for value, other in pairs) if pairs else None

    def difference(self, figure: Figure, peer: str, base: str) -> Spread | None:
        """The same, of how much more the first one is."""
        pairs = self._pairs(figure, peer, base)
        return Spread.of(value - other for value, other in pairs) if pairs else None

    def cost(self, name: str) -> dict[str, float] | None:
        """What control packets cost in the measurements called `name`: punts per session, call or
        round trip, microseconds of processor time per punt, and how many a second would keep
        the controller's processor busy. None without a controller."""
        runs = [
            run
            for of_round in self.rounds
            for runs in of_round.values()
            for run in runs
            if run.name == name and run.punts
        ]
        punts = sum(run.punts or 0 for run in runs)
        if not punts:
            return None
        busy = sum(run.cpu["controller"] for run in runs)
        return {
            "punts_per_operation": punts / sum(run.result["count"] for run in runs),
            "controller_us_per_punt": busy / punts * 1e6,
            "switch_us_per_punt": sum(run.cpu["switch"] for run in runs) / punts * 1e6,
            "punts_per_second": punts / busy if busy else 0.0,
        }

    def failures(self, peer: str) -> list[str]:
        """What has failed through one gateway, one line for each session, call or announce."""
        return [
            f"{run.name}: {failure}"
            for of_round in self.rounds
            for run in of_round[peer]
            for failure in run.failures
        ]

    def tables(self) -> list[Table]:
        """Figures, ratios, what the controller spends, and what kept it from more."""
        rows = [
            (
                figure.heading,
                *(_text(self.figure(figure, peer), figure.digits) for peer in self.peers),
            )
            for figure in FIGURES
        ]
        figures = Table(
            f"Median of {len(self.rounds)} rounds (lowest to highest)",
            ("", *(self.label(peer) for peer in self.peers)),
            (
                *rows,
                (
                    "Failed sessions, calls, transfers and announces",
                    *(str(len(self.failures(peer))) for peer in self.peers),
                ),
            ),
        )
        others = [peer for peer in self.peers if peer != OURS]
        ratios = Table(
            f"Ratios of {self.label(OURS)} to each, median of the rounds' own (lowest to highest)",
            ("", *(f"{LETTERS[OURS]}/{LETTERS[base]}" for base in others)),
            tuple(
                (
                    figure.title + (" (less is better)" if figure.better is Better.LOWER else ""),
                    *(_text(self.ratio(figure, OURS, base), 2) for base in others),
                )
                for figure in FIGURES
            ),
        )
        costs = [(title, self.cost(name)) for name, title in _COSTS.items()]
        spent = Table(
            f"Control packets that ({LETTERS[OURS]}) sends to its controller, and what each costs",
            (
                "",
                "packets each",
                "controller, µs a packet",
                "switch, µs a packet",
                "packets a second, one controller",
            ),
            tuple(
                (title, *(f"{value:,.0f}" for value in cost.values()))
                for title, cost in costs
                if cost
            ),
        )
        return [figures, ratios, spent, *self._limits()]

    def limits(self) -> dict[str, dict[str, int]]:
        """How often a limit of the gateway's own was reached, by measurement and event."""
        found: dict[str, Counter[str]] = {}
        for of_round in self.rounds:
            for runs in of_round.values():
                for run in runs:
                    if run.limits:
                        found.setdefault(run.name, Counter()).update(run.limits)
        return {name: dict(events) for name, events in found.items()}

    def _limits(self) -> list[Table]:
        """Nothing, as long as no limit was reached."""
        rows = tuple(
            (name, event, f"{count:,}")
            for name, events in self.limits().items()
            for event, count in events.items()
        )
        title = f"Limits of ({LETTERS[OURS]})'s own that were reached, all rounds together"
        return [Table(title, ("measurement", "event", "times"), rows)] if rows else []

    def markdown(self) -> str:
        """The machine and the tables."""
        machine = "\n".join(f"- {what}: {which}" for what, which in self.machine.items())
        tables = "\n\n".join(table.markdown() for table in self.tables())
        return f"Run of {self.started}.\n\n{machine}\n\n{tables}"

    def profiles_markdown(self) -> str:
        """The profiles, as text."""
        return f"Run of {self.started}.\n\n" + "\n\n".join(
            f"Under {name}:\n\n{indent(text, '    ')}" for name, text in self.profiles.items()
        )

    def json(self) -> dict[str, Any]:
        """Everything, the single measurements too."""
        return {
            "started": self.started,
            "machine": dict(self.machine),
            "scale": asdict(self.scale),
            "figures": {
                figure.key: {
                    "title": figure.title,
                    "unit": figure.unit,
                    "better": figure.better.value,
                    "peers": {peer: _plain(self.figure(figure, peer)) for peer in self.peers},
                    "ratios": {
                        base: _plain(self.ratio(figure, OURS, base))
                        for base in self.peers
                        if base != OURS
                    },
                }
                for figure in FIGURES
            },
            "limits": self.limits(),
            "profiles": dict(self.profiles),
            "rounds": [
                {peer: [asdict(run) for run in runs] for peer, runs in of_round.items()}
                for of_round in self.rounds
            ],
        }

    def _pairs(self, figure: Figure, peer: str, base: str) -> list[tuple[float, float]]:
        """Of each round; none when one of the two has no such figure."""
        values, others = self._values(figure, peer), self._values(figure, base)
        if not values or not others:
            return []
        return [(value, other) for value, other in zip(values, others, strict=True) if other]

    def _values(self, figure: Figure, peer: str) -> list[float]:
        return [
            value
            for of_round in self.rounds
            for run in of_round[peer]
            for key, value in run.figures().items()
            if key == figure.key
        ]


def replaced(document: str, text: str, first: str = BEGIN, last: str = END) -> str:
    """`document` with `text` between the two markers; ValueError when they are not there."""
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the document lacks the lines {first} and {last}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"
