"""The `ryu-alg` command. Only `ryu-alg run` imports Ryu; groups are imported when used."""

from __future__ import annotations

import importlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import ryu_alg

CONFIG_VARIABLE = "RYU_ALG_CONFIG"
"""Environment variable that names the configuration to `ryu_alg.app`."""
INTERRUPTED = 130

CONFIG = click.argument("config", type=click.Path(path_type=Path))


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A command that is defined in another module."""

    module: str
    name: str
    summary: str
    """What `ryu-alg --help` says, without importing the module."""


ELSEWHERE = {
    "doctor": Elsewhere(
        "ryu_alg.doctor.command", "doctor", "What is wrong with a gateway, and with its flows."
    ),
    "lab": Elsewhere("ryu_alg.lab.command", "lab", "A network in a box to try things in."),
    "replay": Elsewhere(
        "ryu_alg.replay.command", "replay", "A capture through the gateway, without a switch."
    ),
    "sessions": Elsewhere(
        "ryu_alg.rest.command", "sessions", "Control conversations of a running gateway."
    ),
    "pinholes": Elsewhere(
        "ryu_alg.rest.command", "pinholes", "Data connections it is letting through."
    ),
    "status": Elsewhere("ryu_alg.rest.command", "status", "The running gateway as a whole."),
    "events": Elsewhere("ryu_alg.rest.command", "events", "What happened in it lately."),
    "bindings": Elsewhere(
        "ryu_alg.rest.command", "bindings", "Inside endpoints and their public ones."
    ),
}


class Root(click.Group):
    """Commands of this module, and those `ELSEWHERE`, which are imported when one is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in ELSEWHERE:
            return super().get_command(ctx, name)
        place = ELSEWHERE[name]
        command = getattr(importlib.import_module(place.module), place.name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            if name in ELSEWHERE:
                rows.append((name, ELSEWHERE[name].summary))
            else:
                rows.append((name, self.commands[name].get_short_help_str(limit=90)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ryu_alg.__version__, prog_name="ryu-alg")
def main() -> None:
    """An application-level gateway for Open vSwitch.

    \b
    Example:
      ryu-alg check config/lab.yaml && ryu-alg run config/lab.yaml
    """


@main.command(
    context_settings={"ignore_unknown_options": True},
    options_metavar="[OPTIONS]",
)
@CONFIG
@click.option(
    "--ofp-listen-host",
    metavar="ADDRESS",
    help="Where the switch connects to, in place of `openflow.bind`.",
)
@click.option(
    "--ofp-tcp-listen-port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="The same, its port, in place of `openflow.port`. Not with `openflow.tls`.",
)
@click.argument("ryu", nargs=-1, type=click.UNPROCESSED, metavar="[RYU_APP|RYU_OPTION]...")
def run(
    config: Path,
    ofp_listen_host: str | None,
    ofp_tcp_listen_port: int | None,
    ryu: tuple[str, ...],
) -> None:
    """Run the gateway's controller until Ctrl-C or SIGTERM.

    Further Ryu applications and options of ryu-manager may follow CONFIG.

    \b
    Examples:
      ryu-alg run config/lab.yaml
      ryu-alg run config/lab.yaml ryu.app.ofctl_rest --verbose
    """
    from ryu_alg import launcher

    launcher.prepare()
    settings = _load(config, to_start=True)
    openflow, rest = settings.openflow, settings.rest
    _require_free(ofp_listen_host or str(openflow.bind), ofp_tcp_listen_port or openflow.port)
    _require_free(str(rest.bind), rest.port)
    os.environ[CONFIG_VARIABLE] = str(config.resolve())

    from ryu_alg.openflow.certificates import TransportError
    from ryu_alg.rest.auth import TokenError

    # Not as a positional argument: those of the user's must stand in one row.
    arguments = ["--app-lists=ryu_alg.app", *ryu]
    if ofp_listen_host is not None:
        arguments.append(f"--ofp-listen-host={ofp_listen_host}")
    if ofp_tcp_listen_port is not None:
        arguments.append(f"--ofp-tcp-listen-port={ofp_tcp_listen_port}")
    try:
        launcher.launch(arguments, prog="ryu-alg run CONFIG")
    except ModuleNotFoundError as error:
        raise click.ClickException(f"cannot load the Ryu applications: {error}") from error
    except (TransportError, TokenError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@CONFIG
def check(config: Path) -> None:
    """Validate CONFIG, and print the gateway that it describes.

    Each mistake is one line: file, line, key, what is wrong, what would be right.

    \b
    Example:
      ryu-alg check config/datacenter.yaml
    """
    from ryu_alg.settings import describe

    click.echo(describe(_load(config)))


@main.command()
@CONFIG
def flows(config: Path) -> None:
    """Print the static flows of CONFIG, as ovs-ofctl loads them.

    Ports go by their names, which ovs-ofctl knows. Their meters have to exist.

    \b
    Example:
      ryu-alg flows config/lab.yaml | ovs-ofctl -O OpenFlow13 add-flows br0 -
    """
    from ryu_alg.assembly import pipeline_plan, protocol_specs
    from ryu_alg.openflow.render import render

    settings = _load(config)
    plan = pipeline_plan(settings, protocol_specs(settings))
    for flow in render(plan, {name: name for name in plan.port_names}):
        click.echo(flow)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.argument("config", type=click.Path(path_type=Path), required=False)
def protocols(config: Path | None, as_json: bool) -> None:
    """List the installed protocols: package, transports, default ports, options.

    With CONFIG, also which of them are on, and where. A package that cannot be used is listed
    with what is wrong with it.

    \b
    Examples:
      ryu-alg protocols
      ryu-alg protocols config/lab.yaml
      ryu-alg protocols --json | jq '.[] | select(.error)'
    """
    import json

    from ryu_alg.rest.lines import flat, plain
    from ryu_alg.settings.inventory import inventory
    from ryu_alg.settings.protocols import InstalledProtocols

    items = inventory(InstalledProtocols(), None if config is None else _load(config))
    if as_json:
        click.echo(json.dumps(items, indent=2))
        return
    for item in items:
        options = item.pop("options", ())
        click.echo(" ".join([plain(item.pop("name")).ljust(8), *flat(item)]))
        for option in options:
            default = option["default"]
            shown = json.dumps(default) if isinstance(default, dict) else plain(default)
            click.echo(f"    {option['name']}={'(required)' if option['required'] else shown}")


@main.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for editors.

    \b
    Example:
      ryu-alg schema > ryu-alg.schema.json
    """
    import json

    from ryu_alg.settings import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _load(config: Path, *, to_start: bool = False) -> Any:
    """`to_start`: protocols that cannot be used are left out, and do not keep others from it."""
    from ryu_alg.settings import ConfigurationError, load, load_to_start

    try:
        return load_to_start(config)[0] if to_start else load(config)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise click.exceptions.Exit(1) from error


def _require_free(host: str, port: int) -> None:
    """Ryu would log a traceback, and go on without listening."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        problem = f"cannot listen on {host} port {port}: {error.strerror}"
        raise click.ClickException(problem) from error
