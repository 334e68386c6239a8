"""What clients and servers write to announce a data connection, right and wrong."""

from __future__ import annotations

import hashlib
import os
import select
import socket
from collections.abc import Callable

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.dialogue import Client, Endpoint, Server, eprt_command, numbers, port_command
from tests.e2e.gateway import PUBLIC, RunningGateway
from tests.e2e.network import TcpState
from tests.e2e.servers import SMALL

PASSIVE = {
    "parentheses": "227 Entering Passive Mode ({}).\r\n",
    "none": "227 Entering Passive Mode {}\r\n",
    "equals": "227 Entering Passive Mode={}\r\n",
    "full stop": "227 Entering Passive Mode {}.\r\n",
    "blanks inside": "227 Entering Passive Mode ( {} ).\r\n",
    "bare LF": "227 Entering Passive Mode ({}).\n",
    "digits before": "227 Server 3 of 12 says at 10:42 ({}).\r\n",
    "digits behind": "227 Entering Passive Mode ({}), 30 seconds left.\r\n",
    "several lines": "227-Entering\r\n passive\r\n227 Mode ({}).\r\n",
    "fake text inside": "227-For example\r\n 227 Entering Passive Mode (203,0,113,1,200,10)\r\n"
    "227 Entering Passive Mode ({}).\r\n",
    "fake lines inside": "227-For example\r\n227-Entering Passive Mode (192,168,20,2,200,10)\r\n"
    "227 Entering Passive Mode ({}).\r\n",
}


@pytest.mark.parametrize("form", PASSIVE.values(), ids=PASSIVE)
def test_227(form: str, published_client: Client, published_server: Server) -> None:
    """Rewritten to what the client can reach, and only there."""
    written: list[str] = []

    def announce(_verb: str, endpoint: Endpoint) -> list[bytes]:
        written.append(form.format(numbers(endpoint)))
        return [written[-1].encode()]

    published_server.announce = announce
    reply = published_client.ask(b"PASV\r\n")
    assert reply.code == 227
    endpoint = reply.endpoint(published_client.peer)
    assert endpoint[0] == PUBLIC
    assert reply.raw.decode() == form.format(numbers(endpoint))
    assert published_client.retrieve_from(endpoint) == SMALL


def test_227_with_blanks_between_the_numbers(
    published_client: Client, published_server: Server
) -> None:
    def announce(_verb: str, endpoint: Endpoint) -> list[bytes]:
        spaced = numbers(endpoint).replace(",", ", ")
        return [f"227 Entering Passive Mode ({spaced}).\r\n".encode()]

    published_server.announce = announce
    endpoint = published_client.ask(b"PASV\r\n").endpoint(published_client.peer)
    assert published_client.retrieve_from(endpoint) == SMALL


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\r\n", b"\n"), (b"\r\n", b" \r\n"), (b" ", b"   ")],
    ids=["bare LF", "blank behind", "blanks before"],
)
@pytest.mark.parametrize("command", [port_command, eprt_command], ids=["PORT", "EPRT"])
def test_commands_written_freely(
    command: Callable[[Endpoint], bytes], before: bytes, after: bytes, nat_client: Client
) -> None:
    with nat_client.listen() as listener:
        written = command(listener.getsockname()).replace(before, after)
        assert nat_client.ask(written).code == 200
        assert nat_client.retrieve(listener) == SMALL


def test_commands_in_lower_case(client: Client) -> None:
    for command in (port_command, eprt_command):
        with client.listen() as listener:
            assert client.ask(command(listener.getsockname()).lower()).code == 200
            assert client.retrieve(listener) == SMALL


def test_fake_227_nobody_asked_for(
    nat_client: Client, nat_server: Server, gateway: RunningGateway
) -> None:
    """Texts that mean something only elsewhere open nothing."""
    before = gateway.last_event()
    nat_server.controls[0].sendall(b"227 Entering Passive Mode (203,0,113,2,200,10).\r\n")
    assert nat_client.reply().code == 227
    assert nat_client.ask(b"NOOP\r\n").code == 200
    assert gateway.events(before, "pinhole.opened") == []
    assert gateway.pinholes() == []


