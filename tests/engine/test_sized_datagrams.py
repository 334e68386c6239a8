"""UDP datagrams that are punted by their size: which are inspected, and how they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any, cast

import pytest

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CountData,
    OpenListener,
    Ordinary,
    PassDatagram,
    Publish,
    Watched,
)
from ryu_alg.engine.config import InsideNetwork, Quotas
from ryu_alg.engine.datagram_session import MAX_PASSED, MAX_WAITING
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import PipelineInstalled, SessionUnwanted, Timeout
from ryu_alg.engine.supervision import OvertimeError
from ryu_alg.inspection import Datagram as Offered
from ryu_alg.inspection import (
    DatagramEffect,
    DatagramGateway,
    Endpoint,
    Listen,
    Pass,
    Realm,
    Report,
    Watch,
)
from tests.engine.conversation import PLAIN, PUBLIC
from tests.engine.listening import (
    CAUSE,
    INSIDE,
    LATER,
    NODE,
    SIZES,
    Site,
    codes,
    config,
    listen,
    nothing_listens,
    opened,
    site,
)
from tests.engine.toy_datagrams import DENIED_HOST, OTHER_PHONE, PHONE, PROXY, Exchanged, at

ASK, TELL = b"node asks", b"node tells"
NOT_OURS = b"something else"


def watching(gateway: DatagramGateway, datagram: Offered) -> Sequence[DatagramEffect]:
    return [Watch(datagram.inside), Pass(datagram.payload)]


def asking(gateway: DatagramGateway, datagram: Offered) -> Sequence[DatagramEffect]:
    return [Pass(datagram.payload + b" politely", answered=True)]


def watched_site(**changes: Any) -> Site:
    """`INSIDE` is watched, and nobody waits for the switch."""
    where = site(**changes)
    where.says[ASK] = watching
    where.sized(INSIDE, NODE, ASK)
    where.confirm()
    return where


def passed(step: Exchanged) -> list[tuple[Endpoint, Endpoint, bytes, Realm, bool]]:
    """What goes on, as (source, target, payload, realm, answered)."""
    return [
        (
            at(ip_address(command.datagram.src), command.datagram.sport),
            at(ip_address(command.datagram.dst), command.datagram.dport),
            command.datagram.payload,
            command.realm,
            command.answered,
        )
        for command in step.of(PassDatagram)
    ]


def gone(where: Site) -> bool:
    """Whether the engine has forgotten everything."""
    tables = where.engine.tables
    return (
        nothing_listens(where.engine, where.now)
        and not where.engine.datagrams.sessions
        and not tables.quotas.total
        and not tables.barriers.waiting
        and where.engine.next_timeout() is None
    )


# -- the first ones -------------------------------------------------------------------------------


def test_one_that_is_not_the_protocols_is_ordinary() -> None:
    where = site()
    assert where.sized(INSIDE, NODE, NOT_OURS).commands == [Ordinary()]
    assert where.nodes == [] and gone(where)


def test_one_that_is_gets_inspected_and_passes_as_it_came() -> None:
    where = site()
    step = where.sized(INSIDE, NODE, ASK, ttl=17, tos=0x68)
    assert passed(step) == [(INSIDE, NODE, ASK, Realm.INSIDE, False)]
    (command,) = step.of(PassDatagram)
    assert (command.datagram.ttl, command.datagram.tos) == (17, 0x68)
    (node,) = where.nodes
    assert node.seen == [Offered(Realm.INSIDE, INSIDE, INSIDE, NODE, ASK, watched=True)]
    # Nothing is to be remembered of it.
    assert codes(step) == ["session.opened", "session.ended"] and gone(where)


def test_it_takes_no_control_port() -> None:
    where = watched_site(quotas=Quotas(sessions_per_host=1))
    assert where.engine.tables.quotas.per_host == {}
    assert where.register(INSIDE.address, INSIDE.port).port >= 49152
    (view,) = snapshot.sessions(where.engine, 0.0)
    assert (view.client, view.server) == (INSIDE, at(PROXY))


def test_a_session_that_only_watches_is_shown_by_its_host() -> None:
    where = watched_site()
    (view,) = snapshot.sessions(where.engine, 0.0)
    assert (view.client, view.server) == (at(PHONE, 0), NODE)
    assert view.to_server_bytes == len(ASK)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (at("198.51.100.77"), NODE),
        (INSIDE, at(OTHER_PHONE)),
        (INSIDE, at(PUBLIC, 40000)),
        (INSIDE, at(DENIED_HOST)),
    ],
    ids=["spoofed", "to inside", "to a public address", "against outbound policy"],
)
def test_one_that_goes_elsewhere_is_ordinary(source: Endpoint, target: Endpoint) -> None:
    where = site()
    assert where.sized(source, target, ASK, realm=Realm.INSIDE).commands == [Ordinary()]
    assert gone(where)


@pytest.mark.parametrize("protocol", [1, -1])
def test_one_of_no_protocol_is_ordinary(protocol: int) -> None:
    where = site()
    assert where.sized(INSIDE, NODE, ASK, protocol=protocol).commands == [Ordinary()]


def test_one_of_a_protocol_that_does_not_care_any_more_is_ordinary() -> None:
    where = watched_site()
    (toy,) = config(where).protocols
    where.engine.reconfigure(config(where, protocols=(replace(toy, sizes=None),)))
    assert where.sized(INSIDE, NODE, ASK).commands == [Ordinary()]
    assert where.sized(at(OTHER_PHONE), NODE, ASK).commands == [Ordinary()]
    where.engine.reconfigure(config(where, protocols=()))
    assert where.sized(INSIDE, NODE, ASK).commands == [Ordinary()]


def test_a_session_too_many_passes_uninspected() -> None:
    where = site(quotas=Quotas(sessions=1))
    where.says[ASK] = watching
    where.sized(INSIDE, NODE, ASK)
    step = where.sized(at(OTHER_PHONE), NODE, ASK)
    assert codes(step) == ["session.quota"] and step.of(Ordinary)


# -- watching -------------------------------------------------------------------------------------


def test_a_watched_endpoint_has_one_public_port_before_anything_leaves() -> None:
    where = site()
    where.says[ASK] = watching
    step = where.sized(INSIDE, NODE, ASK)
    kinds = [type(command) for command in step.commands if not isinstance(command, Publish)]
    assert kinds == [OpenListener, CountData, CountData, Barrier]
    port = where.port()
    command = opened(step)
    assert command.watched == Watched(LATER, port.asking.mark)
    assert not command.admits and (command.inside, command.public) == (INSIDE, port.listener.public)
    assert len({port.tcp.mark, port.udp.mark, port.asking.mark}) == 3
    step = where.confirm()
    assert passed(step) == [(INSIDE, NODE, ASK, Realm.INSIDE, False)]
    assert codes(step) == []  # nobody gets in
    assert list(snapshot.pinholes(where.engine, 0.0)) == []
    assert len(list(snapshot.bindings(where.engine, 0.0))) == 2
    # Nobody has announced anything.
    assert where.nodes[0].gateway.listening(INSIDE) is None


def test_what_it_sends_later_is_inspected_whatever_it_is() -> None:
    where = watched_site()
    port = where.port()
    step = where.sized(INSIDE, at(PROXY, 7000), NOT_OURS, port.listener.id)
    assert passed(step) == [(INSIDE, at(PROXY, 7000), NOT_OURS, Realm.INSIDE, False)]
    last = where.nodes[0].seen[-1]
    assert (last.inside, last.public, last.watched) == (INSIDE, port.listener.public, True)
    # Watching it again changes nothing.
    step = where.sized(INSIDE, NODE, ASK, port.listener.id)
    assert step.of(OpenListener) == step.of(Barrier) == []
    assert len(passed(step)) == 1


def test_what_it_sends_may_be_translated_already() -> None:
    where = watched_site()
    listener = where.port().listener
    for payload in (NOT_OURS, ASK):
        step = where.sized(listener.public, NODE, payload, listener.id, realm=Realm.INSIDE, ttl=9)
        assert passed(step) == [(INSIDE, NODE, payload, Realm.INSIDE, False)]
        assert where.nodes[0].seen[-1].inside == INSIDE


@pytest.mark.parametrize("target", [at(OTHER_PHONE), at(PUBLIC, 40000), at(DENIED_HOST)])
def test_what_it_sends_elsewhere_goes_on_uninspected(target: Endpoint) -> None:
    """The switch knows what becomes of it."""
    where = watched_site()
    listener = where.port().listener
    for source in (INSIDE, listener.public):
        step = where.sized(source, target, NOT_OURS, listener.id, realm=Realm.INSIDE)
        assert passed(step) == [(INSIDE, target, NOT_OURS, Realm.INSIDE, False)]
    assert len(where.nodes[0].seen) == 1


def test_watching_begins_while_it_listens_and_the_other_way_round() -> None:
    where = site()
    conversation, told = where.session()
    listener = listen(told.gateway)
    told.lines[b"OK"] = lambda gateway: [Listen(listener.id, CAUSE, gateway.now + 100.0)]
    conversation.server_sends(b"OK\n")
    conversation.confirm()
    where.says[ASK] = watching
    step = where.sized(INSIDE, NODE, ASK)
    command = opened(step)
    assert command.admits and command.watched is not None and command.id == listener.id
    # It was mapped and open before: nothing has to be waited for.
    assert len(passed(step)) == 1 and step.of(CountData) == []
    where.now = 100.0
    command = opened(where.handle(Timeout()))
    assert not command.admits and command.watched is not None
    conversation.now = where.now
    conversation.client_sends(b"HELLO\n")
    listen(told.gateway)
    conversation.server_sends(b"OK\n")
    assert opened(conversation.commands).admits and conversation.reached_client() == b""
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"


def test_the_watch_ends_with_its_traffic_and_its_session_hears_of_it() -> None:
    where = watched_site()
    port = where.port()
    (node,) = where.nodes
    step = where.falls_idle(port.tcp.mark)
    assert step.of(CloseListener) == [] and node.idle == []
    assert len(step.of(CountData)) == 1
    step = where.falls_idle(port.udp.mark)
    assert step.of(CloseListener) == [CloseListener(port.listener.id)]
    assert node.idle == [port.listener.id]
    assert codes(step) == ["session.ended"]
    where.falls_idle(port.tcp.mark)
    assert gone(where)


def test_what_is_over_can_be_ended_by_who_hears_of_it() -> None:
    where = watched_site()
    port = where.port()
    (node,) = where.nodes
    listen(node.gateway)
    where.says[TELL] = lambda gateway, datagram: [
        Listen(port.listener.id, CAUSE, gateway.now + 500.0),
        Pass(datagram.payload),
    ]
    where.sized(INSIDE, NODE, TELL, port.listener.id)
    where.confirm()
    assert port.admits
    node.on_idle = lambda gateway: [Listen(port.listener.id, CAUSE, gateway.now)]
    step = where.falls_idle(port.udp.mark)
    assert [type(c) for c in step.commands if isinstance(c, OpenListener | CloseListener)] == [
        OpenListener,  # not watched any more
        CloseListener,
    ]
    assert "listener.closed" in codes(step)
    for data in (port.udp, port.tcp):
        if data.counted:
            where.falls_idle(data.mark)
    assert gone(where)


def test_without_room_for_it_nothing_is_watched_and_it_passes() -> None:
    where = site(quotas=Quotas(pinholes_per_host=1))
    where.says[ASK] = watching
    step = where.sized(INSIDE, NODE, ASK)
    assert "listener.refused.quota.host" in codes(step)
    assert len(passed(step)) == 1 and gone(where)


@pytest.mark.parametrize("inside", [at(OTHER_PHONE, 6881), NODE, at(PHONE, 53)])
def test_what_is_not_to_be_watched(inside: Endpoint) -> None:
    where = site()
    where.says[ASK] = lambda gateway, datagram: [Watch(inside), Pass(datagram.payload)]
    step = where.sized(INSIDE, NODE, ASK)
    assert step.of(OpenListener) == [] and len(passed(step)) == 1
    assert any(code.startswith("listener.refused.") for code in codes(step))
    assert gone(where)


def test_a_protocol_that_looks_at_no_sizes_watches_nothing() -> None:
    where = site()
    (toy,) = config(where).protocols
    where.engine.reconfigure(config(where, protocols=(replace(toy, sizes=None),)))
    where.says[ASK] = lambda gateway, datagram: [Watch(datagram.inside)]
    where.send(at(PHONE), at(PROXY), ASK)
    assert where.engine.tables.listeners.live == {}


def test_a_session_that_fails_stops_watching() -> None:
    where = watched_site()
    port = where.port()
    where.says[TELL] = lambda gateway, datagram: [][1]
    step = where.sized(INSIDE, NODE, TELL, port.listener.id)
    assert codes(step) == ["inspector.failed", "session.ended"]
    assert step.of(CloseListener) == [CloseListener(port.listener.id)] and passed(step) == []
    # What was punted before goes on uninspected.
    step = where.sized(INSIDE, NODE, ASK, port.listener.id)
    assert passed(step) == [(INSIDE, NODE, ASK, Realm.INSIDE, False)]
    assert len(step.commands) == len(where.nodes) == 1
    step = where.sized(INSIDE, NODE, ASK)
    assert opened(step).public == port.listener.public
    where.confirm()
    where.falls_idle(port.tcp.mark)
    where.falls_idle(port.udp.mark)
    where.falls_idle(port.tcp.mark)
    assert gone(where)


def test_a_session_that_nobody_wants_does_not_watch() -> None:
    where = watched_site()
    port = where.port()
    step = where.handle(SessionUnwanted(1))
    assert step.of(CloseListener) == [CloseListener(port.listener.id)]
    where.falls_idle(port.tcp.mark)
    where.falls_idle(port.udp.mark)
    assert gone(where)


def test_a_switch_that_comes_back_watches_again() -> None:
    where = watched_site()
    command = opened(where.handle(PipelineInstalled()))
    assert command.watched == Watched(LATER, where.port().asking.mark)


# -- passing on -----------------------------------------------------------------------------------


def test_an_answer_is_asked_for_and_comes_to_who_asked() -> None:
    where = watched_site()
    port = where.port()
    where.says[TELL] = asking
    step = where.sized(INSIDE, NODE, TELL, port.listener.id)
    assert passed(step) == [(INSIDE, NODE, TELL + b" politely", Realm.INSIDE, True)]
    # From outside it is translated already, whatever its port.
    where.says[b"answer"] = asking
    step = where.sized(NODE, INSIDE, b"answer", port.listener.id, ttl=9)
    assert passed(step) == [
        (NODE, port.listener.public, b"answer politely", Realm.OUTSIDE, True),
    ]
    assert step.of(PassDatagram)[0].datagram.ttl == 9
    assert where.nodes[0].seen[-1] == Offered(
        Realm.OUTSIDE, INSIDE, port.listener.public, NODE, b"answer", watched=True
    )
    (view,) = snapshot.sessions(where.engine, 0.0)
    assert view.to_client_bytes == len(b"answer politely")


def test_where_nothing_is_watched_no_answer_can_be_seen() -> None:
    where = site()
    where.says[ASK] = asking
    ((_, _, _, _, answered),) = passed(where.sized(INSIDE, NODE, ASK))
    assert not answered
    where.says[ASK] = watching
    where.sized(INSIDE, NODE, ASK)
    where.confirm()
    where.says[ASK] = asking
    ((_, _, _, _, answered),) = passed(where.sized(INSIDE, at(PROXY), ASK))
    assert answered


def test_what_a_link_would_fragment_does_not_pass() -> None:
    where = watched_site()
    number = where.port().listener.id
    for size, fine in ((MAX_PASSED, True), (MAX_PASSED + 1, False)):
        where.says[TELL] = lambda gateway, datagram, size=size: [Pass(bytes(size))]
        step = where.sized(INSIDE, NODE, TELL, number)
        assert (len(passed(step)), codes(step)) == (
            (1, []) if fine else (0, ["datagram.pass_refused"])
        )


def test_only_what_was_watched_passes() -> None:
    where = watched_site()
    (node,) = where.nodes
    node.says[TELL] = lambda gateway, datagram: [Pass(datagram.payload)]
    step = where.send(at(PHONE), at(PROXY), TELL)
    assert codes(step) == ["datagram.pass_refused"] and passed(step) == []
    node.alarm = 5.0
    node.on_alarm = lambda gateway: [Pass(b"out of the blue")]
    where.send(at(PHONE), at(PROXY), b"HELLO")
    where.now = 5.0
    step = where.handle(Timeout())
    assert codes(step) == ["datagram.pass_refused"] and passed(step) == []


def test_what_waits_for_the_switch_is_bounded() -> None:
    where = site()
    where.says[ASK] = lambda gateway, datagram: [
        Watch(datagram.inside),
        *[Pass(datagram.payload)] * (MAX_WAITING + 3),
    ]
    where.sized(INSIDE, NODE, ASK)
    assert len(passed(where.confirm())) == MAX_WAITING
    assert where.engine.counters["datagram.dropped_waiting"] == 3


@pytest.mark.parametrize("missing", ["port", "session", "endpoint"])
def test_answers_to_what_is_gone_are_dropped(missing: str) -> None:
    where = watched_site()
    port = where.port()
    number, target = port.listener.id, INSIDE
    if missing == "port":
        where.falls_idle(port.udp.mark)
        where.falls_idle(port.tcp.mark)
        assert gone(where)
    elif missing == "session":
        where.handle(SessionUnwanted(1))
    else:
        target = at(PHONE, INSIDE.port + 1)
    seen = len(where.nodes[0].seen)
    assert where.sized(NODE, target, b"answer", number).commands == []
    assert where.engine.counters["datagram.stray"] == 1
    assert len(where.nodes[0].seen) == seen


def test_what_a_listener_that_is_gone_had_punted_goes_its_ordinary_way() -> None:
    assert site().sized(INSIDE, NODE, ASK, 77).commands == [Ordinary()]


# -- plugins at fault -----------------------------------------------------------------------------


def raising(error: BaseException) -> Any:
    def fail(_: bytes) -> bool:
        raise error

    return fail


@pytest.mark.parametrize(
    ("opens", "reported"),
    [
        (raising(RuntimeError("secret")), ["inspector.failed"]),
        (raising(OvertimeError()), ["inspector.slow"]),
        (raising(SystemExit()), ["inspector.failed"]),
        (lambda payload: "yes", []),
        (lambda payload: None, []),
    ],
    ids=["raises", "slow", "exits", "text", "nothing"],
)
def test_whatever_a_protocol_says_of_a_first_one(opens: Any, reported: list[str]) -> None:
    where = site()
    (toy,) = config(where).protocols
    sizes = replace(SIZES, opens=opens)
    where.engine.reconfigure(config(where, protocols=(replace(toy, sizes=sizes),)))
    step = where.sized(INSIDE, NODE, ASK)
    assert codes(step) == reported and step.of(Ordinary) == [Ordinary()]
    assert not any("secret" in event.detail for event in step.of(Publish))
    assert gone(where)


def test_an_inspector_that_cannot_be_made_takes_nothing_with_it() -> None:
    (toy,) = config().protocols
    broken = replace(toy, datagram=cast(Any, raising(RuntimeError())))
    where = Site(Engine(config(protocols=(broken,)), random=Random(1)))
    step = where.sized(INSIDE, NODE, ASK)
    assert codes(step) == ["session.opened", "inspector.failed", "session.ended"]
    assert gone(where)


@pytest.mark.parametrize(
    "effect",
    [
        Watch(cast(Any, "192.168.10.2:6881")),
        Watch(Endpoint(INSIDE.address, cast(Any, "6881"))),
        Pass(cast(Any, "text")),
        Pass(b"", answered=cast(Any, 1)),
        Listen(cast(Any, "1"), CAUSE, 1.0),
        Listen(1, cast(Any, "cause"), 1.0),
        Listen(1, CAUSE, cast(Any, None)),
        Listen(1, CAUSE, float("nan")),
    ],
    ids=repr,
)
def test_effects_that_hold_something_else(effect: DatagramEffect) -> None:
    where = watched_site()
    where.says[TELL] = lambda gateway, datagram: [effect, Pass(datagram.payload)]
    step = where.sized(INSIDE, NODE, TELL, where.port().listener.id)
    assert codes(step) == ["inspector.failed", "session.ended"] and passed(step) == []


@pytest.mark.parametrize(
    ("inside", "cause"),
    [("192.168.10.2:6881", CAUSE), (INSIDE, "cause"), (INSIDE, bytearray(b"cause")), (None, CAUSE)],
)
def test_questions_that_hold_something_else(inside: Any, cause: Any) -> None:
    where = watched_site()
    where.says[TELL] = lambda gateway, datagram: [
        Report("toy.asked", str(gateway.listen(inside, cause)))
    ]
    step = where.sized(INSIDE, NODE, TELL, where.port().listener.id)
    assert codes(step) == ["inspector.failed", "session.ended"]


def test_questions_about_what_is_no_endpoint() -> None:
    where = watched_site()
    where.says[TELL] = lambda gateway, datagram: [
        Report("toy.asked", str(gateway.listening(cast(Any, [datagram.inside]))))
    ]
    step = where.sized(INSIDE, NODE, TELL, where.port().listener.id)
    assert codes(step) == ["inspector.failed", "session.ended"]


# -- without translation --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "node"), [(PLAIN, NODE), ("2001:db8:1::2", at("2001:db8:2::20", 6881))]
)
def test_without_translation_all_is_as_it_is(host: str, node: Endpoint) -> None:
    networks = (*config().networks, InsideNetwork("six", (ip_network("2001:db8:1::/64"),)))
    where = site(networks=networks)
    where.says[ASK] = watching
    inside = at(host, 6881)
    command = opened(where.sized(inside, node, ASK))
    assert (command.inside, command.public) == (inside, inside)
    ((source, target, _, _, _),) = passed(where.confirm())
    assert (source, target) == (inside, node)
    ((source, target, _, realm, _),) = passed(where.sized(node, inside, b"answer", command.id))
    assert (source, target, realm) == (node, inside, Realm.OUTSIDE)
