"""What the switch says, as Ryu writes and reads it."""

from __future__ import annotations

import struct

import pytest
from ryu.ofproto import ofproto_v1_3, ofproto_v1_3_parser

from ryu_alg.openflow import answers
from ryu_alg.openflow.answers import FlowCounted, FlowRemoved
from ryu_alg.openflow.messages import GarbageError

COOKIE, PACKETS, BYTES = 0xA16004_00_00000007, 2**33 + 5, 2**40 + 9
MATCH = struct.pack("!HHHBBH", 1, 10, 0x8000, 5 << 1, 2, 0x0800) + bytes(6)
"""An Ethernet type."""


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", 4, kind, 8 + len(body), 77) + body


def removed(reason: int) -> bytes:
    head = struct.pack("!QHBBIIHHQQ", COOKIE, 9, reason, 3, 1, 2, 30, 60, PACKETS, BYTES)
    return message(11, head + struct.pack("!HH4x", 1, 4))


@pytest.mark.parametrize(
    ("reason", "timed_out"),
    [
        (ofproto_v1_3.OFPRR_IDLE_TIMEOUT, True),
        (ofproto_v1_3.OFPRR_HARD_TIMEOUT, True),
        (ofproto_v1_3.OFPRR_DELETE, False),
        (ofproto_v1_3.OFPRR_GROUP_DELETE, False),
    ],
)
def test_a_flow_that_is_gone(reason: int, timed_out: bool) -> None:
    data = removed(reason)
    theirs = ofproto_v1_3_parser.OFPFlowRemoved.parser(None, 4, 11, len(data), 77, data)
    assert answers.flow_removed(data) == FlowRemoved(COOKIE, timed_out, PACKETS, BYTES)
    assert (theirs.cookie, theirs.packet_count, theirs.byte_count) == (COOKIE, PACKETS, BYTES)
    assert answers.xid(data) == 77


def counted(*counters: tuple[int, int, int]) -> bytes:
    body = struct.pack("!HH4x", 1, 0)
    for cookie, packets, size in counters:
        rest = MATCH + struct.pack("!HHB3x", 1, 8, 4)
        head = struct.pack("!HBxIIHHHH4x", 48 + len(rest), 3, 1, 2, 400, 0, 0, 0)
        body += head + struct.pack("!QQQ", cookie, packets, size) + rest
    return message(19, body)


def test_flows_that_were_counted() -> None:
    counters = [(COOKIE, PACKETS, BYTES), (1, 0, 0), (2, 3, 4)]
    data = counted(*counters)
    theirs = ofproto_v1_3_parser.OFPMultipartReply.parser(None, 4, 19, len(data), 77, data)
    assert [(it.cookie, it.packet_count, it.byte_count) for it in theirs.body] == counters
    assert list(answers.flows_counted(data)) == [FlowCounted(*it) for it in counters]
    assert list(answers.flows_counted(counted())) == []
    assert list(answers.flows_counted(message(19, struct.pack("!HH4x", 13, 0) + bytes(64)))) == []


@pytest.mark.parametrize("data", [counted((1, 2, 3))[:-40], counted((1, 2, 3))[:10]])
def test_counters_that_are_cut_short(data: bytes) -> None:
    with pytest.raises(GarbageError):
        list(answers.flows_counted(data))


def test_a_length_that_leads_nowhere() -> None:
    data = bytearray(counted((1, 2, 3)))
    data[16:18] = bytes(2)
    with pytest.raises(GarbageError):
        list(answers.flows_counted(bytes(data)))


def test_a_removal_that_is_cut_short() -> None:
    with pytest.raises(GarbageError):
        answers.flow_removed(removed(0)[:40])
