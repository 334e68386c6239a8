"""ICMP errors about ordinary connections and about none, through a real switch; and which of those
about control packets are taken (RFC 5508 sections 4 and 5, RFC 4787 REQ-12, RFC 5382 REQ-10)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address

import pytest

from ryu_alg.engine.events import IcmpErrorArrived
from ryu_alg.inspection import Realm, Transport
from ryu_alg.openflow.cookies import Kind
from ryu_alg.openflow.punts import icmp_error
from tests.openflow.bench import PATIENCE, Bench, Host, OpenFlowClient
from tests.openflow.control import packet_of
from tests.openflow.frames import SYN, ip_frame, tcp, with_checksum

SERVER = ("192.0.2.1", 7000)
ROUTER = "203.0.113.50"
UNREACHABLE = b"\x03\x03\x00\x00\x00\x00\x00\x00"
NOBODY = Host("", "02:00:00:00:00:09")


def udp_packet(source: tuple[str, int], target: tuple[str, int], options: bytes = b"") -> bytes:
    """The IPv4 packet that an error quotes; its UDP checksum is wrong, which is nobody's matter."""
    ports = source[1].to_bytes(2, "big") + target[1].to_bytes(2, "big")
    datagram = ports + b"\x00\x10\xba\xad" + b"question"
    length = 20 + len(options) + len(datagram)
    header = (
        bytes([0x45 + len(options) // 4, 0])
        + length.to_bytes(2, "big")
        + b"\x00\x01\x00\x00\x40\x11\x00\x00"
        + ip_address(source[0]).packed
        + ip_address(target[0]).packed
        + options
    )
    return with_checksum(header, 10) + datagram


def error_about(packet: bytes, reporter: str = ROUTER, host: Host = NOBODY) -> bytes:
    """The frame of an error to whoever sent `packet`."""
    target = str(ip_address(packet[12:16]))
    return ip_frame(host, reporter, target, 1, with_checksum(UNREACHABLE + packet, 2))


def damaged(frame: bytes, at: int) -> bytes:
    return frame[:at] + bytes([frame[at] ^ 0x55]) + frame[at + 1 :]


# -- what is taken of errors about control packets ------------------------------------------------


@pytest.mark.parametrize("options", [b"", b"\x94\x04\x00\x00"], ids=["plain", "with options"])
def test_an_error_about_a_datagram_says_so(options: bytes) -> None:
    packet = udp_packet(("203.0.113.1", 49_200), ("192.0.2.1", 5060), options)
    found = icmp_error(error_about(packet), Realm.OUTSIDE)
    assert not isinstance(found, str), found
    event, _ = found
    assert isinstance(event, IcmpErrorArrived)
    assert event.transport is Transport.UDP
    assert (event.source, event.quoted.sport, event.quoted.dport) == (
        ip_address(ROUTER).packed,
        49_200,
        5060,
    )


_QUOTED_HEADER, _ICMP = 14 + 20 + 8, 14 + 20


@pytest.mark.parametrize(
    "at", [_ICMP + 6, _QUOTED_HEADER + 8], ids=["of the error", "of the quoted header"]
)
def test_a_bad_checksum_drops_an_error_about_a_control_packet(at: int) -> None:
    packet = udp_packet(("203.0.113.1", 49_200), ("192.0.2.1", 5060))
    broken = damaged(error_about(packet), at)
    if at >= _QUOTED_HEADER:  # the error as a whole is in order
        whole = with_checksum(broken[_ICMP : _ICMP + 2] + b"\0\0" + broken[_ICMP + 4 :], 2)
        broken = broken[:_ICMP] + whole
    assert icmp_error(broken, Realm.OUTSIDE) == "punt.bad_checksum"


# -- ordinary connections -------------------------------------------------------------------------


@pytest.fixture
def lan(gateway: Bench) -> Host:
    return gateway.hosts["lan"]


@pytest.fixture
def wan(gateway: Bench) -> Host:
    return gateway.hosts["wan"]


@pytest.fixture
def exchanged(lan: Host, wan: Host) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Sockets of an inside and an outside host with a UDP mapping between them, both connected."""
    with (
        closing(wan.listen(*SERVER, socket.SOCK_DGRAM)) as server,
        closing(lan.listen("192.168.10.2", 5000, socket.SOCK_DGRAM)) as client,
    ):
        client.connect(SERVER)
        client.send(b"question")
        _, peer = server.recvfrom(100)
        server.connect(peer)
        server.send(b"answer")
        assert client.recv(100) == b"answer"
        yield client, server


@pytest.mark.lab
@pytest.mark.parametrize("reporter", ["192.0.2.1", ROUTER], ids=["the other end", "a router"])
def test_an_error_reaches_its_host_and_leaves_the_mapping(
    wan: Host, exchanged: tuple[socket.socket, socket.socket], reporter: str
) -> None:
    client, server = exchanged
    peer = server.getpeername()
    with closing(wan.raw()) as raw:
        raw.send(error_about(udp_packet(peer, SERVER), reporter, wan))
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
    server.send(b"still there")
    assert client.recv(100) == b"still there"
    client.send(b"me too")
    assert server.recv(100) == b"me too"


@pytest.mark.lab
def test_an_error_with_a_bad_checksum_goes_no_further(
    wan: Host, exchanged: tuple[socket.socket, socket.socket]
) -> None:
    client, server = exchanged
    good = error_about(udp_packet(server.getpeername(), SERVER), ROUTER, wan)
    with closing(wan.raw()) as raw:
        raw.send(damaged(good, _ICMP + 6))
        server.send(b"behind it")
        assert client.recv(100) == b"behind it"


@pytest.mark.lab
def test_an_error_from_inside_shows_no_inside_address(
    wan: Host, exchanged: tuple[socket.socket, socket.socket]
) -> None:
    client, server = exchanged
    client.close()
    with closing(wan.raw()) as raw:
        server.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            server.recv(100)
        raw.settimeout(PATIENCE)
        while True:
            frame = raw.recv(2000)
            if frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[_ICMP] == 3:
                break
    assert str(ip_address(frame[26:30])) == "203.0.113.1"
    assert ip_address("192.168.10.2").packed not in frame


def shows_an_error(raw: socket.socket) -> bool:
    raw.settimeout(0.3)
    try:
        while raw.recv(2000)[_ICMP : _ICMP + 2] != UNREACHABLE[:2]:
            pass
    except TimeoutError:
        return False
    return True


@pytest.mark.lab
def test_an_error_about_no_connection_goes_to_the_controller_only(
    gateway: Bench, controller: OpenFlowClient, lan: Host, wan: Host
) -> None:
    stray = error_about(udp_packet(("203.0.113.1", 2000), SERVER), ROUTER, wan)
    inside = error_about(udp_packet(SERVER, ("192.168.10.2", 2000)), "192.168.10.2", lan)
    for sender, receiver, frame in ((wan, lan, stray), (lan, wan, inside)):
        with closing(sender.raw()) as raw, closing(receiver.raw()) as arriving:
            raw.send(frame)
            punt = packet_of(controller, Kind.ICMP_ERROR)
            assert punt is not None
            assert punt.frame == frame
            assert not shows_an_error(arriving)


@pytest.mark.lab
@pytest.mark.parametrize("code", [1, 2, 3, 13])
def test_an_error_ends_no_tcp_connection(lan: Host, wan: Host, code: int) -> None:
    """Linux takes none of these for an end once a connection stands (RFC 5461)."""
    with closing(wan.listen(*SERVER)) as listener:
        connection = lan.connect(*SERVER)
        accepted, peer = listener.accept()
        with closing(connection), closing(accepted):
            segment = tcp(peer[0], SERVER[0], (peer[1], SERVER[1]), SYN)
            packet = ip_frame(wan, peer[0], SERVER[0], 6, segment)[14:]
            message = with_checksum(bytes([3, code]) + bytes(6) + packet, 2)
            with closing(wan.raw()) as raw:
                raw.send(ip_frame(wan, ROUTER, peer[0], 1, message))
            accepted.settimeout(PATIENCE)
            connection.sendall(b"question")
            assert accepted.recv(100) == b"question"
            accepted.sendall(b"answer")
            assert connection.recv(100) == b"answer"
