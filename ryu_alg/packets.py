"""Header views over an Ethernet frame, checksums, and building frames.

RFC 791, 8200 (IP), 9293 (TCP), 768 (UDP), 792, 4443 and 4884 (ICMP), 1071 and 1624
(checksums), 1858 and 3128 (fragments that hide a TCP header).

Nothing a host sends makes `decode` raise: what cannot be read is a `Malformed`. Addresses and
MAC addresses are packed bytes, lengths and offsets are in bytes, numbers as on the wire.
"""

from __future__ import annotations

import struct
from enum import Enum

ICMP = 1
TCP = 6
UDP = 17
ICMPV6 = 58

LONGEST_UDP = 65_507
"""Bytes of payload that a datagram has at most, over either IP version."""

_ETHERTYPE_IPV4 = 0x0800
_ETHERTYPE_IPV6 = 0x86DD
_ETHERTYPE_VLAN = 0x8100

_HOP_BY_HOP = 0
_ROUTING = 43
_FRAGMENT = 44
_DESTINATION_OPTIONS = 60
_EXTENSIONS = frozenset((_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION_OPTIONS))
_EXTENSIONS_MAX = 8

_SOURCE_ROUTES = frozenset((131, 137))
"""IPv4 options LSRR and SSRR (RFC 791)."""

_ICMP_ERRORS = {4: frozenset((3, 11, 12)), 6: frozenset((1, 2, 3, 4))}

_ethernet = struct.Struct("!6s6sH")
_ipv4 = struct.Struct("!BBHHHBBH4s4s")
_ipv6 = struct.Struct("!IHBB16s16s")
_tcp = struct.Struct("!HHIIBBHHH")
_udp = struct.Struct("!HHHH")
_short = struct.Struct("!H")
_long = struct.Struct("!I")
_ports_seq = struct.Struct("!HHI")
# Without what `plain_tcp` and `plain_udp` need not know.
_ipv4_tcp = struct.Struct("!BBH2xHB3x4s4sHHIIBBH2xH")
_ipv6_tcp = struct.Struct("!IHxB16s16sHHIIBBH2xH")
_ipv4_udp = struct.Struct("!BBH2xHB3x4s4sHHHH")
_ipv6_udp = struct.Struct("!IHxB16s16sHHHH")
_ethernet_ipv4 = struct.Struct("!6s6sHBBHHHBBH4s4s")
_ethernet_ipv4_tcp = struct.Struct("!6s6sHBBHHHBBH4s4sHHIIBBHHH")
_ethernet_ipv6_tcp = struct.Struct("!6s6sHIHBB16s16sHHIIBBHHH")


class Malformed(Enum):
    """Why a frame has no view."""

    NOT_IP = "not_ip"
    TRUNCATED = "truncated"
    """A header, or the length that it states, does not fit in the frame."""
    HEADER = "header"
    """A header contradicts itself."""
    EXTENSIONS = "extensions"
    """Too many IPv6 extension headers."""
    SOURCE_ROUTE = "source_route"
    """The destination is not the last one; such packets are not inspected (RFC 5095, 7126)."""
    FRAGMENT = "fragment"
    """A fragment that cuts or overwrites a TCP header (RFC 1858, 3128)."""


