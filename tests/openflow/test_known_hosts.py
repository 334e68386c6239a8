"""Whose datagrams count for what the gateway knows."""

from __future__ import annotations

from ryu_alg.openflow.flowtext import flow_mod
from ryu_alg.openflow.known_hosts import LASTS, MOST, RENEWED, KnownHosts


def host(number: int) -> bytes:
    return bytes((10, 0)) + number.to_bytes(2, "big")


def test_a_host_is_known_for_a_while_and_then_anew() -> None:
    known = KnownHosts()
    (flow,) = known.met((4,), host(2), 100.0)
    assert flow == (
        "table=15,cookie=0xa160110000000004,priority=250,hard_timeout=600,reg2=4,udp,"
        "nw_src=10.0.0.2 actions=meter:41"
    )
    flow_mod(flow)
    assert known.met((4,), host(2), 100.0 + LASTS - RENEWED - 1) == []
    assert known.met((4,), host(2), 100.0 + LASTS - RENEWED) == [flow]
    assert known.met((4,), host(2), 100.0 + LASTS - 1) == []
    assert known.met((5,), host(2), 100.0) != []  # another network's host is another one


def test_an_outside_host_may_come_by_any_outside_network() -> None:
    flows = KnownHosts().met((4, 5), bytes(15) + b"\1", 0.0)
    assert ["reg2=4,udp6,ipv6_src=::1" in flows[0], "reg2=5,udp6" in flows[1]] == [True, True]


def test_who_is_over_the_bound_stays_unknown_until_others_are_forgotten() -> None:
    known = KnownHosts()
    for number in range(MOST):
        assert known.met((1,), host(number), number / MOST)
    assert known.met((1,), host(MOST), 2.0) == []
    assert known.met((1,), host(MOST), LASTS + 0.5) != []
