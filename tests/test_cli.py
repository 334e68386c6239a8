"""The `ryu-alg` command: help, lightness, errors, and how a running controller ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import ryu_alg
from ryu_alg import cli
from ryu_alg.resources import resource

COMMAND = [sys.executable, "-c", "from ryu_alg.cli import main; main(prog_name='ryu-alg')"]
LAB = resource("config", "lab.yaml")


def commands(
    command: click.Command = cli.main, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The words of every command and group, `()` for `ryu-alg` itself."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


def ryu_alg_command(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=30, check=False, **options
    )


@pytest.mark.parametrize("words", list(commands()), ids=lambda words: " ".join(words) or "ryu-alg")
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli.main, [*words, "--help"], prog_name="ryu-alg")
    assert result.exit_code == 0
    heading, _, example = result.stdout.partition("Example")
    assert heading.startswith("Usage: ryu-alg")
    assert " ".join(["ryu-alg", *words]) in example


def test_version() -> None:
    result = CliRunner().invoke(cli.main, ["--version"])
    assert result.stdout == f"ryu-alg, version {ryu_alg.__version__}\n"


def test_the_summaries_of_commands_defined_elsewhere_need_no_import() -> None:
    code = (
        "import sys\n"
        "from ryu_alg.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'ryu', 'eventlet', 'pydantic', 'rich', 'yaml'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "pinholes" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("check", str(LAB)),
        ("schema",),
        ("lab", "status"),
        ("sessions", "--help"),
    ],
    ids=" ".join,
)
def test_only_run_imports_ryu(words: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from ryu_alg.cli import main\n"
        f"main({list(words)!r}, standalone_mode=False)\n"
        "assert not {'ryu', 'eventlet'} & set(sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert "AssertionError" not in result.stderr


def test_check_prints_the_gateway() -> None:
    result = ryu_alg_command("check", str(LAB))
    assert result.returncode == 0, result.stderr
    assert "0000000000000001" in result.stdout


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_bad_configuration_is_one_line_for_each_mistake(command: str, tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text(LAB.read_text().replace("gateway:", "gatewya:", 1))
    result = ryu_alg_command(command, str(config))
    assert result.returncode == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines
    assert all(line.startswith(f"{config}:") for line in lines)
    assert any("gatewya" in line for line in lines)


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_missing_configuration_is_one_line(command: str, tmp_path: Path) -> None:
    result = ryu_alg_command(command, str(tmp_path / "nowhere.yaml"))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "nowhere.yaml" in result.stderr


def test_an_unknown_command_is_one_status() -> None:
    result = ryu_alg_command("fly")
    assert result.returncode == 2
    assert "No such command 'fly'" in result.stderr


# --- A controller that runs -----------------------------------------------------------------


@pytest.fixture
def openflow_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The lab's configuration with a REST port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = LAB.read_text()
    path = tmp_path / "lab.yaml"
    assert "\nrest:" not in text
    path.write_text(f"{text}\nrest: {{port: {port}}}\n")
    return path


HELLO = bytes.fromhex("0400000800000001")  # OpenFlow 1.3


def switch(port: int, controller: subprocess.Popen[str]) -> socket.socket:
    """A connection that began as a switch's does; the controller has said hello too."""
    deadline = time.monotonic() + 20
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            assert controller.poll() is None, controller.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            connection.sendall(HELLO)
            assert connection.recv(2)[1] == HELLO[1]
            return connection


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_ends_run_cleanly(
    number: int, status: int, config: Path, openflow_port: int
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", str(config), f"--ofp-tcp-listen-port={openflow_port}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with switch(openflow_port, process):
            process.send_signal(number)
            _, log = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == status, log
    assert "Traceback" not in log, log
    assert "Eventlet is deprecated" not in log
    assert "not greened" not in log


def test_a_port_in_use_is_one_line(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = ryu_alg_command("run", str(config), f"--ofp-tcp-listen-port={port}")
    assert result.returncode == 1
    problem = f"cannot listen on 127.0.0.1 port {port}: Address already in use"
    assert result.stderr == f"Error: {problem}\n"


def test_an_application_that_does_not_exist_is_one_line(config: Path, openflow_port: int) -> None:
    result = ryu_alg_command(
        "run", str(config), f"--ofp-tcp-listen-port={openflow_port}", "no.such.app"
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: cannot load the Ryu applications")


def test_a_token_file_that_does_not_exist_is_one_line(config: Path, openflow_port: int) -> None:
    config.write_text(config.read_text().replace("rest: {", "rest: {token_file: nowhere, "))
    result = ryu_alg_command("run", str(config), f"--ofp-tcp-listen-port={openflow_port}")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    token_file = config.parent / "nowhere"
    problem = f"token file {token_file}: No such file or directory"
    assert result.stderr.splitlines()[-1] == f"Error: {problem}"


def test_ctrl_c_in_any_command_is_clean(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    process = subprocess.Popen([*COMMAND, "check", str(fifo)], stderr=subprocess.PIPE, text=True)
    with fifo.open("w"):  # returns when `check` has opened it too, and now waits for its text
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors.strip() == ""