class Packet:
    """An IP packet in its frame. Fields of headers that it does not have are 0 or b""."""

    __slots__ = (
        "ack",
        "code",
        "dport",
        "dst",
        "end",
        "eth_dst",
        "eth_src",
        "flags",
        "fragment_id",
        "fragment_offset",
        "frame",
        "l3",
        "l4",
        "more_fragments",
        "options",
        "payload",
        "proto",
        "seq",
        "sport",
        "src",
        "tos",
        "ttl",
        "type",
        "urgent",
        "version",
        "vlan",
        "window",
    )

    frame: bytes
    l3: int
    """Where in the frame the IP header begins."""
    l4: int
    """Where the transport header begins; in a later fragment, where its data does."""
    end: int
    """Where the IP packet ends: what follows is Ethernet padding."""
    eth_dst: bytes
    eth_src: bytes
    vlan: int
    """The 802.1Q VLAN number; -1 without a tag."""
    version: int
    src: bytes
    dst: bytes
    ttl: int
    """TTL, or hop limit."""
    tos: int
    """TOS, or traffic class: DSCP and ECN, the whole byte."""
    fragment_id: int
    fragment_offset: int
    more_fragments: bool
    proto: int
    """IP protocol, behind the extension headers."""
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    """TCP flags, FIN (1) to CWR (128)."""
    window: int
    """Not scaled."""
    urgent: int
    options: bytes
    """TCP options."""
    type: int
    """ICMP type; -1 in what is not ICMP, because 0 is an echo reply."""
    code: int
    payload: bytes
    """Behind the transport header; of ICMP, behind its first 8 bytes."""

    @property
    def fragmented(self) -> bool:
        """Whether this is one fragment of several."""
        return self.more_fragments or self.fragment_offset > 0


def decode(frame: bytes) -> Packet | Malformed:
    """The view of `frame`: Ethernet, at most one 802.1Q tag, IPv4 or IPv6."""
    size = len(frame)
    if size < 14:
        return Malformed.TRUNCATED
    packet = Packet.__new__(Packet)
    packet.frame = frame
    packet.eth_dst, packet.eth_src, ethertype = _ethernet.unpack_from(frame)
    packet.vlan = -1
    l3 = 14
    if ethertype == _ETHERTYPE_VLAN:
        if size < 18:
            return Malformed.TRUNCATED
        packet.vlan = _short.unpack_from(frame, 14)[0] & 0x0FFF
        ethertype = _short.unpack_from(frame, 16)[0]
        l3 = 18
    packet.l3 = l3
    if ethertype == _ETHERTYPE_IPV4:
        problem = _read_ipv4(packet, frame, l3)
    elif ethertype == _ETHERTYPE_IPV6:
        problem = _read_ipv6(packet, frame, l3)
    else:
        return Malformed.NOT_IP
    if problem is None:
        problem = _read_transport(packet, frame)
    return packet if problem is None else problem


def _read_ipv4(packet: Packet, frame: bytes, l3: int) -> Malformed | None:
    if len(frame) < l3 + 20:
        return Malformed.TRUNCATED
    (
        version_ihl,
        packet.tos,
        length,
        packet.fragment_id,
        fragment,
        packet.ttl,
        packet.proto,
        _,
        packet.src,
        packet.dst,
    ) = _ipv4.unpack_from(frame, l3)
    packet.version = 4
    header = (version_ihl & 0x0F) * 4
    if version_ihl >> 4 != 4 or header < 20 or length < header:
        return Malformed.HEADER
    packet.end = end = l3 + length
    if end > len(frame):
        return Malformed.TRUNCATED
    packet.l4 = l3 + header
    packet.fragment_offset = (fragment & 0x1FFF) * 8
    packet.more_fragments = bool(fragment & 0x2000)
    if header > 20:
        return _check_ipv4_options(frame[l3 + 20 : l3 + header])
    return None


def _check_ipv4_options(options: bytes) -> Malformed | None:
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2 or at + options[at + 1] > len(options):
            return Malformed.HEADER
        if kind in _SOURCE_ROUTES:
            return Malformed.SOURCE_ROUTE
        at += options[at + 1]
    return None


def _read_ipv6(packet: Packet, frame: bytes, l3: int) -> Malformed | None:
    if len(frame) < l3 + 40:
        return Malformed.TRUNCATED
    first, length, following, packet.ttl, packet.src, packet.dst = _ipv6.unpack_from(frame, l3)
    packet.version = 6
    if first >> 28 != 6:
        return Malformed.HEADER
    packet.tos = first >> 20 & 0xFF
    packet.fragment_id = packet.fragment_offset = 0
    packet.more_fragments = False
    packet.l4 = l3 + 40
    packet.end = end = l3 + 40 + length
    if end > len(frame):
        return Malformed.TRUNCATED
    packet.proto = following
    if following not in _EXTENSIONS:
        return None
    return _skip_extensions(packet, frame, end)


