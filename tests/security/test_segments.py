"""Attacks on TCP and IP themselves: what is inspected is what arrives, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ryu_alg import packets
from ryu_alg.engine.segment import ACK, RST, SYN, Segment
from ryu_alg.inspection import Realm
from ryu_alg.openflow import frames
from ryu_alg.openflow.datagrams import DatagramProtocols
from ryu_alg.openflow.fragmentation import fragments
from ryu_alg.openflow.punts import Fragments, Reassembled, control_packet
from tests.security.site import (
    CLIENT,
    PORTS,
    SERVER,
    WINDOW,
    Connection,
    Site,
    at,
    default_plan,
)
from tests.security.test_ftp import logged_in, works
from tests.security.test_sip import FORGED

OWN = b"PORT 192,168,10,2,19,136\r\n"
FOREIGN = b"PORT 198,51,100,66,0,22\r\n"
PASSIVE = b"227 Entering Passive Mode (198,51,100,7,78,52).\r\n"
STEERED = b"227 Entering Passive Mode (192,168,10,2,0,22).\r\n"


def forged(ftp: Connection, seq: int, data: bytes, flags: int = ACK) -> None:
    """Somebody who sees nothing of it sends in the server's name."""
    side = ftp.server
    ends = (side.own.address.packed, side.peer.address.packed, side.own.port, side.peer.port)
    ftp.arrives(Segment(*ends, seq & 0xFFFFFFFF, side.expected or 0, flags, WINDOW, data))


@pytest.mark.parametrize("away", [-(2**31), -WINDOW - 1000, -1000, 4 * WINDOW, 2**31 - 1])
def test_blind_injection_out_of_the_window(away: int) -> None:
    """It changes nothing, though PASV is waiting for its answer; nor does a reset."""
    site = Site()
    ftp = logged_in(site)
    ftp.client_sends(b"PASV\r\n")
    before = ftp.client_side.received
    forged(ftp, ftp.server.next + away, STEERED)
    forged(ftp, ftp.server.next + away, PASSIVE.replace(b"78,52", b"9,9"))
    forged(ftp, ftp.server.next + away, b"", RST)
    assert ftp.client_side.received == before
    assert not ftp.reset
    assert site.shut
    ftp.server_sends(PASSIVE)
    (pinhole,) = site.pinholes.values()
    assert pinhole.seen == at(SERVER, 20020)


@pytest.mark.parametrize("text", [STEERED, b"200 Fine.\r\n" + STEERED, PASSIVE])
def test_blind_injection_in_the_window(text: bytes) -> None:
    """Ahead of what comes next it waits, and is part of the stream at most: what opens nothing
    there opens nothing, and both ends read what was inspected."""
    site = Site()
    ftp = logged_in(site)
    forged(ftp, ftp.server.next + 8, text)
    forged(ftp, ftp.server.next + 8, b"", RST)
    assert not ftp.reset
    assert site.shut
    ftp.server_sends(b"220 Hi\r\n")
    assert site.shut
    assert ftp.client_side.received.endswith(b"220 Hi\r\n" + text)


@pytest.mark.parametrize("first", [OWN, FOREIGN])
def test_overlapping_segments(first: bytes) -> None:
    """The same place in the stream with other content: the first copy counts, at the gateway and
    at the server."""
    site = Site()
    ftp = logged_in(site)
    second = (FOREIGN if first == OWN else OWN).ljust(len(first))[: len(first)]
    ftp.client_sends(first[:12])
    ftp.segment(ftp.client_side, second, shift=12)
    ftp.client_sends(first[12:])
    ftp.segment(ftp.client_side, second, shift=len(first))
    assert FOREIGN not in ftp.server.received
    assert b",0,22" not in ftp.server.received
    ftp.server_sends(b"200 Fine.\r\n")
    assert all(str(p.peers[0]) == f"{SERVER}/32" for p in site.pinholes.values())
    assert all(
        p.translate.endpoint == at(CLIENT, 5000)  # type: ignore[union-attr]
        for p in site.pinholes.values()
    )
    assert site.saw("tcp.conflicting_overlap")


