"""What the switch says besides packet-ins, as far as the gateway needs it: by struct, from whole
messages of OpenFlow 1.3. A message that is cut short raises GarbageError."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ryu_alg.openflow.messages import GarbageError

_XID = struct.Struct("!4xI")
_FLOW_REMOVED = struct.Struct("!8xQ2xB13xQQ")
_FLOW_STATS_KIND = 1
_MULTIPART = struct.Struct("!8xH6x")
_FLOW_STATS = struct.Struct("!H22xQQQ")

_IDLE_TIMEOUT, _HARD_TIMEOUT = 0, 1


@dataclass(frozen=True, slots=True)
class FlowRemoved:
    """A flow is no more (section 7.4.2)."""

    cookie: int
    timed_out: bool
    """By itself, and not because somebody has removed it."""
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class FlowCounted:
    """One of the flows that were asked for (section 7.3.5.2)."""

    cookie: int
    packets: int
    bytes: int


def xid(message: bytes) -> int:
    """The transaction id, of any message."""
    return int(_XID.unpack_from(message)[0])


def flow_removed(message: bytes) -> FlowRemoved:
    """Decode an OFPT_FLOW_REMOVED."""
    try:
        cookie, reason, packets, size = _FLOW_REMOVED.unpack_from(message)
    except struct.error:
        raise GarbageError("a flow-removed that is cut short") from None
    return FlowRemoved(cookie, reason in (_IDLE_TIMEOUT, _HARD_TIMEOUT), packets, size)


def flows_counted(message: bytes) -> Iterator[FlowCounted]:
    """Decode an OFPT_MULTIPART_REPLY: nothing if it is not about single flows."""
    try:
        (kind,) = _MULTIPART.unpack_from(message)
        at = _MULTIPART.size if kind == _FLOW_STATS_KIND else len(message)
        while at < len(message):
            length, *counted = _FLOW_STATS.unpack_from(message, at)
            if length < _FLOW_STATS.size:
                raise GarbageError("a flow's counters that are cut short")
            yield FlowCounted(*counted)
            at += length
    except struct.error:
        raise GarbageError("flows' counters that are cut short") from None