def _skip_extensions(packet: Packet, frame: bytes, end: int) -> Malformed | None:
    """Move `packet.proto` and `packet.l4` behind the extension headers (RFC 8200 section 4)."""
    at, kind = packet.l4, packet.proto
    for _ in range(_EXTENSIONS_MAX):
        if at + 8 > end:
            return Malformed.TRUNCATED
        following = frame[at]
        if kind == _FRAGMENT:
            fragment = _short.unpack_from(frame, at + 2)[0]
            packet.fragment_offset = fragment & 0xFFF8
            packet.more_fragments = bool(fragment & 1)
            packet.fragment_id = _long.unpack_from(frame, at + 4)[0]
            at += 8
        else:
            if kind == _ROUTING and frame[at + 3]:
                return Malformed.SOURCE_ROUTE
            at += (frame[at + 1] + 1) * 8
            if at > end:
                return Malformed.TRUNCATED
        packet.l4, packet.proto = at, following
        if packet.fragment_offset or following not in _EXTENSIONS:
            return None
        kind = following
    return Malformed.EXTENSIONS


def _read_transport(packet: Packet, frame: bytes) -> Malformed | None:
    at, end, proto = packet.l4, packet.end, packet.proto
    packet.type = -1
    if proto == TCP and not packet.fragment_offset:
        packet.code = 0
        if at + 20 > end:
            return Malformed.FRAGMENT if packet.more_fragments else Malformed.TRUNCATED
        (
            packet.sport,
            packet.dport,
            packet.seq,
            packet.ack,
            offset,
            packet.flags,
            packet.window,
            _,
            packet.urgent,
        ) = _tcp.unpack_from(frame, at)
        start = at + (offset >> 4) * 4
        if start < at + 20:
            return Malformed.HEADER
        if start > end:
            return Malformed.FRAGMENT if packet.more_fragments else Malformed.TRUNCATED
        packet.options = frame[at + 20 : start] if start > at + 20 else b""
        packet.payload = frame[start:end]
        return None
    packet.sport = packet.dport = packet.seq = packet.ack = packet.flags = packet.window = 0
    packet.urgent = packet.code = 0
    packet.options = b""
    if packet.fragment_offset:
        packet.payload = frame[at:end]
        # It would overwrite the flags of a TCP header that came in the first fragment.
        if proto == TCP and packet.fragment_offset < 20:
            return Malformed.FRAGMENT
        return None
    if proto == UDP:
        if at + 8 > end:
            return Malformed.TRUNCATED
        packet.sport, packet.dport, length, _ = _udp.unpack_from(frame, at)
        if length < 8:
            return Malformed.HEADER
        if at + length > end and not packet.more_fragments:
            return Malformed.TRUNCATED
        packet.payload = frame[at + 8 : min(at + length, end)]
        return None
    if proto == (ICMP if packet.version == 4 else ICMPV6):
        if at + 8 > end:
            return Malformed.TRUNCATED
        packet.type, packet.code = frame[at], frame[at + 1]
        packet.payload = frame[at + 8 : end]
        return None
    packet.payload = frame[at:end]
    return None


_SHORT = 512
_LOW = (1 << 8 * _SHORT) - 1


def _sum(data: bytes | bytearray) -> int:
    """Congruent to the sum of 16-bit words of `data` (RFC 1071): 2**16 is 1 modulo 0xFFFF."""
    number = int.from_bytes(data, "big")
    if len(data) > _SHORT:
        # The division takes longer than all else, and half of it is enough.
        number = (number >> 8 * _SHORT) + (number & _LOW)
    return (number << 8 if len(data) & 1 else number) % 0xFFFF


def _checksum(total: int) -> int:
    """The checksum field that makes `total` (congruent to a sum above 0) come out right."""
    return -total % 0xFFFF


