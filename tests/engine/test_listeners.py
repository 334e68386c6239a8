"""Ports where inside hosts wait for anybody: armed by one side, opened by the other."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from ryu_alg.engine import listeners, snapshot
from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CountData,
    CutData,
    EmitDatagram,
    OpenListener,
    Publish,
)
from ryu_alg.engine.config import InsideNetwork, PortRange, Quotas, Timers
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.engine.listeners import ARMED, MAX_CAUSE, MAX_CAUSES, MAX_HOLD
from ryu_alg.engine.segment import RST
from ryu_alg.engine.views import BindingKind, PinholeState
from ryu_alg.inspection import (
    Abort,
    Endpoint,
    Listen,
    Listener,
    Realm,
    Refusal,
    Send,
    StreamGateway,
    Transport,
)
from tests.engine.conversation import PLAIN, PUBLIC, SERVER, Talk
from tests.engine.listening import (
    CAUSE,
    INSIDE,
    NODE,
    OTHER_CAUSE,
    PORT,
    Site,
    codes,
    config,
    listen,
    nothing_listens,
    opened,
    site,
)
from tests.engine.test_bindings import Told
from tests.engine.toy_datagrams import OTHER_PHONE, PHONE, PROXY, Exchanged, at

AGAIN = 3600.0
"""Seconds for which a cause is confirmed here."""


def confirmed(told: Told, listener: Listener, cause: bytes = CAUSE, for_: float = AGAIN) -> None:
    """Have the server's next `OK` confirm a cause, or end it with 0 seconds."""

    def say(gateway: StreamGateway) -> list[Any]:
        return [Listen(listener.id, cause, gateway.now + for_)]

    told.lines[b"OK"] = say


def opening(where: Site, conversation: Talk, told: Told, cause: bytes = CAUSE) -> Listener:
    """A port that waits for the switch."""
    listener = listen(told.gateway, cause=cause)
    confirmed(told, listener, cause)
    conversation.now = where.now
    conversation.server_sends(b"OK\n")
    return listener


def listening(where: Site, conversation: Talk, told: Told, cause: bytes = CAUSE) -> Listener:
    """A port that is open."""
    listener = opening(where, conversation, told, cause)
    if conversation.of(Barrier):
        conversation.confirm()
    return listener


def gives_up_all(where: Site) -> None:
    """Whatever moved stops."""
    for data in list(where.engine.tables.marks.live.values()):
        if data.binding is not None and data.counted:
            where.falls_idle(data.mark)


def at_time(where: Site, now: float) -> Exchanged:
    where.now = now
    return where.handle(Timeout())


def listening_views(where: Site) -> list[tuple[Transport, Endpoint, Endpoint, int]]:
    return [
        (view.transport, view.inside, view.public, view.session)
        for view in snapshot.bindings(where.engine, where.now)
        if view.kind is BindingKind.LISTENING
    ]


# -- arming and confirming ------------------------------------------------------------------------


def test_armed_it_has_a_port_and_nobody_gets_in() -> None:
    where = site()
    conversation, told = where.session()
    listener = listen(told.gateway)
    assert listener.inside == INSIDE
    assert (listener.public.address, 32768 <= listener.public.port <= 32775) == (PUBLIC, True)
    conversation.client_sends(b"HELLO\n")
    assert conversation.of(OpenListener) == [] and conversation.reached_server() == b"HELLO\n"
    assert listening_views(where) == [
        (Transport.TCP, INSIDE, listener.public, 1),
        (Transport.UDP, INSIDE, listener.public, 1),
    ]
    assert list(snapshot.pinholes(where.engine, 0.0)) == []
    assert told.gateway.behind(listener.public, Transport.TCP) == INSIDE
    assert told.gateway.behind(listener.public, Transport.UDP) == INSIDE


def test_what_is_armed_waits_for_a_minute() -> None:
    where = site()
    _, told = where.session()
    listen(told.gateway)
    assert at_time(where, ARMED - 0.1).commands == []
    assert told.gateway.listening(INSIDE) is not None
    assert where.engine.tables.timers.next() == ARMED
    assert codes(at_time(where, ARMED)) == []
    assert told.gateway.listening(INSIDE) is None
    assert nothing_listens(where.engine)


