"""The five gateways that are compared, each with a client and servers of its own.

All are up at the same time. They are built from the same parts: hosts are namespaces behind
veth pairs without offloads, switches are private Open vSwitches with the userspace datapath,
the servers are vsftpd, tftpd-hpa, while calls are made sipp, and where there is BitTorrent
opentracker.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ryu_alg.lab import GATEWAY, Host, Lab, LabError, Topology, namespaces, process
from ryu_alg.lab import lab as labs
from ryu_alg.lab.namespaces import Namespace
from tests.bench import load, phone, sampler, tftp
from tests.bench import swarm as swarms
from tests.bench.errors import BenchError, last_words
from tests.bench.ftp_server import vsftpd
from tests.bench.peer import SERVER_ADDRESS, Peer
from tests.bench.swarm import Swarm
from tests.bench.tftp_server import tftpd

CLIENT, SERVER = "client", "server"
CONFIG = Path(__file__).with_name("gateway.yaml")

_CLIENT_ADDRESS = "192.168.10.2"
_NEIGHBOUR_ADDRESS = "203.0.113.9"
"""The client's where there is no router."""
_PUBLIC_ADDRESS = "203.0.113.1"
_GATEWAY_MAC = "02:a1:60:00:00:01"
_BRIDGE = "br-alg"
_START_SECONDS = 20.0


@contextmanager
def bridge(lab_name: str) -> Iterator[Peer]:
    """A learning switch between client and server, which are in one network."""
    topology = Topology.model_validate(
        {
            "bridges": {_BRIDGE: {}},
            "hosts": {
                CLIENT: _host("lan", f"{_NEIGHBOUR_ADDRESS}/24"),
                SERVER: _host("wan", f"{SERVER_ADDRESS}/24"),
            },
        }
    )
    with (
        Lab.up(topology, lab_name, replace=True) as lab,
        _servers(lab.host(SERVER), lab.directory),
        _swarm(lab, _NEIGHBOUR_ADDRESS) as swarm,
    ):
        yield _tried(
            Peer(
                "bridge",
                lab.host(CLIENT),
                _NEIGHBOUR_ADDRESS,
                lab.host(SERVER),
                lab.directory,
                _switch(lab),
                swarm=swarm,
            )
        )


def ovs_nat(lab_name: str) -> AbstractContextManager[Peer]:
    """Open vSwitch's `ct(nat)` by a handful of static flows, without any helper: inside hosts may
    open connections to anywhere, and that is all that works."""
    return _static(lab_name, "ovs-nat", {"": ""}, active=False, tftp=False)


def ovs_alg(lab_name: str) -> AbstractContextManager[Peer]:
    """The same with its own helpers, `ct(alg=ftp)` and `ct(alg=tftp)`: inside hosts may open
    control connections, and their data get through by those."""
    control = {
        f",tcp,tp_dst={load.CONTROL_PORT}": "alg=ftp,",
        f",udp,tp_dst={tftp.PORT}": "alg=tftp,",
    }
    return _static(lab_name, "ovs-alg", control)


@contextmanager
def _static(
    lab_name: str, name: str, commits: Mapping[str, str], *, active: bool = True, tftp: bool = True
) -> Iterator[Peer]:
    """A switch with static flows; `commits` are the arguments of `ct` with which connections from
    inside begin, by what they match."""
    with Lab.up(_routed(controller=None), lab_name, replace=True) as lab:
        # Routing by static flows: the hosts know their neighbour without asking.
        for host, gateway in ((CLIENT, "192.168.10.1"), (SERVER, _PUBLIC_ADDRESS)):
            neighbour = f"neigh replace {gateway} lladdr {_GATEWAY_MAC} dev eth0 nud permanent"
            lab.host(host).namespace.ip(neighbour)
        flows = lab.directory / "flows"
        flows.write_text(_static_flows(lab, commits), encoding="ascii")
        lab.ovs_ofctl("add-flows", _BRIDGE, str(flows))
        with _servers(lab.host(SERVER), lab.directory):
            yield _tried(
                Peer(
                    name,
                    lab.host(CLIENT),
                    _CLIENT_ADDRESS,
                    lab.host(SERVER),
                    lab.directory,
                    _switch(lab),
                    active=active,
                    sip=False,
                    tftp=tftp,
                )
            )


@contextmanager
def kernel(lab_name: str) -> Iterator[Peer]:
    """Linux itself: a routing namespace with nf_conntrack_ftp, _sip and _tftp, and NAT."""
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
        with _servers(hosts[SERVER], directory):
            yield _tried(Peer("kernel", hosts[CLIENT], _CLIENT_ADDRESS, hosts[SERVER], directory))
    finally:
        labs.down(lab_name)


