"""Commands and replies that come in pieces, or many at once: what the kernel's helper and OVS's
`alg=ftp` fail at in most positions."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.e2e import network
from tests.e2e.dialogue import (
    Client,
    Endpoint,
    Server,
    announcement,
    eprt_command,
    port_command,
)
from tests.e2e.servers import SMALL

STALL = 0.15
"""Seconds for one transfer. A delayed acknowledgement or a retransmission that everybody waits for
costs 200 ms."""
TRIES = 10
"""A busy machine is slow at times, but not each time."""
PORTS = [port for port in range(240 << 8, 255 << 8) if port & 255 >= 100]
"""Above the ephemeral ports; as text, all are equally long."""


def without_stall(transfer: Callable[[], object], sender: socket.socket) -> int:
    """Try until nobody waits in a transfer: how many segments with data `sender` has sent in it."""
    times = []
    for _ in range(TRIES):
        before, began = network.segments(sender), time.monotonic()
        transfer()
        took, after = time.monotonic() - began, network.segments(sender)
        if took < STALL and after.retransmitted == before.retransmitted:
            return after.data_out - before.data_out
        times.append(f"{took * 1000:.0f}")
    pytest.fail(f"the transfers took {', '.join(times)} ms")


class TestInTwo:
    """Written in two pieces, at every position, by a sender with Nagle's algorithm on."""

    # vsftpd always connects from port 20: no port may come twice while conntrack remembers it.
    ports = iter(PORTS)

    @pytest.mark.parametrize("command", [port_command, eprt_command])
    def test_command(self, client: Client, command: Callable[[Endpoint], bytes]) -> None:
        def transfer(cut: int) -> None:
            with client.listen(next(self.ports)) as listener:
                text = command(listener.getsockname())
                assert len(text) == length
                assert client.ask(text[:cut], text[cut:]).code == 200, cut
                assert client.retrieve(listener) == SMALL

        length = len(command((client.address, PORTS[0])))
        for cut in range(1, length):
            # The two pieces, and RETR.
            assert without_stall(partial(transfer, cut), client.socket) == 3, cut

    @pytest.mark.parametrize("verb", ["PASV", "EPSV"])
    @pytest.mark.parametrize("where", ["published", "nat"])
    def test_reply(self, where: str, verb: str, request: pytest.FixtureRequest) -> None:
        server: Server = request.getfixturevalue(f"{where}_server")
        client: Client = request.getfixturevalue(f"{where}_client")
        sent: list[bytes] = []
        cut = 1

        def cut_in_two(verb: str, endpoint: Endpoint) -> list[bytes]:
            reply = announcement(verb, endpoint)[0]
            sent.append(reply)
            return [reply[:cut], reply[cut:]]

        def transfer() -> None:
            reply = client.ask(f"{verb}\r\n".encode())
            assert reply.code == int(announcement(verb, ("0.0.0.0", 0))[0][:3]), cut
            endpoint = reply.endpoint(client.peer)
            assert endpoint[0] == client.peer
            assert client.retrieve_from(endpoint) == SMALL

        server.announce = cut_in_two
        while cut == 1 or cut < max(map(len, sent)):
            without_stall(transfer, server.controls[0])
            cut += 1


class TestTogether:
    def test_several_commands_in_one_segment(self, client: Client) -> None:
        with client.listen() as listener:
            port = port_command(listener.getsockname())
            client.write(b"TYPE I\r\nNOOP\r\n" + port + b"RETR small\r\n")
            assert [client.reply().code for _ in range(4)] == [200, 200, 200, 150]
            assert client.fetch(listener.accept()[0]) == SMALL
            assert client.reply().code == 226

    def test_two_announcements_in_one_segment(self, nat_client: Client) -> None:
        """The second replaces the first."""
        with nat_client.listen() as first, nat_client.listen() as second:
            nat_client.write(port_command(first.getsockname()) + port_command(second.getsockname()))
            assert [nat_client.reply().code for _ in range(2)] == [200, 200]
            assert nat_client.retrieve(second) == SMALL

    def test_each_227_belongs_to_its_pasv(self, published_client: Client) -> None:
        published_client.write(b"NOOP\r\nPASV\r\nNOOP\r\nEPSV\r\nRETR small\r\n")
        replies = [published_client.reply() for _ in range(4)]
        assert [reply.code for reply in replies] == [200, 227, 200, 229]
        data = network.connect(published_client.host, *replies[3].endpoint(published_client.peer))
        assert published_client.fetch(data) == SMALL
        assert [published_client.reply().code for _ in range(2)] == [150, 226]

    @pytest.mark.parametrize("size", [1, 2, 7])
    def test_a_whole_dialogue_in_crumbs(self, client: Client, size: int) -> None:
        with client.listen() as listener:
            text = b"TYPE I\r\n" + port_command(listener.getsockname()) + b"RETR small\r\n"
            client.write(*(text[i : i + size] for i in range(0, len(text), size)))
            assert [client.reply().code for _ in range(3)] == [200, 200, 150]
            assert client.fetch(listener.accept()[0]) == SMALL
            assert client.reply().code == 226