def test_until_when_it_is_held_is_known_once_it_is_open() -> None:
    where = site()
    conversation, told = where.session()
    gateway = told.gateway
    listener = listen(gateway)
    assert gateway.held_until(listener.id, CAUSE) is None
    assert opening(where, conversation, told) == listener
    port = where.engine.tables.listeners.live[listener.id]
    assert gateway.held_until(listener.id, CAUSE) == port.until is not None
    assert gateway.held_until(listener.id, OTHER_CAUSE) is None
    assert gateway.held_until(listener.id + 1, CAUSE) is None


def test_asking_again_starts_the_minute_again() -> None:
    where = site()
    conversation, told = where.session()
    listener = listen(told.gateway)
    conversation.now = 50.0
    conversation.client_sends(b"HELLO\n")
    assert listen(told.gateway) == listener
    at_time(where, ARMED + 49)
    assert told.gateway.causes() == {CAUSE}
    at_time(where, ARMED + 50)
    assert nothing_listens(where.engine)


def test_the_answer_leaves_when_the_switch_has_opened() -> None:
    where = site()
    conversation, told = where.session()
    listener = opening(where, conversation, told)
    assert [type(command) for command in conversation.commands if not _acks(command)] == [
        OpenListener,
        CountData,
        CountData,
        Barrier,
    ]
    told_switch = opened(conversation.commands)
    assert (told_switch.id, told_switch.inside, told_switch.public) == (
        listener.id,
        INSIDE,
        listener.public,
    )
    assert told_switch.admits and told_switch.watched is None
    tcp, udp = conversation.of(CountData)
    assert (tcp.mark, tcp.transport, tcp.idle) == (told_switch.tcp_mark, Transport.TCP, 120)
    assert (udp.mark, udp.transport, udp.idle) == (told_switch.udp_mark, Transport.UDP, 120)
    assert len({0, tcp.mark, udp.mark}) == 3
    assert conversation.reached_client() == b""
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"
    (event,) = conversation.of(Publish)
    assert (event.code, event.protocol, event.session) == ("listener.opened", "toy", 1)
    assert event.detail == f"{listener.public} to {INSIDE}"


def _acks(command: object) -> bool:
    return type(command).__name__ == "Emit"


def test_confirmed_again_nothing_waits() -> None:
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    assert listen(told.gateway) == listener
    conversation.server_sends(b"OK\n")
    assert conversation.reached_client() == b"OK\n"
    assert conversation.of(OpenListener) == conversation.of(Barrier) == []


def test_confirmed_too_late_it_stays_shut_and_the_answer_leaves() -> None:
    where = site()
    conversation, told = where.session()
    confirmed(told, listen(told.gateway))
    conversation.now = ARMED
    conversation.handle(Timeout())
    conversation.server_sends(b"OK\n")
    assert codes(conversation.commands) == ["listener.unarmed"]
    assert conversation.reached_client() == b"OK\n"
    assert nothing_listens(where.engine)


def test_a_cause_that_was_never_armed_opens_nothing() -> None:
    where = site()
    conversation, told = where.session()
    listener = listen(told.gateway)
    confirmed(told, listener, OTHER_CAUSE)
    conversation.server_sends(b"OK\n")
    assert codes(conversation.commands) == ["listener.unarmed"]
    assert conversation.of(OpenListener) == [] and conversation.reached_client() == b"OK\n"


def test_over_udp_the_answer_waits_as_well() -> None:
    where = site()
    where.says[b"ANNOUNCE"] = lambda gateway, datagram: [
        Send(Realm.OUTSIDE, datagram.inside, datagram.remote, str(listen(gateway)).encode())
    ]
    where.says[b"OK"] = lambda gateway, datagram: [
        Listen(listen(gateway).id, CAUSE, gateway.now + AGAIN),
        Send(Realm.INSIDE, datagram.inside, datagram.remote, b"OK"),
    ]
    ((public, _, _),) = where.send(at(PHONE), at(PROXY), b"ANNOUNCE").left
    step = where.send(at(PROXY), public, b"OK")
    kinds = [type(command) for command in step.commands]
    assert kinds == [OpenListener, CountData, CountData, Barrier]
    # What has nothing to do with it does not wait.
    assert where.send(at(PROXY), public, b"HI").left == [(at(PROXY), at(PHONE), b"HI")]
    step = where.confirm()
    assert codes(step) == ["listener.opened"]
    assert step.left == [(at(PROXY), at(PHONE), b"OK")]
    again = where.send(at(PROXY), public, b"OK")
    assert [type(command) for command in again.commands] == [EmitDatagram]


