"""Recorded sessions, where they are at hand: what they offer opens, and else nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import dpkt
import pytest

from ryu_alg.inspection import Conversation, Direction, Endpoint
from ryu_alg.protocols.irc import IrcOptions
from tests.protocols.irc.session import Session
from tests.protocols.session import TO_CLIENT, TO_SERVER

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
PORT = 6667
Segment = tuple[Direction, Endpoint, Endpoint, int, bytes]


def segments(capture: Path) -> Iterator[Segment]:
    """Direction, client, server, sequence number and payload of each segment."""
    with capture.open("rb") as file:
        reader = dpkt.pcapng.Reader if capture.suffix == ".pcapng" else dpkt.pcap.Reader
        for _, frame in reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.tcp.TCP):
                continue
            tcp = packet.data
            if PORT not in (tcp.sport, tcp.dport) or not tcp.data:
                continue
            sender = Endpoint(IPv4Address(packet.src), tcp.sport)
            receiver = Endpoint(IPv4Address(packet.dst), tcp.dport)
            if tcp.dport == PORT:
                yield TO_SERVER, sender, receiver, tcp.seq, tcp.data
            else:
                yield TO_CLIENT, receiver, sender, tcp.seq, tcp.data


def replayed(capture: Path, size: int) -> Session:
    """The capture in pieces of at most `size` bytes; retransmissions are left out."""
    recorded = list(segments(capture))
    _, client, server, _, _ = recorded[0]
    session = Session(IrcOptions(), Conversation(client, client, server, server))
    seen = set()
    for direction, _, _, sequence, data in recorded:
        if (direction, sequence) in seen:
            continue
        seen.add((direction, sequence))
        for start in range(0, len(data), size):
            session.feed(direction, data[start : start + size])
    return session


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(("name", "opened"), [("irc-dcc-send.pcapng", 2), ("irc-basic.pcap", 0)])
def test_recorded_sessions(name: str, opened: int, size: int) -> None:
    if not (CORPUS / name).exists():
        pytest.skip("not at hand")
    session = replayed(CORPUS / name, size)
    assert len(session.opened) == opened
    assert not session.touched
    assert not any(session.held.values())
    assert session.reports == []
    assert session.inspector.dialogue.registered
