"""Other addresses and ports for a packet that the switch translates by itself.

Checksums are kept right by difference (RFC 1624): so a packet whose end was not captured can be
translated too, and one whose checksum is wrong stays wrong.
"""

from __future__ import annotations

import struct

from ryu_alg import packets
from ryu_alg.inspection import Endpoint

_short = struct.Struct("!H")
_CHECKSUM = {packets.TCP: 16, packets.UDP: 6}


def readdressed(packet: packets.Packet, source: Endpoint, target: Endpoint, size: int) -> bytes:
    """The packet from its IP header on, with these two ends; of it, the first `size` bytes."""
    ip = bytearray(packet.frame[packet.l3 : packet.end])
    l4 = packet.l4 - packet.l3
    addresses = source.address.packed + target.address.packed
    ports = _short.pack(source.port) + _short.pack(target.port)
    at = 12 if packet.version == 4 else 8
    was = bytes(ip[at : at + len(addresses)])
    if packet.version == 4:
        _renew(ip, 10, was, addresses)
    checksum = l4 + _CHECKSUM[packet.proto]
    # 0 is IPv4's "no checksum" over UDP.
    if packet.proto == packets.TCP or ip[checksum : checksum + 2] != b"\0\0":
        _renew(ip, checksum, was + bytes(ip[l4 : l4 + 4]), addresses + ports)
        if packet.proto == packets.UDP and ip[checksum : checksum + 2] == b"\0\0":
            ip[checksum : checksum + 2] = b"\xff\xff"
    ip[at : at + len(addresses)] = addresses
    ip[l4 : l4 + 4] = ports
    return bytes(ip[:size])


def _renew(data: bytearray, at: int, was: bytes, now: bytes) -> None:
    checksum = _short.unpack_from(data, at)[0]
    _short.pack_into(data, at, (checksum + _words(was) - _words(now)) % 0xFFFF)


def _words(data: bytes) -> int:
    return sum(word for (word,) in struct.iter_unpack("!H", data))
