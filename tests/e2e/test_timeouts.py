"""The time-outs of the RFCs arrive where they are kept: in the switch and in the engine."""

from __future__ import annotations

import re
import socket
from contextlib import closing

import pytest

from ryu_alg.assembly import engine_config
from ryu_alg.lab import Lab
from ryu_alg.settings import parse
from tests.e2e import network
from tests.e2e.gateway import RunningGateway
from tests.e2e.waiting import wait_for

MINIMAL = """\
gateway: {datapath_id: "0000000000000001", mac: "02:a1:60:00:00:01"}
realms:
  inside: [{name: lan, port: lan, addresses: [192.168.10.1/24]}]
  outside: [{name: wan, port: wan, addresses: [203.0.113.1/24]}]
"""
SERVER = ("203.0.113.2", 5359)


def test_control_connections_have_those_of_rfc_5382_and_4787() -> None:
    timers = engine_config(parse(MINIMAL, "gateway.yaml", {}), {}).timers
    assert timers.session_idle == 7440.0  # established
    assert timers.session_setup == timers.half_closed == 240.0  # transitory
    assert timers.datagram_idle == 300.0
    assert timers.port_quarantine == 120.0  # RFC 6888 REQ-8


def remaining(lab: Lab, entry: str) -> int:
    """Seconds for which conntrack will remember the only connection of which its dump has that."""
    dump = lab.appctl("dpctl/dump-conntrack", "-s", "zone=4242").splitlines()
    (line,) = (line for line in dump if re.search(entry, line))
    found = re.search(r"timeout=(\d+)", line)
    assert found, line
    return int(found[1])


# Nobody asserts how fast the machine is: a minute may pass between packet and dump.
SLACK = 60


def is_now(seconds: int, expected: int) -> bool:
    return expected - min(SLACK, expected // 2) <= seconds <= expected


@pytest.fixture(autouse=True)
def running(lab: Lab, gateway: RunningGateway) -> None:
    """The gateway, and no connections."""
    lab.appctl("dpctl/flush-conntrack")


def test_udp(lab: Lab) -> None:
    """One datagram, then one each way."""
    with network.on(lab.host("server")):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with network.on(lab.host("client")):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with closing(server), closing(client):
        server.settimeout(network.PATIENCE)
        client.settimeout(network.PATIENCE)
        server.bind(SERVER)
        client.sendto(b"question", SERVER)
        _, peer = server.recvfrom(100)
        assert is_now(remaining(lab, r"^udp.*dport=5359"), 300)
        server.sendto(b"answer", peer)
        client.recv(100)
        assert is_now(remaining(lab, r"^udp.*dport=5359"), 300)
        client.sendto(b"again", SERVER)
        server.recv(100)
        assert is_now(remaining(lab, r"^udp.*dport=5359"), 300)


def test_echo(lab: Lab) -> None:
    done = lab.host("client").run(["ping", "-c1", "-W15", SERVER[0]])
    assert done.returncode == 0, done.stdout
    assert is_now(remaining(lab, r"^icmp"), 60)


def test_a_tcp_connection_from_its_syn_to_its_end(lab: Lab) -> None:
    with network.listen(lab.host("server"), *SERVER) as listener:
        connection = network.connect(lab.host("client"), *SERVER)
        accepted, _ = listener.accept()
        with closing(connection), closing(accepted):
            connection.sendall(b"question")
            accepted.recv(100)
            assert is_now(remaining(lab, r"^tcp.*dport=5359"), 86400)
            connection.shutdown(socket.SHUT_WR)
            assert accepted.recv(100) == b""
            assert is_now(remaining(lab, r"^tcp.*dport=5359"), 240)
            accepted.sendall(b"answer")
            assert connection.recv(100) == b"answer"
            accepted.close()
            assert connection.recv(100) == b""
            assert is_now(remaining(lab, r"^tcp.*dport=5359"), 240)


def test_a_tcp_connection_that_nobody_answers(lab: Lab) -> None:
    with network.on(lab.host("client")):
        client = socket.socket()
    with closing(client):
        client.setblocking(False)
        # Nobody has that address: the SYN waits for a neighbour, and conntrack remembers it.
        client.connect_ex(("203.0.113.99", 5359))
        wait_for(lambda: "dport=5359" in lab.appctl("dpctl/dump-conntrack", "zone=4242"), "its SYN")
        assert is_now(remaining(lab, r"^tcp.*dport=5359"), 240)


def test_a_tcp_connection_after_a_reset(lab: Lab) -> None:
    """An end may have refused the reset (RFC 5961), so its address stays (RFC 7857 section 2.2)."""
    with network.listen(lab.host("server"), *SERVER) as listener:
        connection = network.connect(lab.host("client"), *SERVER)
        accepted, _ = listener.accept()
        with closing(accepted):
            accepted.settimeout(network.PATIENCE)
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4)
            )
            connection.close()
            with pytest.raises(ConnectionResetError):
                accepted.recv(100)
            assert is_now(remaining(lab, r"^tcp.*dport=5359"), 240)
