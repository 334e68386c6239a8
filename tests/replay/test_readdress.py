"""What the switch translates by itself."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg import packets
from ryu_alg.inspection import Endpoint
from ryu_alg.replay.readdress import readdressed
from ryu_alg.replay.vantage import framed

PORTS = st.integers(0, 0xFFFF)


def endpoints(version: int) -> st.SearchStrategy[Endpoint]:
    return st.builds(Endpoint, st.ip_addresses(v=version), PORTS)


def built(proto: int, source: Endpoint, target: Endpoint, payload: bytes) -> bytes:
    ends = {
        "eth_src": bytes(6),
        "eth_dst": bytes(6),
        "src": source.address.packed,
        "dst": target.address.packed,
        "sport": source.port,
        "dport": target.port,
        "payload": payload,
    }
    if proto == packets.UDP:
        return packets.build_udp(**ends)[14:]
    return packets.build_tcp(**ends, seq=1, ack=2, flags=16, window=3)[14:]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from((4, 6)), st.sampled_from((packets.TCP, packets.UDP)))
def test_it_is_as_if_it_had_been_sent_that_way(
    data: st.DataObject, version: int, kind: int
) -> None:
    ends = [data.draw(endpoints(version)) for _ in range(4)]
    payload = data.draw(st.binary(max_size=40))
    packet = packets.decode(framed(built(kind, ends[0], ends[1], payload)))
    assert isinstance(packet, packets.Packet)
    expected = built(kind, ends[2], ends[3], payload)
    assert readdressed(packet, ends[2], ends[3], len(expected)) == expected


@pytest.mark.parametrize("kept", [28, 33])
def test_no_udp_checksum_stays_none(kept: int) -> None:
    ends = [Endpoint(ip_address(f"192.0.2.{n}"), n) for n in range(1, 5)]
    plain = bytearray(built(packets.UDP, ends[0], ends[1], b"hello"))
    plain[26:28] = bytes(2)
    packet = packets.decode(framed(bytes(plain)))
    assert isinstance(packet, packets.Packet)
    out = readdressed(packet, ends[2], ends[3], kept)
    assert out[26:28] == bytes(2)
    assert len(out) == kept
