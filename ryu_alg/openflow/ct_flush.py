"""Having the switch forget connections: NXT_CT_FLUSH, an extension of Open vSwitch 3.1.

The encoding is that of its nicira-ext.h (struct nx_ct_flush) and ofp-ct.c.
"""

from __future__ import annotations

import struct

from ryu_alg.inspection import Address, Transport
from ryu_alg.openflow.messages import MessageType, message

_NICIRA, _CT_FLUSH = 0x0000_2320, 32
_ORIGINAL_TUPLE, _ZONE = 0, 2
_SOURCE, _DESTINATION, _SOURCE_PORT, _DESTINATION_PORT = 0, 1, 2, 3
_HEAD = struct.pack("!II", _NICIRA, _CT_FLUSH)
_IPV4_MAPPED = bytes(10) + b"\xff\xff"
"""In front of an IPv4 address that stands for an IPv6 one (RFC 4291 section 2.5.5.2)."""


def forget(
    zone: int,
    transport: Transport,
    *,
    source: Address | None = None,
    source_port: int | None = None,
    destination: Address | None = None,
    destination_port: int | None = None,
) -> bytes:
    """The message that ends the connections whose first packet, before translation, was from
    `source` to `destination`. With all four given, the switch looks one up; otherwise it goes
    through all it has."""
    parts = b"".join(
        (
            _address(_SOURCE, source),
            _address(_DESTINATION, destination),
            _number(_SOURCE_PORT, source_port),
            _number(_DESTINATION_PORT, destination_port),
        )
    )
    first_packet = struct.pack("!HH4x", _ORIGINAL_TUPLE, 8 + len(parts)) + parts
    body = _HEAD + struct.pack("!B7x", transport) + first_packet + _number(_ZONE, zone)
    return message(MessageType.EXPERIMENTER, body)


def is_forget(sent: bytes) -> bool:
    """Whether what an error message quotes is one of these."""
    return sent[1:2] == bytes((MessageType.EXPERIMENTER,)) and sent[8:16] == _HEAD


def _address(kind: int, address: Address | None) -> bytes:
    if address is None:
        return b""
    mapped = _IPV4_MAPPED if address.version == 4 else b""
    return struct.pack("!HH16s4x", kind, 20, mapped + address.packed)


def _number(kind: int, number: int | None) -> bytes:
    return b"" if number is None else struct.pack("!HHH2x", kind, 8, number)
