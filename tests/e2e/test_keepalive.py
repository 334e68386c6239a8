"""A control connection that is idle for as long as its transfer lasts."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.dialogue import Client, Server, eprt_command
from tests.e2e.gateway import (
    PUBLIC,
    SCRIPTED_PORT,
    SCRIPTED_PUBLIC_PORT,
    RunningGateway,
    configuration,
)
from tests.e2e.network import Background, Segments, TcpState

TIMERS = {
    "session_setup": "3s",
    "session_idle": "3s",
    "half_closed": "3s",
    "keepalive_interval": "1s",
    "data_idle": "2s",
}
SECONDS = 8
"""How long a transfer takes: more than twice the gateway's time-out."""
BLOCKS = 80


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """A gateway that forgets soon."""
    return start_gateway(configuration(timers=TIMERS))


@dataclass
class Transfer:
    """A slow download, and the kernels' view of its control connection."""

    client: Client
    server: Server
    content: bytes = b""
    before: list[Segments] = field(default_factory=list)

    def start(self) -> Background:
        """PORT or EPRT, so that the streams are rewritten where there is NAT."""
        with self.client.listen() as listener:
            assert self.client.ask(eprt_command(listener.getsockname())).code == 200
            assert self.client.ask(b"RETR slow\r\n").code == 150
            data, _ = listener.accept()
        self.before = self.counted()
        return Background(lambda: self._read(data))

    def _read(self, data: socket.socket) -> None:
        self.content = self.client.fetch(data)

    @property
    def ends(self) -> list[socket.socket]:
        return [self.client.socket, self.server.controls[0]]

    def counted(self) -> list[Segments]:
        return [network.segments(end) for end in self.ends]


@pytest.fixture
def transfers(lab: Lab, gateway: RunningGateway) -> Iterator[dict[str, Transfer]]:
    """Client inside, server inside, IPv6."""
    with ExitStack() as stack:

        def transfer(server: str, listens: str, client: str, address: str, port: int) -> Transfer:
            content = os.urandom(BLOCKS * 1000)
            made = Server(lab.host(server), listens, SCRIPTED_PORT, content)
            stack.enter_context(made)
            made.pause = SECONDS / BLOCKS
            return Transfer(
                stack.enter_context(Client(lab.host(client), address, port)),
                made,
            )

        outside, inside, ipv6 = "203.0.113.2", "192.168.20.2", "2001:db8:30::2"
        yield {
            "nat": transfer("server", outside, "client", outside, SCRIPTED_PORT),
            "published": transfer("inserver", inside, "server", PUBLIC, SCRIPTED_PUBLIC_PORT),
            "ipv6": transfer("plain", ipv6, "server", ipv6, SCRIPTED_PORT),
        }


def test_idle_while_data_moves(
    transfers: dict[str, Transfer], lab: Lab, gateway: RunningGateway
) -> None:
    idle = Client(lab.host("client"), "203.0.113.2", SCRIPTED_PORT)
    sessions = {it["id"] for it in gateway.sessions()}
    assert len(sessions) == len(transfers) + 1
    first = gateway.last_event()
    moving = [transfer.start() for transfer in transfers.values()]

    # One without data does expire, and both of its ends get to know.
    event = gateway.wait_event("session.idle", first)
    assert idle.at_end()
    idle.close()
    sessions.remove(event["session"])

    for background in moving:
        background.join()
    for name, transfer in transfers.items():
        assert transfer.content == transfer.server.content, name
        assert transfer.client.reply().code == 226, name
        for before, after in zip(transfer.before, transfer.counted(), strict=True):
            # Probes came, were answered, and were nothing but probes.
            assert after.come - before.come >= SECONDS - 3, name
            assert after.out - before.out >= SECONDS - 3, name
            assert after.data_out - before.data_out <= 1, name
            assert after.retransmitted == 0, name
    assert {it["id"] for it in gateway.sessions()} >= sessions

    # With the data gone, the time-out holds for them too.
    gateway.wait_for(
        lambda: sessions <= {it["session"] for it in gateway.events(first, "session.idle")},
        "the sessions to expire",
    )
    for name, transfer in transfers.items():
        assert transfer.client.at_end(), name
        gateway.wait_for(partial(is_closed, transfer.server.controls[0]), "the server's end")


def is_closed(connection: socket.socket) -> bool:
    return network.state(connection) == TcpState.CLOSE
