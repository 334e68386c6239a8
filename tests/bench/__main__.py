"""`python -m tests.bench`: measure, show, write."""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.table import Table as RichTable

from ryu_alg.lab import LabError
from ryu_alg.lab.process import require_root
from tests.bench import aims, machine, parts
from tests.bench.errors import BenchError
from tests.bench.measures import (
    FIGURES,
    FULL,
    QUICK,
    Measurement,
    Scale,
    loads,
    measure,
    profiles,
    usual_rate,
)
from tests.bench.parts import PARTS
from tests.bench.peer import Peer
from tests.bench.peers import PEERS, ryu_alg
from tests.bench.profile import profiled
from tests.bench.report import (
    LETTERS,
    OURS,
    PROFILE_BEGIN,
    PROFILE_END,
    Report,
    Round,
    Table,
    replaced,
)

_ROOT = Path(__file__).parents[2]
_DOCUMENT = _ROOT / "docs" / "performance.md"
_RESULTS = _ROOT / "bench-results" / "latest.json"
_LOCK = Path("/run/lock/ryu-alg-bench")


@click.command()
@click.option("--quick", is_flag=True, help="Less exact, in less than two minutes.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_RESULTS,
    help="Where to write every figure; those of the other parts are written beside it.  "
    "[default: bench-results/latest.json]",
)
@click.option("--profile", is_flag=True, help="See, too, where ryu_alg's time goes.")
@click.option(
    "--only",
    type=click.Choice(["lab", *PARTS]),
    help="This part alone: `lab` sends real traffic through five gateways.",
)
@click.option("--update-docs", is_flag=True, help="Put the tables into docs/performance.md.")
def main(quick: bool, json_path: Path, profile: bool, only: str | None, update_docs: bool) -> None:
    """Measure FTP, SIP, TFTP and BitTorrent through five gateways, side by side, in namespaces
    (root); then what needs no network.

    \b
    Example:
      python -m tests.bench --quick --json /tmp/bench.json
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    json_path = json_path.absolute()
    json_path.parent.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    try:
        with _alone():
            if only in (None, "lab"):
                report = _run(QUICK if quick else FULL, console, profile)
                _show(report, console)
                _write(report, json_path, console, update_docs)
                wrong += _failures(report)
            options = [*(["--quick"] if quick else []), *(["--update-docs"] if update_docs else [])]
            for part in PARTS if only is None else [part for part in PARTS if part == only]:
                console.rule(part)
                try:
                    parts.run(part, json_path.parent, options)
                except BenchError as error:
                    wrong.append(str(error))
    except (BenchError, LabError) as error:
        raise click.ClickException(str(error)) from None
    if wrong:
        raise click.ClickException("; ".join(wrong))


def _show(report: Report, console: Console) -> None:
    for table in [*report.tables(), aims.table(report)]:
        console.print(_rich(table))
    for name, text in report.profiles.items():
        console.print(f"Under {name}:\n{text}", highlight=False, markup=False, soft_wrap=True)
    for what, which in report.machine.items():
        console.print(f"{what}: {which}", highlight=False)


def _write(report: Report, json_path: Path, console: Console, update_docs: bool) -> None:
    found = report.json() | {"aims": [asdict(aim) for aim in aims.aims(report)]}
    json_path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    console.print(f"Every figure: {json_path}", highlight=False, soft_wrap=True)
    if not update_docs:
        return
    text = _DOCUMENT.read_text(encoding="utf-8")
    text = replaced(text, f"{report.markdown()}\n\n{aims.table(report).markdown()}")
    if report.profiles:
        text = replaced(text, report.profiles_markdown(), PROFILE_BEGIN, PROFILE_END)
    _DOCUMENT.write_text(text, encoding="utf-8")


def _failures(report: Report) -> list[str]:
    """What makes the exit status other than 0: a line, or none."""
    if failures := report.failures(OURS):
        return [f"{len(failures)} operations failed through {OURS}, the first: {failures[0]}"]
    return []


def _run(scale: Scale, console: Console, profile: bool) -> Report:
    """Round after round, each gateway in its turn."""
    began = time.monotonic()
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = machine.describe()
    rounds: list[Round] = []
    with ExitStack() as stack, console.status("") as status:
        peers: list[Peer] = []
        for name, up in PEERS.items():
            status.update(f"bringing up ({LETTERS[name]}) {name}")
            peers.append(stack.enter_context(up(f"bench_{name.replace('-', '_')}")))
        longest = 0.0
        while len(rounds) < scale.rounds:
            round_began = time.monotonic()
            if rounds and round_began - began + longest > scale.budget_seconds:
                console.print(f"This machine is slow: {len(rounds)} rounds have to do.")
                break
            number = f"round {len(rounds) + 1}/{scale.rounds}"
            turns: dict[str, list[Measurement]] = {}
            for peer in peers:
                turns[peer.name] = []
                rate = usual_rate([of_round[peer.name] for of_round in rounds])
                for name, load in loads(scale, peer, rate):
                    status.update(f"{number}: ({LETTERS[peer.name]}) {peer.name}, {name}")
                    turns[peer.name].append(measure(peer, name, load))
                line = _line(number, peer.name, turns[peer.name])
                console.print(line, highlight=False, soft_wrap=True)
            rounds.append(turns)
            longest = max(longest, time.monotonic() - round_began)
        status.update("cleaning up")
    seen = _profiles(scale, rounds, console) if profile else {}
    return Report(started, scale, facts, rounds, seen)


def _profiles(scale: Scale, rounds: Sequence[Round], console: Console) -> dict[str, str]:
    """Where the controller's time goes, by load; a gateway of its own, with nothing beside it."""
    rate = usual_rate([of_round[OURS] for of_round in rounds]) or 1
    found: dict[str, str] = {}
    with TemporaryDirectory() as directory, console.status("") as status:
        samples = Path(directory) / "samples"
        status.update(f"bringing up {OURS}")
        with ryu_alg("bench_profile", samples) as peer:
            for name, load in profiles(scale, rate):
                status.update(f"looking at {OURS} under {name}")
                pid = peer.processes["controller"]
                found[name] = profiled(pid, samples, partial(load, peer))
    return found


def _line(number: str, peer: str, runs: list[Measurement]) -> str:
    """One gateway's turn."""
    values = {key: value for run in runs for key, value in run.figures().items()}
    figures = ", ".join(
        f"{figure.key} {values[figure.key]:.{figure.digits}f}"
        for figure in FIGURES
        if figure.key in values
    )
    failed = sum(len(run.failures) for run in runs)
    reached = ", ".join(
        f"{run.name} {event} {count}" for run in runs for event, count in run.limits.items()
    )
    return (
        f"{number} {peer:8} {figures}"
        + (f", {failed} failed" if failed else "")
        + (f", limits reached: {reached}" if reached else "")
    )


def _rich(table: Table) -> RichTable:
    """For the terminal."""
    shown = RichTable(title=table.title, title_justify="left")
    for number, head in enumerate(table.head):
        shown.add_column(head, justify="right" if number else "left", overflow="fold")
    for row in table.rows:
        # The spread under the median: four of them side by side would not fit.
        shown.add_row(*(cell.replace(" (", "\n(") for cell in row))
    return shown


@contextmanager
def _alone() -> Iterator[None]:
    """Two runs at a time would use the same names, and measure each other."""
    require_root()
    with open(_LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchError("another benchmark is running: wait until it has ended") from None
        yield


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
