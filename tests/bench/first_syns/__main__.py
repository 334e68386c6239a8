"""`python -m tests.bench.first_syns`: make transfers, count lost first SYNs."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from ryu_alg.lab import Lab, LabError
from tests.bench.errors import BenchError
from tests.bench.first_syns import calls
from tests.bench.first_syns.count import Result, Row, measure, ways
from tests.bench.first_syns.counters import REPEATED
from tests.bench.first_syns.syns import SynError
from tests.bench.first_syns.transfers import Way
from tests.e2e import servers
from tests.e2e.gateway import RunningGateway, configuration
from tests.e2e.situations import NAT

_AT_ONCE = (1, 16)
_PER_SESSION = 10
_SHOWN = 10
"""Lost SYNs and failures that are named."""
_QUOTAS = {
    # A session that has ended counts for another half minute.
    "sessions_per_host": 10000,
    "pinholes_per_host": 10000,
    "port_share": 100,
    # Of a meter, above what a controller can handle: what is counted is not the meter.
    "punt_rate": 20000,
}


@click.command()
@click.option("--transfers", default=10_000, show_default=True, type=click.IntRange(min=1))
def main(transfers: int) -> None:
    """Make FTP transfers through a gateway in namespaces (root), and count the data connections
    whose first SYN does not arrive; then SIP calls, a tenth as many, whose first RTP packet has
    to. Exit status 1 if anything is lost, or fails.

    \b
    Example:
      python -m tests.bench.first_syns --transfers 1000
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = os.getloadavg()[0]
    try:
        with console.status("bringing up") as status, _lab() as lab:
            result = _measure(lab, transfers, console, status.update)
            status.update("calls")
            number = max(1, transfers // 10)
            silent = calls.first_datagrams(lab, number, lab.directory)
    except (BenchError, LabError, SynError, AssertionError) as error:
        raise click.ClickException(str(error)) from None
    console.print(_table(result))
    for line in _summary(result):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"{number:,} calls: {len(silent)} lost the first RTP packet, or its echo")
    console.print(f"{began}, load {load:.2f} before and {os.getloadavg()[0]:.2f} after")
    if result.data.lost or result.failures or silent:
        raise SystemExit(1)


def _measure(lab: Lab, transfers: int, console: Console, status: Callable[[str], None]) -> Result:
    all_ways = list(ways(_AT_ONCE))
    number, more = divmod(transfers, len(all_ways))
    plan = [(way, number + (place < more)) for place, way in enumerate(all_ways)]

    def over(row: Row) -> None:
        cells = ", ".join(f"{head} {cell}" for head, cell in zip(_HEAD, _cells(row), strict=True))
        console.print(cells, highlight=False, soft_wrap=True)

    return measure(
        lab,
        plan,
        per_session=_PER_SESSION,
        progress=lambda way, made: status(f"{', '.join(_names(way))}: {made}/{dict(plan)[way]}"),
        over=over,
    )


@contextmanager
def _lab() -> Iterator[Lab]:
    """With a gateway and servers."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="first-syns-")))
        # The servers give up what root may do.
        directory.chmod(0o755)
        lab = stack.enter_context(Lab.up("nat", "first_syns", replace=True))
        for name in ("server", "inserver"):
            host = lab.host(name)
            # Above every port that gateways deny by default.
            vsftpd = servers.vsftpd(host, directory / f"vsftpd-{name}")
            stack.callback(vsftpd.stop)
            stack.callback(servers.pyftpdlib(host, directory / f"pyftpdlib-{name}").stop)
        config = configuration(quotas=_QUOTAS, outbound={"rules": calls.RULES})
        config["protocols"]["sip"] = {"ports": [5060], "options": calls.OPTIONS}
        gateway = RunningGateway(lab, directory, config)
        stack.callback(gateway.stop)
        gateway.start()
        yield lab


_HEAD = ("client", "mode", "RETR", "at once", "transfers", "1/s", "lost", "repeated")


def _names(way: Way) -> tuple[str, ...]:
    return (
        "inside" if way.situation is NAT else "outside",
        "/".join(mode.value for mode in way.modes),
        "together" if way.pipelined else "apart",
        str(way.at_once),
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        *_names(row.way),
        f"{row.done.transfers:,}",
        f"{row.done.transfers / row.done.seconds:.0f}",
        str(len(row.data.lost)),
        str(row.data.repeats),
    )


def _table(result: Result) -> Table:
    shown = Table(box=box.MARKDOWN)
    for place, head in enumerate(_HEAD):
        shown.add_column(head, justify="left" if place < 3 else "right")
    for row in result.rows:
        shown.add_row(*_cells(row))
    return shown


def _summary(result: Result) -> Iterator[str]:
    """What the table does not say."""
    data, control = result.data, result.control
    yield f"{result.transfers:,} transfers, {len(result.failures)} sessions failed"
    for what, of in (("data", data), ("control", control)):
        yield (
            f"{of.connections:,} {what} connections: {len(of.lost)} first SYNs lost, "
            f"{of.repeated} SYNs and {of.answers_repeated} SYN-ACKs repeated"
        )
    repeated = (data + control).repeats
    yield f"{repeated} repeated in all; the kernels say {result.counters[REPEATED]}"
    others = {name: value for name, value in result.counters.items() if name != REPEATED}
    yield "dropped meanwhile: " + (", ".join(f"{v} {k}" for k, v in others.items()) or "nothing")
    for failure in result.failures[:_SHOWN]:
        yield f"failed: {failure}"
    for syn in data.lost[:_SHOWN]:
        yield f"lost: {syn}"


if __name__ == "__main__":
    main(prog_name="python -m tests.bench.first_syns")
