"""Tools that are run, and processes that are ended."""

import shutil
import subprocess
import time

import pytest

from ryu_alg.lab import LabError, process


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="run it with sudo"):
        process.require_root()


@pytest.mark.parametrize(
    ("tool", "package"),
    [
        ("ip", "iproute2"),
        ("ethtool", "ethtool"),
        ("ovs-vswitchd", "openvswitch-switch"),
        ("ovsdb-server", "openvswitch-switch"),
    ],
)
def test_missing_tool(monkeypatch: pytest.MonkeyPatch, tool: str, package: str) -> None:
    def which(name: str, path: str) -> str | None:
        assert "/usr/sbin" in path.split(":")
        return None if name == tool else f"/usr/sbin/{name}"

    monkeypatch.setattr(shutil, "which", which)
    with pytest.raises(LabError, match=f"{tool} is missing: apt-get install {package}"):
        process.require_tools()


def test_output() -> None:
    assert process.run(["cat"], stdin="x\ny") == "x\ny"
    assert process.run(["sh", "-c", "echo $A"], env={"A": "b"}) == "b\n"


def test_complaint_is_one_line() -> None:
    with pytest.raises(LabError, match=r"^sh -c .*: no such thing$"):
        process.run(["sh", "-c", "printf 'no such\\nthing\\n' >&2; exit 3"])
    with pytest.raises(LabError, match=r": status 3$"):
        process.run(["sh", "-c", "exit 3"])


def test_tool_goes_missing() -> None:
    with pytest.raises(LabError, match=r"^ovs-nothing is missing$"):
        process.run(["ovs-nothing"])


def test_stuck_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_TOOL_SECONDS", 0.1)
    with pytest.raises(LabError, match="no answer in 0 s from: sleep 9"):
        process.run(["sleep", "9"])


def test_end_asks_first_and_kills_then() -> None:
    polite = subprocess.Popen(["sleep", "60"])
    script = "trap '' TERM; echo deaf; while :; do sleep 1; done"
    deaf = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    deaf.stdout.readline()
    began = time.monotonic()
    process.end([polite.pid, deaf.pid, 2**22 + 1], patience=0.3)
    assert time.monotonic() - began < 3
    assert (polite.wait(), deaf.wait()) == (-15, -9)
    assert not process.is_running(deaf.pid)