# -- one port for all sessions --------------------------------------------------------------------


def test_all_sessions_of_a_protocol_get_the_same() -> None:
    where = site()
    _, told = where.session()
    _, other = where.session(client_port=40001)
    where.send(at(PHONE), at(PROXY), b"HELLO")
    (node,) = where.nodes
    listener = listen(told.gateway)
    assert listen(other.gateway) == listener
    assert listen(node.gateway, cause=OTHER_CAUSE) == listener
    for gateway in (told.gateway, other.gateway, node.gateway):
        assert gateway.listening(INSIDE) == listener
        assert gateway.causes() == {CAUSE, OTHER_CAUSE}
    assert [session for *_, session in listening_views(where)] == [3, 3]
    assert listen(told.gateway, at(PHONE, PORT + 1)).public != listener.public


def test_another_host_finds_it_and_has_its_own_causes() -> None:
    where = site()
    _, told = where.session()
    _, other = where.session(client=OTHER_PHONE)
    listener = listen(told.gateway)
    assert other.gateway.listening(INSIDE) == listener
    assert other.gateway.causes() == set()
    assert listen(other.gateway, at(OTHER_PHONE, PORT)).public != listener.public


def test_another_protocol_has_its_own() -> None:
    where = site()
    (toy,) = where.engine.config.protocols
    (rival,) = config(where, "rival").protocols
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    where.engine.reconfigure(config(where, protocols=(rival, toy)))
    other_talk, other = where.session(client_port=40001)
    assert other.gateway.listening(INSIDE) is None
    assert listen(other.gateway).public != listener.public
    # Nor can it end what is not its own.
    confirmed(other, listener, for_=0.0)
    other_talk.server_sends(b"OK\n")
    assert codes(other_talk.commands) == ["listener.unarmed"]
    assert other_talk.reached_client() == b"OK\n"
    assert where.port().admits


def test_each_of_two_sessions_waits_for_a_barrier_of_its_own() -> None:
    where = site()
    first, told = where.session()
    second, other = where.session(client_port=40001)
    opening(where, first, told)
    opening(where, second, other)
    assert first.of(OpenListener) and not second.of(OpenListener)
    assert second.reached_client() == b"" and second.of(Barrier)
    second.confirm()
    assert second.reached_client() == b"OK\n"
    first.confirm()
    assert first.reached_client() == b"OK\n"
    assert codes(first.commands) == []  # it was opened once


@pytest.mark.parametrize("ends", [True, False])
def test_a_session_that_ends_first_leaves_it_open(ends: bool) -> None:
    where = site()
    conversation, told = where.session()
    if ends:
        opening(where, conversation, told)
        conversation.client_sends(flags=RST)
    else:
        listener = listen(told.gateway)
        told.lines[b"OK"] = lambda gateway: [
            Listen(listener.id, CAUSE, gateway.now + AGAIN),
            Abort("enough"),
        ]
        conversation.server_sends(b"OK\n")
        assert opened(conversation.commands).admits
    assert "session.ended" in codes(conversation.commands)
    assert not where.engine.tables.barriers.waiting
    assert where.port().admits
    assert {view.state for view in snapshot.pinholes(where.engine, 0.0)} == {PinholeState.OPEN}
    second, other = where.session(client_port=40001)
    assert listening(where, second, other).public == where.port().listener.public
    assert second.reached_client() == b"OK\n"


def test_a_late_barrier_says_nothing_of_a_later_opening() -> None:
    where = site()
    first, told = where.session()
    second, other = where.session(client_port=40001)
    third, last = where.session(client_port=40002)
    listener = opening(where, first, told)
    confirmed(other, listener, for_=0.0)
    second.server_sends(b"OK\n")
    assert second.of(CloseListener)
    opening(where, second, other)
    assert opened(second.commands)
    first.confirm()
    assert first.reached_client() == b"OK\n" and codes(first.commands) == []
    assert {view.state for view in snapshot.pinholes(where.engine, 0.0)} == {PinholeState.OPENING}
    opening(where, third, last)
    assert third.reached_client() == b"" and third.of(Barrier)
    second.confirm()
    assert codes(second.commands) == ["listener.opened"]


# -- causes and their ends ------------------------------------------------------------------------


