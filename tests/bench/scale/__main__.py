"""`python -m tests.bench.scale`: measure, show, write."""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from tests.bench import machine
from tests.bench.__main__ import _rich
from tests.bench.errors import BenchError
from tests.bench.punts.controllers import ROOT
from tests.bench.report import replaced
from tests.bench.scale import controlled, levels, soak
from tests.bench.scale.reckoning import Report

BEGIN, END = "<!-- The last scale. -->", "<!-- End of the last scale. -->"
_DOCUMENT = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class _Scale:
    """How much is measured."""

    sizes: tuple[int, ...]
    """Sessions of each level."""
    controlled: tuple[int, ...]
    """Likewise, with the synthetic switch."""
    calls: int
    rounds: int
    punts: int
    """In a round, in each way."""
    seconds: float
    """Of a round with the synthetic switch."""
    settling: float
    """Seconds of the soak before anything is looked at: what has ended is known for half a minute,
    so that until then there is more and more of it."""
    soak: float
    """Seconds."""


_QUICK = _Scale((100, 5000), (100, 10_000), 500, 3, 1000, 0.3, 0.0, 5.0)
_FULL = _Scale(*[(100, 1000, 10_000, 100_000)] * 2, 10_000, 5, 4000, 0.5, 40.0, 60.0)


@click.command()
@click.option("--quick", is_flag=True, help="Less exact, in twenty seconds.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write every figure.",
)
@click.option("--update-docs", is_flag=True, help="Put the tables into docs/performance.md.")
def main(quick: bool, json_path: Path | None, update_docs: bool) -> None:
    """Measure what a control packet costs with many sessions live, what each session costs, and
    whether the gateway is the same after a long time.

    \b
    Example:
      python -m tests.bench.scale --quick --json /tmp/scale.json
    """
    console = Console()
    try:
        report = _run(console, _QUICK if quick else _FULL)
    except BenchError as error:
        raise click.ClickException(str(error)) from None
    for table in report.tables():
        console.print(_rich(table))
    if json_path is not None:
        json_path.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    if update_docs:
        text = replaced(_DOCUMENT.read_text(encoding="utf-8"), report.markdown(), BEGIN, END)
        _DOCUMENT.write_text(text, encoding="utf-8")


def _run(console: Console, scale: _Scale) -> Report:
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = machine.describe()
    usable = sorted(os.sched_getaffinity(0))
    theirs = usable[1] if len(usable) > 1 else None
    with ExitStack() as stack:
        where = Path(stack.enter_context(TemporaryDirectory()))
        # Memory that something else has left behind would not be seen: each in a process of its
        # own.
        pool = stack.enter_context(
            ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), max_tasks_per_child=1)
        )
        calls = pool.submit(levels.calls, where, scale.calls)
        found = pool.submit(levels.measure, where, scale.sizes, scale.rounds, scale.punts)
        places = [where / str(size) for size in (*scale.controlled, "soak")]
        *gateways, soaked = stack.enter_context(controlled.gateways(places, theirs))
        console.print(f"{scale.calls:,} calls: {calls.result().memory:,.0f} bytes each")
        for level in found.result():
            console.print(f"{level.sessions:,} sessions: {level.memory:,.0f} bytes each")
        if theirs is not None:
            every = os.sched_getaffinity(0)
            stack.callback(os.sched_setaffinity, 0, every)
            os.sched_setaffinity(0, {usable[0]})
        with_switch = controlled.measure(gateways, scale.controlled, scale.rounds, scale.seconds)
        console.print("with the synthetic switch: done")
        console.print(f"soak: {scale.settling + scale.soak:.0f} s")
        return Report(
            started,
            facts,
            found.result(),
            calls.result(),
            with_switch,
            soak.measure(soaked, scale.soak, scale.settling),
        )


if __name__ == "__main__":
    main()
