"""Flows for hosts that exchange ordinary fragments: no more than a bound."""

from __future__ import annotations

from ryu_alg.inspection import Realm
from ryu_alg.openflow.bypass import LASTS, MOST, Bypass
from ryu_alg.openflow.flowtext import flow_mod

SERVER = bytes((203, 0, 113, 50))


def host(number: int) -> bytes:
    return bytes((10, 0)) + number.to_bytes(2, "big")


def test_a_flow_is_for_two_hosts_in_one_direction() -> None:
    flow = Bypass().flow(Realm.INSIDE, host(2), SERVER, 0.0)
    assert flow == (
        "table=1,cookie=0xa1600e0000000001,priority=640,hard_timeout=300,reg1=1,udp,nw_frag=yes,"
        "nw_src=10.0.0.2,nw_dst=203.0.113.50 actions=goto_table:2"
    )
    flow_mod(flow)
    ipv6 = Bypass().flow(Realm.OUTSIDE, bytes(15) + b"\1", bytes(15) + b"\2", 0.0)
    assert ipv6 is not None and "reg1=2,ipv6,nw_frag=yes,ipv6_src=::1,ipv6_dst=::2" in ipv6
    flow_mod(ipv6)


def test_beyond_the_bound_there_is_none_until_others_have_gone() -> None:
    bypass = Bypass()
    for number in range(MOST):
        assert bypass.flow(Realm.INSIDE, host(number), SERVER, number / MOST) is not None
    assert bypass.flow(Realm.INSIDE, host(MOST), SERVER, 2.0) is None
    # One that was there is not one more; its time begins again.
    assert bypass.flow(Realm.INSIDE, host(0), SERVER, 2.0) is not None
    assert bypass.flow(Realm.INSIDE, host(MOST), SERVER, LASTS + 0.5) is not None
