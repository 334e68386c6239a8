"""The demonstration as users run it, with a small file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import CommandRunner

pytestmark = pytest.mark.lab

LAB = (sys.executable, "-c", "from ryu_alg.lab.command import lab; lab()")
NAMESPACES = Path("/run/netns")
LABS = Path("/run/ryu-alg-lab")


@pytest.fixture
def demo_name(name: str) -> str:
    return f"{name}demo"


@pytest.fixture(autouse=True)
def nothing_is_left(
    demo_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Temporary files in a folder of the test's own, where they are looked for afterwards."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert list(tmp_path.iterdir()) == []
    assert list(NAMESPACES.glob(f"alg-{demo_name}-*")) == []
    assert not (LABS / demo_name).exists()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        assert f"/{demo_name}/".encode() not in command
        assert bytes(tmp_path) not in command


def test_shows_everything_and_succeeds(ryu_alg_lab: CommandRunner, demo_name: str) -> None:
    done = ryu_alg_lab("demo", "--name", demo_name, "--megabytes", "2", timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    # The topology.
    assert "192.168.10.2  lan " in shown
    # Lines before and after rewriting, in both directions.
    assert re.search(r"→ EPRT \|1\|192\.168\.10\.2\|\d+\|\n +⇒ EPRT \|1\|203\.0\.113\.1\|", shown)
    assert re.search(r"→ PORT 192,168,10,2,\d+,\d+\n +⇒ PORT 203,0,113,1,\d+,\d+\n", shown)
    assert re.search(r"← 227 .*\(192,168,20,2,.*\n +⇐ 227 .*\(203,0,113,1,", shown)
    assert "PASS ********" in shown
    # Pinholes opened and closed, one per transfer, and progress.
    assert shown.count("* pinhole opened: tcp ") == 4
    assert shown.count("* pinhole used once, closed: tcp ") == 4
    assert shown.count("100 %  2,000,000 bytes") == 4
    assert shown.count("2,000,000 bytes in ") == shown.count("SHA-256 equal") == 4
    # How many bytes and packets went where.
    counted = re.search(r"through the switch +([\d,]+) bytes", shown)
    assert counted is not None
    assert 8_000_000 < int(counted[1].replace(",", "")) < 12_000_000
    assert re.search(r"through the controller +0 data packets; \d\d+ control packets", shown)
    assert re.search(r"\b4 notices that a pinhole was used", shown)
    assert "OK: 4 of 4 files" in shown


def test_a_pinhole_opens_before_the_reply_that_uses_it(
    ryu_alg_lab: CommandRunner, demo_name: str
) -> None:
    shown = ryu_alg_lab("demo", "--name", demo_name, "--megabytes", "1", timeout=110).stdout
    for section in shown.split("session opened")[1:]:
        opened = section.index("pinhole opened")
        used = section.index("pinhole used once")
        reply = re.search(r"← (200 (PORT|EPRT)|22[79] )", section)
        assert reply is not None
        assert opened < reply.start()
        assert opened < used


@pytest.mark.parametrize("moment", ["plain ", "RETR "])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(number: int, moment: str, demo_name: str) -> None:
    """Whenever the signal comes; the fixture looks."""
    demo = subprocess.Popen(
        [*LAB, "demo", "--name", demo_name, "--megabytes", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As from a terminal: the clients and servers get the signal too.
        start_new_session=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if moment in line:
            break
    os.killpg(demo.pid, number)
    rest = demo.communicate(timeout=60)[0]
    assert demo.returncode == 128 + number
    assert "Traceback" not in rest


def test_without_its_gateway_it_fails(demo_name: str) -> None:
    demo = subprocess.Popen(
        [*LAB, "demo", "--name", demo_name, "--megabytes", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if "RETR " in line:
            break
    listing = subprocess.run(
        ["ip", "netns", "pids", f"alg-{demo_name}-gateway"], capture_output=True, text=True
    )
    for pid in listing.stdout.split():
        if b"ryu-alg\0run" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)
    began = time.monotonic()
    rest = demo.communicate(timeout=60)[0]
    assert demo.returncode == 1
    assert "the gateway has ended with status -9" in rest
    assert time.monotonic() - began < 30
