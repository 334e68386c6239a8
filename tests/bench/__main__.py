"""`python -m tests.bench`: measure, show, write."""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as RichTable

from ryu_alg.lab import LabError
from ryu_alg.lab.process import require_root
from tests.bench import machine
from tests.bench.errors import BenchError
from tests.bench.measures import (
    FIGURES,
    FULL,
    QUICK,
    Measurement,
    Scale,
    loads,
    measure,
    usual_rate,
)
from tests.bench.peer import Peer
from tests.bench.peers import PEERS
from tests.bench.report import LETTERS, Report, Round, Table, replaced

_ROOT = Path(__file__).parents[2]
_DOCUMENT = _ROOT / "docs" / "performance.md"
_RESULTS = _ROOT / "bench-results" / "latest.json"
_LOCK = Path("/run/lock/ryu-alg-bench")


@click.command()
@click.option("--quick", is_flag=True, help="Less exact, in less than three minutes.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_RESULTS,
    help="Where to write every figure.  [default: bench-results/latest.json]",
)
@click.option("--update-docs", is_flag=True, help="Put the tables into docs/performance.md.")
def main(quick: bool, json_path: Path, update_docs: bool) -> None:
    """Measure FTP, SIP and BitTorrent through four gateways, side by side, in namespaces (root).

    \b
    Example:
      python -m tests.bench --quick --json /tmp/bench.json
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    try:
        with _alone():
            report = _run(QUICK if quick else FULL, console)
    except (BenchError, LabError) as error:
        raise click.ClickException(str(error)) from None
    for table in report.tables():
        console.print(_rich(table))
    for what, which in report.machine.items():
        console.print(f"{what}: {which}", highlight=False)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    console.print(f"Every figure: {json_path}", highlight=False, soft_wrap=True)
    if update_docs:
        text = _DOCUMENT.read_text(encoding="utf-8")
        _DOCUMENT.write_text(replaced(text, report.markdown()), encoding="utf-8")
    if failures := report.failures("ryu_alg"):
        raise click.ClickException(
            f"{len(failures)} sessions, calls or announces failed through ryu_alg, the first: "
            f"{failures[0]}"
        )


def _run(scale: Scale, console: Console) -> Report:
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
    return Report(started, scale, facts, rounds)


def _line(number: str, peer: str, runs: list[Measurement]) -> str:
    """One gateway's turn."""
    values = {key: value for run in runs for key, value in run.figures().items()}
    figures = ", ".join(
        f"{figure.key} {values[figure.key]:.{figure.digits}f}"
        for figure in FIGURES
        if figure.key in values
    )
    failed = sum(len(run.failures) for run in runs)
    return f"{number} {peer:8} {figures}" + (f", {failed} failed" if failed else "")


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
