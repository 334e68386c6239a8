"""`ryu-alg replay`. It imports neither Ryu nor webob."""

from __future__ import annotations

from pathlib import Path

import click

from ryu_alg.replay.capture import Capture, CaptureError, Output
from ryu_alg.replay.entries import Entry
from ryu_alg.replay.replay import Replay, engine_config, pipeline_plan
from ryu_alg.replay.vantage import At, guessed
from ryu_alg.settings import ConfigurationError, load

_WHAT = {
    "control": "inspected",
    "forwarded": "forwarded without inspection",
    "data": "data of sessions",
    "ordinary": "ordinary traffic",
    "refused": "refused",
    "stray": "of conversations without a beginning",
    "truncated": "too short to be inspected",
    "malformed": "malformed",
    "fragment": "fragments of others",
    "elsewhere": "of no inside host on this side",
    "other": "neither TCP nor UDP, or TCP in fragments",
    "not_ip": "not IP",
}


@click.command()
@click.argument("capture", type=click.Path(path_type=Path))
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path),
    help="The gateway's configuration.",
)
@click.option(
    "--at",
    type=click.Choice([at.value for at in At]),
    help="The side of the gateway that it was captured on; guessed from its addresses if missing.",
)
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write the packets as they would leave the gateway.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def replay(capture: Path, config: Path, at: str | None, write: Path | None, as_json: bool) -> None:
    """Run the control conversations of CAPTURE through the gateway of a configuration.

    Prints what it rewrites, opens and refuses, at the capture's time. There is no switch, and
    nothing is sent.

    \b
    Examples:
      ryu-alg replay trouble.pcap --config config/lab.yaml
      ryu-alg replay trouble.pcap --config config/lab.yaml --write out.pcap --json
    """
    try:
        settings = load(config)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise click.exceptions.Exit(1) from error
    if write is not None and write.exists() and capture.exists() and write.samefile(capture):
        raise click.ClickException("--write would overwrite the capture")

    def tell(entry: Entry) -> None:
        click.echo(entry.json() if as_json else entry.text())

    packets = Capture(capture)
    engine, plan = engine_config(settings), pipeline_plan(settings)
    try:
        side = guessed((p.ip for p in packets if p.ip), engine) if at is None else At(at)
        click.echo(f"captured {side.value}{' (guessed)' if at is None else ''}", err=True)
        with Output(write) as output:
            replayed = Replay(engine, plan, side, output, tell)
            for captured in packets:
                replayed.feed(captured)
            replayed.finish()
    except CaptureError as error:
        raise click.ClickException(str(error)) from error
    if packets.damage is not None:
        click.echo(packets.damage, err=True)
    counts = replayed.counts
    parts = [f"{counts[key]} {what}" for key, what in _WHAT.items() if counts[key]]
    click.echo(f"packets: {', '.join(parts) or 'none'}", err=True)
