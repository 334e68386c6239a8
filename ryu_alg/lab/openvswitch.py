"""A private Open vSwitch: its own database, daemon and run directory, userspace datapath.

It runs in the lab's gateway namespace, so that port names are its own to choose, and it is
kept away from the machine's own Open vSwitch by its folder: every OVS tool looks where the
variables of `environment` point.
"""

import contextlib
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryu_alg.lab import process, standin
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.namespaces import Namespace
from ryu_alg.lab.topology import Bridge, Topology
from ryu_alg.openflow.ovsdb import OvsdbError, Row, members, mode, tables

# Quickly back after a controller restart: OVS would otherwise wait up to 8 s between tries.
_MAX_BACKOFF_MS = 1000  # the least that OVS accepts
# A controller whose machine vanished is noticed after three of these; OVS's own default.
_INACTIVITY_PROBE_MS = 5000
_DAEMONS = ("ovs-vswitchd", "ovsdb-server")
_PATIENCE_SECONDS = 20

MAX_IDLE_MS = 1000
"""How long the datapath remembers what has no packets. At each change of flows the switch goes
through all of it, and sessions come with changes; see docs/production.md."""

CT_TIMEOUTS = {
    "icmp_first": 60,
    "icmp_reply": 60,
    "tcp_close": 240,
    "tcp_close_wait": 240,
    "tcp_established": 86400,
    "tcp_fin_wait": 240,
    "tcp_syn_recv": 240,
    "tcp_syn_sent": 240,
    "tcp_time_wait": 240,
    "udp_first": 300,
    "udp_multiple": 300,
    "udp_single": 300,
}
"""Seconds without a packet after which connection tracking forgets, as docs/production.md has
them."""


