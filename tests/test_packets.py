"""packets: what is built is read back, with dpkt as the oracle; what is garbage never raises."""

from __future__ import annotations

import struct

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg import packets
from ryu_alg.packets import IcmpError, Malformed, Packet

MAC_A = bytes.fromhex("02a160000001")
MAC_B = bytes.fromhex("02a160000002")

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
mac = st.binary(min_size=6, max_size=6)


def pair(size: int) -> st.SearchStrategy[tuple[bytes, bytes]]:
    address = st.binary(min_size=size, max_size=size)
    return st.tuples(address, address)


addresses = st.one_of(pair(4), pair(16))
words = st.integers(0, 10).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))
tcp_fields = st.fixed_dictionaries(
    {
        "eth_src": mac,
        "eth_dst": mac,
        "sport": u16,
        "dport": u16,
        "seq": u32,
        "ack": u32,
        "flags": u8,
        "window": u16,
        "payload": st.binary(max_size=1500),
        "options": words,
        "urgent": u16,
        "ttl": u8,
        "tos": u8,
    }
)


def view(frame: bytes) -> Packet:
    packet = packets.decode(frame)
    assert isinstance(packet, Packet), packet
    return packet


def tcp(src: bytes = b"\x0a\0\0\1", dst: bytes = b"\x0a\0\0\2", **fields: object) -> bytes:
    given: dict[str, object] = {
        "eth_src": MAC_A,
        "eth_dst": MAC_B,
        "sport": 40000,
        "dport": 21,
        "seq": 1000,
        "ack": 2000,
        "flags": 0x18,
        "window": 512,
    }
    return packets.build_tcp(src=src, dst=dst, **(given | fields))  # type: ignore[arg-type]


def ipv4(proto: int, data: bytes, **fields: object) -> bytes:
    """An Ethernet frame around an IPv4 packet made by dpkt, checksums included."""
    ip = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=proto, data=data, **fields)
    ip.len = len(ip)
    return bytes(dpkt.ethernet.Ethernet(src=MAC_A, dst=MAC_B, type=0x0800, data=bytes(ip)))


def ipv6(following: int, data: bytes, length: int | None = None) -> bytes:
    header = struct.pack("!IHBB", 6 << 28, len(data) if length is None else length, following, 64)
    return (
        MAC_B
        + MAC_A
        + b"\x86\xdd"
        + header
        + b"\x20"
        + bytes(14)
        + b"\1"
        + bytes(15)
        + b"\2"
        + data
    )


@given(addresses, tcp_fields)
def test_tcp_round_trip(ends: tuple[bytes, bytes], fields: dict[str, object]) -> None:
    src, dst = ends
    packet = view(packets.build_tcp(src=src, dst=dst, **fields))  # type: ignore[arg-type]
    read = {name: getattr(packet, name) for name in fields}
    assert read == fields
    assert (packet.src, packet.dst, packet.proto, packet.vlan) == (src, dst, packets.TCP, -1)
    assert packet.version == (4 if len(src) == 4 else 6)
    assert not packet.fragmented
    assert packets.checksums_ok(packet)


@given(addresses, tcp_fields)
def test_built_tcp_is_what_dpkt_would_have_built(
    ends: tuple[bytes, bytes], fields: dict[str, object]
) -> None:
    frame = packets.build_tcp(src=ends[0], dst=ends[1], **fields)  # type: ignore[arg-type]
    ip = dpkt.ethernet.Ethernet(frame).data
    segment = ip.data
    assert (segment.sport, segment.dport, segment.seq, segment.ack) == tuple(
        fields[name] for name in ("sport", "dport", "seq", "ack")
    )
    assert segment.data == fields["payload"]
    if len(ends[0]) == 4:
        assert (ip.id, ip.df, ip.mf, ip.len) == (0, 1, 0, len(frame) - 14)
        ip.sum = 0
        segment.sum = 0
        assert bytes(ip) == frame[14:]
    else:
        pseudo = ends[0] + ends[1] + struct.pack("!II", len(frame) - 54, 6)
        sent, segment.sum = segment.sum, 0
        assert dpkt.in_cksum(pseudo + bytes(segment)) % 0xFFFF == sent % 0xFFFF


