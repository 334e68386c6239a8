"""`python -m tests.bench.parsers`: measure, show, write."""

from __future__ import annotations

import gc
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from tests.bench import machine
from tests.bench.__main__ import _rich
from tests.bench.parsers.conversations import conversations
from tests.bench.parsers.reckoning import Report, Round
from tests.bench.parsers.stopwatch import Stopwatch
from tests.bench.report import replaced
from tests.fuzz import datagrams, streams
from tests.fuzz.targets import TARGETS

BEGIN, END = "<!-- The last parsers. -->", "<!-- End of the last parsers. -->"
_DOCUMENT = Path(__file__).parents[3] / "docs" / "performance.md"
_QUICK = 5, 0.1
_FULL = 9, 0.35
"""Rounds, and seconds of each protocol in each."""


class Reading:
    """One protocol's conversations, with the engine that they go through."""

    def __init__(self, name: str, said: list[bytes]) -> None:
        target = TARGETS[name]
        assert isinstance(target, streams.Target | datagrams.Target)
        self._target = target
        self._said = said

    def run(self, seconds: float) -> Stopwatch:
        """All conversations, again and again, for at least so long."""
        watch = Stopwatch()
        gc.collect()
        gc.disable()
        end = time.perf_counter() + seconds
        try:
            self.once(watch)
            while time.perf_counter() < end:
                self.once(watch)
        finally:
            gc.enable()
        return watch

    def once(self, watch: Stopwatch) -> None:
        """All conversations, with a stopwatch on their inspectors."""
        spec = watch.watching(self._target.spec)
        watched = replace(self._target, spec=spec, options=self._target.options[:1])
        for each in self._said:
            watched.run(each)


@click.command()
@click.option("--quick", is_flag=True, help="Less exact, in eight seconds.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write every figure.",
)
@click.option("--update-docs", is_flag=True, help="Put the table into docs/performance.md.")
def main(quick: bool, json_path: Path | None, update_docs: bool) -> None:
    """Measure how much of each protocol its inspector reads in a second of processor time.

    \b
    Example:
      python -m tests.bench.parsers --quick --json /tmp/parsers.json
    """
    console = Console()
    report = _run(console, *(_QUICK if quick else _FULL))
    console.print(_rich(report.table()))
    if json_path is not None:
        json_path.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    if update_docs:
        text = replaced(_DOCUMENT.read_text(encoding="utf-8"), report.markdown(), BEGIN, END)
        _DOCUMENT.write_text(text, encoding="utf-8")


def _run(console: Console, rounds: int, seconds: float) -> Report:
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = machine.describe()
    readings = {name: Reading(name, said) for name, said in conversations().items()}
    for reading in readings.values():
        reading.once(Stopwatch())  # for what is compiled and remembered at first
    found: list[Round] = []
    for number in range(1, rounds + 1):
        found.append({name: reading.run(seconds) for name, reading in readings.items()})
        console.print(f"round {number}/{rounds}", highlight=False)
    return Report(started, facts, found)


if __name__ == "__main__":
    main(prog_name="python -m tests.bench.parsers")
