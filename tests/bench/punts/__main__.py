"""`python -m tests.bench.punts`: measure, show, write."""

from __future__ import annotations

import gc
import json
import os
from contextlib import ExitStack, closing
from dataclasses import replace
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
from tests.bench.profile import profiled
from tests.bench.punts.controllers import (
    COMMANDS,
    OS_KEN_VERSION,
    ROOT,
    get_os_ken,
    pin,
    running,
    sampled,
)
from tests.bench.punts.conversations import (
    Calls,
    Echoed,
    Noops,
    Options,
    Ports,
    Registrations,
    Telephones,
)
from tests.bench.punts.reckoning import Report
from tests.bench.punts.switch import Run, Switch
from tests.bench.report import replaced

BEGIN, END = "<!-- The last punts. -->", "<!-- End of the last punts. -->"
_DOCUMENT = ROOT / "docs" / "performance.md"
_QUICK = 3, 0.25, (1, 64)
_FULL = 7, 0.6, (1, 64, 256)
"""Rounds, seconds of each run, packets in flight."""
_MOST = 40_000
"""Punts a second for which packets are made beforehand."""
_START = 60.0
"""Seconds in which controllers start, all at once."""
_OURS: dict[str, type[Noops | Telephones]] = {
    "FTP": Noops,
    "FTP, a pinhole each time": Ports,
    "SIP OPTIONS": Options,
    "SIP REGISTER": Registrations,
    "SIP calls, media each time": Calls,
}
"""What ryu_alg answers."""
_PROFILED = ("FTP", "SIP OPTIONS", "SIP calls, media each time")
_PROFILED_AT = 64, 2.0
"""Packets in flight, seconds."""


class _Contestant:
    """A controller under one load."""

    def __init__(self, switch: Switch, make: type[Noops | Telephones], numbers: count[int]):
        self._switch = switch
        self._make = make
        self._numbers = numbers
        self._made: dict[int, list[Noops | Telephones]] = {}

    def run(self, window: int, seconds: float) -> Run:
        """Let `window` conversations go on for so long. BenchError when anything is not right."""
        self._switch.idle()
        if window not in self._made:
            self._made[window] = [self._make(next(self._numbers)) for _ in range(window)]
        talks = self._made[window]
        before = self._switch.flow_mods - sum(talk.opened for talk in talks)
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
        if self._switch.flow_mods < before + sum(talk.opened for talk in talks):
            raise BenchError("the switch was not told to open what was announced")
        return found


@click.command()
@click.option("--quick", is_flag=True, help="Less exact, in less than a minute.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write every figure.",
)
@click.option("--profile", is_flag=True, help="See, too, where ryu_alg's time goes.")
@click.option(
    "--update-docs", is_flag=True, help="Put the tables and profiles into docs/performance.md."
)
def main(quick: bool, json_path: Path | None, profile: bool, update_docs: bool) -> None:
    """Measure how many packet-ins a second controllers answer, and how soon.

    \b
    Example:
      python -m tests.bench.punts --quick --json /tmp/punts.json
    """
    console = Console()
    try:
        report = _run(console, *(_QUICK if quick else _FULL))
        if profile or update_docs:
            report = replace(report, profiles=_profiles(console))
    except BenchError as error:
        raise click.ClickException(str(error)) from None
    for table in report.tables():
        console.print(_rich(table))
    for name, text in report.profiles.items():
        console.print(f"Under {name}:\n{text}", highlight=False, markup=False, soft_wrap=True)
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
        processes = {name: stack.enter_context(running(name, where, None)) for name in COMMANDS}
        switches = {}
        for name, (port, process) in processes.items():
            try:
                switches[name] = stack.enter_context(closing(Switch(port, _START)))
            except BenchError as error:
                raise BenchError(f"{name}: {error}") from None
            if theirs is not None:
                pin(process, theirs)
        if ours is not None:
            every = os.sched_getaffinity(0)
            stack.callback(os.sched_setaffinity, 0, every)
            os.sched_setaffinity(0, {ours})
        numbers = count()
        contestants = {
            name: _Contestant(switch, Echoed, numbers)
            for name, switch in switches.items()
            if name != "ryu_alg"
        } | {name: _Contestant(switches["ryu_alg"], make, numbers) for name, make in _OURS.items()}
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


def _profiles(console: Console) -> dict[str, str]:
    """Where a gateway of its own spends its time, by what it answers."""
    found = {}
    numbers = count()
    with ExitStack() as stack:
        where = Path(stack.enter_context(TemporaryDirectory()))
        samples = where / "samples"
        port, process = stack.enter_context(running("ryu_alg", where, None, sampled(samples)))
        switch = stack.enter_context(closing(Switch(port, _START)))
        for name in _PROFILED:
            contestant = _Contestant(switch, _OURS[name], numbers)
            contestant.run(_PROFILED_AT[0], 0.0)
            found[name] = profiled(process, samples, partial(contestant.run, *_PROFILED_AT))
            console.print(f"profile of {name}", highlight=False)
    return found


def _processors() -> tuple[int | None, int | None]:
    """One for the switch and one for the controllers, if there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


if __name__ == "__main__":
    main(prog_name="python -m tests.bench.punts")
