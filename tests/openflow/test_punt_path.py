"""Packet-ins of our own flows are taken out of Ryu's receive loop, all others left in it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from ryu.ofproto import ofproto_parser, ofproto_v1_3, ofproto_v1_3_parser

from ryu_alg.openflow import packet_in
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.punt_path import take_over

FRAME = bytes(range(60))
NO_MATCH = struct.pack("!HHHBBI", 1, 12, 0x8000, 0, 4, 3)[:12] + bytes(4)
"""in_port 3, padded to 8 bytes."""


class Datapath:
    """What Ryu's parser wants of one."""

    ofproto = ofproto_v1_3
    ofproto_parser = ofproto_v1_3_parser


@pytest.fixture
def taken() -> Iterator[list[tuple[Any, bytes]]]:
    """What the gateway gets; Ryu's own parser is back afterwards."""
    received: list[tuple[Any, bytes]] = []
    take_over(lambda datapath, message: received.append((datapath, message)))
    yield received
    ofproto_v1_3_parser._MSG_PARSERS[ofproto_v1_3.OFPT_PACKET_IN] = (
        ofproto_v1_3_parser.OFPPacketIn.parser
    )


def arrive(flow_cookie: int) -> Any:
    """What Ryu makes of a packet-in from a flow with this cookie."""
    body = struct.pack("!IHBBQ", 0xFFFFFFFF, len(FRAME), 1, 0, flow_cookie) + NO_MATCH
    body += bytes(2) + FRAME
    message = struct.pack("!BBHI", 4, 10, 8 + len(body), 99) + body
    return ofproto_parser.msg(Datapath, 4, 10, len(message), 99, bytearray(message))


def test_our_own_go_to_the_gateway(taken: list[tuple[Any, bytes]]) -> None:
    assert arrive(cookie(Kind.PUNT, 7)) is None
    ((datapath, message),) = taken
    decoded = packet_in.decode(message)
    assert datapath is Datapath
    assert (decoded.cookie, decoded.in_port, decoded.frame) == (cookie(Kind.PUNT, 7), 3, FRAME)


@pytest.mark.parametrize("foreign", [0, 1, 0xA15 << 52, 2**64 - 1])
def test_all_others_go_to_ryu(taken: list[tuple[Any, bytes]], foreign: int) -> None:
    message = arrive(foreign)
    assert isinstance(message, ofproto_v1_3_parser.OFPPacketIn)
    assert (message.cookie, message.data, message.match["in_port"]) == (foreign, FRAME, 3)
    assert taken == []