def checksums_ok(packet: Packet) -> bool:
    """Whether the IPv4 header's and the transport's checksums are right.

    A fragment's transport checksum cannot be told from the fragment, and counts as right;
    so does that of a transport that is not known here, and IPv4 UDP's 0 (RFC 768).
    """
    frame, l4 = packet.frame, packet.l4
    ipv4 = packet.version == 4
    if ipv4 and _sum(frame[packet.l3 : l4]):
        return False
    if packet.fragmented:
        return True
    proto, end = packet.proto, packet.end
    if proto == ICMP and ipv4:
        return _sum(frame[l4:end]) == 0
    if proto == UDP:
        end = l4 + _short.unpack_from(frame, l4 + 4)[0]
        if frame[l4 + 6 : l4 + 8] == b"\0\0":
            return ipv4
    elif proto != TCP and (proto != ICMPV6 or ipv4):
        return True
    data = frame[l4:end]
    return (_sum(packet.src + packet.dst) + proto + len(data) + _sum(data)) % 0xFFFF == 0


TcpFields = tuple[bytes, bytes, int, int, int, int, int, int, bytes, bytes, int, int, int]
"""Source, destination, their ports, sequence and acknowledgement number, flags, window, payload,
options, urgent pointer, TTL, TOS: as in `Packet`."""

UdpFields = tuple[bytes, bytes, int, int, bytes, int, int]
"""Source, destination, their ports, payload, TTL, TOS: as in `Packet`."""


def plain_tcp(frame: bytes) -> TcpFields | None:
    """What `decode` finds in a TCP segment, in one step, if `checksums_ok`.

    None for whatever is not as nearly all segments are: IPv4 without options or IPv6 without
    extension headers, not a fragment, and right. Only `decode` can say what it is instead.
    """
    size = len(frame)
    if size < 54:
        return None
    l3, ethertype = 14, frame[12:14]
    if ethertype == b"\x81\x00":
        l3, ethertype = 18, frame[16:18]
    if ethertype == b"\x08\x00":
        l4 = l3 + 20
        if frame[l3 + 9] != TCP or size < l4 + 20:
            return None
        (
            version_ihl,
            tos,
            length,
            fragment,
            ttl,
            src,
            dst,
            sport,
            dport,
            seq,
            ack,
            offset,
            flags,
            window,
            urgent,
        ) = _ipv4_tcp.unpack_from(frame, l3)
        if version_ihl != 0x45 or fragment & 0x3FFF or _sum(frame[l3:l4]):
            return None
        end = l3 + length
        summed = frame[l3 + 12 : end]
    elif ethertype == b"\x86\xdd":
        l4 = l3 + 40
        if frame[l3 + 6] != TCP or size < l4 + 20:
            return None
        (
            first,
            length,
            ttl,
            src,
            dst,
            sport,
            dport,
            seq,
            ack,
            offset,
            flags,
            window,
            urgent,
        ) = _ipv6_tcp.unpack_from(frame, l3)
        if first >> 28 != 6:
            return None
        tos = first >> 20 & 0xFF
        end = l4 + length
        summed = frame[l3 + 8 : end]
    else:
        return None
    start = l4 + (offset >> 4) * 4
    if not l4 + 20 <= start <= end <= size or (_sum(summed) + TCP + end - l4) % 0xFFFF:
        return None
    payload, options = frame[start:end], frame[l4 + 20 : start]
    return src, dst, sport, dport, seq, ack, flags, window, payload, options, urgent, ttl, tos


