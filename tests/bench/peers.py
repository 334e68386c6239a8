"""The four gateways that are compared, each with a client and an FTP server of its own.

All are up at the same time. They are built from the same parts: hosts are namespaces behind
veth pairs without offloads, switches are private Open vSwitches with the userspace datapath,
the server is vsftpd.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ryu_alg.lab import GATEWAY, Host, Lab, LabError, Topology, namespaces, process
from ryu_alg.lab import lab as labs
from ryu_alg.lab.namespaces import Namespace
from tests.bench import load

CLIENT, SERVER = "client", "server"
SERVER_ADDRESS = "203.0.113.2"
CONFIG = Path(__file__).with_name("gateway.yaml")

_CLIENT_ADDRESS = "192.168.10.2"
_PUBLIC_ADDRESS = "203.0.113.1"
_GATEWAY_MAC = "02:a1:60:00:00:01"
_BRIDGE = "br-alg"
_START_SECONDS = 20.0
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something does not work; one line that says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway that is up, and tried out."""

    name: str
    client: Host
    directory: Path
    processes: Mapping[str, int] = field(default_factory=dict)
    """The gateway's own: pid by what it is."""
    punts: Callable[[], int] | None = None
    """How many control packets the controller has had so far; None: there is no controller."""

    def load(self, kind: str, *, patience: float = 60.0, **parameters: Any) -> dict[str, Any]:
        """Have the client run a measurement of `load`. BenchError when FTP does not work, or is
        not done after `patience` seconds more than it should take."""
        command = [
            sys.executable,
            "-I",
            load.__file__,
            kind,
            SERVER_ADDRESS,
            json.dumps(parameters),
        ]
        try:
            done = self.client.run(command, timeout=patience + parameters.get("seconds", 0.0))
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{self.name}: {kind}: no end after {error.timeout:.0f} s") from None
        if done.returncode:
            complaint = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise BenchError(f"{self.name}: {kind} {json.dumps(parameters)}: {complaint}")
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def cpu(self) -> dict[str, float]:
        """Processor time that each process of the gateway has used so far, in seconds."""
        return {name: _cpu_seconds(pid) for name, pid in self.processes.items()}


@contextmanager
def bridge(lab_name: str) -> Iterator[Peer]:
    """A learning switch between client and server, which are in one network."""
    topology = Topology.model_validate(
        {
            "bridges": {_BRIDGE: {}},
            "hosts": {
                CLIENT: _host("lan", "203.0.113.9/24"),
                SERVER: _host("wan", f"{SERVER_ADDRESS}/24"),
            },
        }
    )
    with Lab.up(topology, lab_name, replace=True) as lab, _vsftpd(lab.host(SERVER), lab.directory):
        yield _tried(Peer("bridge", lab.host(CLIENT), lab.directory, _switch(lab)))


@contextmanager
def ovs_alg(lab_name: str) -> Iterator[Peer]:
    """Open vSwitch's own `ct(alg=ftp)` with NAT, by a handful of static flows."""
    with Lab.up(_routed(controller=None), lab_name, replace=True) as lab:
        # Routing by static flows: the hosts know their neighbour without asking.
        for host, gateway in ((CLIENT, "192.168.10.1"), (SERVER, _PUBLIC_ADDRESS)):
            neighbour = f"neigh replace {gateway} lladdr {_GATEWAY_MAC} dev eth0 nud permanent"
            lab.host(host).namespace.ip(neighbour)
        flows = lab.directory / "flows"
        flows.write_text(_ovs_alg_flows(lab), encoding="ascii")
        lab.ovs_ofctl("add-flows", _BRIDGE, str(flows))
        with _vsftpd(lab.host(SERVER), lab.directory):
            yield _tried(Peer("ovs-alg", lab.host(CLIENT), lab.directory, _switch(lab)))


