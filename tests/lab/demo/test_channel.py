"""What is counted on the OpenFlow connection."""

from __future__ import annotations

import struct

import pytest

from ryu_alg import packets
from ryu_alg.lab.demo.channel import CONTROLLER_PORT, Carried, ControlChannel
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.packets import Packet

SYN, ACK = 2, 16


def frame(sport: int, dport: int, payload: bytes = b"", flags: int = ACK, seq: int = 1) -> bytes:
    return packets.build_tcp(
        eth_src=bytes(6),
        eth_dst=bytes(6),
        src=bytes((127, 0, 0, 1)),
        dst=bytes((127, 0, 0, 1)),
        sport=sport,
        dport=dport,
        seq=seq,
        ack=1,
        flags=flags,
        window=1000,
        payload=payload,
        options=b"",
        urgent=0,
        ttl=64,
        tos=0,
    )


def packet_in(carried: bytes, purpose: int) -> bytes:
    match = struct.pack("!HHHBBI", 1, 12, 0x8000, 0, 4, 1) + bytes(4)
    body = struct.pack("!IHBBQ", 0xFFFFFFFF, len(carried), 1, 0, purpose) + match
    body += bytes(2) + carried
    return struct.pack("!BBHI", 4, 10, 8 + len(body), 0) + body


def packet_out(carried: bytes) -> bytes:
    actions = struct.pack("!HHIHH", 0, 16, 1, 0, 0) + bytes(4)
    body = struct.pack("!IIH", 0xFFFFFFFF, 1, len(actions)) + bytes(6) + actions + carried
    return struct.pack("!BBHI", 4, 13, 8 + len(body), 0) + body


ARP = bytes(12) + b"\x08\x06" + bytes(28)


def carry(channel: ControlChannel, up: bool, data: bytes, size: int) -> None:
    """The connection carries `data` in segments of `size` bytes."""
    ports = (50000, CONTROLLER_PORT) if up else (CONTROLLER_PORT, 50000)
    for start in range(0, len(data), size):
        packet = packets.decode(frame(*ports, data[start : start + size], seq=1 + start))
        assert isinstance(packet, Packet)
        channel.seen(0.0, packet)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_every_packet_is_counted_by_what_it_is(size: int) -> None:
    channel = ControlChannel()
    punt, hole = cookie(Kind.PUNT), cookie(Kind.PINHOLE, 3)
    upward = (
        packet_in(frame(40001, 21, b"NOOP\r\n"), punt),
        packet_in(frame(20, 40960, flags=SYN), hole),
        packet_in(ARP, cookie(Kind.NEIGHBOUR)),
        struct.pack("!BBHI", 4, 2, 8, 0),  # echo request
    )
    carry(channel, True, b"".join(upward), size)
    carry(channel, False, packet_out(frame(21, 40001)) + packet_out(ARP), size)
    assert channel.to_controller == {Carried.CONTROL: 1, Carried.NOTICE: 1, Carried.NEIGHBOUR: 1}
    assert channel.to_switch == {Carried.CONTROL: 1, Carried.NEIGHBOUR: 1}
    assert channel.data_packets == 0


@pytest.mark.parametrize(
    "message",
    [
        packet_in(frame(20, 40960, b"file"), cookie(Kind.PINHOLE, 3)),
        packet_in(frame(20, 40960, flags=SYN), cookie(Kind.NEIGHBOUR_MISS)),
        packet_in(frame(20, 40960, b"file"), 0),
    ],
)
def test_data_is_not_taken_for_anything_else(message: bytes) -> None:
    channel = ControlChannel()
    carry(channel, True, message, 1000)
    assert channel.data_packets == 1


def test_data_sent_by_the_controller_counts() -> None:
    channel = ControlChannel()
    carry(channel, False, packet_out(frame(20, 40960, b"file")), 1000)
    assert channel.data_packets == 1