def test_decoys_with_a_bad_checksum() -> None:
    """What no host takes is not inspected."""
    site = Site()
    ftp = logged_in(site)
    side = ftp.client_side
    ends = (side.own.address.packed, side.peer.address.packed, side.own.port, side.peer.port)
    segment = Segment(*ends, side.next, side.expected or 0, ACK, WINDOW, OWN)
    good = bytearray(frames.tcp(segment))  # as the switch would punt it
    assert not isinstance(control_packet(bytes(good), Realm.INSIDE, 0), str)
    for place in (50, 51, len(good) - 1):
        decoy = bytearray(good)
        decoy[place] ^= 0x40
        assert control_packet(bytes(decoy), Realm.INSIDE, 0) == "punt.bad_checksum"


def test_decoys_with_a_short_ttl() -> None:
    """A segment that does not get as far as the server is inspected, and another one takes its
    place: what the server reads is the first one, or nothing."""
    site = Site()
    ftp = logged_in(site)
    side = ftp.client_side
    ends = (side.own.address.packed, side.peer.address.packed, side.own.port, side.peer.port)
    decoy = Segment(*ends, side.next, side.expected or 0, ACK, WINDOW, b"NOOP".ljust(24) + b"\r\n")
    ftp.hops = 5
    ftp.arrives(replace(decoy, ttl=3))
    assert decoy.payload not in ftp.server.received
    ftp.segment(side, b"DELE /etc/everything".ljust(24) + b"\r\n")
    site.sleep(5)
    assert b"DELE" not in ftp.server.received
    assert ftp.server.received.endswith(decoy.payload)


def test_data_in_syn() -> None:
    """It is not inspected before the handshake is over, and does not leave with the SYN."""
    site = Site()
    ftp = Connection(site, "ftp", at(CLIENT, 40000), at(SERVER, PORTS["ftp"]))
    ftp.segment(ftp.client_side, OWN, flags=SYN)
    assert ftp.server.received == b""
    ftp.segment(ftp.server, PASSIVE, flags=SYN | ACK)
    assert ftp.client_side.received == b""
    assert site.shut


def test_data_before_the_handshake_is_over() -> None:
    """Somebody answers in the server's name before it does."""
    site = Site()
    ftp = Connection(site, "ftp", at(CLIENT, 40000), at(SERVER, PORTS["ftp"]))
    ftp.segment(ftp.client_side, flags=SYN)
    forged(ftp, 1, b"220 Ready.\r\n" + PASSIVE)
    assert ftp.client_side.received == b""
    assert site.shut


def test_a_connection_whose_syn_was_not_seen() -> None:
    """What comes of it is nobody's session."""
    site = Site()
    ftp = Connection(site, "ftp", at(CLIENT, 40000), at(SERVER, PORTS["ftp"]))
    ftp.segment(ftp.client_side, OWN)
    assert ftp.server_side is None
    assert not site.engine.sessions
    assert site.shut
    works(logged_in(site, port=40001))


@pytest.mark.parametrize("mtu", [1500, 1300, 576])
def test_nat_slipstreaming_v1_by_fragments(mtu: int) -> None:
    """NAT slipstreaming over UDP: a STUN message so long that a fragment of it begins with
    REGISTER. Fragments wait for each other, and the datagram begins as it does."""
    data = (mtu - 20) // 8 * 8
    text = (b"\x00\x01\x20\x00\x21\x12\xa4\x42" + bytes(12)).ljust(data - 8, b"u") + FORGED
    whole = packets.build_udp(
        eth_src=bytes(6),
        eth_dst=bytes(6),
        src=at(CLIENT, 0).address.packed,
        dst=at(SERVER, 0).address.packed,
        sport=5060,
        dport=5060,
        payload=text,
    )
    pieces = fragments(whole, 7, mtu)
    assert any(piece[34:].startswith(b"REGISTER ") for piece in pieces)
    site = Site()
    counters: Counter[str] = Counter()
    reassembly = Fragments(counters)
    protocols = DatagramProtocols(default_plan())
    events = [reassembly.arrived(piece, Realm.INSIDE, protocols, site.now) for piece in pieces]
    assert events[:-1] == [None] * (len(pieces) - 1)
    found = events[-1]
    assert isinstance(found, Reassembled)
    assert found.event.datagram.payload == text
    site.handle(found.event)
    assert site.left == []
    assert any(code.startswith("sip.malformed.") for code in site.events)
    assert site.shut