@contextmanager
def ryu_alg(lab_name: str, samples: Path | None = None) -> Iterator[Peer]:
    """The gateway of this project, as `ryu-alg run` starts it; with `samples` by `sampler`, which
    writes them there."""
    program = ["ryu-alg"]
    if samples is not None:
        program = [sys.executable, sampler.__file__, str(samples)]
    topology = _routed(controller="tcp:127.0.0.1:6653")
    with (
        Lab.up(topology, lab_name, replace=True) as lab,
        _servers(lab.host(SERVER), lab.directory),
        _swarm(lab, _CLIENT_ADDRESS) as swarm,
    ):
        gateway = lab.host(GATEWAY)
        log_path = lab.directory / "controller.log"
        with open(log_path, "w", encoding="utf-8") as log:
            controller = gateway.popen(
                [*program, "run", str(CONFIG)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            try:
                lab.wait_controller(_START_SECONDS)
            except LabError as error:
                raise BenchError(f"ryu_alg: {error}; {last_words(log_path)}") from None
            yield _tried(
                Peer(
                    "ryu_alg",
                    lab.host(CLIENT),
                    _CLIENT_ADDRESS,
                    lab.host(SERVER),
                    lab.directory,
                    {"controller": controller.pid, **_switch(lab)},
                    lambda: _status(gateway),
                    swarm=swarm,
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
    "ovs-nat": ovs_nat,
    "ovs-alg": ovs_alg,
    "kernel": kernel,
    "ryu_alg": ryu_alg,
}
"""In the order of their turns."""


# The client may open control connections and nothing else: data get through by the helpers.
_NFT_RULES = f"""
table ip bench {{
    ct helper ftp {{
        type "ftp" protocol tcp
    }}
    ct helper sip {{
        type "sip" protocol udp
    }}
    ct helper tftp {{
        type "tftp" protocol udp
    }}
    chain prerouting {{
        type filter hook prerouting priority filter
        iifname "lan" tcp dport {load.CONTROL_PORT} ct helper set "ftp"
        iifname "lan" udp dport {phone.SIP_PORT} ct helper set "sip"
        iifname "lan" udp dport {tftp.PORT} ct helper set "tftp"
    }}
    chain forward {{
        type filter hook forward priority filter
        policy drop
        ct state established,related accept
        iifname "lan" tcp dport {load.CONTROL_PORT} ct state new accept
        iifname "lan" udp dport {{ {phone.SIP_PORT}, {tftp.PORT} }} ct state new accept
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname "wan" snat to {_PUBLIC_ADDRESS}
    }}
}}
"""


def _static_flows(lab: Lab, commits: Mapping[str, str]) -> str:
    """NAT and the policy: what inside hosts may begin, and +rel."""
    inside, outside = _port_number(lab, "lan"), _port_number(lab, "wan")
    route = f"dec_ttl,set_field:{_GATEWAY_MAC}->eth_src,set_field:%s->eth_dst,output:%d\n"
    return (
        f"table=0,priority=10,in_port={inside},ip actions=ct(table=1,zone=1,nat)\n"
        f"table=0,priority=10,in_port={outside},ip actions=ct(table=1,zone=1,nat)\n"
        "table=1,priority=20,ct_state=+trk+est-new-inv,ip actions=goto_table:2\n"
        "table=1,priority=20,ct_state=+trk+new+rel-inv,ip "
        "actions=ct(commit,zone=1,nat,table=2)\n"
        + "".join(
            f"table=1,priority=10,ct_state=+trk+new-rel-inv,in_port={inside}{match or ',ip'} "
            f"actions=ct(commit,zone=1,{helper}nat(src={_PUBLIC_ADDRESS}),table=2)\n"
            for match, helper in commits.items()
        )
        + f"table=2,priority=10,ip,nw_dst={_CLIENT_ADDRESS} actions="
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


@contextmanager
def _servers(host: Host, directory: Path) -> Iterator[None]:
    """FTP and TFTP, with the same files."""
    with vsftpd(host, directory) as files, tftpd(host, files, directory / "tftpd.log"):
        yield


def _swarm(lab: Lab, client_address: str) -> AbstractContextManager[Swarm]:
    client, server = (lab.host(CLIENT), client_address), (lab.host(SERVER), SERVER_ADDRESS)
    return swarms.swarm(client, server, lab.directory)


def _switch(lab: Lab) -> dict[str, int]:
    pid_file = lab.switch.directory / "ovs-vswitchd.pid"
    return {"switch": int(pid_file.read_text(encoding="ascii"))}


def _port_number(lab: Lab, port: str) -> int:
    return int(lab.ovs_vsctl("get", "interface", port, "ofport"))


def _tried(peer: Peer) -> Peer:
    """The peer, once everything that is measured through it has worked."""
    try:
        peer.load("check", seconds=_START_SECONDS, active=peer.active)
        if peer.tftp:
            peer.fetch("check", seconds=_START_SECONDS)
        if peer.sip:
            peer.dial("check", seconds=_START_SECONDS)
        if peer.swarm is not None:
            peer.announce("check", seconds=_START_SECONDS)
    except BenchError as error:
        hint = ""
        log = peer.directory / "controller.log"
        if log.exists():
            hint = f"; {last_words(log)}"
        raise BenchError(f"{error}{hint}") from None
    return peer


def _status(gateway: Host) -> dict[str, Any]:
    """What the running gateway's REST endpoint says."""
    done = gateway.run(["curl", "-sS", "-m5", "http://127.0.0.1:8080/v1.0/alg/status"])
    if done.returncode:
        raise BenchError(f"ryu_alg: its REST endpoint does not answer: {done.stderr.strip()}")
    status: dict[str, Any] = json.loads(done.stdout)
    return status
