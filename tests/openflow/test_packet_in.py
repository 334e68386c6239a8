"""Reading packet-in messages."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection import Realm
from ryu_alg.openflow.messages import GarbageError
from ryu_alg.openflow.packet_in import PacketIn, decode

IN_PORT = struct.pack("!HBBI", 0x8000, 0, 4, 3)
REG0 = struct.pack("!HBB4s", 1, 0, 4, ip_address("192.0.2.7").packed)
REG1 = struct.pack("!HBBI", 1, 1 << 1, 4, 2)
REG2 = struct.pack("!HBBI", 1, 2 << 1, 4, 4)
XXREG1 = struct.pack("!HBB16s", 1, 112 << 1, 16, ip_address("2001:db8::7").packed)
CT_STATE = struct.pack("!HBBII", 1, 105 << 1 | 1, 8, 1, 1)


def message(oxm: bytes, frame: bytes = b"frame") -> bytes:
    match = struct.pack("!HH", 1, 4 + len(oxm)) + oxm
    match += bytes(-len(match) % 8)
    body = struct.pack("!IHBBQ", 0xFFFF_FFFF, len(frame), 1, 3, 0xA16) + match + b"\0\0" + frame
    return struct.pack("!BBHI", 4, 10, 8 + len(body), 0) + body


def test_what_the_pipeline_found_out() -> None:
    assert decode(message(IN_PORT + REG1 + CT_STATE + REG2)) == PacketIn(
        0xA16, b"frame", 3, Realm.OUTSIDE, 4
    )


@pytest.mark.parametrize(("register", "hop"), [(REG0, "192.0.2.7"), (XXREG1, "2001:db8::7")])
def test_the_next_hop(register: bytes, hop: str) -> None:
    found = decode(message(register))
    assert found.next_hop == ip_address(hop)
    assert (found.in_port, found.realm, found.network) == (0, None, 0)


@given(st.integers(0, 60))
def test_a_message_that_is_cut_short(size: int) -> None:
    whole = message(IN_PORT + REG1 + REG2, b"")
    if size >= len(whole) - 8:
        return
    with pytest.raises(GarbageError, match="cut short"):
        decode(whole[:size])


def test_a_field_that_is_too_short() -> None:
    reg0 = struct.pack("!HBB", 1, 0, 3) + b"\x0a\0\0"
    with pytest.raises(GarbageError):
        decode(message(reg0, b""))
