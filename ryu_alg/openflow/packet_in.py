"""Packet-in messages, as far as the gateway needs them: by struct, without per-field objects."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from ryu_alg.inspection import Address, Realm
from ryu_alg.openflow.messages import GarbageError

_FIXED = struct.Struct("!16xQ2xH")
_MATCH_AT = _FIXED.size - 4
_OXM_AT = _FIXED.size
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
    """Decode a whole OFPT_PACKET_IN message of OpenFlow 1.3. GarbageError when it is cut
    short, or a field of its match is."""
    try:
        cookie, match_length = _FIXED.unpack_from(message)
        end = _MATCH_AT + match_length
        frame_at = (end + 7) // 8 * 8 + 2
        if frame_at > len(message):
            raise GarbageError("a packet-in that is cut short")
        found = _found_out(message[_OXM_AT:end])
    except (struct.error, AddressValueError):
        raise GarbageError("a packet-in that is cut short") from None
    return PacketIn(cookie, message[frame_at:], *found)


@lru_cache(maxsize=1024)
def _found_out(match: bytes) -> tuple[int, Realm | None, int, Address | None]:
    """What the fields of a match say, as the last ones of `PacketIn`. It is the same for all
    control packets that come in by one port."""
    in_port, network = 0, 0
    realm: Realm | None = None
    next_hop: Address | None = None
    at = 0
    while at < len(match):
        oxm_class, field, size = _OXM.unpack_from(match, at)
        at += 4
        name, value = (oxm_class, field >> 1), match[at : at + size]
        at += size
        if name == _IN_PORT:
            in_port = int.from_bytes(value, "big")
        elif name == _REG1:
            realm = {1: Realm.INSIDE, 2: Realm.OUTSIDE}.get(int.from_bytes(value, "big"))
        elif name == _REG2:
            network = int.from_bytes(value, "big")
        elif name == _REG0:
            next_hop = IPv4Address(value)
        elif name == _XXREG1:
            next_hop = IPv6Address(value)
        elif name in _XXREG1_WORDS:
            so_far = int(next_hop) if isinstance(next_hop, IPv6Address) else 0
            word = int.from_bytes(value, "big") << 8 * _XXREG1_WORDS[name]
            next_hop = IPv6Address(so_far | word)
    return in_port, realm, network, next_hop
