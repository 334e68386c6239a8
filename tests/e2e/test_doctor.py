"""`ryu-alg doctor`: well while sessions of several kinds are live; finds what is added by hand."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from ryu_alg.lab import Host, Lab
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.dialogue import Client, Server, port_command
from tests.e2e.gateway import SCRIPTED_PORT, RunningGateway, configuration, ftp
from tests.e2e.servers import SMALL
from tests.e2e.waiting import wait_for

INSIDE, OUTSIDE = "192.168.10.2", "203.0.113.2"
PLAIN_IPV6, OUTSIDE_IPV6 = "2001:db8:30::2", "2001:db8:1::2"
BRIDGE = "br-alg"

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\n"
)
DIALOGUE = (
    "Via: SIP/2.0/UDP 192.168.10.2:5060;branch=z9hG4bKdoctor\r\nMax-Forwards: 70\r\n"
    "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:bob@203.0.113.2>{tag}\r\n"
    "Call-ID: doctor@example.org\r\nCSeq: 1 INVITE\r\nContact: <sip:{contact}:5060>\r\n"
)


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(
        configuration(
            protocols={
                **ftp(auth="allow"),
                "sip": {},
                "tftp": {"ports": [1069]},
                "bittorrent": {"ports": [6969], "options": {"hosts": ["192.168.0.0/16"]}},
            }
        )
    )


def datagrams(host: Host, address: str, port: int) -> socket.socket:
    with network.on(host):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, port))
    made.settimeout(network.PATIENCE)
    return made


@dataclass
class Conversations:
    """Live sessions, each with something open. They end with `stack`."""

    lab: Lab
    stack: ExitStack

    def ftp(self) -> None:
        """Active and passive behind NAT, over IPv6, and one that has left the controller."""
        for host, address in (("client", OUTSIDE), ("plain", OUTSIDE_IPV6)):
            server = Server(self.lab.host("server"), address, SCRIPTED_PORT, SMALL)
            self.stack.enter_context(server)
            client = self._client(host, address)
            assert client.ask(b"EPSV\r\n").code == 229
        active, encrypted = self._client("client", OUTSIDE), self._client("client", OUTSIDE)
        assert active.ask(port_command((INSIDE, 50_001))).code == 200
        assert encrypted.ask(b"AUTH TLS\r\n").code == 234

    def _client(self, host: str, address: str) -> Client:
        client = Client(self.lab.host(host), address, SCRIPTED_PORT)
        return self.stack.enter_context(client)

    def tftp(self) -> None:
        """A request: whatever port of the server may answer."""
        client = self._datagrams("client", INSIDE, 40_069)
        server = self._datagrams("server", OUTSIDE, 1069)
        client.sendto(b"\0\1file\0octet\0", (OUTSIDE, 1069))
        assert server.recv(100)

    def sip(self) -> None:
        """A call."""
        alice = self._datagrams("client", INSIDE, 5060)
        bob = self._datagrams("server", OUTSIDE, 5060)
        alice.sendto(
            _message("INVITE sip:bob@203.0.113.2 SIP/2.0\r\n", DIALOGUE, INSIDE, SDP, 20_000),
            (OUTSIDE, 5060),
        )
        invite, where = bob.recvfrom(4000)
        via = next(line for line in invite.decode().split("\r\n") if line.startswith("Via:"))
        answer = _message("SIP/2.0 200 OK\r\n", DIALOGUE, OUTSIDE, SDP, 30_000, tag=";tag=2")
        lines = answer.decode().split("\r\n")
        lines[1] = via
        bob.sendto("\r\n".join(lines).encode(), where)
        assert alice.recv(4000).startswith(b"SIP/2.0 200")

    def bittorrent(self) -> None:
        """An announce that the tracker takes."""
        tracker = network.listen(self.lab.host("server"), OUTSIDE, 6969)
        self.stack.enter_context(closing(tracker))
        client = network.connect(self.lab.host("client"), OUTSIDE, 6969)
        self.stack.enter_context(closing(client))
        query = (
            f"info_hash={'%11' * 20}&peer_id={'a' * 20}&port=6881&uploaded=0&downloaded=0&left=0"
        )
        client.sendall(f"GET /announce?{query} HTTP/1.1\r\nHost: {OUTSIDE}\r\n\r\n".encode())
        accepted = tracker.accept()[0]
        self.stack.enter_context(closing(accepted))
        accepted.settimeout(network.PATIENCE)
        assert accepted.recv(4000).startswith(b"GET /announce")
        body = b"d8:intervali1800e5:peers0:e"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        accepted.sendall(head.encode() + body)
        assert client.recv(4000).startswith(b"HTTP/1.1 200")

    def _datagrams(self, host: str, address: str, port: int) -> socket.socket:
        return self.stack.enter_context(closing(datagrams(self.lab.host(host), address, port)))


def _message(start: str, head: str, host: str, body: str, port: int, tag: str = "") -> bytes:
    sdp = body.format(host=host, port=port)
    fields = head.format(contact=host, tag=tag)
    length = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n"
    return f"{start}{fields}{length}{sdp}".encode()


@pytest.fixture(scope="module")
def conversations(lab: Lab, gateway: RunningGateway) -> Iterator[None]:
    """Sessions of every kind, live as long as the module's tests run."""
    with ExitStack() as stack:
        them = Conversations(lab, stack)
        them.ftp()
        them.tftp()
        them.sip()
        them.bittorrent()
        kinds = {"pinhole", "media", "listener", "data", "offload"}
        wait_for(lambda: kinds <= gateway.doctor("--audit")[1]["audit"]["flows"].keys(), "flows")
        yield


