"""ARP (RFC 826) and neighbour discovery (RFC 4861) frames: asking, and reading what comes.

All addresses are packed, MAC addresses 6 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_ETHERNET_IPV6 = struct.Struct("!6s6sHIHBB16s16s")
_ND = struct.Struct("!BBHI16s")
_BROADCAST = b"\xff" * 6
_REQUEST, _REPLY = 1, 2
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_OPTION, _TARGET_OPTION = 1, 2
_OVERRIDE = 1 << 29


@dataclass(frozen=True, slots=True)
class Claim:
    """A host says where an address is."""

    address: bytes
    mac: bytes
    answer: bool
    """An answer to a question, as opposed to the asker's own address in a question."""
    override: bool = True
    """May replace another MAC address (RFC 4861 section 7.2.5)."""


def arp_request(router_mac: bytes, router: bytes, target: bytes, mac: bytes | None) -> bytes:
    """Ask everyone, or the host that had `mac`, for an IPv4 address."""
    return _ARP.pack(
        mac or _BROADCAST,
        router_mac,
        0x0806,
        1,
        0x0800,
        6,
        4,
        _REQUEST,
        router_mac,
        router,
        bytes(6),
        target,
    )


def solicitation(router_mac: bytes, router: bytes, target: bytes, mac: bytes | None) -> bytes:
    """Ask the target's solicited-node group, or the host that had `mac`, for an IPv6 address."""
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + target[13:]
    destination = target if mac else group
    body = bytearray(_ND.pack(_SOLICITATION, 0, 0, 0, target))
    body += bytes((_SOURCE_OPTION, 1)) + router_mac
    struct.pack_into("!H", body, 2, _checksum(router, destination, body))
    header = _ETHERNET_IPV6.pack(
        mac or b"\x33\x33" + group[12:],
        router_mac,
        0x86DD,
        0x6000_0000,
        len(body),
        58,
        255,
        router,
        destination,
    )
    return header + bytes(body)


def read(frame: bytes) -> Claim | None:
    """What an ARP or neighbour discovery frame claims; None when nothing, or malformed."""
    ethertype = frame[12:14]
    if ethertype == b"\x08\x06":
        return _read_arp(frame)
    if ethertype == b"\x86\xdd":
        return _read_nd(frame)
    return None


def _read_arp(frame: bytes) -> Claim | None:
    if len(frame) < _ARP.size:
        return None
    _, source, _, hardware, protocol, h_len, p_len, operation, mac, address, _, _ = (
        _ARP.unpack_from(frame)
    )
    if (hardware, protocol, h_len, p_len) != (1, 0x0800, 6, 4) or mac != source:
        return None
    if operation not in (_REQUEST, _REPLY):
        return None
    return Claim(address, mac, answer=operation == _REPLY)


def _read_nd(frame: bytes) -> Claim | None:
    start = _ETHERNET_IPV6.size
    if len(frame) < start + _ND.size:
        return None
    _, ether, _, _, length, following, hops, source, destination = _ETHERNET_IPV6.unpack_from(frame)
    body = frame[start : start + length]
    if (following, hops) != (58, 255) or len(body) != length or length < _ND.size:
        return None
    if _checksum(source, destination, body):
        return None
    kind, code, _, flags, target = _ND.unpack_from(body)
    if code:
        return None
    options = _options(body[_ND.size :])
    if options is None:
        return None
    if kind == _SOLICITATION:
        mac = options.get(_SOURCE_OPTION)
        return Claim(source, mac, answer=False) if mac else None
    if kind == _ADVERTISEMENT:
        mac = options.get(_TARGET_OPTION, ether)
        return Claim(target, mac, answer=True, override=bool(flags & _OVERRIDE))
    return None


def _options(data: bytes) -> dict[int, bytes] | None:
    """The MAC addresses in the options, by type; None when they are malformed."""
    found: dict[int, bytes] = {}
    while data:
        if len(data) < 2 or data[1] == 0 or len(data) < data[1] * 8:
            return None
        if data[1] == 1:
            found[data[0]] = data[2:8]
        data = data[data[1] * 8 :]
    return found


def _checksum(source: bytes, destination: bytes, body: bytes | bytearray) -> int:
    """The ICMPv6 checksum over a body with its checksum field; 0 when that is right."""
    data = source + destination + struct.pack("!II", len(body), 58) + body
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
