"""The short way for our packet-ins: from Ryu's receive loop straight to the gateway.

Ryu would make a message object with a parsed match of each, queue it as an event, and switch to
another green thread. Packet-ins that our own flows sent are taken out before that; every other
one goes on to Ryu and its applications as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ryu.ofproto import ofproto_v1_3, ofproto_v1_3_parser

from ryu_alg.openflow.cookies import MARK

_COOKIE = slice(16, 24)
"""Where an OFPT_PACKET_IN has its cookie (OpenFlow 1.3.5 section 7.4.1)."""
_MARK_BITS = 12


def take_over(receive: Callable[[Any, bytes], None]) -> None:
    """Have `receive(datapath, message)` called for every packet-in with a cookie of ours.

    It runs in the green thread that reads from that switch. Replaces what an earlier call set.
    """
    parsers = ofproto_v1_3_parser._MSG_PARSERS
    ryu_parser = ofproto_v1_3_parser.OFPPacketIn.parser

    def parse(
        datapath: Any, version: int, msg_type: int, msg_len: int, xid: int, buf: bytearray
    ) -> Any:
        message = bytes(buf)
        if int.from_bytes(message[_COOKIE], "big") >> (64 - _MARK_BITS) == MARK:
            receive(datapath, message)
            return None  # nothing becomes an event of it
        return ryu_parser(datapath, version, msg_type, msg_len, xid, buf)

    parsers[ofproto_v1_3.OFPT_PACKET_IN] = parse