def test_it_is_open_as_long_as_one_cause_is_left() -> None:
    where = site()
    first, told = where.session()
    second, other = where.session(client_port=40001)
    listener = listening(where, first, told)
    listening(where, second, other, OTHER_CAUSE)
    confirmed(told, listener, for_=0.0)
    first.server_sends(b"OK\n")
    assert codes(first.commands) == [] and first.of(CloseListener) == []
    confirmed(other, listener, OTHER_CAUSE, 0.0)
    second.server_sends(b"OK\n")
    assert second.of(CloseListener) == [CloseListener(listener.id)]
    assert second.reached_client() == b"OK\n"
    (event,) = second.of(Publish)
    assert (event.code, event.detail) == ("listener.closed", f"{listener.public}: no cause is left")
    assert list(snapshot.pinholes(where.engine, 0.0)) == []


def test_an_armed_cause_keeps_the_port_and_nothing_open() -> None:
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    listen(told.gateway, cause=OTHER_CAUSE)
    confirmed(told, listener, for_=0.0)
    conversation.server_sends(b"OK\n")
    assert conversation.of(CloseListener)
    gives_up_all(where)
    assert told.gateway.listening(INSIDE) == listener
    at_time(where, ARMED)
    assert nothing_listens(where.engine)


def test_causes_end_when_their_time_is_over() -> None:
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    listen(told.gateway, cause=OTHER_CAUSE)
    confirmed(told, listener, OTHER_CAUSE, 100.0)
    conversation.server_sends(b"OK\n")
    step = at_time(where, 100.0)
    assert step.of(CloseListener) == [] and told.gateway.causes() == {CAUSE}
    step = at_time(where, AGAIN)
    assert step.of(CloseListener) == [CloseListener(listener.id)]
    assert "listener.closed" in codes(step)


def test_a_cause_that_is_confirmed_again_lasts_longer() -> None:
    where = site()
    conversation, told = where.session()
    listening(where, conversation, told)
    conversation.now = 1000.0
    conversation.server_sends(b"OK\n")
    (view, _) = snapshot.pinholes(where.engine, 1000.0)
    assert view.expires_in == AGAIN
    assert at_time(where, AGAIN).of(CloseListener) == []
    assert at_time(where, 1000.0 + AGAIN).of(CloseListener)


def test_no_cause_lasts_for_ever() -> None:
    where = site()
    conversation, told = where.session()
    confirmed(told, listen(told.gateway), for_=float("inf"))
    conversation.server_sends(b"OK\n")
    assert where.port().until == MAX_HOLD


def test_a_cause_that_ends_while_its_next_answer_is_awaited_waits_for_it() -> None:
    where = site()
    conversation, told = where.session()
    listener = listen(told.gateway)
    confirmed(told, listener, for_=100.0)
    conversation.server_sends(b"OK\n")
    conversation.confirm()
    conversation.now = 90.0
    conversation.client_sends(b"HELLO\n")
    assert listen(told.gateway) == listener
    conversation.now = 100.0
    conversation.handle(Timeout())
    assert conversation.of(CloseListener) and told.gateway.causes() == {CAUSE}
    gives_up_all(where)
    conversation.now = 89.0 + ARMED
    conversation.handle(Timeout())
    conversation.server_sends(b"OK\n")
    assert opened(conversation.commands).public == listener.public
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"


@pytest.mark.parametrize("armed", [True, False])
def test_one_cause_ends_and_another_begins_in_one_answer(armed: bool) -> None:
    """Not open in between: so the answer has to wait for the switch."""
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    if armed:
        listen(told.gateway, cause=OTHER_CAUSE)
    told.lines[b"OK"] = lambda gateway: [
        Listen(listener.id, CAUSE, gateway.now),
        Listen(listener.id, OTHER_CAUSE, gateway.now + AGAIN),
    ]
    conversation.server_sends(b"OK\n")
    assert conversation.of(CloseListener)
    if armed:
        assert conversation.reached_client() == b""
        conversation.confirm()
    else:
        assert codes(conversation.commands) == ["listener.closed", "listener.unarmed"]
    assert conversation.reached_client() == b"OK\n"


@pytest.mark.parametrize("length", [0, MAX_CAUSE + 1])
def test_a_cause_has_a_length(length: int) -> None:
    _, told = site().session()
    refused = told.gateway.listen(INSIDE, bytes(length))
    assert isinstance(refused, Refusal) and refused.code == "listener.cause"
    assert told.gateway.listen(INSIDE, bytes(MAX_CAUSE)) == told.gateway.listening(INSIDE)


