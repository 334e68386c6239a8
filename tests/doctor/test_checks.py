"""doctor.checks and the command: each failure says what to do."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ryu_alg.doctor import checks
from ryu_alg.doctor.checks import Check, Outcome
from ryu_alg.doctor.command import doctor
from ryu_alg.doctor.openvswitch import Bridge, OpenVSwitch, ToolError
from ryu_alg.resources import resource

LAB = resource("config", "lab.yaml")
PORTS = ("lan", "wan")
BRIDGE = Bridge(
    "br0",
    "secure",
    ("OpenFlow13",),
    {"tcp:127.0.0.1:6653": True},
    {"br0": 65534, "lan": 1, "wan": 2},
)
STATUS = {
    "version": "0.1.0",
    "datapath_id": "0000000000000001",
    "connected": True,
    "config": {"path": "/etc/x", "sha256": "0"},
}


def failed(bridge: Bridge, served: bool = False) -> list[Check]:
    found = checks.of_bridge(bridge, PORTS, served=served)
    return [check for check in found if check.outcome is Outcome.FAILED]


def test_a_bridge_as_it_should_be() -> None:
    assert failed(BRIDGE) == []
    assert failed(replace(BRIDGE, protocols=())) == []  # the default has OpenFlow 1.3


@pytest.mark.parametrize(
    ("name", "bridge", "remedy"),
    [
        ("fail_mode", replace(BRIDGE, fail_mode="standalone"), "set-fail-mode br0 secure"),
        ("openflow", replace(BRIDGE, protocols=("OpenFlow10",)), "protocols=OpenFlow13"),
        ("controller", replace(BRIDGE, controllers={}), "set-controller br0"),
        ("controller", replace(BRIDGE, controllers={"tcp:[::1]:1": False}), "ryu-alg run"),
        ("ports", replace(BRIDGE, ports={"lan": 1}), "add-port br0 wan"),
        ("ports", replace(BRIDGE, ports={"lan": -1, "wan": 2}), "add-port br0 lan"),
    ],
)
def test_what_is_wrong_with_a_bridge(name: str, bridge: Bridge, remedy: str) -> None:
    (check,) = failed(bridge)
    assert check.name == name and remedy in check.remedy


@pytest.mark.parametrize(
    "target", ["ssl:192.0.2.1:6653", "tcp:127.0.0.1:6653", "tcp:[::1]:6653", "tcp:127.0.0.1"]
)
def test_a_controller_that_nobody_else_can_be(target: str) -> None:
    assert transport(target).outcome is Outcome.OK


@pytest.mark.parametrize(
    "target", ["tcp:192.0.2.1:6653", "tcp:[2001:db8::1]:6653", "tcp:controller:6653", "ptcp:6653"]
)
def test_a_controller_that_somebody_else_can_be(target: str) -> None:
    check = transport(target)
    assert check.outcome is Outcome.NOTE
    assert "openflow.tls" in check.remedy and "set-controller br0 ssl:" in check.remedy


def transport(target: str) -> Check:
    found = checks.of_bridge(replace(BRIDGE, controllers={target: True}), PORTS, served=True)
    return next(check for check in found if check.name == "transport")


def test_the_gateway_knows_sooner_than_the_database() -> None:
    bridge = replace(BRIDGE, controllers={"tcp:127.0.0.1:6653": False})
    assert failed(bridge, served=True) == []


class Old(OpenVSwitch):
    def version(self) -> tuple[int, ...]:
        return (2, 11, 3)


class Older(OpenVSwitch):
    def version(self) -> tuple[int, ...]:
        return (2, 17, 0)


def test_versions() -> None:
    assert checks.version(Old()).outcome is Outcome.FAILED
    assert checks.version(Older()).outcome is Outcome.NOTE


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (STATUS | {"connected": False}, "switch"),
        (STATUS | {"datapath_id": "0000000000000002"}, "switch"),
        (STATUS, "in_force"),
    ],
)
def test_what_is_wrong_with_a_gateway(status: dict[str, object], name: str) -> None:
    found = checks.of_gateway(status, "0000000000000001", LAB)
    wrong = [check for check in found if check.outcome is Outcome.FAILED]
    assert name in {check.name for check in wrong}
    assert all(check.remedy for check in wrong)


def nobody() -> str:
    """A URL where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("ovs-ofctl (Open vSwitch) 3.1.0\nOpenFlow versions 0x1:0x6\n", (3, 1, 0)),
        ("ovs-ofctl (Open vSwitch) 2.17.9-rc1+git\n", (2, 17, 9)),
    ],
)
def test_what_a_tool_says(
    printed: str, version: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "ovs-ofctl"
    tool.write_text(f"#!/bin/sh\nprintf '%s' '{printed}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert OpenVSwitch().version() == version
    tool.write_text("#!/bin/sh\necho 'not\npermitted' >&2; exit 1\n")
    with pytest.raises(ToolError, match="not permitted: does Open vSwitch run here"):
        OpenVSwitch().version()


def test_nothing_is_there(tmp_path: Path) -> None:
    """No gateway, and no Open vSwitch: all of it is said, in lines, and nothing is raised."""
    result = CliRunner().invoke(
        doctor,
        [str(LAB), "--audit", "--url", nobody(), "--json"],
        env={"OVS_RUNDIR": str(tmp_path), "PATH": str(tmp_path)},
    )
    assert result.exit_code == 1, result.exception
    said = json.loads(result.stdout)
    outcomes = {check["name"]: check["outcome"] for check in said["checks"]}
    assert outcomes == {
        "configuration": "ok",
        "gateway": "failed",
        "version": "failed",
        "bridge": "failed",
        "audit": "failed",
    }
    details = {check["name"]: check["detail"] for check in said["checks"]}
    assert "apt-get install openvswitch-switch" in details["version"]
    assert "does Open vSwitch run here" in details["bridge"]
    assert "ryu-alg run" in details["gateway"]
    assert said["audit"] is None


def test_a_configuration_with_mistakes(tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text(LAB.read_text().replace("gateway:", "gatewya:", 1))
    result = CliRunner().invoke(
        doctor, [str(config), "--url", nobody()], env={"PATH": str(tmp_path)}
    )
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert any(line.startswith("failed configuration") and "gatewya" in line for line in lines)
