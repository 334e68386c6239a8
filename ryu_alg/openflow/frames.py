"""What the engine emits, as Ethernet frames without MAC addresses: routing sets both."""

from __future__ import annotations

from ryu_alg import packets
from ryu_alg.engine.commands import EmitIcmpError
from ryu_alg.engine.segment import Datagram, Segment

_NO_MAC = bytes(6)
ETHERNET_HEADER = 14
"""Bytes in front of the IP header."""


def tcp(segment: Segment) -> bytes:
    """The frame of a segment."""
    return packets.build_tcp(
        eth_src=_NO_MAC,
        eth_dst=_NO_MAC,
        src=segment.src,
        dst=segment.dst,
        sport=segment.sport,
        dport=segment.dport,
        seq=segment.seq,
        ack=segment.ack,
        flags=segment.flags,
        window=segment.window,
        payload=segment.payload,
        options=segment.options,
        urgent=segment.urgent,
        ttl=segment.ttl,
        tos=segment.tos,
    )


def udp(datagram: Datagram, identification: int = 0) -> bytes:
    """The frame of a datagram, however long: see `packets.build_udp`, errors included."""
    return packets.build_udp(
        eth_src=_NO_MAC,
        eth_dst=_NO_MAC,
        src=datagram.src,
        dst=datagram.dst,
        sport=datagram.sport,
        dport=datagram.dport,
        payload=datagram.payload,
        ttl=datagram.ttl,
        tos=datagram.tos,
        identification=identification,
    )


def icmp_error(command: EmitIcmpError, error: packets.IcmpError) -> bytes:
    """The frame of `error`, about what `command` says that it quotes."""
    return packets.build_icmp_error(
        error,
        eth_src=_NO_MAC,
        eth_dst=_NO_MAC,
        src=command.src,
        dst=command.dst,
        quoted_src=command.quoted.src,
        quoted_dst=command.quoted.dst,
        quoted_sport=command.quoted.sport,
        quoted_dport=command.quoted.dport,
        quoted_seq=command.quoted_sequence,
    )
