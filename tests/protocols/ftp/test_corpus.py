"""Recorded sessions, where they are at hand: without NAT they pass untouched, and open."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import dpkt

from ryu_alg.inspection import Conversation, Direction, Endpoint
from tests.protocols.ftp.session import Session
from tests.protocols.session import TO_CLIENT, TO_SERVER

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
OPENED = {
    "ftp_ipv4.pcap": 4,
    "ftp_ipv6.pcap": 5,
    "ftp_retr.pcap": 1,
    "ftp_ipv6-multiline-reply.pcap": 1,
}
"""How many data connections each sets up."""


def control_segments(capture: Path) -> list[tuple[Direction, Endpoint, Endpoint, int, bytes]]:
    """Direction, client, server, sequence number and payload of each segment on port 21."""
    found = []
    with capture.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6):
                continue
            family = IPv4Address if isinstance(packet, dpkt.ip.IP) else IPv6Address
            tcp = packet.data
            if not isinstance(tcp, dpkt.tcp.TCP) or 21 not in (tcp.sport, tcp.dport):
                continue
            ends = Endpoint(family(packet.src), tcp.sport), Endpoint(family(packet.dst), tcp.dport)
            direction = TO_SERVER if tcp.dport == 21 else TO_CLIENT
            client, server = ends if direction is TO_SERVER else ends[::-1]
            if tcp.data:
                found.append((direction, client, server, tcp.seq, tcp.data))
    return found


def replayed(capture: Path, size: int) -> Session:
    """The capture in pieces of at most `size` bytes; retransmissions are left out."""
    segments = control_segments(capture)
    _, client, server, _, _ = segments[0]
    session = Session(None, Conversation(client, client, server, server))
    seen = set()
    for direction, _, _, sequence, data in segments:
        if (direction, sequence) in seen:
            continue
        seen.add((direction, sequence))
        for start in range(0, len(data), size):
            session.feed(direction, data[start : start + size])
    return session


def test_recorded_sessions() -> None:
    for name, opened in OPENED.items():
        if not (CORPUS / name).exists():
            continue
        for size in (1, 7, 100_000):
            session = replayed(CORPUS / name, size)
            assert len(session.opened) == opened, name
            assert not session.touched
            assert not any(session.held.values())
            assert not session.inspector.dialogue.pending
            assert session.reports == []