@given(st.binary(min_size=1, max_size=2000))
def test_checksum_agrees_with_dpkt(data: bytes) -> None:
    ours = packets._checksum(packets._sum(data))
    assert ours % 0xFFFF == dpkt.in_cksum(data) % 0xFFFF


@given(addresses, tcp_fields, st.data())
def test_a_changed_bit_is_noticed(
    ends: tuple[bytes, bytes], fields: dict[str, object], data: st.DataObject
) -> None:
    frame = bytearray(packets.build_tcp(src=ends[0], dst=ends[1], **fields))  # type: ignore[arg-type]
    start = 14 if len(ends[0]) == 4 else 22  # IPv6's first 8 bytes have no checksum
    at = data.draw(st.integers(start, len(frame) - 1))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    packet = packets.decode(bytes(frame))
    if isinstance(packet, Packet) and packet.proto == packets.TCP and not packet.fragmented:
        assert not packets.checksums_ok(packet)


@given(st.binary(max_size=200))
def test_garbage_never_raises(data: bytes) -> None:
    for frame in (
        data,
        MAC_A + MAC_B + b"\x08\x00" + data,
        MAC_A + MAC_B + b"\x86\xdd" + data,
        MAC_A + MAC_B + b"\x81\0\0\1\x08\0\x45" + data,
        MAC_A + MAC_B + b"\x86\xdd\x60" + data,
        ipv4(1, b"\3\4\0\0" + data),
        ipv4(6, data),
        ipv4(17, data),
        ipv6(58, b"\2\0" + data),
        ipv6(44, data),
    ):
        packet = packets.decode(frame)
        if isinstance(packet, Packet):
            packets.checksums_ok(packet)
            packets.icmp_error(packet)


@given(addresses, tcp_fields, st.data())
def test_damaged_frames_never_raise(
    ends: tuple[bytes, bytes], fields: dict[str, object], data: st.DataObject
) -> None:
    frame = bytearray(packets.build_tcp(src=ends[0], dst=ends[1], **fields))  # type: ignore[arg-type]
    for _ in range(data.draw(st.integers(1, 6))):
        frame[data.draw(st.integers(12, len(frame) - 1))] = data.draw(u8)
    packet = packets.decode(bytes(frame[: data.draw(st.integers(0, len(frame)))]))
    if isinstance(packet, Packet):
        packets.checksums_ok(packet)
        packets.icmp_error(packet)


def test_every_truncation_is_malformed() -> None:
    for frame in (tcp(payload=b"NOOP\r\n"), tcp(bytes(16), bytes(16), payload=b"NOOP\r\n")):
        for size in range(len(frame)):
            assert packets.decode(frame[:size]) is Malformed.TRUNCATED


def test_vlan_tag_and_padding() -> None:
    frame = tcp(payload=b"X")
    packet = view(frame[:12] + b"\x81\0\xa1\x23" + frame[12:] + b"padding")
    assert (packet.vlan, packet.payload, packet.dport) == (0x123, b"X", 21)
    assert packets.checksums_ok(packet)


def test_a_second_tag_is_not_ip() -> None:
    frame = tcp()
    assert packets.decode(frame[:12] + 2 * b"\x81\0\0\5" + frame[12:]) is Malformed.NOT_IP


def test_short_options_are_padded_and_long_ones_refused() -> None:
    assert view(tcp(options=b"\x03\x03\x07", payload=b"x")).options == b"\x03\x03\x07\0"
    with pytest.raises(ValueError, match="40 bytes"):
        tcp(options=bytes(41))


def test_ipv4_options_are_skipped() -> None:
    packet = view(
        ipv4(
            17,
            bytes(dpkt.udp.UDP(sport=1, dport=2, ulen=11, data=b"abc")),
            hl=6,
            opts=b"\x94\4\0\0",
        )
    )
    assert (packet.sport, packet.dport, packet.payload) == (1, 2, b"abc")
    assert packets.checksums_ok(packet)


@pytest.mark.parametrize("option", [b"\x83\3\4\0", b"\x01\x89\3\4", b"\x89\2\0\0"])
def test_ipv4_source_route(option: bytes) -> None:
    assert packets.decode(ipv4(17, bytes(8), hl=6, opts=option)) is Malformed.SOURCE_ROUTE