def test_causes_are_bounded_whatever_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CAUSES >= 1000
    monkeypatch.setattr(listeners, "MAX_CAUSES", 3)
    where = site()
    _, told = where.session()
    for cause in (b"1", b"2"):
        listen(told.gateway, cause=cause)
    elsewhere = at(PHONE, PORT + 1)
    listen(told.gateway, elsewhere, b"1")
    for inside, cause in ((INSIDE, b"3"), (elsewhere, b"2"), (at(PHONE, PORT + 2), b"1")):
        refused = told.gateway.listen(inside, cause)
        assert isinstance(refused, Refusal) and refused.code == "listener.causes"
    listen(told.gateway, cause=b"2")  # it is there
    _, other = where.session(client=OTHER_PHONE)
    listen(other.gateway, at(OTHER_PHONE, PORT), b"1")


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (at(OTHER_PHONE, PORT), "listener.foreign"),
        (at(SERVER, PORT), "listener.foreign"),
        (at(PHONE, 80), "port.privileged"),
        (at(PHONE, 0), "port.privileged"),
        (at(PHONE, 65536), "port.privileged"),
        (at(PHONE, 6379), "port.denied"),
    ],
)
def test_where_nobody_waits(inside: Endpoint, code: str) -> None:
    where = site()
    conversation, told = where.session()
    told.lines[b"ANNOUNCE"] = lambda gateway: [gateway.listen(inside, CAUSE)][:0]
    conversation.client_sends(b"ANNOUNCE\n")
    assert codes(conversation.commands) == [f"listener.refused.{code}"]
    assert conversation.reached_server() == b"ANNOUNCE\n"
    assert nothing_listens(where.engine)


def test_a_session_cannot_decide_about_another_hosts_port() -> None:
    where = site()
    first, told = where.session()
    second, other = where.session(client=OTHER_PHONE)
    listener = listening(where, first, told)
    confirmed(other, listener, for_=0.0)
    second.server_sends(b"OK\n")
    assert codes(second.commands) == ["listener.unarmed"]
    assert second.reached_client() == b"OK\n" and where.port().admits


def test_each_counts_as_two_pinholes_until_it_is_over() -> None:
    where = site(quotas=Quotas(pinholes_per_host=4, pinholes=6))
    _, told = where.session()
    for more in range(2):
        listen(told.gateway, at(PHONE, PORT + more))
    refused = told.gateway.listen(at(PHONE, PORT + 2), CAUSE)
    assert isinstance(refused, Refusal) and refused.code == "quota.host"
    bound = told.gateway.bind([at(PHONE, 4000)])
    assert isinstance(bound, Refusal) and bound.code == "quota.host"
    _, other = where.session(client=OTHER_PHONE)
    listen(other.gateway, at(OTHER_PHONE, PORT))
    refused = other.gateway.listen(at(OTHER_PHONE, PORT + 1), CAUSE)
    assert isinstance(refused, Refusal) and refused.code == "quota.all"
    assert listen(told.gateway, cause=OTHER_CAUSE)  # is there
    at_time(where, ARMED)
    assert nothing_listens(where.engine)
    listen(other.gateway, at(OTHER_PHONE, PORT + 1))


def test_when_ports_run_out_nothing_is_left_half_made() -> None:
    where = site(data=PortRange(32768, 32769))
    _, told = where.session()
    publics = {listen(told.gateway, at(PHONE, PORT + more)).public.port for more in range(2)}
    assert publics == {32768, 32769}
    refused = told.gateway.listen(at(PHONE, PORT + 2), CAUSE)
    assert isinstance(refused, Refusal) and refused.code == "ports.exhausted"
    assert where.engine.tables.limits.total == 4
    assert told.gateway.listening(at(PHONE, PORT + 2)) is None


# -- what stays while data moves ------------------------------------------------------------------


def test_its_port_is_nobody_elses_while_data_may_move_and_rests_then() -> None:
    where = site(data=PortRange(32768, 32768), timers=Timers(port_quarantine=50.0))
    conversation, told = where.session()
    listening(where, conversation, told)
    port = where.port()
    at_time(where, AGAIN)
    _, told = where.session(client_port=40001)
    elsewhere = at(PHONE, PORT + 1)

    def refused() -> bool:
        return isinstance(told.gateway.listen(elsewhere, CAUSE), Refusal)

    assert refused()
    where.falls_idle(port.tcp.mark)
    assert refused() and len(listening_views(where)) == 2
    where.falls_idle(port.udp.mark)
    assert nothing_listens(where.engine, where.now)
    assert refused()
    where.now += 49
    conversation, told = where.session(client_port=40002)
    assert refused()
    where.now += 1
    conversation, told = where.session(client_port=40003)
    assert listen(told.gateway, elsewhere).public.port == 32768


