"""Whose datagrams count for what the gateway knows."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

from ryu_alg.openflow.flowtext import flow_mod
from ryu_alg.openflow.known_hosts import LASTS, MOST, RENEWED, KnownHosts
from ryu_alg.openflow.plan import OutsideNetwork
from tests.openflow.conftest import PLAN, PORTS

SERVER = bytes((203, 0, 113, 50))


def outside(number: int) -> bytes:
    return bytes((8, 0)) + number.to_bytes(2, "big")


def test_a_host_is_known_for_a_while_and_then_anew() -> None:
    known = KnownHosts(PLAN.networks)
    (flow,) = known.met(SERVER, 100.0)
    assert flow == (
        "table=15,cookie=0xa160110000000004,priority=250,hard_timeout=600,reg2=4,udp,"
        "nw_src=203.0.113.50 actions=meter:41"
    )
    flow_mod(flow)
    assert known.met(SERVER, 100.0 + LASTS - RENEWED - 1) == []
    assert known.met(SERVER, 100.0 + LASTS - RENEWED) == [flow]
    assert known.met(SERVER, 100.0 + LASTS - 1) == []


def test_an_inside_host_sends_from_its_own_network() -> None:
    (flow,) = KnownHosts(PLAN.networks).met(ip_address("192.168.20.2").packed, 0.0)
    assert f"reg2={PORTS['dmz']},udp,nw_src=192.168.20.2" in flow
    (flow,) = KnownHosts(PLAN.networks).met(ip_address("2001:db8:30::2").packed, 0.0)
    assert f"reg2={PORTS['plain']},udp6,ipv6_src=2001:db8:30::2" in flow


def test_an_outside_host_may_come_by_any_outside_network() -> None:
    second = OutsideNetwork("wan2", "wan2", (ip_interface("198.18.0.1/24"),), ())
    plan = replace(PLAN, outside=(*PLAN.outside, second))
    flows = KnownHosts(plan.networks).met(SERVER, 0.0)
    assert ["reg2=4,udp,nw_src=203.0.113.50" in flows[0], "reg2=5,udp" in flows[1]] == [True, True]


def test_who_is_over_the_bound_stays_unknown_until_others_are_forgotten() -> None:
    known = KnownHosts(PLAN.networks)
    for number in range(MOST):
        assert known.met(outside(number), number / MOST)
    assert known.met(outside(MOST), 2.0) == []
    assert known.met(outside(MOST), LASTS + 0.5) != []
