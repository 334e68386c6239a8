"""Compiling the syntax of ovs-ofctl: what ovs-ofctl itself makes of it is the measure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ryu_alg.openflow.fields import SyntaxProblem
from ryu_alg.openflow.flowtext import Command, delete_by_cookie, delete_every_flow, flow_mod
from ryu_alg.openflow.render import meter_rates, render
from tests.openflow.bench import BRIDGE, Bench
from tests.openflow.conftest import PORTS, SWARM

# Beyond what the static pipeline has.
MORE = [
    (
        "table=3,tcp actions=learn(table=3,priority=450,hard_timeout=33,cookie=0x5,eth_type=0x800,"
        "nw_proto=6,NXM_NX_REG1[],NXM_OF_IP_SRC[8..31],ip_dst=1.2.3.4,tcp_dst=99,ct_mark=0,"
        "NXM_NX_CT_STATE[0]=1),controller(max_len=0),ct(commit,table=4,zone=5,nat(dst=1.2.3.4:5),"
        "exec(load:0x77->NXM_NX_CT_MARK[]))"
    ),
    (
        "table=3,priority=9,send_flow_rem,idle_timeout=3,hard_timeout=9,tcp6,ipv6_src=2001:db8::/33"
        " actions=learn(table=3,priority=450,eth_type=0x86dd,nw_proto=6,"
        "NXM_NX_IPV6_SRC[64..127]=0x20010db800010002,ipv6_dst=2001:db8::1),fin_timeout(idle_timeout=5)"
    ),
    "table=19,cookie=0x12,udp6,tp_src=0x4000/0xc000,tp_dst=53 actions=resubmit(,3)",
    "table=3,ct_state=+new+trk,ipv6,ct_nw_proto=17,nw_frag=yes,reg3=1 actions=resubmit(,1)",
    "table=19,udp,nw_src=10.0.0.3/0.0.0.7,tp_src=5 actions=output:3,IN_PORT",
    "table=19,ct_state=+new-est+rel-rpl-inv+trk+snat-dnat,ct_mark=0x10/0xff0 actions=drop",
    "table=19,tcp,tcp_flags=0x002/0x012 actions=drop",
    "table=19,ip,nw_proto=47 actions=dec_ttl,output:4",
    "table=19,icmp6,icmp_type=2,icmp_code=0 actions=meter:11,output:4,goto_table:21",
    "table=19,arp,dl_src=02:00:00:00:00:00/fe:00:00:00:00:00 actions=goto_table:22",
    "table=19,dl_type=0x88cc actions=set_field:02:00:00:00:00:09->eth_dst,output:1",
    "table=19,priority=5,reg0=0x10/0xf0,reg3=7,xxreg1=0xff actions=drop",
    "table=19,in_port=LOCAL,ip actions=ct(commit,zone=1,nat(src=1.2.3.4)),ct(table=20,zone=1,nat)",
    *(
        f"table=20,priority={priority},ip,nw_frag={kind} actions=drop"
        for priority, kind in enumerate(("no", "yes", "first", "later", "not_later"))
    ),
]


@pytest.mark.lab
def test_the_switch_has_the_same_flows_from_the_text_and_from_the_messages(
    bench: Bench,
) -> None:
    flows = [*render(SWARM, PORTS), *MORE]
    bench.ofctl("del-flows", BRIDGE)
    for meter in meter_rates(SWARM):
        bench.ofctl("add-meter", BRIDGE, f"meter={meter},pktps,band=type=drop,rate=1000")
    bench.load(flows)
    from_text = bench.dump()
    assert len(from_text) == len(flows)

    client = bench.client()
    client.send(delete_every_flow())
    client.settle()
    assert bench.dump() == []
    for flow in flows:
        client.send(flow_mod(flow))
        client.settle()
    assert bench.dump() == from_text

    half = {0xA160_0100_0000_0001, 0xA160_0100_0000_0002}
    for cookie in half:
        client.send(delete_by_cookie(cookie, 0xFFFF_FFFF_FFFF_FFFF))
    client.settle()
    assert bench.dump() == [f for f in from_text if not _has_cookie(f, half)]
    client.send(flow_mod("table=19,ip,nw_proto=47", Command.DELETE))
    client.send(
        flow_mod("table=19,priority=5,reg0=0x10/0xf0,reg3=7,xxreg1=0xff", Command.DELETE_STRICT)
    )
    client.settle()
    client.close()
    left = bench.dump("table=19")
    assert len(left) == len([f for f in MORE if f.startswith("table=19")]) - 2


def _has_cookie(flow: str, cookies: Sequence[int] | set[int]) -> bool:
    return any(f"cookie={cookie:#x}," in flow for cookie in cookies)


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ("table=x actions=drop", "not a number: x"),
        ("ip,nw_src=1.2.3 actions=drop", "not an address: 1.2.3"),
        ("ip,nw_src=1.2.3.4/33 actions=drop", "not an address: 1.2.3.4/33"),
        ("ipx actions=drop", "unknown field: ipx"),
        ("ip,nw_src actions=drop", "expected a protocol or FIELD=VALUE: nw_src"),
        ("dl_src=1:2:3 actions=drop", "not a MAC address: 1:2:3"),
        ("ct_state=+nwe actions=drop", "not a state of a connection: nwe"),
        ("ip,nw_frag=maybe actions=drop", "not a kind of fragment: maybe"),
        ("tcp,tp_dst=70000 actions=drop", "more than 16 bits: 70000"),
        ("ip actions=ouput:3", "unknown action: ouput:3"),
        ("ip actions=ct(table=3", "unbalanced parentheses"),
        ("ip actions=ct(tabel=3)", "unknown part of ct: tabel=3"),
        ("ip actions=ct(nat(scr=1.2.3.4))", "unknown part of nat: scr=1.2.3.4"),
        ("ip actions=ct(nat(src=1.2.3))", "not an IPv4 address: 1.2.3"),
        ("ip actions=load:1", "expected SOURCE->TARGET: 1"),
        ("ip actions=load:0x10000->NXM_NX_REG6[0..15]", "more than 16 bits"),
        ("ip actions=load:1->NXM_NX_REG6", r"expected NAME\[\]"),
        ("ip actions=load:1->NXM_NX_REG6[3..40]", "no such bits"),
        ("ip actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG6[0..15]", "as many bits on both sides"),
        ("ip actions=set_field:1.2.3.0/24->nw_src", "only whole fields can be set"),
        ("ip actions=resubmit(1,2)", r"expected resubmit\(,TABLE\)"),
        ("ip actions=learn(nw_proto)", "expected nw_proto=VALUE"),
        ("ip actions=learn(NXM_NX_REG1[0..3]=0x10)", "more than 4 bits"),
        ("ip", "actions belong to a flow that is added"),
    ],
)
def test_what_is_wrong_is_quoted(flow: str, message: str) -> None:
    with pytest.raises(SyntaxProblem, match=message):
        flow_mod(flow)


def test_a_flow_to_delete_has_no_actions() -> None:
    with pytest.raises(SyntaxProblem):
        flow_mod("table=1 actions=drop", Command.DELETE)