@dataclass(frozen=True, slots=True)
class OpenVSwitch:
    """The switch whose files are in `directory` and whose processes are in `namespace`."""

    directory: Path
    namespace: Namespace

    @property
    def environment(self) -> dict[str, str]:
        """What makes plain `ovs-vsctl`, `ovs-ofctl` and `ovs-appctl` mean this switch."""
        here = str(self.directory)
        return {"OVS_RUNDIR": here, "OVS_LOGDIR": here, "OVS_DBDIR": here}

    def start(self) -> None:
        """Create the database and start both daemons; LabError if one does not come up."""
        self.directory.mkdir()
        database = self.directory / "conf.db"
        socket = self.directory / "db.sock"
        logs = ["-vconsole:off", "-vsyslog:off", "-vfile:info"]
        common = ["--no-chdir", "--detach", "--pidfile", "--log-file", *logs]
        self._run("ovsdb-tool", "create", str(database))
        self._run("ovsdb-server", str(database), f"--remote=punix:{socket}", *common)
        self.vsctl("--no-wait", "init")
        idle = f"other_config:max-idle={MAX_IDLE_MS}"
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", idle)
        self._run("ovs-vswitchd", f"unix:{socket}", "--disable-system", *common)

    def build(self, topology: Topology) -> None:
        """Configure every bridge and port in one transaction; hosts' ports must exist by now."""
        commands: list[str] = []
        for name, bridge in topology.bridges.items():
            commands += _bridge_commands(name, bridge)
        number = dict.fromkeys(topology.bridges, 0)
        for host in topology.hosts.values():
            commands += _port_commands(number, host.bridge, host.port)
        for patch in topology.patches:
            for bridge_name, port, peer in (
                (patch.from_, patch.port, patch.peer),
                (patch.to, patch.peer, patch.port),
            ):
                commands += _port_commands(number, bridge_name, port)
                if patch.kind == "patch":
                    commands += ["type=patch", f"options:peer={peer}"]
        # Nobody else makes this row, and without it there is nowhere to set connection
        # tracking time-outs.
        commands += ["--", "--id=@userspace", "create", "Datapath", "datapath_version=0"]
        commands += ["--", "set", "Open_vSwitch", ".", "datapaths:netdev=@userspace"]
        policy = [f"{state}={seconds}" for state, seconds in CT_TIMEOUTS.items()]
        for zone in {bridge.ct_zone: None for bridge in topology.bridges.values()}:
            if zone is not None:
                commands += ["--", "add-zone-tp", "netdev", f"zone={zone}", *policy]
        controlled = {name: b.controller for name, b in topology.bridges.items() if b.controller}
        with self._standin(Counter(controlled.values())) as meet:
            self.vsctl(*commands[1:])
            meet()
            for name in controlled:
                self.vsctl("set", "controller", name, f"max_backoff={_MAX_BACKOFF_MS}")
        for row in self._tables({"Interface": ("name", "error")})["Interface"]:
            if row["error"]:
                raise LabError(f"Open vSwitch: port {row['name']}: {row['error']}")

    def vsctl(self, *arguments: str) -> str:
        """Run ovs-vsctl on this switch's database and give what it printed."""
        return self._run("ovs-vsctl", f"--timeout={_PATIENCE_SECONDS}", *arguments)

    def ofctl(self, *arguments: str) -> str:
        """Run ovs-ofctl, OpenFlow 1.3, on this switch; bridges by their plain names."""
        return self._run("ovs-ofctl", "-O", "OpenFlow13", *arguments)

    def appctl(self, *arguments: str) -> str:
        """Run ovs-appctl on this switch's daemon."""
        return self._run("ovs-appctl", *arguments)

    def running(self) -> bool:
        """Whether both daemons are."""
        return len(self.pids()) == len(_DAEMONS)

    def pids(self) -> list[int]:
        """Processes of the daemons, by their pid files.

        A pid file outlives a killed daemon and its number may be another process's by then,
        so the command line has to name our folder too.
        """
        found = []
        for daemon in _DAEMONS:
            with contextlib.suppress(OSError, ValueError):
                pid = int((self.directory / f"{daemon}.pid").read_text())
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                if str(self.directory).encode() + b"/" in command and process.is_running(pid):
                    found.append(pid)
        return found

    def bridges(self) -> list[dict[str, Any]]:
        """Each bridge as the database has it now, by name: id, fail mode, controllers, ports."""
        found = self._tables(
            {
                "Bridge": ("name", "datapath_id", "fail_mode", "controller", "ports"),
                "Controller": ("_uuid", "target"),
                "Port": ("_uuid", "name"),
                "Interface": ("name", "ofport"),
            }
        )
        targets = {row["_uuid"]: row["target"] for row in found["Controller"]}
        ports = {row["_uuid"]: row["name"] for row in found["Port"]}
        numbers = {row["name"]: row["ofport"] for row in found["Interface"]}
        shown = []
        for row in found["Bridge"]:
            name = row["name"]
            own = [targets[key] for key in members(row["controller"])]
            plugged = [ports[key] for key in members(row["ports"]) if ports[key] != name]
            shown.append(
                {
                    "name": name,
                    "datapath_id": row["datapath_id"],
                    "fail_mode": mode(row),
                    "controllers": [
                        {"target": target, "connected": self.connected(name, target)}
                        for target in own
                    ],
                    "ports": [
                        {"name": port, "number": numbers[port]}
                        for port in sorted(plugged, key=lambda port: numbers[port])
                    ],
                }
            )
        return sorted(shown, key=lambda bridge: bridge["name"])

    def connected(self, bridge: str, target: str) -> bool:
        """Whether the bridge's OpenFlow connection to `target` stands.

        By the daemon's log: it says so at once, the database's `is_connected` up to 5 s late.
        """
        subject = re.compile(rf"\|rconn\|\w+\|{re.escape(f'{bridge}<->{target}')}: (.*)")
        state = ""
        with contextlib.suppress(FileNotFoundError):
            log = (self.directory / "ovs-vswitchd.log").read_text(errors="replace")
            for found in subject.finditer(log):
                state = found[1]
        return state == "connected"

    def wait_connected(self, bridge: str, target: str, seconds: float) -> None:
        """Return once `bridge` is connected to `target`; LabError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.connected(bridge, target):
            if time.monotonic() > deadline:
                raise LabError(f"{bridge}: no connection to {target} in {seconds:g} s")
            time.sleep(0.02)

    @contextlib.contextmanager
    def _standin(self, targets: Counter[str]) -> Iterator[Callable[[], None]]:
        """While this lasts, a stand-in controller listens at those targets that are local.

        What it gives returns once every bridge has met it. See `standin`.
        """
        arguments: list[str] = []
        for target, count in targets.items():
            address, port = target.partition(":")[2].rsplit(":", 1)
            if address == "127.0.0.1":
                arguments += [address, port, str(count)]
        listener = subprocess.Popen(
            self.namespace.argv([sys.executable, "-I", standin.__file__, *arguments]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        output = listener.stdout
        assert output is not None

        def expect(word: str) -> None:
            if output.readline().strip() != word:
                raise LabError("Open vSwitch has not connected to a controller on 127.0.0.1")

        try:
            expect("listening")
            yield lambda: expect("connected")
        finally:
            listener.kill()
            listener.communicate()

    def _run(self, *command: str) -> str:
        return self.namespace.run(command, env=self.environment)

    def _tables(self, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, list[Row]]:
        """As `ryu_alg.openflow.ovsdb.tables`; LabError if the database does not answer."""
        database = f"unix:{self.directory / 'db.sock'}"
        try:
            return tables(database, wanted, patience=_PATIENCE_SECONDS)
        except OvsdbError as error:
            raise LabError(str(error)) from None


def _bridge_commands(name: str, bridge: Bridge) -> list[str]:
    commands = ["--", "add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"]
    commands += [f"fail_mode={bridge.effective_fail_mode}", "other-config:disable-in-band=true"]
    if bridge.datapath_id:
        commands += [f"other-config:datapath-id={bridge.datapath_id}"]
    if bridge.controller:
        commands += [f"protocols={','.join(bridge.protocols)}"]
        commands += ["--", "set-controller", name, bridge.controller]
        commands += ["--", "set", "controller", name, "connection_mode=out-of-band"]
        commands += [f"inactivity_probe={_INACTIVITY_PROBE_MS}"]
    return commands


def _port_commands(number: dict[str, int], bridge: str, port: str) -> list[str]:
    number[bridge] += 1
    add = ["--", "add-port", bridge, port, "--", "set", "interface", port]
    return [*add, f"ofport_request={number[bridge]}"]
