"""Bindings for data: what may be bound, and what TCP sessions do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from random import Random
from typing import Any

import pytest

from ryu_alg.engine import snapshot
from ryu_alg.engine.bindings import MAX_EXCHANGES, MAX_PORTS
from ryu_alg.engine.commands import (
    Barrier,
    CloseMedia,
    ClosePinhole,
    CountData,
    CutData,
    DestinationNat,
    OpenMedia,
    OpenPinhole,
    Publish,
    SourceNat,
)
from ryu_alg.engine.config import PortRange, ProtocolBinding, Quotas, Timers
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    DataCounted,
    PinholeExpired,
    PinholeUsed,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.engine.segment import ACK, FIN, RST
from ryu_alg.engine.views import BindingKind, PinholeState
from ryu_alg.inspection import (
    Admit,
    Binding,
    Direction,
    Effect,
    Endpoint,
    Exchange,
    Forward,
    Inject,
    Realm,
    Refusal,
    StreamGateway,
    StreamInspector,
    Transport,
    Unbind,
)
from tests.engine.conversation import (
    CLIENT,
    INSIDE_SERVER,
    PLAIN,
    PORT,
    PUBLIC,
    SERVER,
    Talk,
    config,
    talk,
)
from tests.engine.toy_datagrams import at

OTHER = "198.51.100.7"

Say = Callable[[StreamGateway], Sequence[Effect]]


@dataclass(slots=True)
class Told(StreamInspector):
    """Does with each line what the test says, and forwards it."""

    gateway: StreamGateway
    lines: dict[bytes, Say] = field(default_factory=dict)
    idle: list[int] = field(default_factory=list)
    on_idle: Say = lambda _: ()
    alarm: float | None = None
    broken: bool = False

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        end = data.find(b"\n") + 1
        if not end:
            return []
        say = self.lines.get(data[:end].strip())
        return [*(say(self.gateway) if say else ()), Forward(end)]

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        return []

    def next_timeout(self) -> float | None:
        if self.broken:
            raise RuntimeError("a fault of the plugin")
        return self.alarm

    def wake(self) -> Sequence[Effect]:
        self.alarm = None
        return [Inject(Direction.TO_CLIENT, b"AWAKE\n")]

    def binding_idle(self, binding: int) -> Sequence[Effect]:
        self.idle.append(binding)
        return self.on_idle(self.gateway)


def started(client: str = CLIENT, server: str = SERVER, **changes: Any) -> tuple[Talk, Told]:
    """A TCP session, and its inspector."""
    made: list[Told] = []

    def make(gateway: StreamGateway) -> StreamInspector:
        made.append(Told(gateway))
        return made[-1]

    protocol = ProtocolBinding("toy", frozenset({PORT}), (ip_network("0.0.0.0/0"),), make)
    engine = Engine(config(protocols=(protocol,), **changes), random=Random(7))
    conversation = talk(engine, client=client, server=server)
    return conversation, made[0]


def bound(told: Told, *ports: int, host: str = CLIENT, **how: Any) -> Binding:
    binding = told.gateway.bind([at(host, port) for port in ports], **how)
    assert isinstance(binding, Binding)
    return binding


def codes(commands: Sequence[object]) -> list[str]:
    return [command.code for command in commands if isinstance(command, Publish)]


def nothing_left(conversation: Talk) -> bool:
    tables = conversation.engine.tables
    return not (
        tables.bindings.live
        or tables.bindings.by_pinhole
        or tables.barriers.waiting
        or tables.limits.total
        or tables.limits.per_host
        or [mark for mark in tables.marks.live.values() if mark.binding is not None]
        or [
            binding
            for binding in snapshot.bindings(conversation.engine, 0.0)
            if binding.kind is BindingKind.DATA
        ]
    )


# -- what may be bound ----------------------------------------------------------------------------


def test_ports_are_consecutive_and_even_if_they_must_be() -> None:
    _, told = started(data=PortRange(32769, 32779))
    for _ in range(5):
        rtp, rtcp = bound(told, 4000, 4001, even=True).public
        assert (rtp.address, rtcp.address) == (PUBLIC, PUBLIC)
        assert rtp.port % 2 == 0 and rtcp.port == rtp.port + 1
    refused = told.gateway.bind([at(CLIENT, 4000), at(CLIENT, 4001)], even=True)
    assert isinstance(refused, Refusal) and refused.code == "ports.exhausted"
    assert bound(told, 4002).public[0].port == 32769


def test_without_nat_the_endpoints_stand_for_themselves() -> None:
    _, told = started(client=PLAIN)
    binding = bound(told, 4001, 4002, host=PLAIN, even=True)
    assert binding.public == binding.inside == (at(PLAIN, 4001), at(PLAIN, 4002))


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ([], "binding.size"),
        ([at(CLIENT, 4000 + port) for port in range(MAX_PORTS + 1)], "binding.size"),
        ([at(CLIENT, 4000), at(PLAIN, 4001)], "binding.hosts"),
        ([at(OTHER, 4000)], "binding.outside"),
        ([at(CLIENT, 1023)], "port.privileged"),
        ([at(CLIENT, 65535), at(CLIENT, 65536)], "port.privileged"),
        ([at(CLIENT, 6378), at(CLIENT, 6379)], "port.denied"),
    ],
)
def test_what_is_not_bound(inside: list[Endpoint], code: str) -> None:
    conversation, told = started()
    refused = told.gateway.bind(inside)
    assert isinstance(refused, Refusal) and refused.code == code
    assert nothing_left(conversation)


def test_each_port_counts_for_the_quotas_and_no_longer_than_it_is_bound() -> None:
    conversation, told = started(quotas=Quotas(pinholes_per_host=3, pinholes=100))
    told.lines[b"UNBIND"] = lambda _: [Unbind(first.id)]
    first = bound(told, 4000, 4001)
    refused = told.gateway.bind([at(CLIENT, 4002), at(CLIENT, 4003)])
    assert isinstance(refused, Refusal) and refused.code == "quota.host"
    conversation.client_sends(b"UNBIND\n")
    assert nothing_left(conversation)
    bound(told, 4002, 4003)
    _, told = started(quotas=Quotas(pinholes=1))
    refused = told.gateway.bind([at(CLIENT, 4002), at(CLIENT, 4003)])
    assert isinstance(refused, Refusal) and refused.code == "quota.all"


def test_what_a_session_knows_of_addresses() -> None:
    conversation, told = started()
    gateway = told.gateway
    assert gateway.realm_of(at(CLIENT).address) is Realm.INSIDE
    assert gateway.realm_of(PUBLIC) is Realm.OUTSIDE
    assert gateway.public_of(at(CLIENT).address) == PUBLIC
    assert gateway.public_of(at(PLAIN).address) == at(PLAIN).address
    binding = bound(told, 4000)
    assert gateway.behind(binding.public[0], Transport.UDP) == at(CLIENT, 4000)
    assert gateway.behind(binding.public[0], Transport.TCP) is None
    control = gateway.conversation.client_seen
    assert gateway.behind(control, Transport.TCP) == gateway.conversation.client
    assert gateway.behind(at(PUBLIC, PORT), Transport.TCP) == at(INSIDE_SERVER, PORT)
    assert gateway.behind(at(PLAIN, 4000), Transport.UDP) == at(PLAIN, 4000)
    assert gateway.behind(at(CLIENT, 4000), Transport.UDP) is None
    assert gateway.behind(at(SERVER, 4000), Transport.UDP) is None
    conversation.client_sends(flags=RST | ACK)
    assert gateway.behind(binding.public[0], Transport.UDP) is None


# -- admitted over UDP, from a TCP session --------------------------------------------------------


def test_what_is_decided_with_an_admission_waits_for_the_switch() -> None:
    conversation, told = started()
    binding = bound(told, 4000, 4001, even=True)
    told.lines[b"OK"] = lambda _: [Admit(binding.id, (Exchange(0, at(SERVER, 3000)),))]
    conversation.client_sends(b"HELLO\n")
    conversation.server_sends(b"OK\n")
    assert conversation.reached_client() == b""
    assert conversation.of(OpenMedia) and conversation.of(CountData) and conversation.of(Barrier)
    (view,) = snapshot.pinholes(conversation.engine, 0.0)
    assert (view.state, view.remote) == (PinholeState.OPENING, at(SERVER, 3000))
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"
    assert "pinhole.opened" in codes(conversation.commands)
    conversation.server_sends(b"OK\n")  # the same again
    assert conversation.reached_client() == b"OK\n" and not conversation.of(OpenMedia)


def test_a_binding_outlives_its_connection_as_long_as_data_moves() -> None:
    conversation, told = started(timers=Timers(time_wait=1.0))
    binding = bound(told, 4000)
    bound(told, 4002)  # nothing passes here: it goes with the connection
    told.lines[b"OK"] = lambda _: [Admit(binding.id, (Exchange(0, at(SERVER, 3000)),))]
    conversation.server_sends(b"OK\n")
    (opened,) = conversation.of(OpenMedia)
    conversation.client_sends(flags=RST | ACK)
    assert conversation.of(CloseMedia) == []
    assert not conversation.engine.tables.barriers.waiting
    conversation.now = 2.0
    conversation.handle(Timeout())
    assert not conversation.engine.sessions
    (view,) = [b for b in snapshot.bindings(conversation.engine, 0.0) if b.kind is BindingKind.DATA]
    assert view.inside == at(CLIENT, 4000)
    conversation.handle(DataCounted(opened.mark, 5, 500, idle=True))
    assert conversation.of(CloseMedia) and codes(conversation.commands) == ["data.ended"]
    assert nothing_left(conversation)


def test_an_unwanted_connection_takes_its_bindings_along() -> None:
    conversation, told = started()
    binding = bound(told, 4000)
    told.lines[b"OK"] = lambda _: [Admit(binding.id, (Exchange(0, at(SERVER, 3000)),))]
    conversation.server_sends(b"OK\n")
    conversation.handle(SessionUnwanted(1))
    assert conversation.of(CloseMedia)
    assert nothing_left(conversation)


def test_an_inspector_hears_of_idleness_only_when_nothing_waits() -> None:
    conversation, told = started()
    one, other = bound(told, 4000), bound(told, 4002)
    told.lines[b"ONE"] = lambda _: [Admit(one.id, (Exchange(0, at(SERVER, 3000)),))]
    told.lines[b"OTHER"] = lambda _: [Admit(other.id, (Exchange(0, at(SERVER, 3002)),))]
    told.on_idle = lambda _: [Unbind(one.id), Inject(Direction.TO_CLIENT, b"BYE\n")]
    conversation.server_sends(b"ONE\n")
    (opened,) = conversation.of(OpenMedia)
    conversation.confirm()
    conversation.server_sends(b"OTHER\n")
    conversation.handle(DataCounted(opened.mark, 5, 500, idle=True))
    assert told.idle == []
    conversation.confirm()
    assert told.idle == [one.id]
    assert conversation.reached_client() == b"OTHER\nBYE\n"
    assert conversation.of(CloseMedia)


def test_an_inspector_is_woken_and_one_that_fails_loses_its_session_only() -> None:
    conversation, told = started()
    told.alarm = 5.0
    conversation.client_sends(b"HELLO\n")
    due = conversation.engine.next_timeout()
    assert due is not None and due <= 5.0
    conversation.now = 5.0
    conversation.handle(Timeout())
    assert conversation.reached_client() == b"AWAKE\n"
    told.broken = True
    conversation.client_sends(b"HELLO\n")
    conversation.now = 6.0
    conversation.handle(Timeout())
    assert "inspector.failed" in codes(conversation.commands)


def test_moving_data_of_a_binding_keeps_the_connection_alive() -> None:
    conversation, told = started(timers=Timers(session_idle=60.0, keepalive_interval=20.0))
    binding = bound(told, 4000)
    told.lines[b"OK"] = lambda _: [Admit(binding.id, (Exchange(0, at(SERVER, 3000)),))]
    conversation.server_sends(b"OK\n")
    (opened,) = conversation.of(OpenMedia)
    conversation.confirm()
    conversation.client_sends()
    conversation.server_sends()
    for step in range(1, 6):
        conversation.now = 20.0 * step + 0.1
        conversation.handle(Timeout())
        assert codes(conversation.commands) == ["session.keepalive"]
    conversation.handle(DataCounted(opened.mark, 5, 500, idle=True))
    conversation.now += 61.0
    conversation.handle(Timeout())
    assert "session.idle" in codes(conversation.commands)


# -- admitted over TCP ----------------------------------------------------------------------------


def admitted(
    connecting: Realm = Realm.OUTSIDE, **changes: Any
) -> tuple[Talk, Told, Binding, OpenPinhole]:
    """A TCP binding whose pinhole is open."""
    conversation, told = started(**changes)
    binding = bound(told, 7000, transport=Transport.TCP)

    def admit(address: str) -> Say:
        exchanges = (Exchange(0, at(address, 3000)),)
        return lambda _: [Admit(binding.id, exchanges, connecting)]

    told.lines[b"OK"] = admit(SERVER)
    told.lines[b"MOVED"] = admit(OTHER)
    told.lines[b"HOLD"] = lambda _: [Admit(binding.id, ())]
    told.lines[b"UNBIND"] = lambda _: [Unbind(binding.id)]
    conversation.server_sends(b"OK\n")
    (opened,) = conversation.of(OpenPinhole)
    assert conversation.reached_client() == b""
    conversation.confirm()
    assert conversation.reached_client() == b"OK\n"
    return conversation, told, binding, opened


def test_one_connection_comes_in_from_the_one_address() -> None:
    conversation, _, binding, opened = admitted()
    pinhole = opened.pinhole
    assert [str(peer) for peer in pinhole.peers] == [f"{SERVER}/32"]
    assert (pinhole.seen, pinhole.translate) == (
        binding.public[0],
        DestinationNat(at(CLIENT, 7000)),
    )
    (view,) = snapshot.pinholes(conversation.engine, 0.0)
    assert (view.state, view.listener, view.expires_in) == (
        PinholeState.OPEN,
        at(CLIENT, 7000),
        60.0,
    )
    conversation.handle(PinholeUsed(pinhole.id))
    assert conversation.of(ClosePinhole) == [ClosePinhole(pinhole.id)]
    (view,) = snapshot.pinholes(conversation.engine, 0.0)
    assert (view.state, view.expires_in) == (PinholeState.USED, None)
    # The same again opens no second one, as long as the connection is there.
    conversation.server_sends(b"OK\n")
    assert not conversation.of(OpenPinhole)
    conversation.handle(DataCounted(pinhole.mark, 5, 500, idle=True))
    conversation.server_sends(b"OK\n")
    assert conversation.of(OpenPinhole)


def test_the_inside_connects_under_its_public_address() -> None:
    _, _, _, opened = admitted(Realm.INSIDE)
    pinhole = opened.pinhole
    assert [str(peer) for peer in pinhole.peers] == [f"{CLIENT}/32"]
    assert (pinhole.seen, pinhole.connecting_realm) == (at(SERVER, 3000), Realm.INSIDE)
    assert pinhole.translate == SourceNat(PUBLIC, 1024, 32767)


def test_replacing_closes_what_was_open_and_cuts_what_was_used() -> None:
    conversation, _, _, opened = admitted()
    conversation.server_sends(b"MOVED\n")
    assert conversation.of(ClosePinhole) == [ClosePinhole(opened.pinhole.id)]
    (moved,) = conversation.of(OpenPinhole)
    assert conversation.of(CutData) == [] and moved.pinhole.mark != opened.pinhole.mark
    conversation.confirm()
    conversation.handle(PinholeUsed(moved.pinhole.id))
    conversation.server_sends(b"HOLD\n")
    assert conversation.of(CutData) == [CutData(moved.pinhole.mark, 120)]


def test_a_pinhole_that_nobody_uses_expires_and_the_rest_goes_with_the_binding() -> None:
    conversation, _, _, opened = admitted()
    conversation.handle(PinholeExpired(opened.pinhole.id))
    assert codes(conversation.commands) == ["pinhole.closed"]
    assert list(snapshot.pinholes(conversation.engine, 0.0)) == []
    assert conversation.handle(PinholeExpired(opened.pinhole.id)) == [
        ClosePinhole(opened.pinhole.id)
    ]
    conversation.server_sends(b"OK\n")
    (again,) = conversation.of(OpenPinhole)
    conversation.confirm()
    conversation.server_sends(b"UNBIND\n")
    assert conversation.of(ClosePinhole) == [ClosePinhole(again.pinhole.id)]
    assert nothing_left(conversation)


def test_a_new_pipeline_gets_the_pinholes_whose_time_is_not_up() -> None:
    conversation, _, _, opened = admitted()
    again = conversation.handle(PipelineInstalled())
    assert {type(command) for command in again} == {OpenPinhole, CountData}
    assert opened in again
    conversation.now = 61.0
    assert conversation.handle(PipelineInstalled()) == []


def test_the_end_of_the_connection_closes_pinholes_and_lets_data_go_on() -> None:
    conversation, _, _, opened = admitted()
    conversation.client_sends(flags=FIN | ACK)
    conversation.client_sends(flags=RST | ACK)
    assert conversation.of(ClosePinhole) == [ClosePinhole(opened.pinhole.id)]
    assert nothing_left(conversation)
    conversation, _, _, opened = admitted()
    conversation.handle(PinholeUsed(opened.pinhole.id))
    conversation.client_sends(flags=RST | ACK)
    assert not conversation.of(CutData) and not nothing_left(conversation)
    conversation.handle(DataCounted(opened.pinhole.mark, 5, 500, idle=True))
    assert nothing_left(conversation)


def test_an_expected_connection_that_is_late_goes_on_being_counted() -> None:
    conversation, told, binding, opened = admitted()
    conversation.handle(DataCounted(opened.pinhole.mark, 0, 0, idle=True))
    assert conversation.of(CountData) and told.idle == [binding.id]


def test_exchanges_are_bounded() -> None:
    conversation, told = started()
    binding = bound(told, 4000)
    many = tuple(Exchange(0, at(SERVER, 3000 + number)) for number in range(MAX_EXCHANGES + 2))
    told.lines[b"MANY"] = lambda _: [
        Admit(binding.id, (*many, many[0], Exchange(1, many[0].remote)))
    ]
    conversation.server_sends(b"MANY\n")
    (opened,) = conversation.of(OpenMedia)
    assert len(opened.paths) == MAX_EXCHANGES
    assert codes(conversation.commands) == ["binding.exchange_refused"] * 3


def test_what_is_not_its_own_a_session_can_neither_admit_nor_unbind() -> None:
    conversation, told = started()
    binding = bound(told, 4000)
    other = talk(conversation.engine, client_port=40001)
    inspector = other.engine.sessions[2].inspector
    assert isinstance(inspector, Told)
    theft = [Admit(binding.id, (Exchange(0, at(OTHER, 1)),)), Unbind(binding.id)]
    inspector.lines[b"THEFT"] = lambda _: theft
    other.client_sends(b"THEFT\n")
    assert other.reached_server() == b"THEFT\n"
    assert other.of(OpenMedia) == []
    assert conversation.engine.tables.bindings.live
