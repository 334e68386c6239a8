"""What is filled in is what would have been compiled."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.engine.commands import (
    CountData,
    DestinationNat,
    FiveTuple,
    KeepPunting,
    MediaPath,
    Offload,
    OffloadPath,
    OpenListener,
    OpenMedia,
    Pinhole,
    SourceNat,
    Watched,
)
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow import flowtext, pinholes, stencil
from ryu_alg.openflow.flowtext import Command
from ryu_alg.openflow.greedy import Held
from ryu_alg.openflow.known_hosts import KnownHosts
from ryu_alg.openflow.listeners import listener_flows
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.render import render
from tests.openflow.conftest import PLAN, PORTS
from tests.openflow.test_flowtext import MORE

ZONE = 4242

numbers = st.integers(1, 0xFFFF_FFFF)
ports = st.integers(0, 0xFFFF)
realms = st.sampled_from(Realm)
seconds = st.integers(0, 0xFFFF)
versions = st.sampled_from((4, 6))


def endpoints(version: int) -> st.SearchStrategy[Endpoint]:
    return st.builds(Endpoint, st.ip_addresses(v=version), ports)


def pinhole(version: int) -> st.SearchStrategy[list[str]]:
    ends = endpoints(version)
    lengths = st.sampled_from((0, 24, 32) if version == 4 else (0, 64, 128))
    peer = st.builds(
        lambda address, length: ip_network((address, length), strict=False),
        st.ip_addresses(v=version),
        lengths,
    )
    there = st.builds(DestinationNat, ends)
    here = st.builds(SourceNat, st.ip_addresses(v=4), ports, ports)
    made = st.builds(
        Pinhole,
        id=numbers,
        mark=numbers,
        transport=st.just(Transport.TCP),
        peers=st.lists(peer, min_size=1, max_size=2).map(tuple),
        seen=ends,
        connecting_realm=realms,
        translate=st.one_of(st.none(), there, here) if version == 4 else st.none(),
        idle=seconds,
        hard=seconds,
        last_port=st.none(),
    )
    return made.map(lambda it: pinholes.pinhole_flows(it, ZONE))


def media(version: int) -> st.SearchStrategy[list[str]]:
    ends = endpoints(version)
    public = ends if version == 4 else st.none()
    path = st.builds(
        lambda inside, public, remote: MediaPath(inside, public or inside, remote),
        ends,
        public,
        ends,
    )
    made = st.builds(OpenMedia, numbers, numbers, st.lists(path, max_size=2).map(tuple))
    return made.map(
        lambda it: [f"{m} actions={actions}" for m, actions in Media().flows(it, ZONE).items()]
    )


def five_tuples(version: int) -> st.SearchStrategy[FiveTuple]:
    packed = st.ip_addresses(v=version).map(lambda it: it.packed)
    return st.builds(FiveTuple, packed, ports, packed, ports)


def offload(version: int) -> st.SearchStrategy[list[str]]:
    path = st.builds(OffloadPath, realms, five_tuples(version), five_tuples(version))
    return st.builds(Offload, numbers, st.tuples(path, path), seconds).map(pinholes.offload_flows)


def kept(version: int) -> st.SearchStrategy[list[str]]:
    arriving = st.tuples(realms, five_tuples(version))
    made = st.builds(KeepPunting, numbers, st.tuples(arriving, arriving))
    return made.map(pinholes.kept_punt_flows)


def listener(version: int) -> st.SearchStrategy[list[str]]:
    watched = st.builds(Watched, st.just((32, 48)), numbers)
    ends = endpoints(version)
    made = st.builds(
        lambda inside, public, *rest: OpenListener(
            rest[0], inside, public if version == 4 else inside, *rest[1:]
        ),
        ends,
        ends,
        numbers,
        st.booleans(),
        numbers,
        numbers,
        st.one_of(st.none(), watched),
    )
    return made.map(
        lambda it: [f"{m} actions={actions}" for m, actions in listener_flows(it, ZONE).items()]
    )


def counter(version: int) -> st.SearchStrategy[list[str]]:
    transports = st.sampled_from((Transport.TCP, Transport.UDP))
    made = st.builds(CountData, numbers, seconds, st.just(version), transports)
    return made.map(lambda it: [pinholes.counter_flow(it)])


def cut(_version: int) -> st.SearchStrategy[list[str]]:
    return st.builds(pinholes.cut_flow, numbers, seconds).map(lambda it: [it])


def held(version: int) -> st.SearchStrategy[list[str]]:
    transports = st.sampled_from((Transport.TCP, Transport.UDP))
    ends = endpoints(version)
    return st.builds(Held, st.integers(1, 99), transports, ends, ends).map(lambda it: [it.flow])


def known(version: int) -> st.SearchStrategy[list[str]]:
    packed = st.ip_addresses(v=version).map(lambda it: it.packed)
    return packed.map(lambda it: KnownHosts(PLAN.networks).met(it, 1.0))


KINDS: list[Callable[[int], st.SearchStrategy[list[str]]]] = [
    *(pinhole, media, offload, kept, listener, counter, cut, held, known)
]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(version=versions, data=st.data())
def test_flows_of_sessions(
    kind: Callable[[int], st.SearchStrategy[list[str]]], version: int, data: st.DataObject
) -> None:
    for text in data.draw(kind(version)):
        assert stencil.flow_mod(text) == flowtext.flow_mod(text)
        match = text.partition(" actions=")[0]
        for command in (Command.DELETE, Command.DELETE_STRICT):
            assert stencil.flow_mod(match, command) == flowtext.flow_mod(match, command)


@pytest.mark.parametrize("text", MORE)
def test_other_flows_as_often_as_one_likes(text: str) -> None:
    for _ in range(4):
        assert stencil.flow_mod(text) == flowtext.flow_mod(text)


def test_the_static_pipeline() -> None:
    for text in render(PLAN, PORTS):
        assert stencil.flow_mod(text) == flowtext.flow_mod(text)


PINHOLE = "table=3,cookie={},tcp,nw_src={},tp_dst={} actions=ct(nat(dst={}:{}))"
SAMPLES = ("0x12", "10.0.0.1", "21", "192.0.2.1", "1024")


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, "0x10000000000000000"),
        (0, "10.0.0.1"),
        (1, "10.0.0.256"),
        (1, "5"),
        (1, "2001:db8::1"),
        (2, "65536"),
        (2, "010"),
        (2, "10.0.0.1"),
        (3, "010.0.0.1"),
        (3, "7"),
        (4, "70000"),
    ],
)
def test_a_wrong_value_is_refused_as_ever(place: int, wrong: str) -> None:
    for _ in range(3):
        stencil.flow_mod(PINHOLE.format(*SAMPLES))
    values = list(SAMPLES)
    values[place] = wrong
    text = PINHOLE.format(*values)
    with pytest.raises(Exception) as expected:
        flowtext.flow_mod(text)
    with pytest.raises(type(expected.value)) as found:
        stencil.flow_mod(text)
    assert str(found.value) == str(expected.value)


def test_the_flows_that_sessions_need_most_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def flows(number: int) -> list[str]:
        inside, public, remote = (
            Endpoint(ip_network(f"10.{net}.0.{number}/32").network_address, 2000 + number)
            for net in range(3)
        )
        peers = (ip_network(f"{remote.address}/32"),)
        to_inside = DestinationNat(inside)
        passive = Pinhole(
            *(number, number, Transport.TCP, peers, public, Realm.OUTSIDE, to_inside),
            *(30, 60),
        )
        paths = (MediaPath(inside, public, remote),)
        opened = Media().flows(OpenMedia(number, number, paths), ZONE)
        return [
            *pinholes.pinhole_flows(passive, ZONE),
            *(f"{match} actions={actions}" for match, actions in opened.items()),
            pinholes.counter_flow(CountData(number, 60, 4)),
        ]

    for number in (1, 2):
        for text in flows(number):
            stencil.flow_mod(text)
    expected = [flowtext.flow_mod(text) for text in flows(3)]
    monkeypatch.delattr(flowtext, "flow_mod")
    assert [stencil.flow_mod(text) for text in flows(3)] == expected
