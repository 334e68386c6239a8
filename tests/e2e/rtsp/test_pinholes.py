"""What is open, for whom, and until when: a client inside and a server, word by word."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.gateway import PUBLIC, RunningGateway
from tests.e2e.rtsp.conftest import SCRIPTED_PORT
from tests.protocols.rtsp.connection import accept, ok, request, setup

CLIENT, SERVER, OUTSIDER = "192.168.10.2", "203.0.113.2", "203.0.113.3"
SESSION = "Session: 12345678"


class Talk:
    """A connection through the gateway, both ends of it, and UDP sockets beside."""

    def __init__(self, lab: Lab, stack: ExitStack) -> None:
        self.lab = lab
        self._stack = stack
        with network.listen(lab.host("server"), SERVER, SCRIPTED_PORT) as listener:
            self.client = network.connect(lab.host("client"), SERVER, SCRIPTED_PORT)
            self.server, _ = listener.accept()
        for end in (self.client, self.server):
            end.settimeout(20)
            stack.callback(end.close)
        self._cseq = 0

    def udp(self, host: str, address: str) -> socket.socket:
        with network.on(self.lab.host(host)):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stack.callback(made.close)
        made.bind((address, 0))
        made.settimeout(20)
        return made

    def ask(self, raw: bytes) -> bytes:
        """What the server reads of it."""
        self.client.sendall(raw)
        return _message(self.server)

    def answer(self, raw: bytes) -> bytes:
        """What the client reads of it."""
        self.server.sendall(raw)
        return _message(self.client)

    def set_up(self, url: str, inside: socket.socket, outside: socket.socket) -> int:
        """One port of each: the public one."""
        self._cseq += 1
        own, theirs = inside.getsockname()[1], outside.getsockname()[1]
        asked = self.ask(setup(self._cseq, f"RTP/AVP;unicast;client_port={own}", url=url))
        found = re.search(rb"client_port=([0-9]+)", asked)
        assert found is not None
        public = int(found[1])
        answered = self.answer(
            accept(self._cseq, f"RTP/AVP;unicast;client_port={public};server_port={theirs}")
        )
        assert b"client_port=%d;" % own in answered
        return public

    def tear_down(self, url: str) -> None:
        self._cseq += 1
        self.ask(request("TEARDOWN", self._cseq, SESSION, url=url))
        self.answer(ok(self._cseq))


def _message(end: socket.socket) -> bytes:
    """A message without a body."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = end.recv(65536)
        assert more, data
        data += more
    return data


def _pending(inside: socket.socket) -> list[str]:
    """Who has sent what is there to be read."""
    found = []
    inside.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            found.append(inside.recvfrom(100)[1][0])
    inside.settimeout(20)
    return found


@pytest.fixture
def talk(lab: Lab, gateway: RunningGateway) -> Iterator[Talk]:
    """A client inside and a server outside that do as they are told."""
    with ExitStack() as stack:
        yield Talk(lab, stack)
    gateway.wait_for(lambda: not gateway.pinholes(), "nothing to be open")


def test_who_may_send(talk: Talk) -> None:
    inside, outside = talk.udp("client", CLIENT), talk.udp("server", SERVER)
    stranger, other = talk.udp("outsider", OUTSIDER), talk.udp("server", SERVER)
    public = talk.set_up("rtsp://h/1", inside, outside)
    for _ in range(3):
        stranger.sendto(b"stranger", (PUBLIC, public))
    outside.sendto(b"media", (PUBLIC, public))
    assert inside.recvfrom(100) == (b"media", (SERVER, outside.getsockname()[1]))
    inside.sendto(b"report", outside.getsockname())
    assert outside.recvfrom(100) == (b"report", (PUBLIC, public))
    # Servers that do not send from where they receive.
    other.sendto(b"from elsewhere", (PUBLIC, public))
    assert inside.recvfrom(100)[0] == b"from elsewhere"
    assert OUTSIDER not in _pending(inside)


def test_until_when(talk: Talk, gateway: RunningGateway) -> None:
    first, second, outside = (
        talk.udp("client", CLIENT),
        talk.udp("client", CLIENT),
        talk.udp("server", SERVER),
    )
    shut, still_open = (
        talk.set_up(f"rtsp://h/{number}", inside, outside)
        for number, inside in ((1, first), (2, second))
    )
    for public, inside in ((shut, first), (still_open, second)):
        outside.sendto(b"media", (PUBLIC, public))
        assert inside.recv(100) == b"media"

    talk.tear_down("rtsp://h/1")

    def is_shut() -> bool:
        outside.sendto(b"too late", (PUBLIC, shut))
        outside.sendto(b"media", (PUBLIC, still_open))
        assert second.recv(100) == b"media"
        return not _pending(first)

    gateway.wait_for(is_shut, "the first stream to be shut")
    assert len(gateway.pinholes()) == 1
    talk.client.close()
    gateway.wait_for(lambda: not gateway.pinholes(), "the end of the connection to shut the other")


def test_another_destination_is_refused(talk: Talk, gateway: RunningGateway) -> None:
    before = gateway.last_event()
    talk.client.sendall(setup(1, f"RTP/AVP;unicast;destination={OUTSIDER};client_port=4588-4589"))
    assert _message(talk.client).startswith(b"RTSP/1.0 403 Forbidden\r\nCSeq: 1\r\n")
    assert gateway.events(before, "rtsp.transport.foreign_destination")
    talk.client.sendall(request("OPTIONS", 2))
    assert _message(talk.server) == request("OPTIONS", 2)
