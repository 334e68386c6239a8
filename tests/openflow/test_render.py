"""The rendered pipeline, as text."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from ryu_alg.assembly import pipeline_plan, protocol_specs
from ryu_alg.openflow.flowtext import flow_mod
from ryu_alg.openflow.plan import (
    IpProtocol,
    OutboundRule,
    OutsideNetwork,
    PipelinePlan,
    PortRange,
)
from ryu_alg.openflow.render import Meter, meter_rates, render
from ryu_alg.resources import resource
from ryu_alg.settings import load
from tests.openflow.conftest import PLAN, PORTS, VOICE


def with_rules(plan: PipelinePlan, *rules: OutboundRule, default: bool = True) -> list[str]:
    changed = replace(plan, outbound=rules, outbound_default=default)
    return [flow for flow in render(changed, PORTS) if flow.startswith("table=7,")]


def matches(flows: list[str]) -> list[str]:
    return [re.sub(r"^table=\d+,cookie=\w+,priority=\d+,?", "", flow) for flow in flows]


@pytest.mark.parametrize("plan", [PLAN, VOICE], ids=["tcp", "udp"])
def test_no_placeholder_is_left_and_all_of_it_compiles(plan: PipelinePlan) -> None:
    flows = render(plan, PORTS)
    assert len(flows) > 150
    for flow in flows:
        assert "{" not in flow
        flow_mod(flow)


@pytest.mark.parametrize("plan", [PLAN, VOICE], ids=["tcp", "udp"])
def test_no_two_flows_have_the_same_match(plan: PipelinePlan) -> None:
    """The switch would keep only the last of them."""
    flows = render(plan, PORTS)
    keys = [re.sub(r",cookie=\w+", "", flow).split(" actions=")[0] for flow in flows]
    assert sorted(set(keys)) == sorted(keys)


@pytest.mark.parametrize("name", ["lab.yaml", "datacenter.yaml"])
def test_the_shipped_configurations_render(name: str) -> None:
    settings = load(resource("config", name))
    shipped = pipeline_plan(settings, protocol_specs(settings))
    flows = render(shipped, {port: number for number, port in enumerate(shipped.port_names)})
    keys = [re.sub(r",cookie=\w+", "", flow).split(" actions=")[0] for flow in flows]
    assert sorted(set(keys)) == sorted(keys)
    for flow in flows:
        flow_mod(flow)


def test_a_table_ends_with_a_flow_of_its_own(plan: PipelinePlan) -> None:
    flows = render(plan, PORTS)
    for table in range(9):
        assert [f for f in flows if re.match(rf"table={table},cookie=\w+,priority=0 ", f)]


def test_a_missing_port_is_an_error(plan: PipelinePlan) -> None:
    with pytest.raises(KeyError, match="wan"):
        render(plan, {"lan": 1, "dmz": 2, "plain": 3})


def test_a_gateway_without_ipv6_answers_none(plan: PipelinePlan) -> None:
    inside = tuple(
        replace(n, addresses=tuple(a for a in n.addresses if a.version == 4)) for n in plan.inside
    )
    outside = tuple(
        replace(n, addresses=tuple(a for a in n.addresses if a.version == 4)) for n in plan.outside
    )
    flows = render(replace(plan, inside=inside, outside=outside), PORTS)
    assert not [flow for flow in flows if "fe80::a1" in flow or "nd_target" in flow]


def test_rules_keep_their_order(plan: PipelinePlan) -> None:
    flows = with_rules(
        plan,
        OutboundRule(True, (ip_network("1.0.0.0/8"),)),
        OutboundRule(False, (), (), IpProtocol.ICMP),
        default=False,
    )
    assert flows == [
        "table=7,cookie=0xa160010000000007,priority=65000,ip,nw_src=1.0.0.0/8 actions=goto_table:8",
        "table=7,cookie=0xa160090000000007,priority=64999,icmp actions=drop",
        "table=7,cookie=0xa160090000000007,priority=64999,icmp6 actions=drop",
        "table=7,cookie=0xa160090000000007,priority=0 actions=drop",
    ]


def test_a_rule_is_for_the_ip_versions_of_its_prefixes(plan: PipelinePlan) -> None:
    lan, server = ip_network("192.168.10.0/24"), ip_network("2001:db8::/32")
    assert matches(with_rules(plan, OutboundRule(True, (lan,), (server,)))[:-1]) == []
    assert matches(with_rules(plan, OutboundRule(True, (), (server,)))[:-1]) == [
        "ipv6,ipv6_dst=2001:db8::/32 actions=goto_table:8"
    ]


def test_denied_ports_deny_fragments(plan: PipelinePlan) -> None:
    rule = OutboundRule(
        False, (), (ip_network("192.0.2.0/24"),), IpProtocol.UDP, (PortRange(53, 53),)
    )
    assert matches(with_rules(plan, rule)[:-1]) == [
        "udp,nw_dst=192.0.2.0/24,tp_dst=0x35/0xffff actions=drop",
        "udp,nw_dst=192.0.2.0/24,nw_frag=yes actions=drop",
    ]
    assert matches(with_rules(plan, replace(rule, allow=True))[:-1]) == [
        "udp,nw_dst=192.0.2.0/24,tp_dst=0x35/0xffff actions=goto_table:8"
    ]


def test_each_uplink_carries_what_has_its_addresses(plan: PipelinePlan) -> None:
    second = OutsideNetwork(
        "backup", "wan2", (ip_interface("192.0.2.1/28"),), (ip_address("192.0.2.14"),)
    )
    flows = render(replace(plan, outside=(*plan.outside, second)), {**PORTS, "wan2": 5})
    routes = [
        (found[1], found[2])
        for flow in flows
        if (
            found := re.search(
                r"table=4,.*priority=([56]0,ip,nw_src=\S+) .*->NXM_NX_REG2\[\],load:(\w+)", flow
            )
        )
    ]
    assert routes == [
        ("50,ip,nw_src=0.0.0.0/0", "0xcb0071fe"),
        ("60,ip,nw_src=203.0.113.0/24", "0xcb0071fe"),
        ("60,ip,nw_src=192.0.2.0/28", "0xc000020e"),
    ]


@pytest.mark.parametrize("plan", [PLAN, VOICE], ids=["tcp", "udp"])
def test_every_meter_has_a_rate(plan: PipelinePlan) -> None:
    used = {int(n) for flow in render(plan, PORTS) for n in re.findall(r"meter:(\d+)", flow)}
    # What is held down is so by a flow that comes and goes.
    held_down = {Meter.GREEDY.of(network.number) for network in plan.networks}
    assert used | held_down == set(meter_rates(plan)) and not used & held_down