@pytest.mark.parametrize("option", [b"\x94\0\0\0", b"\x94\5\0\0", b"\1\1\1\x94"])
def test_ipv4_options_that_do_not_fit(option: bytes) -> None:
    assert packets.decode(ipv4(17, bytes(8), hl=6, opts=option)) is Malformed.HEADER


def test_udp_length_rules() -> None:
    datagram = struct.pack("!HHHH", 5, 6, 10, 0) + b"abcd"
    packet = view(ipv4(17, datagram))
    assert packet.payload == b"ab"
    assert packets.checksums_ok(packet)  # 0: none was computed
    assert packets.decode(ipv4(17, struct.pack("!HHHH", 5, 6, 7, 0))) is Malformed.HEADER
    assert packets.decode(ipv4(17, struct.pack("!HHHH", 5, 6, 9, 0))) is Malformed.TRUNCATED
    assert not packets.checksums_ok(view(ipv6(17, datagram)))


@given(st.binary(max_size=64))
def test_udp_checksum(payload: bytes) -> None:
    frame = ipv4(17, dpkt.udp.UDP(sport=5, dport=6, ulen=8 + len(payload), data=payload))
    packet = view(frame)
    assert packet.payload == payload
    assert packets.checksums_ok(packet)
    if packet.frame[packet.l4 + 6 : packet.l4 + 8] not in (b"\0\0", b"\xff\xff"):
        damaged = bytearray(frame)
        damaged[packet.l4] ^= 0x40
        assert not packets.checksums_ok(view(bytes(damaged)))


def test_ipv4_fragments() -> None:
    first = view(ipv4(17, struct.pack("!HHHH", 5, 6, 4000, 1) + bytes(16), mf=1, id=7))
    assert (first.more_fragments, first.fragment_offset, first.fragment_id) == (True, 0, 7)
    assert (first.fragmented, first.sport, first.payload) == (True, 5, bytes(16))
    later = view(ipv4(17, b"\0\5\0\6rest", offset=185, id=7))
    assert (later.fragment_offset, later.sport, later.payload) == (1480, 0, b"\0\5\0\6rest")
    assert packets.checksums_ok(first)
    assert packets.checksums_ok(later)


def test_fragments_that_hide_a_tcp_header() -> None:
    segment = tcp(payload=b"x" * 40)[34:]
    assert packets.decode(ipv4(6, segment[:16], mf=1)) is Malformed.FRAGMENT
    assert packets.decode(ipv4(6, segment[8:], offset=1)) is Malformed.FRAGMENT
    assert view(ipv4(6, segment[24:], offset=3)).payload == segment[24:]


def test_ipv6_extension_headers() -> None:
    segment = tcp(b"\x20" + bytes(14) + b"\1", bytes(15) + b"\2", payload=b"x")[54:]
    hop_by_hop = b"\x2b\0\1\4\0\0\0\0"
    routing_done = b"\x3c\2\0\0" + bytes(20)
    destination = b"\x2c\0\1\4\0\0\0\0"
    atomic = b"\6\0\0\0\0\0\0\x09"
    packet = view(ipv6(0, hop_by_hop + routing_done + destination + atomic + segment))
    assert (packet.proto, packet.dport, packet.payload) == (6, 21, b"x")
    assert not packet.fragmented
    assert packet.fragment_id == 9
    assert packets.checksums_ok(packet)


def test_ipv6_extension_headers_that_are_refused() -> None:
    again = b"\0\0\1\4\0\0\0\0"
    assert packets.decode(ipv6(0, again * 9)) is Malformed.EXTENSIONS
    assert packets.decode(ipv6(0, again)) is Malformed.TRUNCATED
    assert packets.decode(ipv6(0, b"\6\xff" + bytes(6))) is Malformed.TRUNCATED
    assert packets.decode(ipv6(43, b"\6\0\4\1" + bytes(4))) is Malformed.SOURCE_ROUTE


def test_ipv6_fragments() -> None:
    later = view(ipv6(44, b"\x11\0" + struct.pack("!HI", 1480 | 1, 77) + b"rest"))
    assert (later.fragment_offset, later.more_fragments, later.fragment_id) == (1480, True, 77)
    assert (later.proto, later.payload) == (17, b"rest")
    assert packets.decode(ipv6(44, b"\6\0\0\1\0\0\0\1" + bytes(12))) is Malformed.FRAGMENT


