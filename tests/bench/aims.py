"""What ryu_alg is to reach beside the others, and whether a run says that it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.measures import FIGURES
from tests.bench.report import OURS, Report, Spread, Table

_FIGURES = {figure.key: figure for figure in FIGURES}


@dataclass(frozen=True, slots=True)
class Aim:
    """One of them, and what was found."""

    title: str
    target: str
    found: str
    met: bool | None
    """None: nothing was found."""


@dataclass(frozen=True, slots=True)
class _Ratio:
    """At least so much of what another gateway does."""

    key: str
    base: str
    least: float

    def aim(self, report: Report) -> Aim:
        found = report.ratio(_FIGURES[self.key], OURS, self.base)
        title = f"{_FIGURES[self.key].title}, of what {report.label(self.base)} does"
        met = found.median >= self.least if found else None
        return Aim(title, f"at least {self.least:.2f}", _text(found, 3), met)


@dataclass(frozen=True, slots=True)
class _Difference:
    """Less than so much more than another gateway's."""

    key: str
    base: str
    most: float

    def aim(self, report: Report) -> Aim:
        figure = _FIGURES[self.key]
        found = report.difference(figure, OURS, self.base)
        title = f"{figure.title}, more than {report.label(self.base)}'s"
        met = found.median < self.most if found else None
        return Aim(title, f"less than {self.most:g} {figure.unit}", _text(found, 3), met)


_AIMS = (
    _Ratio("download", "ovs-nat", 0.98),
    _Ratio("sessions_16", "kernel", 0.5),
    _Ratio("active_16", "kernel", 0.5),
    _Difference("noop_p50", "ovs-nat", 1.0),
)


def aims(report: Report) -> list[Aim]:
    """All of them, of the medians."""
    failed = len(report.failures(OURS))
    none_failed = Aim(
        "Failed sessions, calls, transfers and announces", "none", str(failed), not failed
    )
    return [*(aim.aim(report) for aim in _AIMS), none_failed]


def table(report: Report) -> Table:
    """For people."""
    words: Mapping[bool | None, str] = {True: "met", False: "**not met**", None: "not measured"}
    return Table(
        "Aims, by the median of the rounds (lowest to highest)",
        ("", "aim", "found", ""),
        tuple((aim.title, aim.target, aim.found, words[aim.met]) for aim in aims(report)),
    )


def _text(spread: Spread | None, digits: int) -> str:
    return spread.text(digits) if spread else "-"
