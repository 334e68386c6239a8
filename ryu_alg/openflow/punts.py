"""From a punted frame to an event of the engine."""

from __future__ import annotations

from ryu_alg import packets
from ryu_alg.engine.commands import FiveTuple
from ryu_alg.engine.events import IcmpErrorArrived, SegmentArrived
from ryu_alg.engine.segment import Segment
from ryu_alg.inspection import Realm


def control_segment(frame: bytes, realm: Realm, protocol: int) -> SegmentArrived | str:
    """The event of a punted control packet, or why there is none: a counter's name."""
    packet = packets.decode(frame)
    if isinstance(packet, packets.Malformed):
        return f"punt.malformed.{packet.value}"
    if packet.proto != packets.TCP or packet.fragmented:
        return "punt.not_a_segment"
    if not packets.checksums_ok(packet):
        return "punt.bad_checksum"
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


def icmp_error(frame: bytes, realm: Realm) -> tuple[IcmpErrorArrived, packets.IcmpError] | str:
    """The event of a punted ICMP error and the error itself, or why there is none."""
    packet = packets.decode(frame)
    if isinstance(packet, packets.Malformed):
        return f"punt.malformed.{packet.value}"
    error = packets.icmp_error(packet)
    if error is None or error.proto != packets.TCP:
        return "punt.not_a_control_error"
    if not packets.checksums_ok(packet):
        return "punt.bad_checksum"
    quoted = FiveTuple(error.src, error.sport, error.dst, error.dport)
    event = IcmpErrorArrived(realm, packet.src, quoted, error.seq, error.mtu)
    return event, error
