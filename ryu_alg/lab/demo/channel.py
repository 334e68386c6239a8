"""The switch's OpenFlow connection, read along: every packet that goes through the controller."""

from __future__ import annotations

import struct
from collections import Counter
from enum import Enum

from ryu_alg import packets
from ryu_alg.lab.demo.dialogue import FTP_PORT
from ryu_alg.lab.demo.streams import Streams
from ryu_alg.openflow import cookies, packet_in
from ryu_alg.openflow.packet_in import PacketIn
from ryu_alg.packets import ICMPV6, TCP, Malformed, Packet

CONTROLLER_PORT = 6653

_HEADER = struct.Struct("!BBHI")
_PACKET_IN, _PACKET_OUT = 10, 13
_ACTIONS_LENGTH = struct.Struct("!16xH")
_PACKET_OUT_FIXED_BYTES = 24
_NEIGHBOUR_DISCOVERY = range(133, 138)
"""ICMPv6 types."""


class Carried(Enum):
    """What an OpenFlow packet-in or packet-out carries."""

    CONTROL = "control packets"
    DATA = "data packets"
    """Everything else."""
    NEIGHBOUR = "ARP and ND"
    """How the gateway finds its neighbours (RFC 826, 4861)."""
    NOTICE = "notices"
    """By which the switch says that a pinhole was used: a copy of the SYN that used it, which the
    switch itself has forwarded. Open vSwitch 3.1 sends that copy although a length of 0 is asked
    for."""


class ControlChannel:
    """Counts the packets that the switch and the controller hand to each other."""

    def __init__(self) -> None:
        self.to_controller: Counter[Carried] = Counter()
        self.to_switch: Counter[Carried] = Counter()
        self._streams = Streams()
        self._partial = {True: b"", False: b""}

    def seen(self, _time: float, packet: Packet) -> None:
        """A packet of the TCP connection between them."""
        upward = packet.dport == CONTROLLER_PORT
        data = self._partial[upward] + self._streams.fresh(packet)
        position = 0
        while len(data) - position >= _HEADER.size:
            _, kind, length, _ = _HEADER.unpack_from(data, position)
            if len(data) - position < length:
                break
            self._count(kind, data[position : position + length])
            position += max(length, _HEADER.size)
        self._partial[upward] = data[position:]

    @property
    def data_packets(self) -> int:
        """How many data packets the controller has had in its hands."""
        return self.to_controller[Carried.DATA] + self.to_switch[Carried.DATA]

    def _count(self, kind: int, message: bytes) -> None:
        if kind == _PACKET_IN:
            punt = packet_in.decode(message)
            carried = _carried(punt.frame)
            if carried is Carried.DATA and _is_notice(punt):
                carried = Carried.NOTICE
            self.to_controller[carried] += 1
        elif kind == _PACKET_OUT:
            (actions,) = _ACTIONS_LENGTH.unpack_from(message)
            self.to_switch[_carried(message[_PACKET_OUT_FIXED_BYTES + actions :])] += 1


def _is_notice(punt: PacketIn) -> bool:
    purpose = cookies.parse(punt.cookie)
    if purpose is None or purpose[0] is not cookies.Kind.PINHOLE:
        return False
    packet = packets.decode(punt.frame)
    return isinstance(packet, Packet) and not packet.payload


def _carried(frame: bytes) -> Carried:
    packet = packets.decode(frame)
    if packet is Malformed.NOT_IP:
        return Carried.NEIGHBOUR
    if isinstance(packet, Packet):
        if packet.proto == TCP and FTP_PORT in (packet.sport, packet.dport):
            return Carried.CONTROL
        if packet.proto == ICMPV6 and packet.type in _NEIGHBOUR_DISCOVERY:
            return Carried.NEIGHBOUR
    return Carried.DATA
