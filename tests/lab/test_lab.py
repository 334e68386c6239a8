"""Labs on real Open vSwitch and in real namespaces."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import Lab, LabError, namespaces, process
from ryu_alg.lab import lab as labs

pytestmark = pytest.mark.lab

CommandRunner = Callable[..., "subprocess.CompletedProcess[str]"]


def traces(name: str) -> list[str]:
    """What there is of a lab on this machine: files, namespaces, processes."""
    found = [str(labs.directory(name))] if labs.directory(name).exists() else []
    found += [namespace.name for namespace in namespaces.with_prefix(f"alg-{name}-")]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"/{name}/".encode() in command and process.is_running(int(folder.name)):
            found.append(command.decode(errors="replace"))
    return found


@pytest.fixture
def own(name: str) -> Iterator[str]:
    """A name for a lab of one test's own; what that leaves is removed after it."""
    own = f"{name}own"
    yield own
    labs.down(own)


BREAK_OFF = """
import atexit, os, sys
from ryu_alg.lab import command, process

own, number, stage = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1)
run = process.run

def run_and_break_off(argv, **options):
    if stage in " ".join(argv):
        argv = ["sh", "-c", f'kill -{number} $PPID; exec "$@"', "sh", *argv]
    return run(argv, **options)

process.run = run_and_break_off
if stage == "at exit":
    atexit.register(os.kill, os.getpid(), number)
command.lab(["up", f"--name={own}"])
"""


def broken_off(own: str, stage: str, number: int) -> "subprocess.CompletedProcess[str]":
    """`ryu-alg lab up`, which gets a signal while a tool runs; no tool runs any more."""
    argv = [sys.executable, "-c", BREAK_OFF, own, str(int(number)), stage]
    with subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as starting:
        output = starting.communicate(timeout=60)
    # After SIGKILL, the tool that it had started goes on by itself.
    wait_until(lambda: all("standin.py" in line for line in session(starting.pid)))
    return subprocess.CompletedProcess(argv, starting.returncode, *output)


def wait_until(happened: Callable[[], object]) -> None:
    """Return as soon as it has; AssertionError if that takes too long."""
    deadline = time.monotonic() + 15
    while not happened():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.02)


def connected(lab: Lab) -> bool:
    """Whether the first bridge has its controller."""
    return bool(lab.status()["switch"]["bridges"][0]["controllers"][0]["connected"])


