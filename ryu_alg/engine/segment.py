"""TCP segments and UDP datagrams, decoded from a punt or on their way to a packet-out."""

from __future__ import annotations

from dataclasses import dataclass

FIN = 0x01
SYN = 0x02
RST = 0x04
PSH = 0x08
ACK = 0x10
URG = 0x20


@dataclass(slots=True)
class Segment:
    """Addresses are packed (4 or 16 bytes), sequence numbers as on the wire (32 bits)."""

    src: bytes
    dst: bytes
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    """As on the wire: not scaled."""
    payload: bytes = b""
    options: bytes = b""
    """Raw TCP options; only a SYN carries any when it leaves."""
    urgent: int = 0
    ttl: int = 64
    tos: int = 0
    """IPv4 TOS or IPv6 traffic class, whole byte."""


@dataclass(slots=True)
class Datagram:
    """A whole UDP datagram, reassembled where it came in fragments. Addresses are packed."""

    src: bytes
    dst: bytes
    sport: int
    dport: int
    payload: bytes
    ttl: int = 64
    tos: int = 0
