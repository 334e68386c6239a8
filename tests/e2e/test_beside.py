"""Traffic that is none of the gateway's protocols, beside one that is."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ryu_alg.lab import Host, Lab
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.dialogue import Client, port_command
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration
from tests.e2e.outsider import Outsider
from tests.e2e.servers import SMALL

NAPT = range(1024, 32768)
HTTP = 8000


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """It publishes a service that no protocol inspects, and forbids mail."""
    config: dict[str, Any] = configuration(
        outbound={
            "default": "allow",
            "rules": [{"from": "lan", "transport": "tcp", "ports": [25], "action": "deny"}],
        }
    )
    config["published"].append({"public": f"{PUBLIC}:80", "inside": f"192.168.20.2:{HTTP}"})
    return start_gateway(config)


@pytest.fixture(autouse=True)
def ftp_beside(client: Client) -> Iterator[None]:
    """A session with a rewritten PORT, which goes on afterwards."""
    with client.listen() as listener:
        assert client.ask(port_command(listener.getsockname())).code == 200
        yield
        assert client.retrieve(listener) == SMALL


def exchange(
    client: Host, address: str, port: int, server: Host, real: tuple[str, int]
) -> tuple[str, int]:
    """Both ways over TCP; the client as the server sees it."""
    with (
        network.listen(server, *real) as listener,
        network.connect(client, address, port) as connection,
    ):
        accepted, peer = listener.accept()
        with accepted:
            connection.sendall(b"question")
            assert accepted.recv(100) == b"question"
            answer = b"answer" * 50_000
            sender = network.Background(lambda: accepted.sendall(answer))
            with connection.makefile("rb") as file:
                assert file.read(len(answer)) == answer
            sender.join()
        return str(peer[0]), int(peer[1])


class TestTcp:
    def test_napt(self, lab: Lab, gateway: RunningGateway) -> None:
        before = gateway.status()["punts"]
        where = ("203.0.113.2", HTTP)
        peer = exchange(lab.host("client"), *where, lab.host("server"), where)
        assert peer[0] == PUBLIC
        assert peer[1] in NAPT
        # The FTP session of the fixture is all that the controller hears of.
        assert gateway.status()["punts"]["ftp"] <= before["ftp"] + 2

    @pytest.mark.parametrize("address", ["203.0.113.2", "2001:db8:1::2"])
    def test_firewall_only(self, lab: Lab, address: str) -> None:
        where = (address, HTTP)
        peer = exchange(lab.host("plain"), *where, lab.host("server"), where)
        assert peer[0] in ("198.51.100.2", "2001:db8:30::2")

    def test_between_inside_networks(self, lab: Lab) -> None:
        where = ("192.168.20.2", HTTP)
        peer = exchange(lab.host("client"), *where, lab.host("inserver"), where)
        assert peer[0] == "192.168.10.2"

    def test_published(self, lab: Lab) -> None:
        where = ("192.168.20.2", HTTP)
        peer = exchange(lab.host("outsider"), PUBLIC, 80, lab.host("inserver"), where)
        assert peer[0] == "203.0.113.3"

    def test_outbound_policy(self, lab: Lab) -> None:
        mail = ("203.0.113.2", 25)
        with network.listen(lab.host("server"), *mail) as listener:
            forbidden = Outsider(lab.host("client"), ("203.0.113.2", 21))
            forbidden.attempt(*mail, "mail")
            assert forbidden.answers() == []
            forbidden.close()
            listener.settimeout(0)
            with pytest.raises(BlockingIOError):
                listener.accept()

    @pytest.mark.parametrize("port", [80, 2121, HTTP, 20_000, 40_000, 50_000])
    def test_unsolicited(self, port: int, lab: Lab, outsider: Outsider) -> None:
        """What is not published is not there, by any address."""
        listeners = [
            network.listen(lab.host("plain"), address, port)
            for address in ("198.51.100.2", "2001:db8:30::2")
            if port != 2121
        ]
        if port != 80:
            outsider.attempt(PUBLIC, port, "unsolicited")
        if port != 2121:
            outsider.attempt("198.51.100.2", port, "unsolicited")
            outsider.attempt("2001:db8:30::2", port, "unsolicited")
        outsider.attempt("192.168.10.2", port, "unsolicited")
        assert outsider.answers() == []
        for listener in listeners:
            listener.close()


def test_no_cached_flow_serves_another_port(lab: Lab) -> None:
    """It would serve the port of a pinhole too, for a moment after that was opened."""
    with network.listen(lab.host("server"), "203.0.113.2", HTTP) as listener:
        address = listener.getsockname()
        network.connect(lab.host("client"), *address).close()
    flows = lab.appctl("dpctl/dump-flows", "--names").splitlines()
    new = [it for it in flows if re.search(r"ct_state\(\+new.*in_port\(lan\).*proto=6", it)]
    assert new
    assert [it for it in new if not re.search(r"tcp\([^)]*\bdst=\d+\)", it)] == []


class TestUdp:
    def test_napt(self, lab: Lab) -> None:
        with network.on(lab.host("server")):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with network.on(lab.host("client")):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with closing(server), closing(client):
            server.settimeout(network.PATIENCE)
            client.settimeout(network.PATIENCE)
            server.bind(("203.0.113.2", 5353))
            client.sendto(b"question", ("203.0.113.2", 5353))
            question, peer = server.recvfrom(100)
            assert question == b"question"
            assert peer[0] == PUBLIC and peer[1] in NAPT
            server.sendto(b"answer", peer)
            assert client.recvfrom(100) == (b"answer", ("203.0.113.2", 5353))


class TestIcmp:
    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("client", "203.0.113.2"),
            ("client", "192.168.20.2"),
            ("client", "192.168.10.1"),
            ("plain", "2001:db8:1::2"),
            ("plain", "2001:db8:30::1"),
            ("server", "203.0.113.1"),
            ("server", "2001:db8:1::1"),
        ],
    )
    def test_ping(self, host: str, address: str, lab: Lab) -> None:
        done = lab.host(host).run(["ping", "-c2", "-i0.2", "-W15", address])
        assert done.returncode == 0, done.stdout

    def test_unreachable_port(self, lab: Lab) -> None:
        """The error comes back to the host that sent the datagram."""
        with network.on(lab.host("client")):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with closing(client):
            client.settimeout(network.PATIENCE)
            client.connect(("203.0.113.2", 5354))
            client.send(b"anybody there?")
            with pytest.raises(ConnectionRefusedError):
                client.recv(1)
