"""What the wheel carries, and that Ryu's own command runs where it is installed."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

APPLICATION = """
from ryu.app.wsgi import ControllerBase, WSGIApplication, route
from ryu.base.app_manager import RyuApp
from webob import Response


class Greeting(ControllerBase):
    @route("greeting", "/greeting")
    def greet(self, request, **rest):
        return Response(body=b"hello")


class Greeter(RyuApp):
    _CONTEXTS = {"wsgi": WSGIApplication}

    def __init__(self, *arguments, **contexts):
        super().__init__(*arguments, **contexts)
        contexts["wsgi"].register(Greeting)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, as an installation lays it into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("flows", "*.flows"),
        ("config", "*.yaml"),
        ("openvswitch/topologies", "*.yaml"),
    ],
)
def test_the_wheel_carries_what_the_code_reads(folder: str, pattern: str, unpacked: Path) -> None:
    shipped = {path.name for path in (unpacked / "ryu_alg/data" / folder).glob(pattern)}
    assert shipped
    assert shipped == {path.name for path in (ROOT / folder).glob(pattern)}


def test_an_installed_package_finds_its_files(unpacked: Path) -> None:
    code = "from ryu_alg.resources import resource; print(resource('config', 'lab.yaml'))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert result.stdout.startswith(str(unpacked))


def test_the_wheel_has_nothing_else_at_its_top(unpacked: Path) -> None:
    names = {re.sub(r"-.*\.dist-info", ".dist-info", path.name) for path in unpacked.iterdir()}
    assert names == {"ryu_alg", "ryu_alg.pth", "ryu_alg.dist-info"}


def test_python_starts_without_ryu_and_with_the_repair_waiting() -> None:
    code = (
        "import sys\n"
        "print(any(type(f).__name__ == 'WsgiRepair' for f in sys.meta_path))\n"
        "print('ryu' in sys.modules or 'eventlet' in sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert result.stdout.split() == ["True", "False"]


def test_the_repair_installs_itself_once() -> None:
    code = (
        "import sys\n"
        "from ryu_alg import ryu_repair\n"
        "ryu_repair.install(); ryu_repair.install()\n"
        "count = lambda: sum(type(f).__name__ == 'WsgiRepair' for f in sys.meta_path)\n"
        "waiting = count()\n"
        "import ryu.app.wsgi\n"
        "ryu_repair.install()\n"
        "print(waiting, count())\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert result.stdout.split() == ["1", "0"]


def test_plain_ryu_manager_serves_an_application_and_ofctl_rest(tmp_path: Path) -> None:
    application = tmp_path / "greeter.py"
    application.write_text(APPLICATION)
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("ryu-manager"),
            "--ofp-listen-host=127.0.0.1",
            f"--ofp-tcp-listen-port={ports[0]}",
            "--wsapi-host=127.0.0.1",
            f"--wsapi-port={ports[1]}",
            str(application),
            "ryu.app.ofctl_rest",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/greeting") as answer:
                    greeting = answer.read()
                break
            except OSError:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/stats/switches") as answer:
            switches = answer.read()
    finally:
        process.terminate()
        _, log = process.communicate(timeout=10)
    assert greeting == b"hello"
    assert switches == b"[]"
    assert "Traceback" not in log
