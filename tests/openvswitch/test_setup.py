"""The production set-up script: what it refuses, what it would do, and what it does."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import Host, Lab
from ryu_alg.lab.openvswitch import CT_TIMEOUTS, MAX_IDLE_MS

SCRIPT = str(Path(__file__).parents[2] / "openvswitch" / "production" / "setup.sh")
ID = "00000000000000aa"


def dry_run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    # An Open vSwitch of the machine's own must not have a say in this.
    env = {**os.environ, "OVS_RUNDIR": "/nonexistent"}
    argv = [SCRIPT, "--dry-run", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)


def test_help_has_an_example() -> None:
    done = dry_run("--help")
    assert done.returncode == 0
    assert "setup.sh --dry-run --datapath-id" in done.stdout.partition("Example:")[2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["eth1"], "--datapath-id: expected 16 hex digits"),
        (["--datapath-id", "1", "eth1"], "--datapath-id: expected 16 hex digits"),
        (["--datapath-id", ID], "no PORT given"),
        (["--datapath-id"], "--datapath-id needs a value"),
        (["--datapath-id", ID, "--zone", "0", "eth1"], "--zone: expected 1 to 65535"),
        (["--datapath-id", ID, "--zone", "65536", "eth1"], "--zone: expected 1 to 65535"),
        (["--datapath-id", ID, "--established", "1d", "eth1"], "--established: expected seconds"),
        (["--datapath-id", ID, "--datapath", "dpdk", "eth1"], "--datapath: expected system or"),
        (["--datapath-id", ID, "--controller", "6653", "eth1"], "--controller: expected something"),
        (
            ["--datapath-id", ID, "--controller", "tcp:192.0.2.1:6653", "eth1"],
            "--controller: plain TCP to another machine",
        ),
        (["--datapath-id", ID, "--fast", "eth1"], "no option --fast"),
    ],
)
def test_mistakes(arguments: list[str], complaint: str) -> None:
    done = dry_run(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"setup.sh: {complaint}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_dry_run_closes_the_bridge_before_it_has_ports() -> None:
    done = dry_run("--datapath-id", ID, "eth1", "eth2")
    assert done.returncode == 0
    assert done.stderr == ""
    commands = done.stdout.splitlines()
    assert all(command.startswith("+ ") for command in commands)
    assert "fail_mode=secure" in commands[0]
    assert "add-port br-alg eth1" in commands[1]


def test_a_controller_on_another_machine() -> None:
    done = dry_run("--datapath-id", ID, "--controller", "ssl:192.0.2.1:6653", "eth1")
    assert done.returncode == 0
    assert "set-controller br-alg ssl:192.0.2.1:6653" in done.stdout


@pytest.fixture(scope="module")
def gateway() -> Iterator[Host]:
    """Open vSwitch where nothing of the machine's own can be touched."""
    with Lab.up("nat", f"s{os.getpid()}") as lab:
        host = lab.host("gateway")
        host.run(["ip", "link", "add", "name", "p1", "type", "veth", "peer", "name", "p2"])
        yield host


@pytest.mark.lab
def test_real_run_and_another(gateway: Host) -> None:
    def setup(*options: str) -> str:
        fixed = ["--datapath-id", ID, "--bridge", "br-real", "--datapath", "netdev"]
        done = gateway.run([SCRIPT, *fixed, *options, "p1", "p2"])
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def vsctl(*arguments: str) -> str:
        return str(gateway.run(["ovs-vsctl", *arguments], check=True).stdout).strip()

    first = setup()
    assert "set-controller br-real tcp:127.0.0.1:6653" in first
    assert vsctl("get-fail-mode", "br-real") == "secure"
    assert vsctl("get", "bridge", "br-real", "datapath_id", "protocols").split("\n") == [
        f'"{ID}"',
        "[OpenFlow13]",
    ]
    assert vsctl("list-ports", "br-real") == "p1\np2"
    assert "tcp_established=86400" in vsctl("list-zone-tp", "netdev")
    assert "max-idle" not in first  # somebody has set it already: the lab
    row = vsctl("get", "bridge", "br-real", "controller")

    # Nothing that would drop the controller, or the time-outs of what is connected.
    second = setup()
    assert "set-controller" not in second
    assert "zone-tp" not in second
    assert vsctl("get", "bridge", "br-real", "controller") == row

    setup("--established", "9000", "--controller", "tcp:127.0.0.1:6633")
    assert vsctl("get-controller", "br-real") == "tcp:127.0.0.1:6633"
    assert "tcp_established=9000" in vsctl("list-zone-tp", "netdev")
    assert vsctl("list-ports", "br-alg").split() == ["dmz", "lan", "plain", "wan"]


@pytest.mark.lab
def test_tls_without_certificates(gateway: Host) -> None:
    controller = ("--controller", "ssl:192.0.2.1:6653")
    done = gateway.run([SCRIPT, "--datapath-id", ID, "--bridge", "br-no", *controller, "p1"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("setup.sh: Open vSwitch has no certificates")


@pytest.mark.lab
def test_no_such_interface(gateway: Host) -> None:
    done = gateway.run([SCRIPT, "--datapath-id", ID, "--bridge", "br-no", "nowhere"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "setup.sh: there is no network interface nowhere\n"


def test_the_lab_has_the_settings_of_production() -> None:
    done = dry_run("--datapath-id", ID, "eth1")
    remembers = f"+ ovs-vsctl set Open_vSwitch . other_config:max-idle={MAX_IDLE_MS}"
    assert remembers in done.stdout.splitlines()
    (command,) = (line for line in done.stdout.splitlines() if "add-zone-tp" in line)
    policy = [f"{state}={seconds}" for state, seconds in CT_TIMEOUTS.items()]
    assert command.split() == ["+", "ovs-vsctl", "add-zone-tp", "system", "zone=4242", *policy]
