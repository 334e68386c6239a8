"""doctor.flows: ovs-ofctl's text."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from ryu_alg.doctor.flows import Flow, parse_difference, parse_dump
from ryu_alg.inspection import Realm, Transport

LINE = (
    " cookie=0xa160030000000007, table=3, idle_timeout=20, hard_timeout=60, send_flow_rem "
    "priority=400,ct_state=+new-inv+trk,tcp6,reg1=0x2,ipv6_src=2001:db8::/32,"
    "ipv6_dst=2001:db8:30::2,tp_dst=5000,tcp_flags=+syn-ack "
    "actions=move:NXM_OF_TCP_SRC[]->NXM_NX_REG6[0..15],ct(table=3,zone=4242)"
)


def test_a_line_of_a_dump() -> None:
    flow = Flow.parse(LINE)
    assert (flow.cookie, flow.table) == (0xA16003_00_00000007, 3)
    assert (flow.number("idle_timeout"), flow.number("hard_timeout")) == (20, 60)
    assert (flow.realm, flow.transport) == (Realm.OUTSIDE, Transport.TCP)
    assert flow.source == ip_network("2001:db8::/32")
    assert flow.destination == ip_network("2001:db8:30::2")
    assert flow.exact("tp_dst") == 5000
    assert flow.states("+new", "-inv") and not flow.states("+est")
    assert flow.actions.startswith("move:") and flow.actions.endswith("zone=4242)")
    assert not flow.drops


def test_what_is_not_matched() -> None:
    flow = Flow.parse("priority=1,ip,nw_src=10.0.0.0/255.0.255.0,tp_dst=0x8000/0xff00 actions=drop")
    assert (flow.cookie, flow.table, flow.number("hard_timeout")) == (0, 0, 0)
    assert (flow.realm, flow.transport, flow.destination) == (None, None, None)
    assert flow.source is None  # no network
    assert (flow.exact("tp_dst"), flow.masked("tp_dst")) == (None, (0x8000, 0xFF00))
    assert (flow.exact("tp_src"), flow.exact("ip")) == (None, None)
    assert flow.drops


@pytest.mark.parametrize(
    "line", ["", "OFPST_FLOW reply (OF1.3) (xid=0x2):", "table=x actions=drop"]
)
def test_no_flow(line: str) -> None:
    with pytest.raises(ValueError):
        Flow.parse(line)


def test_a_dump() -> None:
    assert [flow.table for flow in parse_dump(f"OFPST_FLOW reply:\n{LINE}\n{LINE}\n")] == [3, 3]


def test_a_difference() -> None:
    """What is on both sides, to the last letter, is not one."""
    added, gone = parse_difference(
        "-table=3 priority=1 actions=goto_table:4\n"
        "-table=3 priority=570,tcp,nw_frag=yes actions=drop\n"
        "+table=3 priority=570,tcp,nw_frag=yes actions=drop\n"
        "+table=3 priority=580 actions=drop\n"
    )
    assert [flow.text for flow in added] == ["table=3 priority=1 actions=goto_table:4"]
    assert [flow.text for flow in gone] == ["table=3 priority=580 actions=drop"]
    assert parse_difference("") == ([], [])
