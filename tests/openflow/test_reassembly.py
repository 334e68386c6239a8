"""Reassembly: whatever the order, the datagram or nothing; and never more than the bounds."""

from __future__ import annotations

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg import packets
from ryu_alg.openflow.fragmentation import fragments
from ryu_alg.openflow.reassembly import TIMEOUT, Limits, Reassembly, Unusable, Whole

INSIDE = {4: bytes((192, 168, 10, 2)), 6: bytes(15) + b"\x02"}
OUTSIDE = {4: bytes((203, 0, 113, 50)), 6: bytes(15) + b"\x03"}
X = b"\0\0\0\0\0\x08\0\0" * 2
"""Content that passes for a UDP header."""
A = b"\0\1\0\0\0\x08\0\0"
versions = st.sampled_from((4, 6))


def datagram(payload: bytes, version: int = 4, host: bytes | None = None) -> bytes:
    return packets.build_udp(
        eth_src=bytes(6),
        eth_dst=bytes(6),
        src=host or INSIDE[version],
        dst=OUTSIDE[version],
        sport=5060,
        dport=5061,
        payload=payload,
        ttl=33,
        tos=0xB8,
    )


def view(frame: bytes) -> packets.Packet:
    packet = packets.decode(frame)
    assert isinstance(packet, packets.Packet), packet
    return packet


def pieces(payload: bytes, version: int = 4, *, number: int = 7, mtu: int = 600) -> list[bytes]:
    return fragments(datagram(payload, version), number, mtu)


