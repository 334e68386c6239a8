"""What the rounds amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from textwrap import indent
from typing import Any

from tests.bench.punts.switch import Run
from tests.bench.report import Spread, Table

ECHO, PARSED, BARE = "Ryu echo", "Ryu echo, parsed", "bare loop"
BASES = (ECHO, PARSED, BARE)
_AIMS = {ECHO: 5.0, PARSED: 5.0, BARE: 1 / 3}
"""How many times what each does."""
_AIMED = ("FTP", "SIP OPTIONS")
"""Contestants that do the whole job; aims are for them."""

Round = Mapping[str, Mapping[int, Run]]
"""By contestant and window."""
OURS = ("FTP", "SIP")
"""How the names of contestants begin that are ryu_alg."""
_KINDS = ("", "median", "p99")


@dataclass(frozen=True)
class Report:
    """Of one benchmark."""

    started: str
    machine: Mapping[str, str]
    rounds: Sequence[Round]
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Where the time of ryu_alg goes, by load."""

    @property
    def names(self) -> tuple[str, ...]:
        """The contestants, in the order of their turns."""
        return tuple(self.rounds[0])

    @property
    def windows(self) -> tuple[int, ...]:
        """How many packets were on their way at a time."""
        return tuple(next(iter(self.rounds[0].values())))

    def rate(self, name: str, window: int) -> Spread:
        """Punts a second."""
        return Spread.of(_rate(of_round[name][window]) for of_round in self.rounds)

    def best(self, name: str) -> Spread:
        """Punts a second in the window in which it does most."""
        return Spread.of(_best(of_round[name]) for of_round in self.rounds)

    def ratio(self, name: str, base: str) -> Spread:
        """Of the two in each round, both at their best."""
        return Spread.of(_best(of_round[name]) / _best(of_round[base]) for of_round in self.rounds)

    def latency(self, name: str, percent: int) -> Spread:
        """Microseconds with one in flight: the percentile of each round."""
        return Spread.of(
            _percentile(of_round[name][1].latencies, percent) for of_round in self.rounds
        )

    def kinds(self, name: str) -> list[str]:
        """What was punted, in the order of a conversation."""
        return list(self.rounds[0][name][1].by_kind)

    def latency_of(self, name: str, kind: str, percent: int) -> Spread:
        """The same, of what was punted."""
        return Spread.of(
            _percentile(of_round[name][1].by_kind[kind], percent) for of_round in self.rounds
        )

    def aims(self) -> list[tuple[str, str, bool]]:
        """What was wanted, what was found, and whether that is it."""
        found = []
        for name in _AIMED:
            for base, aim in _AIMS.items():
                ratio = self.ratio(name, base)
                wanted = f"{name}: at least {aim:.2f} times {base}"
                found.append((wanted, ratio.text(2), ratio.median >= aim))
        return found

    def tables(self) -> list[Table]:
        """Rates, latencies, aims."""
        rows = tuple(
            (
                name,
                *(self.rate(name, window).text(0) for window in self.windows),
                self.latency(name, 50).text(0),
                self.latency(name, 99).text(0),
                *(self.ratio(name, base).text(2) for base in BASES),
            )
            for name in self.names
        )
        head = (
            "",
            *(f"punts a second, {window} in flight" for window in self.windows),
            "µs at 1 in flight, median",
            "p99",
            *(f"to {base}" for base in BASES),
        )
        kinds = tuple(
            (f"{name}: {kind}", *(self.latency_of(name, kind, n).text(0) for n in (50, 99)))
            for name in self.names
            if name.startswith(OURS)
            for kind in self.kinds(name)
        )
        return [
            Table(f"Punts: median of {len(self.rounds)} rounds (lowest to highest)", head, rows),
            Table("ryu_alg, one in flight: µs from what came to what leaves", _KINDS, kinds),
            Table(
                "Aims for punts",
                ("", "found", "met"),
                tuple((aim, found, "yes" if met else "no") for aim, found, met in self.aims()),
            ),
        ]

    def busiest(self) -> float:
        """The share of its time that the switch itself was busy, of the run where that was most:
        near 1, it has measured itself."""
        return max(
            run.busy / run.seconds
            for of_round in self.rounds
            for runs in of_round.values()
            for run in runs.values()
        )

    def markdown(self) -> str:
        """The machine, the tables and the profiles."""
        machine = "\n".join(f"- {what}: {which}" for what, which in self.machine.items())
        tables = "\n\n".join(table.markdown() for table in self.tables())
        profiles = "".join(
            f"\n\nWhere the time goes under {name}:\n\n{indent(text, '    ')}"
            for name, text in self.profiles.items()
        )
        return f"Run of {self.started}.\n\n{machine}\n\n{tables}{profiles}"

    def json(self) -> dict[str, Any]:
        """Everything but the single latencies."""
        return {
            "started": self.started,
            "machine": dict(self.machine),
            "aims": [{"aim": aim, "found": found, "met": met} for aim, found, met in self.aims()],
            "contestants": {
                name: {
                    "rates": {w: asdict(self.rate(name, w)) for w in self.windows},
                    "latency_us_p50": asdict(self.latency(name, 50)),
                    "latency_us_p99": asdict(self.latency(name, 99)),
                    "latency_us_by_kind": {
                        kind: {f"p{n}": asdict(self.latency_of(name, kind, n)) for n in (50, 99)}
                        for kind in self.kinds(name)
                    },
                    "ratios": {base: asdict(self.ratio(name, base)) for base in BASES},
                }
                for name in self.names
            },
            "profiles": dict(self.profiles),
            "rounds": [
                {
                    name: {
                        window: {
                            "punts": run.punts,
                            "seconds": run.seconds,
                            "switch_busy_seconds": run.busy,
                            "latency_median": median(run.latencies) if run.latencies else None,
                        }
                        for window, run in runs.items()
                    }
                    for name, runs in of_round.items()
                }
                for of_round in self.rounds
            ],
        }


def _rate(run: Run) -> float:
    return run.punts / run.seconds


def _percentile(latencies: Sequence[float], percent: int) -> float:
    """In microseconds."""
    return quantiles(latencies, n=100)[percent - 1] * 1e6


def _best(runs: Mapping[int, Run]) -> float:
    return max(map(_rate, runs.values()))
