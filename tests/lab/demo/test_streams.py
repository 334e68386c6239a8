"""Bytes of captured TCP connections."""

from __future__ import annotations

import pytest

from ryu_alg import packets
from ryu_alg.lab.demo.streams import Streams
from ryu_alg.packets import Packet

SYN, ACK = 2, 16


def segment(seq: int, payload: bytes = b"", flags: int = ACK, sport: int = 40001) -> Packet:
    frame = packets.build_tcp(
        eth_src=bytes(6),
        eth_dst=bytes(6),
        src=bytes((192, 168, 10, 2)),
        dst=bytes((203, 0, 113, 2)),
        sport=sport,
        dport=21,
        seq=seq & 0xFFFFFFFF,
        ack=1,
        flags=flags,
        window=1000,
        payload=payload,
        options=b"",
        urgent=0,
        ttl=64,
        tos=0,
    )
    packet = packets.decode(frame)
    assert isinstance(packet, Packet)
    return packet


@pytest.mark.parametrize("initial", [0, 0xFFFFFFFD])
def test_repetitions_are_passed_over(initial: int) -> None:
    streams = Streams()
    streams.fresh(segment(initial, flags=SYN))
    assert streams.fresh(segment(initial + 1, b"USER ")) == b"USER "
    assert streams.fresh(segment(initial + 1, b"USER ")) == b""
    assert streams.fresh(segment(initial + 4, b"R anonymous")) == b"anonymous"
    assert streams.fresh(segment(initial + 15, b"\r\n")) == b"\r\n"


def test_missing_bytes_are_given_up() -> None:
    streams = Streams()
    streams.fresh(segment(0, flags=SYN))
    assert streams.fresh(segment(11, b"late")) == b"late"
    assert streams.fresh(segment(1, b"lost")) == b""


def test_connections_are_apart() -> None:
    streams = Streams()
    for port in (40001, 40002):
        streams.fresh(segment(0, flags=SYN, sport=port))
    assert streams.fresh(segment(1, b"a", sport=40001)) == b"a"
    assert streams.fresh(segment(1, b"b", sport=40002)) == b"b"
