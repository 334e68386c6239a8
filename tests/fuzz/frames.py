"""Frames as the switch punts them: the decoder, and the reassembly of fragments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ryu_alg import packets
from ryu_alg.engine.events import DatagramArrived, SegmentArrived
from ryu_alg.inspection import Realm
from ryu_alg.openflow import frames, punts
from ryu_alg.openflow.reassembly import Limits, Reassembly, Unusable, Whole
from tests.fuzz import records

ENDS = {"eth_src": b"\2\0\0\0\0\1", "eth_dst": b"\2\0\0\0\0\2"}
ADDRESSES = (b"\x0a\0\0\1", b"\xc6\x33\x64\x07")


@dataclass
class Decoder:
    """Input: a frame. The second time with right checksums, so that what follows is reached."""

    seeds: Callable[[], list[bytes]]

    def run(self, data: bytes) -> None:
        self._decode(data)
        packet = packets.decode(data)
        if isinstance(packet, packets.Packet) and not packets.checksums_ok(packet):
            self._decode(_repaired(packet))

    @staticmethod
    def _decode(frame: bytes) -> None:
        packet = packets.decode(frame)
        if isinstance(packet, packets.Packet):
            assert 14 <= packet.l3 < packet.l4 <= packet.end <= len(frame)
            assert len(packet.src) == len(packet.dst) == (4 if packet.version == 4 else 16)
            assert len(packet.payload) <= packet.end - packet.l4
            assert packet.payload in frame[packet.l4 : packet.end]
            for name in packets.Packet.__slots__:
                getattr(packet, name)
        event = punts.control_packet(frame, Realm.INSIDE, 0)
        punts.sized_datagram(frame, Realm.INSIDE, 0, None)
        match event:
            case SegmentArrived(segment):
                again = frames.tcp(segment)
                assert punts.control_packet(again, Realm.INSIDE, 0) == event
            case DatagramArrived(datagram):
                again = frames.udp(datagram)
                assert punts.control_packet(again, Realm.INSIDE, 0) == event
        error = punts.icmp_error(frame, Realm.OUTSIDE)
        if not isinstance(error, str):
            _, quoting = error
            size = len(quoting.src)
            rebuilt = packets.build_icmp_error(
                quoting,
                **ENDS,
                src=bytes(size),
                dst=bytes(size),
                quoted_src=b"\x0a" * size,
                quoted_dst=b"\x0b" * size,
                quoted_sport=1,
                quoted_dport=2,
                quoted_seq=3,
            )
            assert isinstance(packets.decode(rebuilt), packets.Packet)


def _repaired(packet: packets.Packet) -> bytes:
    """The frame with the checksums that it should have, where it is long enough."""
    frame = bytearray(packet.frame)
    if packet.version == 4:
        packets.renew_ipv4_checksum(frame, packet.l3, packet.l4)
    at = {packets.TCP: 16, packets.UDP: 6, packets.ICMP: 2, packets.ICMPV6: 2}.get(packet.proto)
    if at is None or packet.fragmented or packet.l4 + at + 2 > packet.end:
        return bytes(frame)
    frame[packet.l4 + at : packet.l4 + at + 2] = b"\0\0"
    length = packet.end - packet.l4
    pseudo = b""
    if packet.proto != packets.ICMP:
        pseudo = packet.src + packet.dst + length.to_bytes(4, "big")
        pseudo += packet.proto.to_bytes(4, "big")
    summed = pseudo + bytes(frame[packet.l4 : packet.end])
    summed += bytes(len(summed) % 2)
    total = int.from_bytes(summed, "big") % 0xFFFF
    frame[packet.l4 + at : packet.l4 + at + 2] = (-total % 0xFFFF or 0xFFFF).to_bytes(2, "big")
    return bytes(frame)


LIMITS = Limits(fragments=8, datagrams_per_host=3, bytes_per_host=4096, datagrams=5, bytes=8192)


class Fragments:
    """Records: offset in eights of bytes, more fragments or not, which datagram, and its data.

    The record's mark is `m` (more), `l` (the last) or `t` (30 seconds pass)."""

    @staticmethod
    def seeds() -> list[bytes]:
        piece = b"\0\1" + b"x" * 8
        return [
            records.written(0, [("m", b"\0\1" + udp_head(24)), ("l", b"\1\1" + b"x" * 16)]),
            records.written(1, [("l", b"\1\1" + b"x" * 16), ("m", b"\0\1" + udp_head(24))]),
            records.written(0, [("m", piece), ("m", piece), ("m", b"\0\1" + b"y" * 8)]),
            records.written(0, [("m", piece), ("l", b"\1\1abc"), ("t", b""), ("m", piece)]),
            records.written(0, [("m", bytes((at, at)) + b"12345678") for at in range(12)]),
        ]

    def run(self, data: bytes) -> None:
        version, script = records.read(data)
        reassembly, now = Reassembly(LIMITS), 0.0
        known: dict[tuple[int, int], dict[int, int]] = {}
        for kind, payload in script:
            if kind == "t":
                now += 30.0
                reassembly.expire(now)
                assert len(reassembly) == 0
                known.clear()
                continue
            if len(payload) < 2 or kind not in "ml":
                continue
            offset, number, body = payload[0] * 8, payload[1], payload[2:]
            frame = _fragment(version % 2, offset, number % 8, number // 8 % 3, body, kind == "m")
            packet = packets.decode(frame)
            if isinstance(packet, packets.Malformed):
                continue
            assert packet.fragmented or (offset == 0 and kind == "l")
            result = reassembly.add(packet, now)
            self._check_bounds(reassembly)
            key = (number % 8, number // 8 % 3)
            if isinstance(result, Unusable):
                if result is Unusable.OVERLAP:
                    known.pop(key, None)
                continue
            first = known.setdefault(key, {})
            for at, byte in enumerate(body, offset):
                assert first.setdefault(at, byte) == byte, "a contradiction was taken"
            if isinstance(result, Whole):
                whole = packets.decode(result.frame)
                told = bytes(first[at] for at in range(len(first)))
                if isinstance(whole, packets.Packet):
                    assert whole.frame[whole.l4 : whole.end] == told
                del known[key]

    @staticmethod
    def _check_bounds(reassembly: Reassembly) -> None:
        waiting = reassembly._waiting.values()
        assert len(waiting) <= LIMITS.datagrams
        held = Counter[bytes]()
        for (host, *_), incomplete in reassembly._waiting.items():
            assert len(incomplete.parts) <= LIMITS.fragments
            assert incomplete.size == sum(map(len, incomplete.frames))
            held[host] += incomplete.size
        assert reassembly._all_bytes == sum(held.values()) <= LIMITS.bytes
        assert max(held.values(), default=0) <= LIMITS.bytes_per_host
        assert +reassembly._bytes == +held


def udp_head(length: int) -> bytes:
    return b"\x9c\x40\x13\xc4" + length.to_bytes(2, "big") + b"\0\0"


def _fragment(version: int, offset: int, number: int, host: int, body: bytes, more: bool) -> bytes:
    source = (ADDRESSES[0][:3] + bytes([host])) * (4 if version else 1)
    target = ADDRESSES[1] * (4 if version else 1)
    if version:
        header = bytes((packets.UDP, 0)) + (offset | more).to_bytes(2, "big")
        header += number.to_bytes(4, "big")
        return packets.build_ip(**ENDS, src=source, dst=target, proto=44, data=header + body)
    frame = bytearray(packets.build_ip(**ENDS, src=source, dst=target, proto=17, data=body))
    frame[18:20] = number.to_bytes(2, "big")
    frame[20:22] = (offset // 8 | more << 13).to_bytes(2, "big")
    packets.renew_ipv4_checksum(frame, 14, 34)
    return bytes(frame)
