"""Commands that show what a running gateway is doing. They import neither Ryu nor webob."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ryu_alg.rest.client import Gateway, GatewayError, Item
from ryu_alg.rest.lines import flat, line

REFRESH = 1.0
"""Seconds between two looks at the gateway."""

PASSING = frozenset(("since", "idle", "expires_in", "uptime"))
"""Fields that change, or waver, without anything having happened."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--token-file",
            envvar="RYU_ALG_TOKEN_FILE",
            show_envvar=True,
            type=click.Path(path_type=Path),
            help="File with the bearer token, where the gateway wants one.",
        ),
        click.option(
            "--url",
            default="http://127.0.0.1:8080",
            envvar="RYU_ALG_URL",
            show_default=True,
            show_envvar=True,
            help="The gateway's REST endpoint.",
        ),
        click.option(
            "--watch", is_flag=True, help="Go on until Ctrl-C: a live view, or changes in a pipe."
        ),
        click.option("--json", "as_json", is_flag=True, help="JSON; with --watch, one per line."),
    ):
        command = option(command)
    return command


@click.command()
@_options
def sessions(url: str, token_file: Path | None, as_json: bool, watch: bool) -> None:
    """List the control conversations of the running gateway, one per line.

    \b
    Examples:
      ryu-alg sessions
      ryu-alg sessions --json | jq '.[] | select(.idle > 60)'
    """
    _list("sessions", url, token_file, as_json, watch)


@click.command()
@_options
def pinholes(url: str, token_file: Path | None, as_json: bool, watch: bool) -> None:
    """List the data connections that the running gateway expects, one per line.

    \b
    Examples:
      ryu-alg pinholes
      ryu-alg pinholes --watch | grep NEW
    """
    _list("pinholes", url, token_file, as_json, watch)


@click.command()
@_options
def bindings(url: str, token_file: Path | None, as_json: bool, watch: bool) -> None:
    """List inside endpoints and the public ones that stand for them, one per line.

    \b
    Example:
      ryu-alg bindings --url http://192.0.2.7:8080 --token-file ~/gateway.token
    """
    _list("bindings", url, token_file, as_json, watch)


@click.command()
@_options
def events(url: str, token_file: Path | None, as_json: bool, watch: bool) -> None:
    """List what happened lately: refusals, limits, strange input. The oldest comes first.

    \b
    Example:
      ryu-alg events --watch
    """
    with _errors():
        gateway = Gateway(url, token_file)
        if as_json and not watch:
            click.echo(json.dumps(list(gateway.items("events")), indent=2))
            return
        last = 0
        while True:
            for item in gateway.items("events", after=last):
                last = item["id"]
                click.echo(json.dumps(item) if as_json else line("events", item))
            if not watch:
                return
            time.sleep(REFRESH)


@click.command()
@_options
def status(url: str, token_file: Path | None, as_json: bool, watch: bool) -> None:
    """Show the running gateway as a whole: switch, configuration, counters.

    \b
    Examples:
      ryu-alg status
      ryu-alg status --json | jq .config.sha256
    """
    with _errors():
        gateway = Gateway(url, token_file)
        if not watch:
            now = gateway.status()
            click.echo(json.dumps(now, indent=2) if as_json else "\n".join(flat(now)))
        elif sys.stdout.isatty() and not as_json:
            _live(lambda: list(flat(gateway.status())))
        else:
            _status_changes(gateway, as_json)


def _list(kind: str, url: str, token_file: Path | None, as_json: bool, watch: bool) -> None:
    with _errors():
        gateway = Gateway(url, token_file)
        if watch and sys.stdout.isatty() and not as_json:
            _live(lambda: [line(kind, item) for item in gateway.items(kind)])
        elif watch:
            for change, item in _changes(kind, gateway):
                click.echo(
                    json.dumps({"change": change, "item": item})
                    if as_json
                    else f"{f'[{change.upper()}]':<9} {line(kind, item)}"
                )
        elif as_json:
            click.echo(json.dumps(list(gateway.items(kind)), indent=2))
        else:
            for item in gateway.items(kind):
                click.echo(line(kind, item))


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except GatewayError as error:
        raise click.ClickException(str(error)) from error


def _live(lines: Callable[[], list[str]]) -> None:
    """Show `lines` in place, again and again."""
    from rich.live import Live
    from rich.text import Text

    def picture() -> Text:
        return Text("\n".join(lines()) or "none", overflow="fold")

    with Live(picture(), auto_refresh=False) as live:
        while True:
            time.sleep(REFRESH)
            live.update(picture(), refresh=True)


def _changes(kind: str, gateway: Gateway) -> Iterator[tuple[str, Item]]:
    """What came, changed and went since the last look; at first, all there is comes."""
    known: dict[Any, Item] = {}
    while True:
        current = {_identity(item): item for item in gateway.items(kind)}
        for identity, item in current.items():
            before = known.get(identity)
            if before is None:
                yield "new", item
            elif _lasting(before) != _lasting(item):
                yield "update", item
        for identity, item in known.items():
            if identity not in current:
                yield "destroy", item
        known = current
        time.sleep(REFRESH)


def _status_changes(gateway: Gateway, as_json: bool) -> None:
    before: Item = {}
    while True:
        now = gateway.status()
        if _lasting(now) != _lasting(before):
            click.echo(json.dumps(now) if as_json else "\n".join([*flat(now), ""]))
        before = now
        time.sleep(REFRESH)


def _identity(item: Item) -> Any:
    if "id" in item:
        return item["id"]
    # Of a listening port, the session is whichever asked last.
    session = None if item["kind"] == "listening" else item["session"]
    return item["transport"], item["public"], session


def _lasting(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in PASSING}
