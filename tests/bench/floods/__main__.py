"""`python -m tests.bench.floods`: flood, measure, show, write."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from ryu_alg.lab import Lab, LabError
from tests.bench import machine
from tests.bench.calls import callee
from tests.bench.errors import BenchError
from tests.bench.floods.measure import Turn, resident, turn
from tests.bench.floods.report import MIB, AtRest, Report
from tests.bench.floods.site import FLOODS, SERVER, configuration, left, silent
from tests.bench.report import Table
from tests.e2e import servers
from tests.e2e.gateway import RunningGateway

_RESULTS = Path(__file__).parents[3] / "bench-results" / "floods.json"
_SECONDS, _QUICK_SECONDS = 10.0, 3.0
_REST_SECONDS = 340.0
"""The longest time-out that matters: a UDP session is idle for 300 s, and has ended for 30."""
_SETTLE_SECONDS = 3.0
"""Between a flood and the next time without."""


@click.command()
@click.option("--quick", is_flag=True, help="Short floods, once each, and no wait at the end.")
@click.option("--only", multiple=True, type=click.Choice([it.name for it in FLOODS]))
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_RESULTS,
    help="Where to write every figure.  [default: bench-results/floods.json]",
)
@click.option(
    "--rest",
    default=_REST_SECONDS,
    show_default=True,
    help="Seconds to wait at the end at most, until nothing is left; not if it is quick.",
)
def main(quick: bool, only: tuple[str, ...], json_path: Path, rest: float) -> None:
    """Flood a gateway in namespaces (root) while an FTP user and a telephone work.

    Says which aims are met. Exit status 1 only if something did not run.

    \b
    Example:
      python -m tests.bench.floods --quick --only syn_outside
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    try:
        report = _run(quick, only, rest, console)
    except (BenchError, LabError, AssertionError) as error:
        raise click.ClickException(str(error)) from None
    for table in report.tables():
        console.print(_rich(table))
    console.print(report.rest(), highlight=False, soft_wrap=True)
    missed = list(report.missed())
    for line in missed:
        console.print(f"missed: {line}", highlight=False, soft_wrap=True)
    if not missed:
        console.print("All aims are met.")
    for what, which in report.machine.items():
        console.print(f"{what}: {which}", highlight=False)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    json_path.with_suffix(".md").write_text(report.markdown() + "\n", encoding="utf-8")
    console.print(f"Every figure: {json_path}", highlight=False, soft_wrap=True)


def _run(quick: bool, only: tuple[str, ...], rest: float, console: Console) -> Report:
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = machine.describe()
    seconds = _QUICK_SECONDS if quick else _SECONDS
    floods = [flood for flood in FLOODS if not only or flood.name in only]
    turns: dict[str, list[Turn]] = {flood.name: [] for flood in floods}
    with console.status("bringing up") as status, _site() as (lab, gateway):
        first = resident(gateway.pid)
        for number, flood in enumerate(floods, 1):
            what = f"{number}/{len(floods)}: {flood.title}"
            status.update(what)
            taken = turn(lab, gateway, flood, seconds)
            turns[flood.name].append(taken)
            console.print(f"{what}: {_line(taken)}", highlight=False, soft_wrap=True)
            time.sleep(_SETTLE_SECONDS)
        status.update("waiting until the gateway has nothing left")
        at_rest = _at_rest(gateway, first, 0.0 if quick else rest)
    return Report(started, facts, seconds, turns, at_rest)


def _line(taken: Turn) -> str:
    worked = ", ".join(
        f"{kind} {len(outcome.durations)}/{outcome.tried}" for kind, outcome in taken.during.items()
    )
    per_second = taken.said.punts / taken.sent.seconds
    grown = (taken.memory.most - taken.memory.before) / MIB
    failures = [failure for outcome in taken.during.values() for failure in outcome.failures]
    return (
        f"{taken.sent.sent:,} sent, {per_second:,.0f} punts/s, "
        f"{taken.said.cpu / taken.sent.seconds:.0%} of a processor, {worked}, {grown:+.1f} MiB"
        + (f", the first failure: {failures[0]}" if failures else "")
    )


def _at_rest(gateway: RunningGateway, first: int, longest: float) -> AtRest:
    """What is left, at last."""
    began = time.monotonic()
    while (there := left(gateway)) and time.monotonic() < began + longest:
        time.sleep(1)
    return AtRest(time.monotonic() - began, there, first, resident(gateway.pid))


@contextmanager
def _site() -> Iterator[tuple[Lab, RunningGateway]]:
    """A lab with a gateway and servers."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="floods-")))
        # The servers give up what root may do.
        directory.chmod(0o755)
        lab = stack.enter_context(Lab.up("nat", "floods", replace=True))
        for name in ("server", "inserver"):
            # Above every port that gateways deny by default.
            ftp = servers.vsftpd(lab.host(name), directory / name)
            stack.callback(ftp.stop)
        stack.enter_context(
            callee(lab.host("server"), SERVER, directory, "-set", "at_once", "true")
        )
        stack.enter_context(silent(lab))
        gateway = RunningGateway(lab, directory, configuration())
        stack.callback(gateway.stop)
        gateway.start()
        yield lab, gateway


def _rich(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", box=box.MARKDOWN)
    for number, head in enumerate(table.head):
        shown.add_column(head, justify="right" if number else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*row)
    return shown


if __name__ == "__main__":
    main(prog_name="python -m tests.bench.floods")