@contextmanager
def kernel(lab_name: str) -> Iterator[Peer]:
    """Linux itself: a routing namespace with nf_conntrack_ftp and NAT."""
    labs.down(lab_name)
    process.require_root()
    if subprocess.run(["nft", "--version"], capture_output=True).returncode:
        raise BenchError("nft does not run: apt-get install nftables")
    directory = labs.directory(lab_name)
    hosts = {
        name: Host(name, Namespace(f"alg-{lab_name}-{name}"), {})
        for name in (CLIENT, GATEWAY, SERVER)
    }
    try:
        directory.mkdir(parents=True)
        for host in hosts.values():
            host.namespace.create(ipv6=False)
        router = hosts[GATEWAY].namespace
        for name, port, host_mac, address, gateway in (
            (CLIENT, "lan", "02:00:00:00:00:01", _CLIENT_ADDRESS, "192.168.10.1"),
            (SERVER, "wan", "02:00:00:00:00:02", SERVER_ADDRESS, _PUBLIC_ADDRESS),
        ):
            namespaces.connect(router, port, hosts[name].namespace, host_mac)
            router.ip(f"address add {gateway}/24 dev {port}")
            hosts[name].namespace.ip(
                f"address add {address}/24 dev eth0", f"route add default via {gateway}"
            )
        router.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        process.run(router.argv(["nft", "-f", "-"]), stdin=_NFT_RULES)
        with _vsftpd(hosts[SERVER], directory):
            yield _tried(Peer("kernel", hosts[CLIENT], directory))
    finally:
        labs.down(lab_name)


