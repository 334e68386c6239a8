"""What the rounds amount to: medians, spread, ratios; as JSON, and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench.measures import FIGURES, Better, Figure, Measurement, Scale

BEGIN, END = "<!-- The benchmark's last run. -->", "<!-- End of the last run. -->"
BASES = ("bridge", "kernel")
"""What the others are compared with."""
LETTERS = {"bridge": "a", "ovs-alg": "b", "kernel": "c", "ryu_alg": "d"}

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

    @property
    def peers(self) -> tuple[str, ...]:
        """In the order of their turns."""
        return tuple(self.rounds[0])

    def figure(self, figure: Figure, peer: str) -> Spread | None:
        """One gateway's figure over the rounds; None when it has none."""
        values = self._values(figure, peer)
        return Spread.of(values) if values else None

    def ratio(self, figure: Figure, peer: str, base: str) -> Spread | None:
        """Of the two figures of each round: what slows a whole round down cancels out. None
        when one of the two has none."""
        values, others = self._values(figure, peer), self._values(figure, base)
        if not values or not others:
            return None
        pairs = zip(values, others, strict=True)
        return Spread.of(value / other for value, other in pairs if other)

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
        """Figures, ratios, and what the controller spends."""
        rows = [
            (
                figure.heading,
                *(_text(self.figure(figure, peer), figure.digits) for peer in self.peers),
            )
            for figure in FIGURES
        ]
        figures = Table(
            f"Median of {len(self.rounds)} rounds (lowest to highest)",
            ("", *(f"({LETTERS[peer]}) {peer}" for peer in self.peers)),
            (
                *rows,
                (
                    "Failed sessions, calls and announces",
                    *(str(len(self.failures(peer))) for peer in self.peers),
                ),
            ),
        )
        # Each against the bases, but not one base against the other twice.
        pairs = [
            (peer, base)
            for number, base in enumerate(BASES)
            for peer in self.peers
            if peer not in BASES[: number + 1]
        ]
        ratios = Table(
            "Ratios, median of the rounds' own (lowest to highest)",
            ("", *(f"{LETTERS[peer]}/{LETTERS[base]}" for peer, base in pairs)),
            tuple(
                (
                    figure.title + (" (less is better)" if figure.better is Better.LOWER else ""),
                    *(_text(self.ratio(figure, peer, base), 2) for peer, base in pairs),
                )
                for figure in FIGURES
            ),
        )
        costs = [(figure.title, self.cost(figure.key)) for figure in FIGURES[:3]]
        costs += [("NOOP", self.cost("noop")), ("Calls, few", self.cost("invite"))]
        costs += [
            (figure.title, self.cost(figure.key))
            for figure in FIGURES
            if figure.key.startswith("announces_")
        ]
        spent = Table(
            "Control packets that (d) sends to its controller: how many, and what each costs",
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
        return [figures, ratios, spent]

    def markdown(self) -> str:
        """The tables and the machine."""
        machine = "\n".join(f"- {what}: {which}" for what, which in self.machine.items())
        tables = "\n\n".join(table.markdown() for table in self.tables())
        return f"Run of {self.started}.\n\n{tables}\n\n{machine}"

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
                        base: {
                            peer: _plain(self.ratio(figure, peer, base))
                            for peer in self.peers
                            if peer != base
                        }
                        for base in BASES
                    },
                }
                for figure in FIGURES
            },
            "rounds": [
                {peer: [asdict(run) for run in runs] for peer, runs in of_round.items()}
                for of_round in self.rounds
            ],
        }

    def _values(self, figure: Figure, peer: str) -> list[float]:
        return [
            value
            for of_round in self.rounds
            for run in of_round[peer]
            for key, value in run.figures().items()
            if key == figure.key
        ]


def replaced(document: str, text: str) -> str:
    """`document` with `text` between the two markers; ValueError when they are not there."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
