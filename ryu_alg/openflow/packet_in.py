"""Packet-in messages, as far as the gateway needs them: by struct, without per-field objects."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ryu_alg.inspection import Address, Realm

_FIXED = struct.Struct("!8xIHBBQHH")
_MATCH_AT = _FIXED.size - 4
_OXM = struct.Struct("!HBB")

_IN_PORT = (0x8000, 0)
_REG0 = (0x0001, 0)
_REG1 = (0x0001, 1)
_REG2 = (0x0001, 2)
_XXREG1 = (0x0001, 112)
_XXREG1_WORDS = {(0x0001, number): 12 - 4 * (number - 4) for number in range(4, 8)}
"""xxreg1 is made of registers 4 to 7, first the highest 32 bits. A switch names those that are
not 0, or all as one. The value is how many bytes come behind."""


@dataclass(slots=True)
class PacketIn:
    """A packet that the switch sent, and what its pipeline had found out about it."""

    cookie: int
    frame: bytes
    in_port: int = 0
    """0 once table 4 has routed the packet."""
    realm: Realm | None = None
    """Where it came from; None in table 0, and for what the controller itself sent."""
    network: int = 0
    """reg2: the network it came from, and behind table 4 the one it goes to."""
    next_hop: Address | None = None
    """Behind table 4."""


def decode(message: bytes) -> PacketIn:
    """Decode a whole OFPT_PACKET_IN message of OpenFlow 1.3. ValueError when it is cut short."""
    try:
        _, _, _, _, cookie, _, match_length = _FIXED.unpack_from(message)
        end = _MATCH_AT + match_length
        frame_at = (end + 7) // 8 * 8 + 2
        if frame_at > len(message):
            raise ValueError("a packet-in that is cut short")
        found = PacketIn(cookie, message[frame_at:])
        at = _MATCH_AT + 4
        while at < end:
            oxm_class, field, size = _OXM.unpack_from(message, at)
            at += 4
            _note(found, (oxm_class, field >> 1), message[at : at + size])
            at += size
    except struct.error:
        raise ValueError("a packet-in that is cut short") from None
    return found


def _note(found: PacketIn, name: tuple[int, int], value: bytes) -> None:
    if name == _IN_PORT:
        found.in_port = int.from_bytes(value, "big")
    elif name == _REG1:
        found.realm = {1: Realm.INSIDE, 2: Realm.OUTSIDE}.get(int.from_bytes(value, "big"))
    elif name == _REG2:
        found.network = int.from_bytes(value, "big")
    elif name == _REG0:
        found.next_hop = IPv4Address(value)
    elif name == _XXREG1:
        found.next_hop = IPv6Address(value)
    elif name in _XXREG1_WORDS:
        so_far = int(found.next_hop) if isinstance(found.next_hop, IPv6Address) else 0
        word = int.from_bytes(value, "big") << 8 * _XXREG1_WORDS[name]
        found.next_hop = IPv6Address(so_far | word)
