"""The bytes of captured TCP connections, in order.

Made for the wires of the lab, which lose and reorder nothing: what comes again is passed over,
and bytes that are missing are given up.
"""

from __future__ import annotations

from ryu_alg.packets import TCP, Packet

_SYN = 2
_HALF = 1 << 31
_MASK = (1 << 32) - 1

_Key = tuple[bytes, int, bytes, int]


class Streams:
    """One direction each of any number of TCP connections."""

    def __init__(self) -> None:
        self._next: dict[_Key, int] = {}
        """The sequence number of the next byte."""

    def fresh(self, packet: Packet) -> bytes:
        """What `packet` adds to its stream."""
        if packet.proto != TCP:
            return b""
        key = (packet.src, packet.sport, packet.dst, packet.dport)
        if packet.flags & _SYN:
            self._next[key] = packet.seq + 1 & _MASK
            return b""
        expected = self._next.get(key, packet.seq)
        repeated = expected - packet.seq & _MASK
        payload = packet.payload if repeated >= _HALF else packet.payload[repeated:]
        if payload:
            self._next[key] = packet.seq + len(packet.payload) & _MASK
        return payload