class TestRefused:
    @pytest.mark.parametrize("port", [20, 22, 1023])
    @pytest.mark.parametrize("command", [port_command, eprt_command], ids=["PORT", "EPRT"])
    def test_privileged_port_of_the_client(
        self,
        command: Callable[[Endpoint], bytes],
        port: int,
        client: Client,
        gateway: RunningGateway,
    ) -> None:
        before = gateway.last_event()
        assert client.ask(command((client.address, port))).code == 501
        assert client.ask(b"NOOP\r\n").code == 200
        assert gateway.events(before, "pinhole.opened") == []

    @pytest.mark.parametrize("verb", ["PASV", "EPSV"])
    def test_privileged_port_of_the_server(
        self, verb: str, published_client: Client, published_server: Server, gateway: RunningGateway
    ) -> None:
        before = gateway.last_event()

        def announce(verb: str, endpoint: Endpoint) -> list[bytes]:
            if verb == "PASV":
                return [f"227 Here ({numbers((endpoint[0], 22))}).\r\n".encode()]
            return [b"229 Here (|||22|)\r\n"]

        published_server.announce = announce
        assert published_client.ask(f"{verb}\r\n".encode()).code == 425
        assert gateway.events(before, "pinhole.opened") == []

    @pytest.mark.parametrize("port", [3306, 6653])
    def test_denied_port(self, port: int, client: Client, gateway: RunningGateway) -> None:
        before = gateway.last_event()
        assert client.ask(port_command((client.address, port))).code == 501
        assert gateway.events(before, "pinhole.opened") == []

    def test_address_of_another_client(self, client: Client, gateway: RunningGateway) -> None:
        before = gateway.last_event()
        assert client.ask(port_command(("192.168.20.2", 50000))).code == 501
        assert client.ask(eprt_command(("203.0.113.3", 50000))).code == 501
        assert gateway.events(before, "pinhole.opened") == []

    def test_address_of_another_server(
        self, published_client: Client, published_server: Server, gateway: RunningGateway
    ) -> None:
        before = gateway.last_event()
        published_server.announce = lambda _verb, endpoint: [
            f"227 Elsewhere ({numbers(('192.168.20.99', endpoint[1]))}).\r\n".encode()
        ]
        assert published_client.ask(b"PASV\r\n").code == 425
        assert gateway.events(before, "pinhole.opened") == []

    @pytest.mark.parametrize("command", [b"LPRT 4,4,192,168,10,2,2,200,10\r\n", b"LPSV\r\n"])
    def test_long_addresses(self, command: bytes, client: Client) -> None:
        assert 500 <= client.ask(command).code < 510

    def test_everything_but_epsv_after_epsv_all(self, client: Client) -> None:
        if client.ask(b"EPSV ALL\r\n").code != 200:
            pytest.fail("vsftpd knows EPSV ALL")
        assert client.ask(b"PASV\r\n").code == 501
        assert client.ask(port_command((client.address, 50000))).code == 501
        endpoint = client.ask(b"EPSV\r\n").endpoint(client.peer)
        assert client.retrieve_from(endpoint) == SMALL