def plain_udp(frame: bytes) -> UdpFields | None:
    """The same of a UDP datagram that fills its packet."""
    size = len(frame)
    if size < 42:
        return None
    l3, ethertype = 14, frame[12:14]
    if ethertype == b"\x81\x00":
        l3, ethertype = 18, frame[16:18]
    if ethertype == b"\x08\x00":
        l4 = l3 + 20
        if frame[l3 + 9] != UDP or size < l4 + 8:
            return None
        (
            version_ihl,
            tos,
            length,
            fragment,
            ttl,
            src,
            dst,
            sport,
            dport,
            udp_length,
            checksum,
        ) = _ipv4_udp.unpack_from(frame, l3)
        if version_ihl != 0x45 or fragment & 0x3FFF or _sum(frame[l3:l4]):
            return None
        end = l3 + length
        # 0: there is none (RFC 768).
        summed = frame[l3 + 12 : end] if checksum else b""
    elif ethertype == b"\x86\xdd":
        l4 = l3 + 40
        if frame[l3 + 6] != UDP or size < l4 + 8:
            return None
        (
            first,
            length,
            ttl,
            src,
            dst,
            sport,
            dport,
            udp_length,
            checksum,
        ) = _ipv6_udp.unpack_from(frame, l3)
        if first >> 28 != 6 or not checksum:
            return None
        tos = first >> 20 & 0xFF
        end = l4 + length
        summed = frame[l3 + 8 : end]
    else:
        return None
    if not l4 + 8 <= end <= size or udp_length != end - l4:
        return None
    if summed and (_sum(summed) + UDP + udp_length) % 0xFFFF:
        return None
    return src, dst, sport, dport, frame[l4 + 8 : end], ttl, tos


def build_tcp(
    *,
    eth_src: bytes,
    eth_dst: bytes,
    src: bytes,
    dst: bytes,
    sport: int,
    dport: int,
    seq: int,
    ack: int,
    flags: int,
    window: int,
    payload: bytes = b"",
    options: bytes = b"",
    urgent: int = 0,
    ttl: int = 64,
    tos: int = 0,
) -> bytes:
    """A frame with one TCP segment; IPv4 or IPv6 as the addresses are 4 or 16 bytes long.

    IPv4 goes out unfragmentable, so its identification is 0 (RFC 6864). `options` is padded
    to whole words. A field that does not fit raises struct.error; more than 40 bytes of
    options, ValueError.
    """
    if len(options) & 3:
        options += bytes(-len(options) & 3)
    if len(options) > 40:
        raise ValueError("more than 40 bytes of TCP options")
    header = 20 + len(options)
    length = header + len(payload)
    offset = header << 2
    ends = _sum(src + dst)
    # Whole numbers are congruent to the sums of their 16-bit words.
    total = ends + TCP + length + sport + dport + seq + ack + (offset << 8) + flags + window
    if options:
        total += _sum(options)
    checksum = _checksum(total + urgent + _sum(payload))
    if len(src) == 4:
        total = ends + 0x4500 + tos + 20 + length + 0x4000 + (ttl << 8) + TCP
        headers = _ethernet_ipv4_tcp.pack(
            eth_dst,
            eth_src,
            _ETHERTYPE_IPV4,
            0x45,
            tos,
            20 + length,
            0,
            0x4000,
            ttl,
            TCP,
            _checksum(total),
            src,
            dst,
            sport,
            dport,
            seq,
            ack,
            offset,
            flags,
            window,
            checksum,
            urgent,
        )
    else:
        headers = _ethernet_ipv6_tcp.pack(
            eth_dst,
            eth_src,
            _ETHERTYPE_IPV6,
            0x60000000 | tos << 20,
            length,
            TCP,
            ttl,
            src,
            dst,
            sport,
            dport,
            seq,
            ack,
            offset,
            flags,
            window,
            checksum,
            urgent,
        )
    return headers + options + payload


def build_udp(
    *,
    eth_src: bytes,
    eth_dst: bytes,
    src: bytes,
    dst: bytes,
    sport: int,
    dport: int,
    payload: bytes = b"",
    ttl: int = 64,
    tos: int = 0,
    identification: int = 0,
) -> bytes:
    """A frame with one UDP datagram, however long: see `build_ip`.

    A field that does not fit, as the length of a payload beyond `LONGEST_UDP`, raises
    struct.error.
    """
    length = 8 + len(payload)
    total = _sum(src + dst) + UDP + length + sport + dport + length + _sum(payload)
    # 0 would say that there is no checksum (RFC 768).
    header = _udp.pack(sport, dport, length, _checksum(total) or 0xFFFF)
    return build_ip(
        eth_src=eth_src,
        eth_dst=eth_dst,
        src=src,
        dst=dst,
        proto=UDP,
        data=header + payload,
        ttl=ttl,
        tos=tos,
        identification=identification,
    )


