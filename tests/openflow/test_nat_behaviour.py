"""What RFC 4787, 5382 and 7857 ask of ordinary connections, and test_traffic does not show."""

from __future__ import annotations

import contextlib
import socket
from contextlib import closing
from ipaddress import ip_address

import pytest

from tests.openflow.bench import PATIENCE, Bench, Host
from tests.openflow.frames import SYN, ip_frame, tcp, tcp_frame

pytestmark = pytest.mark.lab

SERVER = ("192.0.2.1", 7000)
INSIDE = "192.168.10.2"
PUBLIC = ip_address("203.0.113.1").packed


@pytest.fixture
def lan(gateway: Bench) -> Host:
    return gateway.hosts["lan"]


@pytest.fixture
def wan(gateway: Bench) -> Host:
    return gateway.hosts["wan"]


def segment(raw: socket.socket, source: str) -> bytes:
    """The next TCP segment from an address, as an IPv4 packet."""
    raw.settimeout(PATIENCE)
    while True:
        frame = raw.recv(2000)
        if frame[12:14] == b"\x08\x00" and frame[23] == 6:
            packet = frame[14:]
            if packet[12:16] == ip_address(source).packed:
                return packet


def ports(packet: bytes) -> tuple[int, int]:
    return int.from_bytes(packet[20:22], "big"), int.from_bytes(packet[22:24], "big")


def heard(raw: socket.socket) -> list[bytes]:
    """The IPv4 frames that have come."""
    raw.settimeout(0.3)
    frames = []
    with contextlib.suppress(TimeoutError):
        while True:
            frames.append(raw.recv(2000))
    return [frame for frame in frames if frame[12:14] == b"\x08\x00"]


def test_fragments_pass_in_any_order(lan: Host, wan: Host) -> None:
    """RFC 4787 REQ-14: the part with the ports comes last, both ways."""
    with (
        closing(wan.listen(*SERVER, socket.SOCK_DGRAM)) as server,
        closing(lan.listen(INSIDE, 5000, socket.SOCK_DGRAM)) as client,
    ):
        client.sendto(b"question", SERVER)
        _, peer = server.recvfrom(100)
        for host, raw, (source, target), receiver in (
            (lan, lan.raw(), ((INSIDE, 5000), SERVER), server),
            (wan, wan.raw(), (SERVER, peer), client),
        ):
            content = bytes(range(256)) * 12
            head = source[1].to_bytes(2, "big") + target[1].to_bytes(2, "big")
            datagram = head + (8 + len(content)).to_bytes(2, "big") + b"\0\0" + content
            with closing(raw):
                for offset in (2400, 1200, 0):
                    more = 0x2000 if offset + 1200 < len(datagram) else 0
                    part = datagram[offset : offset + 1200]
                    flags = more | offset // 8
                    raw.send(ip_frame(host, source[0], target[0], 17, part, flags))
                assert receiver.recv(5000) == content


def test_both_ends_may_open_at_once(lan: Host, wan: Host) -> None:
    """RFC 5382 REQ-2: the other end's SYN comes instead of an answer."""
    with wan.deaf(SERVER[1]), lan.deaf(3000), closing(lan.raw()) as near, closing(wan.raw()) as far:
        near.send(tcp_frame(lan, INSIDE, SERVER[0], (3000, SERVER[1]), SYN))
        leaving = segment(far, "203.0.113.1")
        public, _ = ports(leaving)
        far.send(tcp_frame(wan, SERVER[0], "203.0.113.1", (SERVER[1], public), SYN))
        arriving = segment(near, SERVER[0])
        assert ports(arriving) == (SERVER[1], 3000)
        assert arriving[33] == SYN


def test_an_unsolicited_syn_gets_no_answer(lan: Host, wan: Host) -> None:
    """RFC 5382 REQ-4: of no kind. What follows shows that the switch has seen it."""
    with closing(wan.raw()) as raw:
        raw.send(tcp_frame(wan, SERVER[0], "203.0.113.1", (SERVER[1], 2000), SYN))
        assert wan.ping("203.0.113.1")
        answers = [frame for frame in heard(raw) if frame[26:30] == PUBLIC]
    assert {(frame[23], frame[34]) for frame in answers} == {(1, 0)}, "an echo reply, nothing else"


def test_a_reset_is_translated(lan: Host, wan: Host) -> None:
    """RFC 7857 section 2.2."""
    with closing(wan.listen(*SERVER)) as listener:
        connection = lan.connect(*SERVER)
        accepted, _ = listener.accept()
        with closing(accepted):
            accepted.settimeout(PATIENCE)
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4)
            )
            connection.close()
            with pytest.raises(ConnectionResetError):
                accepted.recv(100)


def test_privileged_source_ports_become_others(lan: Host, wan: Host) -> None:
    """RFC 4787 REQ-3a recommends otherwise: no port below 1024 is ever handed out."""
    with closing(wan.raw()) as far, closing(lan.raw()) as near:
        wire = tcp(INSIDE, SERVER[0], (700, SERVER[1]), SYN)
        near.send(ip_frame(lan, INSIDE, SERVER[0], 6, wire))
        assert ports(segment(far, "203.0.113.1"))[0] >= 1024