def part(data: bytes, offset: int, *, more: bool, number: int = 7) -> packets.Packet:
    """An IPv4 fragment with any content at any place."""
    frame = bytearray(
        packets.build_ip(
            eth_src=bytes(6),
            eth_dst=bytes(6),
            src=INSIDE[4],
            dst=OUTSIDE[4],
            proto=packets.UDP,
            data=data,
            identification=number,
        )
    )
    frame[20:22] = (offset // 8 | (0x2000 if more else 0)).to_bytes(2, "big")
    return view(bytes(frame))


@given(st.binary(max_size=9000), versions, st.integers(1280, 1500), st.randoms())
def test_what_was_fragmented_is_whole_again_in_any_order(
    payload: bytes, version: int, mtu: int, random: object
) -> None:
    frame = datagram(payload, version)
    sent = fragments(frame, 0xABCD1234, mtu)
    assert all(len(piece) - 14 <= mtu for piece in sent)
    if len(frame) - 14 <= mtu:
        assert sent == [frame]
        return
    shuffled = [*sent, *sent[:1]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    reassembly = Reassembly()
    results = [reassembly.add(view(piece), 1.0) for piece in shuffled]
    wholes = [result for result in results if isinstance(result, Whole)]
    # The repeated one, when it comes last, begins another datagram.
    assert len(wholes) == 1
    assert wholes[0].frame[14:] == frame[14:]
    assert sorted(wholes[0].fragments) == sorted(sent)
    assert len(reassembly) == (shuffled[-1] == sent[0] and results[-1] is None)
    assert not any(isinstance(result, Unusable) for result in results)


@given(st.binary(min_size=1473, max_size=9000), versions)
def test_fragments_are_what_dpkt_reads(payload: bytes, version: int) -> None:
    whole = b""
    for piece in fragments(datagram(payload, version), 0xABCD1234):
        ip = dpkt.ethernet.Ethernet(piece).data
        if version == 4:
            assert (ip.id, ip.offset * 8, ip.df) == (0x1234, len(whole), 0)
            assert (ip.ttl, ip.tos) == (33, 0xB8)
            assert dpkt.in_cksum(piece[14:34]) == 0
            data, more = piece[34:], ip.mf
        else:
            header = ip.extension_hdrs[44]
            assert (header.id, header.frag_off * 8, header.nxt) == (0xABCD1234, len(whole), 17)
            data, more = piece[62:], header.m_flag
            assert ip.plen == 8 + len(data)
        whole += data
        assert bool(more) == (len(whole) < 8 + len(payload))
    assert whole[8:] == payload


def test_a_missing_fragment_is_waited_for_until_the_time_is_up() -> None:
    first, second = pieces(b"x" * 1000)[:2]
    reassembly = Reassembly()
    assert reassembly.add(view(first), 100.0) is None
    assert reassembly.expire(100.0 + TIMEOUT - 0.1) == 0
    assert len(reassembly) == 1
    assert reassembly.expire(100.0 + TIMEOUT) == 1
    assert len(reassembly) == 0
    assert reassembly.add(view(second), 100.0 + TIMEOUT) is None


@pytest.mark.parametrize(
    ("data", "offset", "more"),
    [
        (A + A, 8, True),  # over the end of the first, and beyond
        (A, 0, True),  # within it
        (A + A, 0, True),  # the same place, another content
        (X, 0, False),  # the same, but the last
    ],
)
def test_an_overlap_drops_the_datagram_and_what_is_left_of_it(
    data: bytes, offset: int, more: bool
) -> None:
    reassembly = Reassembly()
    assert reassembly.add(part(X, 0, more=True), 1.0) is None
    assert reassembly.add(part(data, offset, more=more), 1.0) is Unusable.OVERLAP
    assert reassembly.add(part(X, 0, more=True), 1.0) is Unusable.OVERLAP
    assert reassembly.add(part(X, 16, more=False), 1.0) is Unusable.OVERLAP
    other = reassembly.add(part(X, 0, more=True, number=8), 1.0)
    assert other is None
    reassembly.expire(1.0 + TIMEOUT)
    assert len(reassembly) == 0


def test_the_end_stays_where_it_was() -> None:
    reassembly = Reassembly()
    assert reassembly.add(part(X, 32, more=False), 1.0) is None
    assert reassembly.add(part(X, 48, more=True), 1.0) is Unusable.OVERLAP
    assert reassembly.add(part(X, 32, more=True, number=8), 1.0) is None
    assert reassembly.add(part(X, 16, more=False, number=8), 1.0) is Unusable.OVERLAP


def test_a_fragment_ends_where_one_can() -> None:
    reassembly = Reassembly()
    assert reassembly.add(part(b"x" * 12, 0, more=True), 1.0) is Unusable.LENGTH
    assert reassembly.add(part(b"", 8, more=False), 1.0) is Unusable.LENGTH
    assert reassembly.add(part(b"x" * 1400, 0xFFF8, more=False), 1.0) is Unusable.OVERSIZE
    assert len(reassembly) == 0


def test_the_newest_is_refused_over_a_bound() -> None:
    reassembly = Reassembly(Limits(fragments=2, datagrams_per_host=2, datagrams=3))

    def begin(number: int, host: int) -> object:
        frame = fragments(datagram(b"x" * 1000, host=bytes((10, 0, 0, host))), number, 600)[0]
        return reassembly.add(view(frame), 1.0)

    assert begin(1, 1) is None
    assert begin(2, 1) is None
    assert begin(3, 1) is Unusable.HOST_FULL
    assert begin(1, 2) is None
    assert begin(1, 3) is Unusable.FULL

    small = Reassembly(Limits(fragments=2))
    assert small.add(part(X[:8], 0, more=True), 1.0) is None
    assert small.add(part(X[:8], 8, more=True), 1.0) is None
    assert small.add(part(X[:8], 16, more=True), 1.0) is Unusable.PIECES


fragment_streams = st.lists(
    st.tuples(
        st.integers(0, 3),  # sender
        st.integers(0, 3),  # identification
        st.integers(0, 12).map(lambda n: n * 8),  # offset
        st.integers(8, 40),  # length
        st.booleans(),  # more
        st.floats(0, 20),  # time since the one before
    ),
    max_size=60,
)


@given(fragment_streams)
def test_the_bounds_hold_and_nothing_is_left_behind(
    stream: list[tuple[int, int, int, int, bool, float]],
) -> None:
    limits = Limits(fragments=4, datagrams_per_host=2, bytes_per_host=200, datagrams=5, bytes=400)
    reassembly = Reassembly(limits)
    now = 0.0
    for host, number, offset, length, more, passed in stream:
        now += passed
        fragment = part((X * 3)[:length], offset, more=more, number=number)
        fragment.src = bytes((10, 0, 0, host))
        reassembly.add(fragment, now)
        held = reassembly._waiting.values()
        assert len(held) <= limits.datagrams
        assert sum(reassembly._bytes.values()) == reassembly._all_bytes <= limits.bytes
        assert reassembly._all_bytes == sum(sum(map(len, one.frames)) for one in held)
        assert all(count <= limits.datagrams_per_host for count in reassembly._datagrams.values())
        assert all(count <= limits.bytes_per_host for count in reassembly._bytes.values())
        assert all(len(one.parts) <= limits.fragments for one in held)
    reassembly.expire(now + TIMEOUT)
    assert len(reassembly) == 0
    assert not reassembly._bytes and not reassembly._datagrams
