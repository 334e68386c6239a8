"""Control datagrams that are answered by data, and bindings for whatever port answers."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random
from typing import Any

import pytest

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import Barrier, CountData, MediaPath, OpenMedia
from ryu_alg.engine.config import PortRange, Service, Timers
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import DataCounted, PipelineInstalled, Timeout
from ryu_alg.inspection import Binding, Endpoint, Realm, Refusal, Send, Transport
from tests.engine.test_datagram_sessions import codes, nothing_left
from tests.engine.toy_datagrams import (
    PHONE,
    PLAIN_PHONE,
    PORT,
    PROXY,
    PUBLIC,
    PUBLISHED,
    SERVER,
    Network,
    ToyPhone,
    at,
    config,
)

SECOND_PUBLIC = ip_address("203.0.113.10")


def network(**changes: Any) -> Network:
    return Network(Engine(config(**changes), random=Random(7)))


def test_a_request_leaves_from_the_port_that_its_answer_comes_to() -> None:
    lan = network(data=PortRange(40000, 40000))
    step = lan.send(at(PHONE, 4000), at(PROXY), b"FETCH")
    (opened,) = step.of(OpenMedia)
    public = Endpoint(PUBLIC, 40000)
    assert opened.paths == (MediaPath(at(PHONE, 4000), public, at(PROXY)),)
    assert step.left == []  # before the switch has opened it
    assert lan.confirm().left == [(public, at(PROXY), b"FETCH")]


@pytest.mark.parametrize(
    ("binding", "inside"),
    [(99, at(PHONE, 4000)), (1, at(PHONE, 4001))],
)
def test_a_datagram_leaves_from_no_binding_but_its_own(
    monkeypatch: pytest.MonkeyPatch, binding: int, inside: Endpoint
) -> None:
    lan = network()
    lan.send(at(PHONE, 4000), at(PROXY), b"FETCH")
    lan.confirm()
    word = Send(Realm.OUTSIDE, inside, at(PROXY), b"word", binding)
    monkeypatch.setattr(ToyPhone, "_fetch", lambda inspector, datagram: [word])
    step = lan.send(at(PHONE, 4000), at(PROXY), b"FETCH")
    assert (step.left, codes(step)) == ([], ["datagram.send_refused"])


def test_a_control_endpoint_that_is_released_costs_nothing() -> None:
    lan = network()
    lan.send(at(PHONE, 4000), at(PROXY), b"FETCH")
    lan.confirm()
    assert len(lan.engine.datagrams.controls) == 0
    assert not lan.engine.tables.quotas.per_host
    # It is there again when it is used again.
    lan.register(PHONE, 4000)
    assert len(lan.engine.datagrams.controls) == 1


@pytest.mark.parametrize(("words", "rests"), [((b"FETCH",), False), ((b"HELLO", b"FETCH"), True)])
def test_a_port_that_nobody_knows_of_need_not_rest(words: tuple[bytes, ...], rests: bool) -> None:
    lan = network(control=PortRange(50000, 50000))
    for word in words:
        lan.send(at(PHONE, 4000), at(PROXY), word)
    lan.confirm()
    step = lan.send(at(PHONE, 4001), at(PROXY), b"HELLO")
    assert ("signalling.refused.session.ports_exhausted" in codes(step)) is rests


def test_a_released_endpoint_that_is_published_stays() -> None:
    lan = network()
    lan.send(at(SERVER), at(PROXY), b"FETCH")
    assert len(lan.engine.datagrams.controls) == 1


def test_an_inspector_knows_what_is_published() -> None:
    lan = network()
    lan.send(at(PROXY), PUBLISHED, b"HELLO")
    lan.register()
    assert lan.inspector(1).seen[-1].published
    assert not lan.inspector(2).seen[-1].published


def test_a_binding_may_fall_idle_sooner_than_others() -> None:
    lan = network(timers=Timers(data_idle=120))
    (count,) = lan.send(at(PHONE, 4000), at(PROXY), b"FETCH").of(CountData)
    assert count.idle == 20
    (count,) = lan.handle(PipelineInstalled()).of(CountData)
    assert count.idle == 20
    lan.confirm()
    lan.inspector().unbind_when_idle = True
    step = lan.handle(DataCounted(count.mark, 3, 300, idle=True))
    assert "session.ended" in codes(step)
    assert nothing_left(lan)


def test_but_not_later() -> None:
    lan = network(timers=Timers(data_idle=10))
    (count,) = lan.send(at(PHONE, 4000), at(PROXY), b"FETCH").of(CountData)
    assert count.idle == 10


def test_whatever_port_a_server_answers_from() -> None:
    lan = network(data=PortRange(40000, 40000))
    step = lan.send(at(PROXY, 7000), PUBLISHED, b"SERVE")
    (opened,) = step.of(OpenMedia)
    anywhere = MediaPath(at(SERVER, 0), Endpoint(PUBLIC, 40000), at(PROXY, 7000))
    assert opened.paths == (anywhere,)
    assert (step.left, len(step.of(Barrier))) == ([], 1)
    assert lan.confirm().left == [(at(PROXY, 7000), at(SERVER), b"SERVE")]
    (pinhole,) = snapshot.pinholes(lan.engine, lan.now)
    assert pinhole.listener == at(SERVER, 0)


def test_over_tcp_an_endpoint_has_a_port() -> None:
    lan = network()
    lan.register()
    gateway = lan.inspector().gateway
    refused = gateway.bind([at(PHONE, 0)], transport=Transport.TCP)
    assert isinstance(refused, Refusal) and refused.code == "port.privileged"


def test_a_server_answers_from_the_address_that_it_is_published_at() -> None:
    second = Endpoint(SECOND_PUBLIC, PORT)
    service = Service(second, at(SERVER), "toy", Transport.UDP)
    lan = network(services=(service,), public=(PUBLIC, SECOND_PUBLIC))
    (opened,) = lan.send(at(PROXY, 7000), second, b"SERVE").of(OpenMedia)
    assert opened.paths[0].public.address == SECOND_PUBLIC
    assert opened.paths[0].public.port in range(32768, 32776)


def test_the_public_address_is_one_that_stands_for_the_host() -> None:
    lan = network(public=(PUBLIC, SECOND_PUBLIC))
    lan.register()
    gateway = lan.inspector().gateway
    for address in (SECOND_PUBLIC, ip_address(PROXY), ip_address("2001:db8::1")):
        refused = gateway.bind([at(PHONE, 4000)], public=address)
        assert isinstance(refused, Refusal) and refused.code == "binding.public"
    own = gateway.bind([at(PHONE, 4000)], public=PUBLIC)
    assert isinstance(own, Binding) and own.public[0].address == PUBLIC
    lan.register(PLAIN_PHONE)
    plain = lan.inspector(2).gateway
    own = plain.bind([at(PLAIN_PHONE, 4000)], public=ip_address(PLAIN_PHONE))
    assert isinstance(own, Binding) and own.public == own.inside


def test_a_session_of_transfers_only_ends_with_the_last_of_them() -> None:
    lan = network(timers=Timers(port_quarantine=0.0))
    lan.send(at(PHONE, 4000), at(PROXY), b"FETCH")
    lan.confirm()
    (mark,) = lan.engine.tables.marks.live
    lan.now = 1000.0
    lan.handle(Timeout())
    assert lan.engine.datagrams.sessions
    lan.inspector().unbind_when_idle = True
    lan.handle(DataCounted(mark, 1, 100, idle=True))
    assert nothing_left(lan)