def test_live_sessions_are_in_order(gateway: RunningGateway, conversations: None) -> None:
    status, said = gateway.doctor("--audit")
    assert said["audit"]["findings"] == []
    assert {check["outcome"] for check in said["checks"]} == {"ok"}, [
        check for check in said["checks"] if check["outcome"] != "ok"
    ]
    assert (status, said["well"]) == (0, True)
    assert said["audit"]["flows"]["pinhole"] >= 4
    assert said["audit"]["flows"]["media"] >= 4
    names = [check["name"] for check in said["checks"]]
    assert {"fail_mode", "ports", "controller", "meters", "in_force"} <= set(names)


PINHOLE, NOBODYS = "cookie=0xa160030000000001", "cookie=0xa1600300deadbeef"
TIMED, NEW = "idle_timeout=60,hard_timeout=60", "table=3,ct_state=+new-inv+trk"
FROM, TO = "nw_src=203.0.113.9", "nw_dst=203.0.113.1"
LET_IN = "ct(commit,table=4,zone=4242,nat(dst=192.168.10.2:5000))"
DEFECTS = (
    ("realm", f"{PINHOLE},{TIMED},{NEW},tcp,{FROM},{TO},tp_dst=40000", LET_IN),
    ("protocol", f"{PINHOLE},{TIMED},{NEW},reg1=2,ip,{FROM},{TO}", LET_IN),
    ("address", f"{PINHOLE},{TIMED},{NEW},reg1=2,tcp,{FROM},tp_dst=40000", LET_IN),
    ("port", f"{PINHOLE},{TIMED},{NEW},reg1=2,tcp,{FROM},{TO},tp_dst=22", LET_IN),
    ("timeout", f"{PINHOLE},{NEW},reg1=2,tcp,{FROM},{TO},tp_dst=40000", LET_IN),
    ("cookie", f"{NOBODYS},{TIMED},{NEW},reg1=2,tcp,{FROM},{TO},tp_dst=40000", LET_IN),
    ("cookie", f"cookie=0xa1600c00deadbeef,{NEW},reg1=2,udp,{FROM},{TO},tp_dst=40000", LET_IN),
    ("cookie", f"cookie=0xa1600f00deadbeef,{NEW},reg1=2,udp,{TO},tp_dst=40000", LET_IN),
    ("foreign", "table=3", "goto_table:4"),
    ("foreign", "cookie=0xa160010000000003,table=3,tcp,tp_dst=22", "goto_table:4"),
)


def test_what_is_added_by_hand_is_found(
    gateway: RunningGateway, conversations: None, lab: Lab, tmp_path: Path
) -> None:
    """All of it at once, and nothing else."""
    added = tmp_path / "added.flows"
    numbered = [(f"priority={number}", *it) for number, it in enumerate(DEFECTS, 1)]
    lines = [f"{own},{match} actions={actions}" for own, _, match, actions in numbered]
    added.write_text("\n".join(lines) + "\n")
    lab.ovs_ofctl("add-flows", BRIDGE, str(added))
    try:
        status, said = gateway.doctor("--audit")
    finally:
        for own, _, match, _ in numbered:
            matched = re.sub(r"(cookie|\w+_timeout)=\w+,", "", match)
            lab.ovs_ofctl("--strict", "del-flows", BRIDGE, f"{own},{matched}")
    assert (status, said["well"]) == (1, False)
    found = said["audit"]["findings"]
    for own, code, _, _ in numbered:
        codes = {it["code"] for it in found if own in re.split("[ ,]", it["flow"])}
        assert code in codes, (own, found)
    # Nothing is found in what the gateway has made.
    by_hand = {own for own, _, _, _ in numbered}
    assert all(by_hand & set(re.split("[ ,]", it["flow"])) for it in found)
    gateway.audit()


def test_a_flow_of_the_pipeline_is_gone(gateway: RunningGateway, lab: Lab) -> None:
    flow = "table=3,priority=580,ct_state=+inv+trk"
    lab.ovs_ofctl("--strict", "del-flows", BRIDGE, flow)
    try:
        status, said = gateway.doctor("--audit")
    finally:
        lab.ovs_ofctl("add-flow", BRIDGE, f"{flow},cookie=0xa160090000000003 actions=drop")
    assert status == 1
    assert [it["code"] for it in said["audit"]["findings"]] == ["missing"]
    gateway.audit()


def test_without_the_file(gateway: RunningGateway, lab: Lab) -> None:
    """The command itself, as a user types it: what it needs, the gateway tells."""
    done = gateway.host.run(["ryu-alg", "doctor", "--audit", "--json"])
    said = json.loads(done.stdout)
    assert (done.returncode, said["audit"]["findings"]) == (0, []), done.stderr


def test_the_file_is_not_in_force(gateway: RunningGateway) -> None:
    before = gateway.config_file.read_text()
    gateway.config_file.write_text(before + "\n# later\n")
    try:
        status, said = gateway.doctor()
    finally:
        gateway.config_file.write_text(before)
    assert status == 1
    (failed,) = [check for check in said["checks"] if check["outcome"] == "failed"]
    assert failed["name"] == "in_force" and "reload" in failed["remedy"]


def test_the_switch_is_not_as_it_should_be(gateway: RunningGateway, lab: Lab) -> None:
    lab.ovs_vsctl("set-fail-mode", BRIDGE, "standalone")
    try:
        status, said = gateway.doctor()
    finally:
        lab.ovs_vsctl("set-fail-mode", BRIDGE, "secure")
    assert status == 1
    (failed,) = [check for check in said["checks"] if check["outcome"] == "failed"]
    assert failed["name"] == "fail_mode" and f"set-fail-mode {BRIDGE} secure" in failed["remedy"]
