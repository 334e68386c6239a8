"""Who answers: each controller is a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.errors import BenchError

ROOT = Path(__file__).parents[3]
_HERE = Path(__file__).parent
_OS_KEN = ROOT / ".venv" / "os-ken"
OS_KEN_VERSION = "4.2.2"
_PUBLIC = ", ".join(f"203.0.113.{number}" for number in range(1, 9))
_RYU = (
    "import sys; from ryu_alg import launcher; launcher.prepare(); "
    "launcher.launch(sys.argv[1:], 'ryu-manager')"
)
_KEN = (
    "import sys; from os_ken import cfg; from os_ken.base import app_manager; "
    "from os_ken.controller import controller; cfg.CONF(args=sys.argv[1:-1], project='os_ken'); "
    "app_manager.AppManager.run_apps(sys.argv[-1:])"
)
"""It has no command any more; its threads are native."""

Command = Callable[[int, Path], Sequence[str]]
"""What starts a controller that listens at a port; it may write to a directory."""


def _manager(code: str, python: str, app: str, *options: str) -> Command:
    def command(port: int, _where: Path) -> Sequence[str]:
        return [
            *(python, "-W", "ignore", "-c", code, *options),
            *("--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", str(port), app),
        ]

    return command


def _bare(port: int, _where: Path) -> Sequence[str]:
    return [sys.executable, "-m", "tests.bench.punts.apps.bare", str(port)]


def _ryu_alg(port: int, where: Path) -> Sequence[str]:
    return [str(Path(sys.executable).with_name("ryu-alg")), "run", _settings(port, where)]


def sampled(samples: Path) -> Command:
    """ryu_alg, with `tests.bench.sampler`, which writes to a file."""

    def command(port: int, where: Path) -> Sequence[str]:
        sampler = [sys.executable, "-m", "tests.bench.sampler", str(samples)]
        return [*sampler, "run", _settings(port, where)]

    return command


def _settings(port: int, where: Path) -> str:
    path = where / f"gateway-{port}.yaml"
    text = (_HERE / "gateway.yaml").read_text(encoding="utf-8")
    path.write_text(text.format(openflow=port, rest=free_port(), nat=_PUBLIC), encoding="utf-8")
    return str(path)


_QUIET = ("--default-log-level", "40")

COMMANDS: dict[str, Command] = {
    "bare loop": _bare,
    "Ryu echo": _manager(_RYU, sys.executable, "tests.bench.punts.apps.ryu_echo"),
    "Ryu echo, parsed": _manager(_RYU, sys.executable, "tests.bench.punts.apps.ryu_parsed"),
    "simple_switch_13": _manager(_RYU, sys.executable, "ryu.app.simple_switch_13", *_QUIET),
    "os-ken echo": _manager(
        _KEN, str(_OS_KEN / "bin" / "python"), "tests.bench.punts.apps.os_ken_echo"
    ),
    "ryu_alg": _ryu_alg,
}


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def get_os_ken() -> None:
    """Have os-ken in an environment of its own: it wants other versions of what Ryu uses.
    BenchError."""
    if (_OS_KEN / "lib").is_dir() and any(_OS_KEN.glob("lib/*/site-packages/os_ken/__init__.py")):
        return
    pip = [str(_OS_KEN / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", str(_OS_KEN)],
        [*pip, f"os-ken=={OS_KEN_VERSION}"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"os-ken cannot be installed: {done.stderr.strip()[-200:]}")


def pin(process: int, cpu: int) -> None:
    """Have all its threads use this processor only."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.sched_setaffinity(int(thread), {cpu})


@contextmanager
def running(
    name: str, where: Path, cpu: int | None, command: Command | None = None
) -> Iterator[tuple[int, int]]:
    """A controller: its port, and its process's id. `cpu`: the only one that it may use.
    `command` starts another one than the name's."""
    command = command or COMMANDS[name]
    port = free_port()
    log = where / f"{name.replace(' ', '-').replace(',', '')}.log"
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command(port, where),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        if cpu is not None:
            pin(process.pid, cpu)
        yield port, process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
