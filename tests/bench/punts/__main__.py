"""`python -m tests.bench.punts`: measure, show, write."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from tests.bench import machine
from tests.bench.__main__ import _rich
from tests.bench.errors import BenchError
from tests.bench.punts.controllers import COMMANDS, OS_KEN_VERSION, ROOT, get_os_ken, running
from tests.bench.punts.conversations import Noops, Options, Ports
from tests.bench.punts.reckoning import SET_UP, Report
from tests.bench.punts.switch import Run, Switch
from tests.bench.report import replaced

BEGIN, END = "<!-- The last punts. -->", "<!-- End of the last punts. -->"
_DOCUMENT = ROOT / "docs" / "performance.md"
_QUICK = 3, 0.3, (1, 64)
_FULL = 7, 1.0, (1, 64, 256)
"""Rounds, seconds of each run, packets in flight."""
_MOST = 60_000
"""Punts a second for which packets are made beforehand."""
_CONTESTANTS: dict[str, tuple[str, Callable[[int], Noops | Options]]] = {
    **{name: (name, partial(Noops, known=True)) for name in COMMANDS if name != "ryu_alg"},
    "FTP": ("ryu_alg", Noops),
    SET_UP: ("ryu_alg", Ports),
    "SIP": ("ryu_alg", Options),
}
"""Who answers, and what."""


class _Contestant:
    """A controller under one load."""

    def __init__(self, switch: Switch, make: Callable[[int], Noops | Options], numbers: count[int]):
        self._switch = switch
        self._make = make
        self._numbers = numbers
        self._made: dict[int, list[Noops | Options]] = {}

    def run(self, window: int, seconds: float) -> Run:
        """Let `window` conversations go on for so long. BenchError when anything is not right."""
        self._switch.idle()
        if window not in self._made:
            self._made[window] = [self._make(next(self._numbers)) for _ in range(window)]
        talks = self._made[window]
        for talk in talks:
            while talk.beginning:
                self._switch.exchange(talk)
            talk.prepare(int(_MOST * seconds / 2 / window) + 1)
        gc.collect()
        gc.disable()
        try:
            found = self._switch.run(talks, seconds)
        finally:
            gc.enable()
        for talk in talks:
            talk.check()
        return found


@click.command()
@click.option("--quick", is_flag=True, help="Less exact, in half a minute.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write every figure.",
)
@click.option("--update-docs", is_flag=True, help="Put the tables into docs/performance.md.")
def main(quick: bool, json_path: Path | None, update_docs: bool) -> None:
    """Measure how many packet-ins a second controllers answer, and how soon.

    \b
    Example:
      python -m tests.bench.punts --quick --json /tmp/punts.json
    """
    console = Console()
    try:
        report = _run(console, *(_QUICK if quick else _FULL))
    except BenchError as error:
        raise click.ClickException(str(error)) from None
    for table in report.tables():
        console.print(_rich(table))
    if json_path is not None:
        json_path.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    if update_docs:
        text = replaced(_DOCUMENT.read_text(encoding="utf-8"), report.markdown(), BEGIN, END)
        _DOCUMENT.write_text(text, encoding="utf-8")


def _run(console: Console, rounds: int, seconds: float, windows: tuple[int, ...]) -> Report:
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = machine.describe() | {"os-ken": OS_KEN_VERSION}
    get_os_ken()
    ours, theirs = _processors()
    facts["Pinned"] = "no" if theirs is None else "switch and controller, to a processor each"
    with ExitStack() as stack:
        where = Path(stack.enter_context(TemporaryDirectory()))
        switches = {}
        for name in COMMANDS:
            port, _ = stack.enter_context(running(name, where, theirs))
            try:
                switches[name] = stack.enter_context(closing(Switch(port)))
            except BenchError as error:
                raise BenchError(f"{name}: {error}") from None
        if ours is not None:
            every = os.sched_getaffinity(0)
            stack.callback(os.sched_setaffinity, 0, every)
            os.sched_setaffinity(0, {ours})
        numbers = count()
        contestants = {
            name: _Contestant(switches[controller], make, numbers)
            for name, (controller, make) in _CONTESTANTS.items()
        }
        found: list[dict[str, dict[int, Run]]] = []
        for number in range(1, rounds + 1):
            turns: dict[str, dict[int, Run]] = {}
            for name, contestant in contestants.items():
                try:
                    runs = {window: contestant.run(window, seconds) for window in windows}
                except BenchError as error:
                    raise BenchError(f"{name}: {error}") from None
                turns[name] = runs
                rates = ", ".join(f"{w}: {r.punts / r.seconds:,.0f}" for w, r in runs.items())
                console.print(f"round {number}/{rounds} {name}: {rates} a second", highlight=False)
            found.append(turns)
    report = Report(started, facts, found)
    facts["Switch busy at most"] = f"{report.busiest():.0%} of the time"
    return report


def _processors() -> tuple[int | None, int | None]:
    """One for the switch and one for the controllers, if there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


if __name__ == "__main__":
    main()