def build_ip(
    *,
    eth_src: bytes,
    eth_dst: bytes,
    src: bytes,
    dst: bytes,
    proto: int,
    data: bytes,
    ttl: int = 64,
    tos: int = 0,
    identification: int = 0,
) -> bytes:
    """A frame with `data` of transport `proto`; IPv4 or IPv6 as the addresses are 4 or 16 bytes
    long. IPv4 may be fragmented on its way, by `identification`; IPv6 has none.

    A field that does not fit raises struct.error.
    """
    length = len(data)
    if len(src) == 4:
        total = _sum(src + dst) + 0x4500 + tos + 20 + length + identification + (ttl << 8) + proto
        header = _ethernet_ipv4.pack(
            eth_dst,
            eth_src,
            _ETHERTYPE_IPV4,
            0x45,
            tos,
            20 + length,
            identification,
            0,
            ttl,
            proto,
            _checksum(total),
            src,
            dst,
        )
        return header + data
    return (
        _ethernet.pack(eth_dst, eth_src, _ETHERTYPE_IPV6)
        + _ipv6.pack(0x60000000 | tos << 20, length, proto, ttl, src, dst)
        + data
    )


class IcmpError:
    """An ICMP error, and what it quotes of the packet that it is about."""

    __slots__ = (
        "code",
        "dport",
        "dst",
        "l3",
        "l4",
        "mtu",
        "packet",
        "proto",
        "seq",
        "sport",
        "src",
        "type",
    )

    packet: Packet
    type: int
    code: int
    mtu: int
    """Of "fragmentation needed" and "packet too big"; otherwise, and from routers that predate
    RFC 1191, 0."""
    src: bytes
    """The quoted packet's: whoever the error is for."""
    dst: bytes
    proto: int
    sport: int
    dport: int
    seq: int
    """Of quoted TCP; otherwise 0."""
    l3: int
    """Where in the frame the quoted IP header begins."""
    l4: int


def icmp_error(packet: Packet) -> IcmpError | None:
    """The ICMP error in `packet`; None if it is none, or quotes no TCP or UDP ports."""
    version = packet.version
    if packet.type not in _ICMP_ERRORS[version] or packet.fragmented:
        return None
    frame, end = packet.frame, packet.end
    error = IcmpError.__new__(IcmpError)
    error.packet = packet
    error.type, error.code = packet.type, packet.code
    error.l3 = l3 = packet.l4 + 8
    error.mtu = 0
    if version == 4:
        if error.type == 3 and error.code == 4:
            error.mtu = _short.unpack_from(frame, packet.l4 + 6)[0]
        if l3 + 20 > end:
            return None
        header = (frame[l3] & 0x0F) * 4
        if frame[l3] >> 4 != 4 or header < 20:
            return None
        fragment = _short.unpack_from(frame, l3 + 6)[0]
        if fragment & 0x1FFF:
            return None
        error.proto, error.l4 = frame[l3 + 9], l3 + header
        error.src, error.dst = frame[l3 + 12 : l3 + 16], frame[l3 + 16 : l3 + 20]
    else:
        if error.type == 2:
            error.mtu = _long.unpack_from(frame, packet.l4 + 4)[0]
        if l3 + 40 > end or frame[l3] >> 4 != 6:
            return None
        quoted = Packet.__new__(Packet)
        quoted.proto, quoted.l4, quoted.fragment_offset = frame[l3 + 6], l3 + 40, 0
        if quoted.proto in _EXTENSIONS and _skip_extensions(quoted, frame, end) is not None:
            return None
        if quoted.fragment_offset:
            return None
        error.proto, error.l4 = quoted.proto, quoted.l4
        error.src, error.dst = frame[l3 + 8 : l3 + 24], frame[l3 + 24 : l3 + 40]
    # The first 8 bytes of the transport header are always quoted (RFC 792).
    if error.proto not in (TCP, UDP) or error.l4 + 8 > end:
        return None
    error.sport, error.dport, error.seq = _ports_seq.unpack_from(frame, error.l4)
    if error.proto != TCP:
        error.seq = 0
    return error


