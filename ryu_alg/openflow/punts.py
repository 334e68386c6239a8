"""From punted frames to events of the engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from ryu_alg import packets
from ryu_alg.engine.commands import FiveTuple
from ryu_alg.engine.events import (
    DatagramArrived,
    IcmpErrorArrived,
    SegmentArrived,
    SizedDatagramArrived,
)
from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.inspection import Realm, Transport
from ryu_alg.openflow.datagrams import NO_PROTOCOL, DatagramProtocols
from ryu_alg.openflow.reassembly import Reassembly, Unusable, Whole


def control_packet(
    frame: bytes, realm: Realm, protocol: int
) -> SegmentArrived | DatagramArrived | str:
    """The event of a punted control packet, or why there is none: a counter's name."""
    tcp = packets.plain_tcp(frame)
    if tcp is not None:
        return SegmentArrived(Segment(*tcp), realm, protocol)
    udp = packets.plain_udp(frame)
    if udp is not None:
        return DatagramArrived(Datagram(*udp), realm, protocol)
    return _unusual(frame, realm, protocol)


def _unusual(frame: bytes, realm: Realm, protocol: int) -> SegmentArrived | DatagramArrived | str:
    """The same of any packet: with IP options, extension headers, or something wrong."""
    packet = packets.decode(frame)
    if isinstance(packet, packets.Malformed):
        return f"punt.malformed.{packet.value}"
    if packet.proto not in (packets.TCP, packets.UDP) or packet.fragmented:
        return "punt.not_control"
    if not packets.checksums_ok(packet):
        return "punt.bad_checksum"
    if packet.proto == packets.UDP:
        datagram = Datagram(
            packet.src,
            packet.dst,
            packet.sport,
            packet.dport,
            packet.payload,
            packet.ttl,
            packet.tos,
        )
        return DatagramArrived(datagram, realm, protocol)
    segment = Segment(
        packet.src,
        packet.dst,
        packet.sport,
        packet.dport,
        packet.seq,
        packet.ack,
        packet.flags,
        packet.window,
        packet.payload,
        packet.options,
        packet.urgent,
        packet.ttl,
        packet.tos,
    )
    return SegmentArrived(segment, realm, protocol)


def sized_datagram(
    frame: bytes, realm: Realm, protocol: int | None, listener: int | None
) -> SizedDatagramArrived | str:
    """The event of a UDP datagram that was punted because of its size, or why there is none."""
    event = control_packet(frame, realm, NO_PROTOCOL)
    if isinstance(event, DatagramArrived):
        return SizedDatagramArrived(event.datagram, realm, protocol, listener)
    return event if isinstance(event, str) else "punt.not_control"


@dataclass(frozen=True, slots=True)
class Reassembled:
    """A UDP datagram whose last missing fragment has come."""

    event: DatagramArrived
    fragments: tuple[bytes, ...]
    """The frames that it came in."""


@dataclass(frozen=True, slots=True)
class OrdinaryFragments:
    """What was no control datagram."""

    fragments: tuple[bytes, ...]
    source: bytes
    destination: bytes


@dataclass(slots=True)
class Fragments:
    """UDP fragments that were punted, until their datagrams are whole."""

    counters: Counter[str]
    """Where what is not taken is counted, as `punt.fragment.*`."""
    _reassembly: Reassembly = field(default_factory=Reassembly)

    def arrived(
        self, frame: bytes, realm: Realm, protocols: DatagramProtocols, now: float
    ) -> Reassembled | OrdinaryFragments | None:
        """Take a fragment, at `now` in seconds; None: its datagram is not whole, or is no good."""
        packet = packets.decode(frame)
        if isinstance(packet, packets.Malformed):
            self.counters[f"punt.malformed.{packet.value}"] += 1
            return None
        if packet.proto != packets.UDP or not packet.fragmented:
            return OrdinaryFragments((frame,), packet.src, packet.dst)
        if not packets.checksums_ok(packet):
            self.counters["punt.bad_checksum"] += 1
            return None
        expired = self._reassembly.expire(now)
        if expired:
            self.counters["punt.fragment.expired"] += expired
        whole = self._reassembly.add(packet, now)
        if isinstance(whole, Unusable):
            self.counters[f"punt.fragment.{whole.value}"] += 1
            return None
        return None if whole is None else self._reassembled(whole, realm, protocols)

    def _reassembled(
        self, whole: Whole, realm: Realm, protocols: DatagramProtocols
    ) -> Reassembled | OrdinaryFragments | None:
        event = control_packet(whole.frame, realm, NO_PROTOCOL)
        if not isinstance(event, DatagramArrived):
            self.counters[str(event)] += 1
            return None
        datagram = event.datagram
        protocol = protocols.of(
            realm, (datagram.src, datagram.sport), (datagram.dst, datagram.dport)
        )
        if protocol is None:
            return OrdinaryFragments(whole.fragments, datagram.src, datagram.dst)
        return Reassembled(replace(event, protocol=protocol), whole.fragments)


def icmp_error(frame: bytes, realm: Realm) -> tuple[IcmpErrorArrived, packets.IcmpError] | str:
    """The event of a punted ICMP error and the error itself, or why there is none."""
    packet = packets.decode(frame)
    if isinstance(packet, packets.Malformed):
        return f"punt.malformed.{packet.value}"
    error = packets.icmp_error(packet)
    if error is None:
        return "punt.not_a_control_error"
    if not packets.checksums_ok(packet) or not packets.quoted_header_ok(error):
        return "punt.bad_checksum"
    quoted = FiveTuple(error.src, error.sport, error.dst, error.dport)
    transport = Transport.TCP if error.proto == packets.TCP else Transport.UDP
    event = IcmpErrorArrived(realm, packet.src, quoted, error.seq, error.mtu, transport)
    return event, error