def test_other_protocols_have_only_a_payload() -> None:
    packet = view(ipv4(47, b"gre"))
    assert (packet.payload, packet.sport, packet.type) == (b"gre", 0, -1)
    assert packets.checksums_ok(packet)
    assert packets.icmp_error(packet) is None
    assert view(ipv4(58, b"\2\0" + bytes(60))).type == -1


def test_header_contradictions() -> None:
    good = tcp()
    assert packets.decode(good[:14] + b"\x65" + good[15:]) is Malformed.HEADER
    assert packets.decode(good[:14] + b"\x44" + good[15:]) is Malformed.HEADER
    assert packets.decode(good[:16] + b"\0\x13" + good[18:]) is Malformed.HEADER
    assert packets.decode(good[:46] + b"\x40" + good[47:]) is Malformed.HEADER
    assert packets.decode(good[:46] + b"\x60" + good[47:]) is Malformed.TRUNCATED
    assert packets.decode(good[:12] + b"\x08\x06" + good[14:]) is Malformed.NOT_IP


def test_echo_is_not_an_error() -> None:
    packet = view(ipv4(1, bytes(dpkt.icmp.ICMP(type=8, data=dpkt.icmp.ICMP.Echo(id=1, data=b"x")))))
    assert (packet.type, packet.payload) == (8, b"x")
    assert packets.checksums_ok(packet)
    assert packets.icmp_error(packet) is None


def unreachable(quoted: bytes, mtu: int = 1400, type_: int = 3, code: int = 4) -> bytes:
    message = struct.pack("!BBHHH", type_, code, 0, 0, mtu) + quoted
    checksum = dpkt.in_cksum(message)
    return ipv4(1, message[:2] + struct.pack("!H", checksum) + message[4:])


def too_big(quoted: bytes, mtu: int = 1300) -> bytes:
    message = struct.pack("!BBHI", 2, 0, 0, mtu) + quoted
    bare = ipv6(58, message)
    pseudo = bare[22:54] + struct.pack("!II", len(message), 58)
    return ipv6(58, message[:2] + struct.pack("!H", dpkt.in_cksum(pseudo + message)) + message[4:])


def error_in(frame: bytes) -> IcmpError:
    error = packets.icmp_error(view(frame))
    assert error is not None
    return error


def test_icmp_error_view() -> None:
    quoted = tcp(b"\xcb\0\x71\1", b"\xc6\x33\x64\2", sport=50000, seq=77)[14:]
    error = error_in(unreachable(quoted))
    assert (error.type, error.code, error.mtu) == (3, 4, 1400)
    assert (error.src, error.dst, error.proto) == (b"\xcb\0\x71\1", b"\xc6\x33\x64\2", 6)
    assert (error.sport, error.dport, error.seq) == (50000, 21, 77)
    assert error_in(unreachable(quoted[:28], code=1)).mtu == 0
    assert packets.icmp_error(view(unreachable(quoted[:27]))) is None
    assert packets.icmp_error(view(unreachable(quoted[:19]))) is None
    assert packets.icmp_error(view(unreachable(b"\x65" + quoted[1:]))) is None
    assert packets.icmp_error(view(unreachable(b"\x42" + quoted[1:]))) is None
    assert packets.icmp_error(view(unreachable(quoted[:6] + b"\0\5" + quoted[8:]))) is None
    assert packets.icmp_error(view(unreachable(quoted[:9] + b"\x2f" + quoted[10:]))) is None


def test_icmpv6_error_view() -> None:
    quoted = tcp(b"\x20" + bytes(15), b"\x21" + bytes(15), sport=50000, seq=77)[14:]
    error = error_in(too_big(quoted))
    assert packets.checksums_ok(error.packet)
    assert (error.type, error.mtu, error.sport, error.dport, error.seq) == (2, 1300, 50000, 21, 77)
    extended = quoted[:6] + b"\x3c" + quoted[7:40] + b"\6\0\1\4\0\0\0\0" + quoted[40:]
    assert error_in(too_big(extended)).dport == 21
    later = quoted[:6] + b"\x2c" + quoted[7:40] + b"\6\0\0\x10\0\0\0\0" + quoted[40:]
    assert packets.icmp_error(view(too_big(later))) is None
    assert packets.icmp_error(view(too_big(quoted[:39]))) is None
    assert packets.icmp_error(view(too_big(quoted[:6] + b"\x3c" + quoted[7:41]))) is None