class TestSeveral:
    def test_fifty_transfers_on_one_connection(
        self, nat_client: Client, nat_server: Server
    ) -> None:
        """Each of the four commands in turn, each file another one."""
        for number in range(50):
            nat_server.content = os.urandom(20_000)
            match number % 4:
                case 0 | 1:
                    command = port_command if number % 4 else eprt_command
                    with nat_client.listen() as listener:
                        assert nat_client.ask(command(listener.getsockname())).code == 200
                        content = nat_client.retrieve(listener)
                case passive:
                    verb = b"PASV\r\n" if passive == 2 else b"EPSV\r\n"
                    endpoint = nat_client.ask(verb).endpoint(nat_client.peer)
                    content = nat_client.retrieve_from(endpoint)
            expected = hashlib.sha256(nat_server.content).digest()
            assert hashlib.sha256(content).digest() == expected, number

    def test_second_port_replaces_the_first(
        self, client: Client, gateway: RunningGateway, lab: Lab
    ) -> None:
        before = gateway.last_event()
        with client.listen() as first, client.listen() as second:
            assert client.ask(port_command(first.getsockname())).code == 200
            opened = gateway.wait_event("pinhole.opened", before)
            assert client.ask(port_command(second.getsockname())).code == 200
            closed = gateway.wait_event("pinhole.closed", before)
            assert opened["detail"] in closed["detail"]
            gateway.wait_for(lambda: len(gateway.pinholes()) == 1, "one pinhole")
            # Nothing comes by the first one, even from the host that it was meant for.
            port = int(opened["detail"].split(" -> ")[1].split()[0].rsplit(":", 1)[1])
            knocking = attempt(lab, "server", PUBLIC, port)
            assert client.retrieve(second) == SMALL
            assert not waiting(first)
            assert network.state(knocking) == TcpState.SYN_SENT
            knocking.close()

    @pytest.mark.parametrize("end", ["ABOR", "QUIT", "close", "reset"])
    def test_what_was_announced_and_not_used_is_closed(
        self, end: str, nat_client: Client, gateway: RunningGateway
    ) -> None:
        before = gateway.last_event()
        with nat_client.listen() as listener:
            assert nat_client.ask(port_command(listener.getsockname())).code == 200
            gateway.wait_event("pinhole.opened", before)
            if end in ("ABOR", "QUIT"):
                nat_client.ask(f"{end}\r\n".encode())
            elif end == "close":
                nat_client.close()
            else:
                linger = (1).to_bytes(4, "little") + bytes(4)
                nat_client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                nat_client.close()
            gateway.wait_event("pinhole.closed", before)
            gateway.wait_for(lambda: gateway.pinholes() == [], "no pinhole")

    @pytest.mark.parametrize("end", ["QUIT", "close"])
    def test_an_established_transfer_finishes(
        self, end: str, nat_client: Client, nat_server: Server, gateway: RunningGateway
    ) -> None:
        nat_server.content = os.urandom(200_000)
        nat_server.released.clear()
        endpoint = nat_client.ask(b"PASV\r\n").endpoint(nat_client.peer)
        data = network.connect(nat_client.host, *endpoint)
        assert nat_client.ask(b"RETR big\r\n").code == 150
        start = data.recv(1000)
        before = gateway.last_event()
        if end == "QUIT":
            nat_client.write(b"QUIT\r\n")
        nat_client.close()
        nat_server.released.set()
        assert start + nat_client.fetch(data) == nat_server.content
        gateway.wait_event("session.ended", before)


class TestOneConnectionOnly:
    """A used pinhole gives the right peer nothing more either."""

    def test_active(self, nat_client: Client, nat_server: Server, lab: Lab) -> None:
        nat_server.content = os.urandom(200_000)
        nat_server.released.clear()
        with nat_client.listen() as listener:
            assert nat_client.ask(port_command(listener.getsockname())).code == 200
            assert nat_client.ask(b"RETR big\r\n").code == 150
            data, peer = listener.accept()
            assert peer[0] == nat_client.peer
            with data:
                port = nat_server.targets[-1][1]
                knocking = attempt(lab, "server", PUBLIC, port)
                nat_server.released.set()
                assert nat_client.fetch(data) == nat_server.content
            assert nat_client.reply().code == 226
            again = attempt(lab, "server", PUBLIC, port)
            assert nat_client.ask(b"NOOP\r\n").code == 200
            assert not waiting(listener)
            for attempted in (knocking, again):
                assert network.state(attempted) == TcpState.SYN_SENT
                attempted.close()

    def test_passive(self, published_client: Client, lab: Lab, gateway: RunningGateway) -> None:
        """Not even when all come at once."""
        endpoint = published_client.ask(b"PASV\r\n").endpoint(published_client.peer)
        knocking = [attempt(lab, "server", *endpoint) for _ in range(8)]
        gateway.wait_for(lambda: TcpState.ESTABLISHED in map(network.state, knocking), "one")
        again = attempt(lab, "server", *endpoint)
        assert published_client.ask(b"NOOP\r\n").code == 200
        states = sorted(map(network.state, [*knocking, again]))
        assert states == [TcpState.ESTABLISHED] + 8 * [TcpState.SYN_SENT]
        (admitted,) = [it for it in knocking if network.state(it) == TcpState.ESTABLISHED]
        assert published_client.ask(b"RETR small\r\n").code == 150
        assert published_client.fetch(admitted) == SMALL
        assert published_client.reply().code == 226
        for attempted in [*knocking, again]:
            attempted.close()


def attempt(lab: Lab, host: str, address: str, port: int) -> socket.socket:
    """A connection that `host` has begun to make."""
    with network.on(lab.host(host)):
        knocking = socket.socket()
    knocking.setblocking(False)
    knocking.connect_ex((address, port))
    return knocking


def waiting(listener: socket.socket) -> bool:
    """Whether somebody has connected to it."""
    return bool(select.select([listener], [], [], 0)[0])
