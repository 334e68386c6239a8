"""Ethernet frames of attackers, made before they are sent: in IPv4, with whatever source."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

TCP, UDP = 6, 17
SYN, RST, PSH, ACK = 0x02, 0x04, 0x08, 0x10
_HEADER = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")


@dataclass(frozen=True, slots=True)
class Way:
    """From whom to whom."""

    source: IPv4Address
    port: int
    target: IPv4Address
    to_port: int


def tcp(way: Way, flags: int, sequence: int, acknowledged: int = 0, payload: bytes = b"") -> bytes:
    """A packet with a segment, as Ethernet carries it."""
    words = (sequence % 2**32, acknowledged % 2**32, 0x50, flags, 64240)
    header = _TCP.pack(way.port, way.to_port, *words, 0, 0)
    check = _checksum(_pseudo(way, TCP, len(header) + len(payload)) + header + payload)
    return _packet(way, TCP, _TCP.pack(way.port, way.to_port, *words, check, 0) + payload)


def udp(way: Way, payload: bytes) -> bytes:
    """A packet with a datagram."""
    ends = (way.port, way.to_port, 8 + len(payload))
    check = _checksum(_pseudo(way, UDP, ends[2]) + _UDP.pack(*ends, 0) + payload)
    return _packet(way, UDP, _UDP.pack(*ends, check or 0xFFFF) + payload)


def ethernet(source: bytes, target: bytes, packet: bytes) -> bytes:
    """A frame with an IPv4 packet."""
    return target + source + b"\x08\x00" + packet


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a TCP connection is, by a segment of one end."""

    way: Way
    sequence: int
    """Of the octet that comes next."""
    acknowledged: int


def read(frame: bytes) -> Seen | None:
    """A frame with a TCP segment; None if it is something else."""
    if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[14] != 0x45 or frame[23] != TCP:
        return None
    length = int.from_bytes(frame[16:18], "big")
    source, target = (IPv4Address(frame[at : at + 4]) for at in (26, 30))
    port, to_port, sequence, acknowledged, offset, flags, *_ = _TCP.unpack_from(frame, 34)
    octets = length - 20 - (offset >> 4) * 4 + bool(flags & SYN)
    return Seen(Way(source, port, target, to_port), sequence + octets, acknowledged)


def _packet(way: Way, protocol: int, payload: bytes) -> bytes:
    ends = (way.source.packed, way.target.packed)
    first = (0x45, 0, _HEADER.size + len(payload), 0, 0, 64, protocol)
    check = _checksum(_HEADER.pack(*first, 0, *ends))
    return _HEADER.pack(*first, check, *ends) + payload


def _pseudo(way: Way, protocol: int, length: int) -> bytes:
    return way.source.packed + way.target.packed + struct.pack("!HH", protocol, length)


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total = int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF
    return (0xFFFF - total) % 0xFFFF