ends8 = st.fixed_dictionaries({"sport": u16, "dport": u16, "seq": u32})


@given(st.sampled_from((4, 16)), st.data(), ends8, ends8, st.sampled_from((8, 16, 18, 20, 60)))
def test_icmp_error_about_tcp_is_rewritten(
    size: int, data: st.DataObject, was: dict[str, int], now: dict[str, int], quote: int
) -> None:
    src, dst = data.draw(pair(size))
    new_src, new_dst = data.draw(pair(size))
    outer_src, outer_dst = data.draw(pair(size))
    header = 20 if size == 4 else 40
    quoted = tcp(src, dst, payload=b"q" * 40, **was)[14:][: header + quote]
    frame = unreachable(quoted) if size == 4 else too_big(quoted)
    rebuilt = packets.build_icmp_error(
        error_in(frame),
        eth_src=MAC_B,
        eth_dst=MAC_A,
        src=outer_src,
        dst=outer_dst,
        quoted_src=new_src,
        quoted_dst=new_dst,
        quoted_sport=now["sport"],
        quoted_dport=now["dport"],
        quoted_seq=now["seq"],
    )
    packet = view(rebuilt)
    assert packets.checksums_ok(packet)
    assert (packet.src, packet.dst, packet.eth_src) == (outer_src, outer_dst, MAC_B)
    error = error_in(rebuilt)
    assert (error.src, error.dst) == (new_src, new_dst)
    assert {name: getattr(error, name) for name in now} == now
    assert error.mtu == (1400 if size == 4 else 1300)
    # What the quoted packet's own sender put on the wire, checksums included.
    expected = tcp(new_src, new_dst, payload=b"q" * 40, **now)[14:][: header + quote]
    assert rebuilt[error.l3 :][: len(expected)] == expected


@given(pair(4), pair(4), u16, u16, st.binary(max_size=20), st.booleans())
def test_icmp_error_about_udp_is_rewritten(
    was: tuple[bytes, bytes],
    now: tuple[bytes, bytes],
    sport: int,
    dport: int,
    data: bytes,
    summed: bool,
) -> None:
    def datagram(ends: tuple[bytes, bytes], sport: int, dport: int) -> bytes:
        udp = dpkt.udp.UDP(sport=sport, dport=dport, ulen=8 + len(data), data=data)
        ip = dpkt.ip.IP(src=ends[0], dst=ends[1], p=17, data=udp)
        ip.len = len(ip)
        made = bytes(ip)
        return made if summed else made[:26] + b"\0\0" + made[28:]

    rebuilt = packets.build_icmp_error(
        error_in(unreachable(datagram(was, 5000, 69), code=3)),
        eth_src=MAC_B,
        eth_dst=MAC_A,
        src=now[1],
        dst=now[0],
        quoted_src=now[0],
        quoted_dst=now[1],
        quoted_sport=sport,
        quoted_dport=dport,
    )
    assert packets.checksums_ok(view(rebuilt))
    error = error_in(rebuilt)
    assert error.seq == 0
    assert rebuilt[error.l3 :] == datagram(now, sport, dport)


udp_fields = st.fixed_dictionaries(
    {
        "eth_src": mac,
        "eth_dst": mac,
        "sport": u16,
        "dport": u16,
        "payload": st.binary(max_size=3000),
        "ttl": u8,
        "tos": u8,
    }
)


@given(addresses, udp_fields)
def test_udp_round_trip(ends: tuple[bytes, bytes], fields: dict[str, object]) -> None:
    src, dst = ends
    packet = view(packets.build_udp(src=src, dst=dst, **fields))  # type: ignore[arg-type]
    assert {name: getattr(packet, name) for name in fields} == fields
    assert (packet.src, packet.dst, packet.proto, packet.vlan) == (src, dst, packets.UDP, -1)
    assert not packet.fragmented
    assert packets.checksums_ok(packet)


