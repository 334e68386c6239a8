"""What the plan works out by itself."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.engine import config as engine
from ryu_alg.inspection import Realm
from ryu_alg.openflow.plan import InsideNetwork, PipelinePlan, PortRange


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_blocks_cover_a_range_exactly(one: int, other: int) -> None:
    ports = PortRange(min(one, other), max(one, other))
    covered = []
    for value, mask in ports.blocks():
        size = 0x10000 - mask
        assert size & size - 1 == 0, "a power of two"
        assert value & ~mask & 0xFFFF == 0
        covered += range(value, value + size)
    assert covered == list(range(ports.low, ports.high + 1))


@pytest.mark.parametrize(
    ("low", "high", "count"), [(49_152, 53_247, 1), (1024, 32_767, 5), (0, 65_535, 1), (1, 1, 1)]
)
def test_blocks_are_few(low: int, high: int, count: int) -> None:
    assert len(list(PortRange(low, high).blocks())) == count


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_the_engine_chooses_the_same_public_address(count: int) -> None:
    public = tuple(ip_address(f"203.0.113.{number}") for number in range(count))
    network = InsideNetwork("lan", "lan", (ip_interface("192.168.10.1/24"),), public)
    choices = network.public_by_low_bits
    same = engine.InsideNetwork("lan", (), public)
    for host in map(ip_address, range(3_232_238_080, 3_232_238_112)):
        assert choices[int(host) % len(choices)] == same.public_for(host)


def test_without_nat_there_is_nothing_to_choose() -> None:
    assert InsideNetwork("lan", "lan", ()).public_by_low_bits == ()


def test_networks_are_numbered_inside_first(plan: PipelinePlan) -> None:
    found = [(n.number, n.network.name, n.realm) for n in plan.networks]
    assert found == [
        (1, "lan", Realm.INSIDE),
        (2, "dmz", Realm.INSIDE),
        (3, "plain", Realm.INSIDE),
        (4, "wan", Realm.OUTSIDE),
    ]
    assert plan.port_names == ("lan", "dmz", "plain", "wan")


def test_the_link_local_address_comes_from_the_mac(plan: PipelinePlan) -> None:
    assert str(plan.link_local) == "fe80::a1:60ff:fe00:1"
    other = replace(plan, mac="00:1b:21:aa:bb:cc")
    assert str(other.link_local) == "fe80::21b:21ff:feaa:bbcc"