def test_while_data_moves_it_opens_again_as_it_was() -> None:
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    before = where.port()
    confirmed(told, listener, for_=0.0)
    conversation.server_sends(b"OK\n")
    assert told.gateway.listening(INSIDE) is None
    assert listen(told.gateway) == listener
    confirmed(told, listener)
    conversation.server_sends(b"OK\n")
    again = opened(conversation.commands)
    assert (again.tcp_mark, again.udp_mark) == (before.tcp.mark, before.udp.mark)
    assert conversation.reached_client() == b""
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"


@pytest.mark.parametrize("transport", list(Transport))
def test_an_open_port_is_counted_on(transport: Transport) -> None:
    where = site()
    conversation, told = where.session()
    listening(where, conversation, told)
    port = where.port()
    data = port.tcp if transport is Transport.TCP else port.udp
    step = where.falls_idle(data.mark, packets=7)
    (counting,) = step.of(CountData)
    assert (counting.mark, counting.transport) == (data.mark, transport)
    assert where.engine.tables.marks.total.packets == 7
    assert step.of(CloseListener) == []


def test_data_is_counted_and_idle_for_nobody() -> None:
    where = site()
    conversation, told = where.session()
    listening(where, conversation, told)
    port = where.port()
    assert where.handle(DataCounted(port.tcp.mark, 3, 300, idle=False)).commands == []
    assert where.engine.tables.marks.total.packets == 3
    where.falls_idle(port.udp.mark)
    assert told.idle == []


def test_what_a_flow_had_counted_that_was_replaced_counts() -> None:
    where = site()
    conversation, told = where.session()
    listening(where, conversation, told)
    mark = where.port().tcp.mark
    where.handle(DataCounted(mark, 3, 300, idle=False))
    where.handle(PipelineInstalled())
    where.handle(PipelineInstalled())
    where.handle(DataCounted(mark, 5, 500, idle=False, removed=True))
    where.handle(DataCounted(mark, 1, 100, idle=False, removed=True))
    assert where.engine.tables.marks.total.packets == 6
    where.handle(DataCounted(mark, 1, 100, idle=False, removed=True))  # there was no third one
    assert where.engine.tables.marks.total.packets == 6


# -- the switch, and those in charge --------------------------------------------------------------


def test_a_switch_that_comes_back_is_told_again() -> None:
    where = site()
    conversation, told = where.session()
    listener = opening(where, conversation, told)
    (barrier,) = conversation.of(Barrier)
    before = opened(conversation.commands)
    listen(told.gateway, at(PHONE, PORT + 1))  # only armed
    step = where.handle(PipelineInstalled())
    assert opened(step) == before
    assert {command.mark for command in step.of(CountData)} == {before.tcp_mark, before.udp_mark}
    assert step.of(Barrier) == [barrier]
    conversation.handle(BarrierDone(barrier.token))
    assert conversation.reached_client() == b"OK\n"
    confirmed(told, listener, for_=0.0)
    conversation.server_sends(b"OK\n")
    step = where.handle(PipelineInstalled())
    assert step.of(OpenListener) == []
    assert len(step.of(CountData)) == 2  # data goes on, and is counted
    gives_up_all(where)
    assert where.handle(PipelineInstalled()).of(CountData) == []


def test_who_ends_a_udp_session_cuts_what_came_to_the_host() -> None:
    where = site()
    conversation, told = where.session()
    where.send(at(PHONE), at(PROXY), b"HELLO")
    listener = listening(where, conversation, told)
    port = where.port()
    step = where.handle(SessionUnwanted(2))
    assert step.of(CloseListener) == [CloseListener(listener.id)]
    assert {cut.mark for cut in step.of(CutData)} == {port.tcp.mark, port.udp.mark}
    assert codes(step) == ["session.unwanted", "session.ended"]
    assert told.gateway.listening(INSIDE) is None and told.gateway.causes() == set()
    # What is cut stays so: whoever asks again is given something else.
    again = listening(where, conversation, told)
    assert again.public != listener.public
    assert not {where.port().tcp.mark, where.port().udp.mark} & {port.tcp.mark, port.udp.mark}
    where.falls_idle(port.tcp.mark)
    assert len(where.engine.tables.listeners.live) == 2
    where.falls_idle(port.udp.mark)
    assert list(where.engine.tables.listeners.live) == [again.id]
    assert told.gateway.listening(INSIDE) == again
    at_time(where, AGAIN)
    gives_up_all(where)
    assert nothing_listens(where.engine, where.now)