@given(addresses, udp_fields, u16)
def test_built_udp_is_what_dpkt_would_have_built(
    ends: tuple[bytes, bytes], fields: dict[str, object], number: int
) -> None:
    frame = packets.build_udp(
        src=ends[0],
        dst=ends[1],
        identification=number,
        **fields,  # type: ignore[arg-type]
    )
    ip = dpkt.ethernet.Ethernet(frame).data
    datagram = ip.data
    assert (datagram.sport, datagram.dport) == (fields["sport"], fields["dport"])
    assert datagram.data == fields["payload"]
    assert datagram.sum != 0
    if len(ends[0]) == 4:
        assert (ip.id, ip.df, ip.mf, ip.len) == (number, 0, 0, len(frame) - 14)
        ip.sum = 0
        datagram.sum = 0
        assert bytes(ip) == frame[14:]


def test_a_udp_checksum_of_0_is_written_as_its_other_zero() -> None:
    for filler in range(0x10000):
        frame = packets.build_udp(
            eth_src=MAC_A,
            eth_dst=MAC_B,
            src=b"\x0a\0\0\1",
            dst=b"\x0a\0\0\2",
            sport=1,
            dport=2,
            payload=filler.to_bytes(2, "big"),
        )
        if frame[40:42] == b"\xff\xff":
            break
        assert frame[40:42] != b"\0\0"
    else:
        pytest.fail("no payload has that checksum")
    assert packets.checksums_ok(view(frame))


def plain(frame: bytes) -> object:
    return packets.plain_tcp(frame) or packets.plain_udp(frame)


def in_two_steps(frame: bytes) -> object:
    """What `plain_tcp` and `plain_udp` are a shorter way to; None where they do not go."""
    packet = packets.decode(frame)
    if isinstance(packet, Malformed) or packet.fragmented or not packets.checksums_ok(packet):
        return None
    if packet.l4 - packet.l3 != (20 if packet.version == 4 else 40):
        return None
    ends = packet.src, packet.dst, packet.sport, packet.dport
    ip = packet.ttl, packet.tos
    if packet.proto == packets.TCP:
        numbers = packet.seq, packet.ack, packet.flags, packet.window
        return *ends, *numbers, packet.payload, packet.options, packet.urgent, *ip
    if packet.proto == packets.UDP and packet.l4 + 8 + len(packet.payload) == packet.end:
        return *ends, packet.payload, *ip
    return None


built = st.one_of(
    st.builds(
        lambda ends, fields: packets.build_tcp(src=ends[0], dst=ends[1], **fields),
        addresses,
        tcp_fields,
    ),
    st.builds(
        lambda ends, fields: packets.build_udp(src=ends[0], dst=ends[1], **fields),
        addresses,
        udp_fields,
    ),
)


@given(built, st.booleans(), st.binary(max_size=8))
def test_a_plain_packet_is_read_in_one_step(frame: bytes, tagged: bool, padding: bytes) -> None:
    if tagged:
        frame = frame[:12] + b"\x81\0\0\7" + frame[12:]
    frame += padding
    assert plain(frame) == in_two_steps(frame) is not None


@given(built, st.booleans(), st.data())
def test_what_is_not_plain_is_left_to_the_general_way(
    frame: bytes, tagged: bool, data: st.DataObject
) -> None:
    if tagged:
        frame = frame[:12] + b"\x81\0\0\7" + frame[12:]
    changed = bytearray(frame)
    at = data.draw(st.integers(0, min(len(frame), 90) - 1))
    changed[at] = data.draw(u8)
    if len(changed) > 34 and changed[12:14] == b"\x08\0" and data.draw(st.booleans()):
        packets.renew_ipv4_checksum(changed, 14, 34)
    cut = bytes(changed[: data.draw(st.integers(0, len(frame)))])
    assert plain(bytes(changed)) == in_two_steps(bytes(changed))
    assert plain(cut) == in_two_steps(cut)


def test_udp_without_a_checksum_is_plain_over_ipv4_only() -> None:
    for src in (b"\x0a\0\0\1", bytes(15) + b"\1"):
        frame = bytearray(
            packets.build_udp(
                eth_src=MAC_A, eth_dst=MAC_B, src=src, dst=src, sport=1, dport=2, payload=b"x"
            )
        )
        frame[-3:-1] = b"\0\0"
        assert (plain(bytes(frame)) is not None) == (len(src) == 4)
        assert plain(bytes(frame)) == in_two_steps(bytes(frame))
