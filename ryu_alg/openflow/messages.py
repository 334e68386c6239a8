"""OpenFlow 1.3 messages to the switch, as bytes. Each has transaction id 0 unless said."""

from __future__ import annotations

import struct
from enum import IntEnum

VERSION = 4

NO_BUFFER = 0xFFFF_FFFF
CONTROLLER_PORT = 0xFFFF_FFFD
EVERY_TABLE = 0xFF

_HEADER = struct.Struct("!BBHI")
_PACKET_OUT = struct.Struct("!BBHIIIH6x")


class GarbageError(ValueError):
    """What the switch says is not OpenFlow; the text says why. Its connection ends."""


class MessageType(IntEnum):
    """The types that are sent or expected here (section A.1)."""

    ERROR = 1
    ECHO_REQUEST = 2
    EXPERIMENTER = 4
    PACKET_IN = 10
    FLOW_REMOVED = 11
    PACKET_OUT = 13
    FLOW_MOD = 14
    MULTIPART_REQUEST = 18
    MULTIPART_REPLY = 19
    BARRIER_REQUEST = 20
    BARRIER_REPLY = 21
    METER_MOD = 29


_PACKET_OUT_TYPE = int(MessageType.PACKET_OUT)


class MeterCommand(IntEnum):
    """What to do with a meter (section A.3.4.5)."""

    ADD = 0
    MODIFY = 1


def message(kind: MessageType, body: bytes, xid: int = 0) -> bytes:
    """A message with its header."""
    return _HEADER.pack(VERSION, kind, _HEADER.size + len(body), xid) + body


def with_xid(sent: bytes, xid: int) -> bytes:
    """The message with another transaction id."""
    return sent[:4] + xid.to_bytes(4, "big") + sent[8:]


def echo_request(xid: int) -> bytes:
    """Have the switch say that it is there."""
    return message(MessageType.ECHO_REQUEST, b"", xid)


def packet_out(frame: bytes, actions: bytes, in_port: int = CONTROLLER_PORT) -> bytes:
    """Send `frame` through `actions`, as if it had come in at `in_port`."""
    length, size = _PACKET_OUT.size + len(actions) + len(frame), len(actions)
    head = _PACKET_OUT.pack(VERSION, _PACKET_OUT_TYPE, length, 0, NO_BUFFER, in_port, size)
    return head + actions + frame


def meter_mod(command: MeterCommand, meter: int, packets_per_second: int) -> bytes:
    """A meter that drops what exceeds its rate; it lets one second's worth burst."""
    flags_packets_burst = 0b110
    drop_band, band_size = 1, 16
    return message(
        MessageType.METER_MOD,
        struct.pack("!HHI", command, flags_packets_burst, meter)
        + struct.pack("!HHII4x", drop_band, band_size, packets_per_second, packets_per_second),
    )


def barrier(xid: int) -> bytes:
    """Answered once all that was sent before is done."""
    return message(MessageType.BARRIER_REQUEST, b"", xid)
