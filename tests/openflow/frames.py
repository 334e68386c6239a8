"""Frames that hosts send by hand."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from tests.openflow.bench import Host

SYN = 2
"""The flag of the first segment of a TCP connection."""

_ROUTER = bytes.fromhex("02a160000001")


def with_checksum(data: bytes, at: int, pseudo: bytes = b"") -> bytes:
    """`data` with the Internet checksum over it and `pseudo` filled in."""
    summed = pseudo + data
    summed += bytes(len(summed) % 2)
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return data[:at] + (total ^ 0xFFFF).to_bytes(2, "big") + data[at + 2 :]


def tcp(
    source: str, target: str, ports: tuple[int, int], flags: int, payload: bytes = b""
) -> bytes:
    """A TCP segment."""
    segment = struct.pack("!HHIIBBHHH", *ports, 1000, 0, 0x50, flags, 1024, 0, 0) + payload
    pseudo = ip_address(source).packed + ip_address(target).packed
    return with_checksum(segment, 16, pseudo + struct.pack("!II", len(segment), 6))


def ip_frame(
    host: Host, source: str, target: str, protocol: int, payload: bytes, fragment: int = 0
) -> bytes:
    """A packet of `host` to the router."""
    ethernet = _ROUTER + bytes.fromhex(host.mac.replace(":", ""))
    addresses = ip_address(source).packed + ip_address(target).packed
    if len(addresses) == 32:
        header = struct.pack("!IHBB", 0x6000_0000, len(payload), protocol, 64)
        return ethernet + b"\x86\xdd" + header + addresses + payload
    length = 20 + len(payload)
    header = struct.pack("!BBHHHBBH", 0x45, 0, length, 99, fragment, 64, protocol, 0)
    return ethernet + b"\x08\x00" + with_checksum(header + addresses, 10) + payload


def tcp_frame(host: Host, source: str, target: str, ports: tuple[int, int], flags: int) -> bytes:
    """A packet of `host` with nothing but TCP's header."""
    return ip_frame(host, source, target, 6, tcp(source, target, ports, flags))