def test_who_ends_a_tcp_session_does_not() -> None:
    where = site()
    conversation, told = where.session()
    listening(where, conversation, told)
    step = conversation.handle(SessionUnwanted(1))
    assert "session.unwanted" in codes(step)
    assert conversation.of(CloseListener) == conversation.of(CutData) == []
    assert where.port().admits


def test_views_of_what_is_open() -> None:
    where = site()
    conversation, told = where.session()
    listener = opening(where, conversation, told)
    where.now = conversation.now = 10.0
    assert snapshot.pinhole_states(where.engine) == {PinholeState.OPENING: 2}
    conversation.confirm()
    assert snapshot.pinhole_states(where.engine) == {PinholeState.OPEN: 2}
    views = list(snapshot.pinholes(where.engine, 10.0))
    assert [view.transport for view in views] == [Transport.TCP, Transport.UDP]
    assert len({view.id for view in views}) == 2
    for view in views:
        assert (view.session, view.protocol, view.realm) == (1, "toy", Realm.OUTSIDE)
        assert view.peers == (ip_network("0.0.0.0/0"),)
        assert (view.seen, view.listener) == (listener.public, INSIDE)
        assert (view.age, view.expires_in) == (10.0, AGAIN - 10.0)
        assert (view.remote, view.binding) == (None, None)
    assert len(listening_views(where)) == 2


# -- without translation, and with another configuration ------------------------------------------


@pytest.mark.parametrize(
    ("client", "server", "anybody"),
    [
        (PLAIN, SERVER, "0.0.0.0/0"),
        ("2001:db8:1::2", "2001:db8:2::2", "::/0"),
    ],
)
def test_without_translation_it_is_a_firewalls(client: str, server: str, anybody: str) -> None:
    networks = (*config().networks, InsideNetwork("six", (ip_network("2001:db8:1::/64"),)))
    where = site(networks=networks)
    conversation = Talk(where.engine, client=client, server=server).open()
    told = where.streams[-1]
    inside = at(client, PORT)
    listener = listen(told.gateway, inside)
    assert listener.public == inside
    confirmed(told, listener)
    conversation.server_sends(b"OK\n")
    command = opened(conversation.commands)
    assert (command.inside, command.public) == (inside, inside)
    assert {count.version for count in conversation.of(CountData)} == {inside.address.version}
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"
    assert {view.peers for view in snapshot.pinholes(where.engine, 0.0)} == {(ip_network(anybody),)}
    assert listening_views(where) == [
        (transport, listener.inside, listener.inside, 1) for transport in Transport
    ]
    at_time(where, AGAIN)
    gives_up_all(where)
    assert nothing_listens(where.engine, where.now)


def test_another_configuration_counts_for_what_is_new() -> None:
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    denied = ((PORT, PORT + 1),)
    where.engine.reconfigure(config(where, denied_ports=denied, data=PortRange(40000, 40001)))
    assert listen(told.gateway) == listener  # it is there
    refused = told.gateway.listen(at(PHONE, PORT + 1), CAUSE)
    assert isinstance(refused, Refusal) and refused.code == "port.denied"
    assert listen(told.gateway, at(PHONE, PORT + 2)).public.port in (40000, 40001)
    assert opened(where.handle(PipelineInstalled())).public == listener.public


def test_a_host_that_is_not_inside_any_more_gets_nothing_new() -> None:
    where = site()
    _, told = where.session()
    where.engine.reconfigure(config(where, networks=config().networks[1:]))
    refused = told.gateway.listen(INSIDE, CAUSE)
    assert isinstance(refused, Refusal) and refused.code == "listener.foreign"


def test_whom_a_listener_is_for_does_not_matter_to_strangers() -> None:
    """Datagrams to it that the switch punts without a reason are nobody's."""
    where = site()
    conversation, told = where.session()
    listener = listening(where, conversation, told)
    assert where.send(NODE, listener.public, b"HELLO", protocol=-1).commands == []
    assert where.engine.counters["datagram.stray"] == 1
