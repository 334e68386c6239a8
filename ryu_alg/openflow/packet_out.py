"""Packet-outs of the punt path. Their actions are compiled once: the pipeline decides the rest."""

from __future__ import annotations

from functools import lru_cache

from ryu_alg.openflow.actions import compile_actions
from ryu_alg.openflow.messages import packet_out

SEEN, ANSWERED = 2, 3
"""What register 3 says of a packet that the controller sends on: it was punted; so is what comes
back."""

_TO_EGRESS = compile_actions("resubmit(,4)")


def through_egress(frame: bytes) -> bytes:
    """`frame` leaves where routing says (table 4)."""
    return packet_out(frame, _TO_EGRESS)


def as_ordinary(frame: bytes, in_port: int, realm: int, network: int, seen: int = SEEN) -> bytes:
    """`frame` goes on as if it had not been punted (table 2). `realm` and `network` are what
    registers 1 and 2 held, `seen` what register 3 says to later tables."""
    return packet_out(frame, _onward(realm, network, seen, 2), in_port)


def fragment_as_ordinary(frame: bytes, in_port: int, realm: int, network: int) -> bytes:
    """Like `as_ordinary`, from table 1 on, which has not decided about a fragment yet; what
    register 3 says keeps it from being punted again."""
    return packet_out(frame, _onward(realm, network, SEEN, 1), in_port)


def through_port(frame: bytes, port: int) -> bytes:
    """`frame` leaves by the OpenFlow port `port`, as it is."""
    return packet_out(frame, compile_actions(f"output:{port}"))


@lru_cache(maxsize=256)
def _onward(realm: int, network: int, seen: int, table: int) -> bytes:
    """A few for each network; which one, the switch says."""
    return compile_actions(
        f"load:{realm}->NXM_NX_REG1[],load:{network}->NXM_NX_REG2[],load:{seen}->NXM_NX_REG3[],"
        f"resubmit(,{table})"
    )