def session(leader: int) -> list[str]:
    """The command lines of a session's processes, whole; daemons have one of their own."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "stat=,args=", "-s", str(leader)], capture_output=True
    )
    return [line for line in found.stdout.decode().splitlines() if not line.startswith("Z")]


class TestNetwork:
    @pytest.mark.parametrize("address", ["203.0.113.2", "2001:db8:1::2"])
    def test_ping_through_the_plain_bridge(self, shared: Lab, address: str) -> None:
        answer = shared.host("outsider").run(["ping", "-c1", "-W15", address])
        assert answer.returncode == 0, answer.stdout

    def test_addresses_and_routes(self, shared: Lab) -> None:
        host = shared.host("plain")
        routes = host.run(["ip", "-br", "route"]).stdout + host.run(["ip", "-6", "route"]).stdout
        assert "default via 198.51.100.1 dev eth0" in routes
        assert "default via 2001:db8:30::1 dev eth0" in routes
        addresses = host.run(["ip", "address", "show", "eth0"]).stdout
        assert "2001:db8:30::2/64" in addresses
        assert "tentative" not in addresses
        assert host.run(["ping", "-c1", "-W15", "127.0.0.1"]).returncode == 0

    def test_ports_by_name(self, shared: Lab) -> None:
        description = shared.ovs_ofctl("dump-ports-desc", "br-alg")
        for number, port in enumerate(["lan", "dmz", "plain", "wan"], start=1):
            assert f" {number}({port}): " in description

    def test_gateway_switch(self, shared: Lab) -> None:
        assert shared.ovs_vsctl("get-fail-mode", "br-alg").strip() == "secure"
        assert "dpid:0000000000000001" in shared.ovs_ofctl("show", "br-alg")
        # Nothing passes before a controller says so.
        assert shared.ovs_ofctl("dump-flows", "br-alg").count("cookie=") == 0
        blocked = shared.host("client").run(["ping", "-c1", "-W1", "203.0.113.2"])
        assert blocked.returncode == 1

    def test_frames_are_as_they_would_be_on_a_wire(self, shared: Lab) -> None:
        """Segments no longer than the MTU, with correct checksums."""
        server, outsider = shared.host("server"), shared.host("outsider")
        receive = (
            "import socket; s = socket.create_server(('', 5001)); print('ready', flush=True);"
            "c, _ = s.accept(); print(sum(iter(lambda: len(c.recv(65536)), 0)))"
        )
        send = (
            "import socket; c = socket.create_connection(('203.0.113.2', 5001));"
            "c.sendall(bytes(200_000)); c.close()"
        )
        capture = server.popen(
            ["tcpdump", "-nvl", "--immediate-mode", "-i", "eth0", "tcp dst port 5001"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert capture.stderr is not None
        capture.stderr.readline()
        receiver = server.popen([sys.executable, "-c", receive], stdout=subprocess.PIPE)
        assert receiver.stdout is not None
        receiver.stdout.readline()
        outsider.run([sys.executable, "-c", send], check=True)
        assert receiver.communicate(timeout=60)[0] == "200000\n"
        assert capture.stdout is not None
        seen = ""
        while "Flags [F" not in seen:
            seen += capture.stdout.readline()
        capture.send_signal(signal.SIGINT)
        seen += capture.communicate(timeout=60)[0]
        assert "incorrect" not in seen
        lengths = [int(text) for text in re.findall(r"length (\d+)\)", seen)]
        assert max(lengths) == 1500

    def test_the_machine_itself_sees_nothing(self, shared: Lab) -> None:
        links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True).stdout
        assert "br-alg" not in links
        assert "lan" not in links.split()

    def test_connection_time_outs_can_be_set(self, shared: Lab) -> None:
        shared.ovs_vsctl("add-zone-tp", "netdev", "zone=7", "tcp_established=9")
        assert "tcp_established=9" in shared.ovs_vsctl("list-zone-tp", "netdev")
        shared.ovs_vsctl("del-zone-tp", "netdev", "zone=7")


class TestController:
    LISTEN = (
        "import socket, sys, time\n"
        "from ryu_alg.lab import standin\n"
        "listener = socket.create_server(('127.0.0.1', 6653))\n"
        "print('listening', flush=True)\n"
        "switch, _ = listener.accept()\n"
        "standin.greet(switch)\n"
        "time.sleep(60)\n"
    )

    def test_connects_within_seconds_at_any_time(self, shared: Lab) -> None:
        """Open vSwitch's own back-off would have grown to 8 s by the third round."""
        for pause in (0, 3, 4):
            time.sleep(pause)
            with pytest.raises(LabError, match="br-alg: no connection to tcp:"):
                shared.wait_controller(timeout=0)
            controller = shared.host("gateway").popen(
                [sys.executable, "-c", self.LISTEN], stdout=subprocess.PIPE
            )
            assert controller.stdout is not None
            controller.stdout.readline()
            shared.wait_controller(timeout=5)
            assert shared.status()["switch"]["bridges"][0]["controllers"] == [
                {"target": "tcp:127.0.0.1:6653", "connected": True}
            ]
            controller.kill()
            controller.communicate()
            wait_until(lambda: not connected(shared))