@contextmanager
def ryu_alg(lab_name: str) -> Iterator[Peer]:
    """The gateway of this project, as `ryu-alg run` starts it."""
    topology = _routed(controller="tcp:127.0.0.1:6653")
    with Lab.up(topology, lab_name, replace=True) as lab, _vsftpd(lab.host(SERVER), lab.directory):
        gateway = lab.host(GATEWAY)
        log_path = lab.directory / "controller.log"
        with open(log_path, "w", encoding="utf-8") as log:
            controller = gateway.popen(
                ["ryu-alg", "run", str(CONFIG)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            try:
                lab.wait_controller(_START_SECONDS)
            except LabError as error:
                raise BenchError(f"ryu_alg: {error}; {_last_words(log_path)}") from None
            yield _tried(
                Peer(
                    "ryu_alg",
                    lab.host(CLIENT),
                    lab.directory,
                    {"controller": controller.pid, **_switch(lab)},
                    lambda: _punts(gateway),
                )
            )
        finally:
            controller.terminate()
            try:
                controller.wait(5)
            except subprocess.TimeoutExpired:
                controller.kill()
                controller.wait()


PEERS: dict[str, Callable[[str], AbstractContextManager[Peer]]] = {
    "bridge": bridge,
    "ovs-alg": ovs_alg,
    "kernel": kernel,
    "ryu_alg": ryu_alg,
}
"""In the order of their turns."""


# The client may open control connections and nothing else: data gets through by the helper.
_NFT_RULES = f"""
table ip bench {{
    ct helper ftp {{
        type "ftp" protocol tcp
    }}
    chain prerouting {{
        type filter hook prerouting priority filter
        iifname "lan" tcp dport {load.CONTROL_PORT} ct helper set "ftp"
    }}
    chain forward {{
        type filter hook forward priority filter
        policy drop
        ct state established,related accept
        iifname "lan" tcp dport {load.CONTROL_PORT} ct state new accept
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname "wan" snat to {_PUBLIC_ADDRESS}
    }}
}}
"""


def _ovs_alg_flows(lab: Lab) -> str:
    """NAT and the same policy as the kernel's rules: new control connections, and +rel."""
    inside, outside = _port_number(lab, "lan"), _port_number(lab, "wan")
    route = f"dec_ttl,set_field:{_GATEWAY_MAC}->eth_src,set_field:%s->eth_dst,output:%d\n"
    return (
        f"table=0,priority=10,in_port={inside},ip actions=ct(table=1,zone=1,nat)\n"
        f"table=0,priority=10,in_port={outside},ip actions=ct(table=1,zone=1,nat)\n"
        "table=1,priority=20,ct_state=+trk+est-new-inv,ip actions=goto_table:2\n"
        "table=1,priority=20,ct_state=+trk+new+rel-inv,ip "
        "actions=ct(commit,zone=1,nat,table=2)\n"
        f"table=1,priority=10,ct_state=+trk+new-rel-inv,in_port={inside},tcp,"
        f"tp_dst={load.CONTROL_PORT} "
        f"actions=ct(commit,zone=1,alg=ftp,nat(src={_PUBLIC_ADDRESS}),table=2)\n"
        f"table=2,priority=10,ip,nw_dst={_CLIENT_ADDRESS} actions="
        + route % ("02:00:00:00:00:01", inside)
        + f"table=2,priority=10,ip,nw_dst={SERVER_ADDRESS} actions="
        + route % ("02:00:00:00:00:02", outside)
    )


def _routed(controller: str | None) -> Topology:
    """A client and a server on either side of a switch that routes."""
    return Topology.model_validate(
        {
            "bridges": {
                _BRIDGE: {
                    "datapath_id": "0000000000000001",
                    "controller": controller,
                    "fail_mode": "secure",
                }
            },
            "hosts": {
                CLIENT: _host("lan", f"{_CLIENT_ADDRESS}/24", "192.168.10.1"),
                SERVER: _host("wan", f"{SERVER_ADDRESS}/24", _PUBLIC_ADDRESS),
            },
        }
    )


def _host(port: str, address: str, *gateways: str) -> dict[str, Any]:
    return {"bridge": _BRIDGE, "port": port, "addresses": [address], "gateways": list(gateways)}


def _switch(lab: Lab) -> dict[str, int]:
    pid_file = lab.switch.directory / "ovs-vswitchd.pid"
    return {"switch": int(pid_file.read_text(encoding="ascii"))}


def _port_number(lab: Lab, port: str) -> int:
    return int(lab.ovs_vsctl("get", "interface", port, "ofport"))


_VSFTPD = """
listen=YES
background=NO
anonymous_enable=YES
local_enable=NO
no_anon_password=NO
anon_root={root}
secure_chroot_dir={empty}
ftp_username=ftp
nopriv_user=nobody
max_clients=0
max_per_ip=0
xferlog_enable=NO
use_localtime=NO
connect_from_port_20=NO
# Above every port that gateway configurations deny by default.
pasv_min_port=30000
pasv_max_port=65535
# The server is not what is measured: one process per session instead of three, and neither
# namespaces nor a system call filter for it.
one_process_model=YES
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
"""


@contextmanager
def _vsftpd(host: Host, directory: Path) -> Iterator[None]:
    """An FTP server with the two files of `load`, the large one without disk space."""
    root, empty = directory / "files", directory / "empty"
    root.mkdir()
    empty.mkdir()
    (root / load.SMALL_FILE).write_bytes(bytes(load.SMALL_BYTES))
    with open(root / load.LARGE_FILE, "wb") as large:
        large.truncate(load.LARGE_BYTES)
    config = directory / "vsftpd.conf"
    config.write_text(_VSFTPD.format(root=root, empty=empty), encoding="utf-8")
    log_path = directory / "vsftpd.log"
    try:
        with open(log_path, "w", encoding="utf-8") as log:
            # It complains on its standard input, where it expects the client.
            server = host.popen(["vsftpd", str(config)], stdin=log, stdout=log, stderr=log)
    except FileNotFoundError:
        raise BenchError("vsftpd is missing: apt-get install vsftpd") from None
    try:
        time.sleep(0.2)
        if server.poll() is not None:
            raise BenchError(f"vsftpd does not start; {_last_words(log_path)}")
        yield
    finally:
        server.terminate()
        server.wait(5)


def _tried(peer: Peer) -> Peer:
    """The peer, once a passive and an active session have worked."""
    try:
        peer.load("check", seconds=_START_SECONDS)
    except BenchError as error:
        hint = ""
        log = peer.directory / "controller.log"
        if log.exists():
            hint = f"; {_last_words(log)}"
        raise BenchError(f"{error}{hint}") from None
    return peer


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"its log ends with: {lines[-1]}" if lines else "its log is empty"


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process, in seconds, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _punts(gateway: Host) -> int:
    """What the running gateway's REST endpoint says."""
    done = gateway.run(["curl", "-sS", "-m5", "http://127.0.0.1:8080/v1.0/alg/status"])
    if done.returncode:
        raise BenchError(f"ryu_alg: its REST endpoint does not answer: {done.stderr.strip()}")
    return sum(json.loads(done.stdout)["punts"].values())
