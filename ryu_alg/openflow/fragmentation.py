"""A frame that outgrows a link leaves in fragments (RFC 791 section 3.2, RFC 8200 section 4.5)."""

from __future__ import annotations

import struct

from ryu_alg import packets

MTU = 1500
"""Bytes of IP that every link takes: the pipeline's networks are Ethernet."""

_ETHERNET, _IPV4, _IPV6, _EXTENSION = 14, 20, 40, 8
_FRAGMENT = 44
_MORE_IPV4, _MORE_IPV6 = 0x2000, 1


def fragments(frame: bytes, identification: int, mtu: int = MTU) -> list[bytes]:
    """`frame`, from `packets.build_ip` or `build_udp`, in pieces of at most `mtu` bytes of IP.

    `identification` has 32 bits, of which IPv4 uses the lower 16; it should not be foreseeable
    (RFC 7739). A frame that fits is returned as it is.
    """
    if len(frame) - _ETHERNET <= mtu:
        return [frame]
    if frame[_ETHERNET] >> 4 == 4:
        return _ipv4(frame, identification & 0xFFFF, mtu)
    return _ipv6(frame, identification, mtu)


def _ipv4(frame: bytes, identification: int, mtu: int) -> list[bytes]:
    header = bytearray(frame[: _ETHERNET + _IPV4])
    made = []
    for offset, part, more in _parts(frame[_ETHERNET + _IPV4 :], mtu - _IPV4):
        at = _ETHERNET + 2
        struct.pack_into("!H", header, at, _IPV4 + len(part))
        flags = _MORE_IPV4 if more else 0
        struct.pack_into("!HH", header, at + 2, identification, flags | offset // 8)
        packets.renew_ipv4_checksum(header, _ETHERNET, len(header))
        made.append(bytes(header) + part)
    return made


def _ipv6(frame: bytes, identification: int, mtu: int) -> list[bytes]:
    header = bytearray(frame[: _ETHERNET + _IPV6])
    following = header[_ETHERNET + 6]
    header[_ETHERNET + 6] = _FRAGMENT
    made = []
    for offset, part, more in _parts(frame[_ETHERNET + _IPV6 :], mtu - _IPV6 - _EXTENSION):
        struct.pack_into("!H", header, _ETHERNET + 4, _EXTENSION + len(part))
        flags = _MORE_IPV6 if more else 0
        extension = struct.pack("!BxHI", following, offset | flags, identification)
        made.append(bytes(header) + extension + part)
    return made


def _parts(data: bytes, room: int) -> list[tuple[int, bytes, bool]]:
    """Offset and content of each fragment, and whether there are more."""
    size = room // 8 * 8
    return [
        (offset, data[offset : offset + size], offset + size < len(data))
        for offset in range(0, len(data), size)
    ]
