"""`ryu-alg lab`: the lab as a command."""

import json
import os
import shutil
import signal
from typing import Any, NoReturn

import click

from ryu_alg.lab import lab as labs
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.lab import DEFAULT_NAME, Host, Lab
from ryu_alg.lab.topology import GATEWAY

_NO_SUCH_COMMAND = 127  # as the shell has it


class _LabGroup(click.Group):
    """Turns what goes wrong in the lab into one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise click.ClickException(str(error)) from None


_name_option = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="Which lab, where there are several."
)


@click.group(name="lab", cls=_LabGroup)
def lab() -> None:
    """A gateway switch with hosts around it, on this machine, apart from all else on it.

    \b
    Example:
      ryu-alg lab up
      ryu-alg lab exec gateway ryu-alg run config/lab.yaml
      ryu-alg lab exec client curl ftp://203.0.113.2/
      ryu-alg lab down
    """


@lab.command(short_help="Bring a lab up.")
@click.argument("topology", default="nat")
@_name_option
@click.option("--controller", metavar="TARGET", help="OpenFlow controller, if not the topology's.")
@click.option("--replace", is_flag=True, help="Take down a lab of that name first.")
@click.option("--json", "as_json", is_flag=True, help="Print the lab's status as JSON.")
def up(topology: str, name: str, controller: str | None, replace: bool, as_json: bool) -> None:
    """Bring a lab up: a private Open vSwitch, and a network namespace for each host.

    TOPOLOGY is the name of one that ships with ryu_alg, or a .yaml file.

    \b
    Example:
      ryu-alg lab up nat
      ryu-alg lab up nat --name second --controller tcp:127.0.0.1:6633
    """
    # Broken off while it is built, nothing of it is left; after that, it is too late.
    made = Lab.up(
        topology,
        name,
        controller=controller,
        replace=replace,
        when_up=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    _print_status(made, as_json)


@lab.command(short_help="Remove a lab, also after a crash.")
@_name_option
def down(name: str) -> None:
    """Remove a lab: its processes, namespaces and files, also after a crash.

    \b
    Example:
      ryu-alg lab down
    """
    click.echo(f"lab {name} is down" if labs.down(name) else f"lab {name} was not up")


@lab.command(short_help="Show hosts, switch and controller.")
@_name_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(name: str, as_json: bool) -> None:
    """Show a lab's hosts and addresses, its switch, and whether the controller is connected.

    \b
    Example:
      ryu-alg lab status --json
    """
    _print_status(Lab.find(name), as_json)


@lab.command(
    name="exec",
    short_help="Run a command on a host.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@_name_option
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
def execute(name: str, host: str, command: tuple[str, ...]) -> None:
    """Run a command on a host, or on `gateway`: the switch's and the controller's place.

    Input, output and exit status are the command's own. On `gateway`, ovs-vsctl, ovs-ofctl
    and ovs-appctl are about the lab's switch.

    \b
    Example:
      ryu-alg lab exec client ping -c1 203.0.113.2
      ryu-alg lab exec gateway ovs-ofctl -O OpenFlow13 dump-flows br-alg
    """
    arguments = list(command[1:] if command[0] == "--" else command)
    if not arguments:
        raise click.UsageError("Missing argument 'COMMAND...'.")
    _become(Lab.find(name).host(host), arguments)


@lab.command(short_help="Open a shell on a host.")
@_name_option
@click.argument("host")
def shell(name: str, host: str) -> None:
    """Open a shell on a host, or on `gateway`.

    \b
    Example:
      ryu-alg lab shell client
    """
    # Debian's shells show this variable in their prompt.
    _become(
        Lab.find(name).host(host),
        [os.environ.get("SHELL") or "/bin/sh"],
        {"debian_chroot": f"{host}.{name}"},
    )


@lab.command(short_help="Watch FTP transfers go through the gateway.")
@click.option(
    "--name", default="demo", show_default=True, help="Of the lab; one there is replaced."
)
@click.option(
    "--megabytes",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Size of the file that each transfer fetches.",
)
def demo(name: str, megabytes: int) -> None:
    """Bring up a lab of its own, run FTP downloads through it, and show what happens as it does.

    Fetches a file by curl and by lftp, in active and in passive mode, and compares it. Leaves
    nothing behind. Exit status 1 if anything was not as it should be.

    \b
    Example:
      ryu-alg lab demo --megabytes 10
    """
    from ryu_alg.lab.demo import run  # not needed by the other commands, and slow to import

    run(name, megabytes * 1_000_000)


def _become(host: Host, command: list[str], env: dict[str, str] | None = None) -> NoReturn:
    """Give this process to `command` on `host`: terminal, signals and exit status pass as is."""
    environ = host.environ(env)
    if shutil.which(command[0], path=environ["PATH"]) is None:
        click.echo(f"Error: {host.name}: no command {command[0]}", err=True)
        raise SystemExit(_NO_SUCH_COMMAND)
    argv = host.argv(command)
    os.execvpe(argv[0], argv, environ)


def _print_status(shown: Lab, as_json: bool) -> None:
    status = shown.status()
    if as_json:
        click.echo(json.dumps(status, indent=2))
        return
    click.echo(f"lab {status['name']}, in {status['directory']}")
    rows = [("host", "addresses", "gateways", "port")]
    for host in status["hosts"]:
        state = "" if host["up"] else "  (gone)"
        rows.append(
            (
                host["name"],
                " ".join(host["addresses"]),
                " ".join(host["gateways"]),
                f"{host['bridge']} {host['port']}{state}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(f"  {line.rstrip()}")
    if not status["switch"]["running"]:
        click.echo(f"  switch: not running; see the logs in {shown.switch.directory}")
    for bridge in status["switch"]["bridges"]:
        ports = " ".join(f"{port['number']}:{port['name']}" for port in bridge["ports"])
        click.echo(f"  {bridge['name']}  {bridge['datapath_id']}  {bridge['fail_mode']}  {ports}")
        for controller in bridge["controllers"]:
            state = "connected" if controller["connected"] else "not connected"
            click.echo(f"    controller {controller['target']} on {GATEWAY}: {state}")