def quoted_header_ok(error: IcmpError) -> bool:
    """Whether the checksum of the quoted IPv4 header is right (RFC 5508 REQ-3); IPv6 has none."""
    packet = error.packet
    return packet.version == 6 or _sum(packet.frame[error.l3 : error.l4]) == 0


def build_icmp_error(
    error: IcmpError,
    *,
    eth_src: bytes,
    eth_dst: bytes,
    src: bytes,
    dst: bytes,
    quoted_src: bytes,
    quoted_dst: bytes,
    quoted_sport: int,
    quoted_dport: int,
    quoted_seq: int = 0,
) -> bytes:
    """`error` with other addresses outside, and other addresses, ports and sequence number in
    what it quotes, so that the host it is for knows its own packet (RFC 5508 section 4).

    All else stays as it came, RFC 4884 extensions included. A VLAN tag is not kept:
    the frame leaves from the gateway. The addresses are of the same IP version as before.
    """
    packet = error.packet
    wide = len(src)
    body = bytearray(packet.frame[packet.l3 : packet.end])
    icmp = packet.l4 - packet.l3
    inner, ports = error.l3 - packet.l3, error.l4 - packet.l3
    source = 12 if wide == 4 else 8

    was = bytes(body[inner + source : inner + source + 2 * wide]) + bytes(body[ports : ports + 8])
    body[inner + source : inner + source + 2 * wide] = quoted_src + quoted_dst
    if error.proto == TCP:
        _ports_seq.pack_into(body, ports, quoted_sport, quoted_dport, quoted_seq)
        _update_checksum(body, ports + 16, was, quoted_src + quoted_dst + body[ports : ports + 8])
    else:
        _short.pack_into(body, ports, quoted_sport)
        _short.pack_into(body, ports + 2, quoted_dport)
        # 0 is IPv4's "no checksum"; bytes 4 to 8 are equal in both, and cancel out.
        if body[ports + 6 : ports + 8] != b"\0\0":
            now = quoted_src + quoted_dst + body[ports : ports + 8]
            _update_checksum(body, ports + 6, was, now)
            if body[ports + 6 : ports + 8] == b"\0\0":
                body[ports + 6 : ports + 8] = b"\xff\xff"

    body[source : source + 2 * wide] = src + dst
    body[icmp + 2 : icmp + 4] = b"\0\0"
    if wide == 4:
        renew_ipv4_checksum(body, inner, ports)
        renew_ipv4_checksum(body, 0, icmp)
        total = _sum(body[icmp:])
    else:
        total = _sum(src + dst) + ICMPV6 + len(body) - icmp + _sum(body[icmp:])
    _short.pack_into(body, icmp + 2, _checksum(total))
    ethertype = _ETHERTYPE_IPV4 if wide == 4 else _ETHERTYPE_IPV6
    return _ethernet.pack(eth_dst, eth_src, ethertype) + body


def renew_ipv4_checksum(body: bytearray, start: int, end: int) -> None:
    """Set the checksum of the IPv4 header from `start` to `end`."""
    body[start + 10 : start + 12] = b"\0\0"
    _short.pack_into(body, start + 10, _checksum(_sum(body[start:end])))


def _update_checksum(body: bytearray, at: int, was: bytes, now: bytes | bytearray) -> None:
    """RFC 1624: the checksum at `at`, if it was quoted, after `was` became `now`."""
    if at + 2 > len(body):
        return
    checksum = _short.unpack_from(body, at)[0]
    _short.pack_into(body, at, _checksum(0xFFFF - checksum - _sum(was) + _sum(now)))
