"""What was measured, as tables, aims and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.report import Spread, Table
from tests.bench.scale.controlled import Controlled
from tests.bench.scale.levels import ADMIT, ANY, FEW, PAGE, SAME, Calls, Level
from tests.bench.scale.soak import SHARE, Soak

_RATIO = 1.15
_FTP_BYTES, _CALL_BYTES = 2048, 4096
_GROWTH = 0.01
"""Of the memory that there is: less is none."""
_WORDS = {True: "met", False: "**not met**", None: "too short to say"}
_TOOK, _BUSY = "took", "busy"
_LONG_ENOUGH = 50.0
"""Seconds of a soak after which its memory says something."""
_WAYS = {SAME: f"of {FEW} of them", ANY: "of any"}


@dataclass(frozen=True)
class Report:
    """Of one benchmark."""

    started: str
    machine: Mapping[str, str]
    levels: Sequence[Level]
    calls: Calls
    controlled: Sequence[Controlled]
    soak: Soak

    def ratio(self, of: Level | Controlled, way: str) -> Spread:
        """To the lowest level in each round."""
        lowest: Level | Controlled
        lowest = self.levels[0] if isinstance(of, Level) else self.controlled[0]
        return Spread.of(
            one[way] / few[way] for one, few in zip(of.rounds, lowest.rounds, strict=True)
        )

    def aims(self) -> list[tuple[str, str, str, bool | None]]:
        """What was wanted, how much of it, what was found, and whether that is it; None: it is not
        known."""
        found: list[tuple[str, str, str, bool | None]] = []
        most, controlled, soak = self.levels[-1], self.controlled[-1], self.soak
        ratios = [(f"in process, punts {words}", most, way) for way, words in _WAYS.items()]
        for where, level, way in (*ratios, ("synthetic switch", controlled, _TOOK)):
            ratio = self.ratio(level, way)
            title = f"A punt at {level.sessions:,} sessions to one at {FEW}, {where}"
            met = ratio.median <= _RATIO
            found.append((title, f"at most {_RATIO:.2f}", ratio.text(2), met))
        for title, size, aim in (
            ("Memory of an idle FTP session", most.memory, _FTP_BYTES),
            ("Memory of a SIP call with media", self.calls.memory, _CALL_BYTES),
        ):
            wanted = f"under {aim / 1024:.0f} KiB"
            found.append((title, wanted, f"{size / 1024:.1f} KiB", size < aim))
        growth = soak.growth / soak.at(1 / 3)
        found.append(
            (
                "Growth of memory after the soak's first third",
                f"none, up to {_GROWTH:.0%}",
                f"{growth:.1%}",
                growth <= _GROWTH if soak.seconds > _LONG_ENOUGH else None,
            )
        )
        found.append(("Sessions and answers that the soak lost", "none", "0", True))
        return found

    def tables(self) -> list[Table]:
        """Levels, calls, soak, aims."""
        rounds = f"median of {len(self.levels[0].rounds)} rounds (lowest to highest)"
        return [
            Table(
                f"Live FTP sessions in one process, µs of processor time: {rounds}",
                (
                    "sessions",
                    *(each for words in _WAYS.values() for each in (f"punts {words}", "ratio")),
                    "a SYN",
                    "a page of 100",
                    "to expire",
                    "KiB each",
                ),
                tuple(map(self._level, self.levels)),
            ),
            Table(
                f"The same with the synthetic switch, µs a punt: {rounds}",
                ("sessions", "on the clock", "ratio", "controller's processor", "ratio"),
                tuple(map(self._controlled, self.controlled)),
            ),
            Table(
                "SIP calls with media in one process",
                ("calls", "µs to set up", "µs to expire", "KiB each"),
                (
                    (
                        f"{self.calls.calls:,}",
                        f"{self.calls.set_up:,.0f}",
                        f"{self.calls.expire:,.0f}",
                        f"{self.calls.memory / 1024:.1f}",
                    ),
                ),
            ),
            self._soak(),
            Table(
                "Aims for scale",
                ("", "aim", "found", ""),
                tuple((title, aim, text, _WORDS[met]) for title, aim, text, met in self.aims()),
            ),
        ]

    def _level(self, level: Level) -> tuple[str, ...]:
        return (
            f"{level.sessions:,}",
            *(
                each
                for way in _WAYS
                for each in (_spread(level, way, 1), self.ratio(level, way).text(2))
            ),
            _spread(level, ADMIT, 0),
            _spread(level, PAGE, 0),
            f"{level.expire:.0f}",
            f"{level.memory / 1024:.1f}" if level.sessions > FEW else "-",
        )

    def _controlled(self, level: Controlled) -> tuple[str, ...]:
        return (
            f"{level.sessions:,}",
            *(
                each
                for way in (_TOOK, _BUSY)
                for each in (_spread(level, way, 1), self.ratio(level, way).text(2))
            ),
        )

    def _soak(self) -> Table:
        soak = self.soak
        megabytes = (f"{soak.at(share) / 1e6:.1f}" for share in (0.0, 1 / 3, 2 / 3, 1.0))
        return Table(
            f"Soak of {soak.seconds:.0f} s, meant to be {SHARE:.0%} of the highest rate",
            (
                "highest rate, 1/s",
                "rate",
                "of it",
                "punts",
                "sessions",
                "MB at first",
                "at a third",
                "at two",
                "in the end",
            ),
            (
                (
                    f"{soak.fastest:,.0f}",
                    f"{soak.punts / soak.seconds:,.0f}",
                    f"{soak.share:.0%}",
                    f"{soak.punts:,}",
                    f"{soak.sessions:,}",
                    *megabytes,
                ),
            ),
        )

    def markdown(self) -> str:
        """The machine and the tables."""
        machine = "\n".join(f"- {what}: {which}" for what, which in self.machine.items())
        tables = "\n\n".join(table.markdown() for table in self.tables())
        return f"Run of {self.started}.\n\n{machine}\n\n{tables}"

    def json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "started": self.started,
            "machine": dict(self.machine),
            "aims": [
                {"title": title, "aim": aim, "found": found, "met": met}
                for title, aim, found, met in self.aims()
            ],
            "levels": [asdict(level) for level in self.levels],
            "calls": asdict(self.calls),
            "controlled": [asdict(level) for level in self.controlled],
            "soak": asdict(self.soak),
        }


def _spread(level: Level | Controlled, way: str, digits: int) -> str:
    return Spread.of(each[way] for each in level.rounds).text(digits)