class TestExec:
    def test_status_input_and_output(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab(
            "exec", f"--name={shared.name}", "client", "sh", "-c", "cat; exit 42", input="x\0y"
        )
        assert (done.returncode, done.stdout, done.stderr) == (42, "x\0y", "")

    @pytest.mark.parametrize("dashes", [["--"], []])
    def test_dashes(self, shared: Lab, ryu_alg_lab: CommandRunner, dashes: list[str]) -> None:
        command = ["printf", "%s.", "--help", "--", "--name"]
        done = ryu_alg_lab("exec", f"--name={shared.name}", "client", *dashes, *command)
        assert done.stdout == "--help.--.--name."
        done = ryu_alg_lab("exec", f"--name={shared.name}", *dashes, "client", *command)
        assert done.stdout == "--help.--.--name."

    def test_killed_by_a_signal(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("exec", f"--name={shared.name}", "client", "sh", "-c", "kill -TERM $$")
        assert done.returncode == -signal.SIGTERM

    def test_where_it_runs(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("exec", f"--name={shared.name}", "client", "ip", "-br", "-4", "address")
        assert "192.168.10.2/24" in done.stdout
        done = ryu_alg_lab("exec", f"--name={shared.name}", "gateway", "ovs-vsctl", "list-br")
        assert done.stdout == "br-alg\nbr-wan\n"

    def test_scripts_beside_our_python(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab(
            "exec",
            f"--name={shared.name}",
            "client",
            "sh",
            "-c",
            "echo $PATH",
            env={"PATH": "/bin"},
        )
        assert str(Path(sys.executable).parent) in done.stdout.strip().split(":")

    def test_no_such_command(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("exec", f"--name={shared.name}", "client", "no-such-thing")
        assert (done.returncode, done.stderr) == (127, "Error: client: no command no-such-thing\n")

    def test_no_such_host(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("exec", f"--name={shared.name}", "nobody", "true")
        assert done.returncode == 1
        assert done.stderr == (
            f"Error: lab {shared.name} has no host nobody; it has: "
            "client, inserver, plain, server, outsider, gateway\n"
        )

    def test_shell(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab(
            "shell", f"--name={shared.name}", "server", input="hostname -I; exit 5\n"
        )
        assert (done.returncode, done.stdout.split()[0]) == (5, "203.0.113.2")


class TestStatus:
    def test_text(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("status", f"--name={shared.name}")
        assert done.returncode == 0
        assert "client    192.168.10.2/24" in done.stdout
        assert "br-alg  0000000000000001  secure  1:lan 2:dmz 3:plain 4:wan" in done.stdout
        assert "controller tcp:127.0.0.1:6653 on gateway: not connected" in done.stdout

    def test_json(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        status = json.loads(ryu_alg_lab("status", f"--name={shared.name}", "--json").stdout)
        assert status == shared.status()
        assert status["switch"]["running"]
        assert [host["name"] for host in status["hosts"] if host["up"]] == [*shared.topology.hosts]

    def test_not_up(self, shared: Lab, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("status", "--name=nothere")
        assert done.returncode == 1
        assert done.stderr.startswith("Error: lab nothere is not up; these are: ")
        assert shared.name in done.stderr


class TestSeveral:
    def test_side_by_side(self, shared: Lab, own: str) -> None:
        with Lab.up("nat", own, controller="tcp:127.0.0.1:6633") as second:
            assert second.ovs_vsctl("get-controller", "br-alg").strip() == "tcp:127.0.0.1:6633"
            assert shared.ovs_vsctl("get-controller", "br-alg").strip() == "tcp:127.0.0.1:6653"
            for lab in (shared, second):
                answer = lab.host("server").run(["ping", "-c1", "-W15", "203.0.113.3"])
                assert answer.returncode == 0
        assert traces(own) == []
        assert shared.status()["switch"]["running"]
        assert shared.host("server").run(["ping", "-c1", "-W15", "203.0.113.3"]).returncode == 0

    def test_same_name_twice(self, own: str, ryu_alg_lab: CommandRunner) -> None:
        assert ryu_alg_lab("up", f"--name={own}").returncode == 0
        before = Lab.find(own).switch.pids()
        again = ryu_alg_lab("up", f"--name={own}")
        assert again.returncode == 1
        assert again.stderr.startswith(f"Error: lab {own} is up already: ryu-alg lab down")
        assert Lab.find(own).switch.pids() == before
        assert ryu_alg_lab("up", f"--name={own}", "--replace").returncode == 0
        assert set(Lab.find(own).switch.pids()).isdisjoint(before)

    def test_a_longer_name_is_another_lab(self, shared: Lab, own: str) -> None:
        """Taking down `t1` must not take `t1own` for a part of it, nor the other way round."""
        assert own.startswith(shared.name)
        Lab.up("nat", own).down()
        assert shared.status()["switch"]["running"]


class TestDown:
    def test_nothing_there(self, own: str, ryu_alg_lab: CommandRunner) -> None:
        done = ryu_alg_lab("down", f"--name={own}")
        assert (done.returncode, done.stdout) == (0, f"lab {own} was not up\n")

    def test_clean(self, own: str, ryu_alg_lab: CommandRunner) -> None:
        Lab.up("nat", own)
        assert len(traces(own)) >= 9
        done = ryu_alg_lab("down", f"--name={own}")
        assert (done.returncode, done.stdout) == (0, f"lab {own} is down\n")
        assert traces(own) == []

    @pytest.mark.parametrize("victims", ["ovs-vswitchd", "ovsdb-server", "both"])
    def test_after_a_daemon_was_killed(self, own: str, victims: str) -> None:
        lab = Lab.up("nat", own)
        for daemon in ("ovs-vswitchd", "ovsdb-server"):
            if victims in (daemon, "both"):
                os.kill(int((lab.switch.directory / f"{daemon}.pid").read_text()), signal.SIGKILL)
        wait_until(lambda: not lab.switch.running())
        assert not lab.status()["switch"]["running"]
        lab.down()
        assert traces(own) == []

    def test_with_processes_that_do_not_want_to_go(self, own: str) -> None:
        lab = Lab.up("nat", own)
        deaf = lab.host("client").popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
        busy = lab.host("gateway").popen(["sleep", "100"])
        lab.down()
        assert traces(own) == []
        assert deaf.wait(timeout=15) == -signal.SIGKILL
        assert busy.wait(timeout=15) == -signal.SIGTERM

    def test_a_part_is_gone(self, own: str) -> None:
        lab = Lab.up("nat", own)
        subprocess.run(["ip", "netns", "delete", f"alg-{own}-client"], check=True)
        assert [host["name"] for host in lab.status()["hosts"] if not host["up"]] == ["client"]
        with pytest.raises(LabError, match="has lost its host client"):
            lab.host("client")
        lab.down()
        assert traces(own) == []

    def test_state_is_gone(self, own: str) -> None:
        lab = Lab.up("nat", own)
        (lab.directory / "lab.json").unlink()
        with pytest.raises(LabError, match=f"lab {own} is half up already"):
            Lab.up("nat", own)
        labs.down(own)
        assert traces(own) == []

    def test_not_from_within(self, own: str, ryu_alg_lab: CommandRunner) -> None:
        lab = Lab.up("nat", own)
        argv = [sys.executable, "-c", "from ryu_alg.lab.command import lab; lab()"]
        done = lab.host("client").run([*argv, "down", f"--name={own}"])
        assert done.returncode == 1
        assert (
            done.stderr == f"Error: this shell is in the lab, as alg-{own}-client: leave it first\n"
        )

    # A part of the tool's command line that is running when the signal comes.
    BUILDING = (
        "netns add alg-{own}-gateway",
        "netns exec alg-{own}-gateway sh",
        "netns exec alg-{own}-plain ethtool",
        "ovsdb-server",
        "ovs-vswitchd",
        "add-br",
        "max_backoff",
    )

    @pytest.mark.parametrize("stage", BUILDING)
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
    def test_up_was_broken_off(self, own: str, stage: str, number: signal.Signals) -> None:
        ended = broken_off(own, stage.format(own=own), number)
        assert ended.returncode != 0
        if number == signal.SIGINT:
            assert traces(own) == []
        labs.down(own)
        assert traces(own) == []

    @pytest.mark.parametrize("stage", ["list Bridge", "at exit"])
    def test_too_late_to_break_off(self, own: str, stage: str) -> None:
        ended = broken_off(own, stage, signal.SIGINT)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith(f"lab {own}, in ")
        status = Lab.find(own).status()
        assert status["switch"]["running"]
        assert all(host["up"] for host in status["hosts"])


class TestFailure:
    def test_nothing_is_left(self, own: str, tmp_path: Path) -> None:
        """`lo` is there before the host's cable is: the second host cannot be plugged in."""
        path = tmp_path / "bad.yaml"
        path.write_text(
            "bridges: {br-a: {}}\n"
            "hosts:\n"
            "  one: {bridge: br-a, port: p1, addresses: [10.0.0.1/24]}\n"
            "  two: {bridge: br-a, port: lo, addresses: [10.0.0.2/24]}\n"
        )
        with pytest.raises(LabError, match="File exists"):
            Lab.up(path, own)
        assert traces(own) == []

    def test_switch_does_not_start(self, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ryu_alg.lab.openvswitch._MAX_BACKOFF_MS", "soon")
        with pytest.raises(LabError, match="ovs-vsctl"):
            Lab.up("nat", own)
        assert traces(own) == []
