"""UDP sessions: who may send to whom, as what, and when it is over."""

from __future__ import annotations

import copy
from ipaddress import ip_network
from random import Random

import pytest

from ryu_alg.engine import data_marks, snapshot
from ryu_alg.engine.commands import (
    Barrier,
    CloseMedia,
    CountData,
    EmitDatagram,
    OpenMedia,
    Ordinary,
    Publish,
)
from ryu_alg.engine.config import OutboundRule, PortRange, Quotas, Timers
from ryu_alg.engine.data_marks import LAST_WORDS, Tally
from ryu_alg.engine.datagram_deadlines import UNKNOWN_IDLE
from ryu_alg.engine.datagram_session import MAX_WAITING
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    DatagramArrived,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.engine.host_endpoints import MAX_CONTACTS, Contacts
from ryu_alg.engine.segment import Datagram as WireDatagram
from ryu_alg.engine.views import BindingKind, PinholeState
from ryu_alg.inspection import Endpoint, Realm, Transport
from tests.engine.conversation import DENIED_NETWORK
from tests.engine.toy_datagrams import (
    DENIED_HOST,
    OTHER_PHONE,
    PHONE,
    PLAIN_PHONE,
    PORT,
    PROXY,
    PUBLIC,
    PUBLISHED,
    SERVER,
    STRANGER,
    Exchanged,
    Network,
    ToyPhone,
    at,
    config,
)

REMOTE = b"198.51.100.9:3000"


def network(**changes: object) -> Network:
    return Network(Engine(config(**changes), random=Random(7)))


def codes(step: Exchanged) -> list[str]:
    return [publish.code for publish in step.of(Publish)]


def nothing_left(lan: Network) -> bool:
    """Whether the engine has forgotten everything."""
    tables = lan.engine.tables
    return not (
        lan.engine.datagrams.sessions
        or len(lan.engine.datagrams.controls)
        or tables.bindings.live
        or tables.bindings.by_pinhole
        or tables.marks.live
        or tables.barriers.waiting
        or tables.limits.total
        or tables.limits.per_host
        or tables.quotas.total
        or tables.quotas.per_host
        or list(snapshot.bindings(lan.engine, lan.now))
        or list(snapshot.pinholes(lan.engine, lan.now))
        or lan.engine.next_timeout() is not None
    )


def call(lan: Network, remote: bytes = REMOTE) -> OpenMedia:
    """A phone that is known binds, and the proxy's answer admits: before the barrier."""
    ((public, _, _),) = lan.send(at(PHONE), at(PROXY), b"BIND 4000").left
    (opened,) = lan.send(at(PROXY), public, b"ADMIT " + remote).of(OpenMedia)
    assert isinstance(opened, OpenMedia)
    return opened


# -- admission and translation --------------------------------------------------------------------


def test_a_phone_is_the_same_for_every_remote_end() -> None:
    lan = network()
    public = lan.register()
    assert (public.address, 49152 <= public.port <= 49155) == (PUBLIC, True)
    ((source, target, payload),) = lan.send(at(PHONE), at(STRANGER), b"HELLO").left
    assert (source, target, payload) == (public, at(STRANGER), b"HELLO")
    assert lan.send(at(PROXY), public, b"HI").left == [(at(PROXY), at(PHONE), b"HI")]
    assert lan.register(OTHER_PHONE) != public
    assert lan.register(PHONE, 5061) != public
    assert len(lan.engine.datagrams.sessions) == 2


@pytest.mark.parametrize(
    ("phone", "proxy"), [(PLAIN_PHONE, PROXY), ("2001:db8:1::2", "2001:db8:2::2")]
)
def test_without_nat_everything_stays(phone: str, proxy: str) -> None:
    networks = config().networks
    dual = type(networks[0])("six", (ip_network("2001:db8:1::/64"),), (PUBLIC,))
    lan = network(networks=(*networks, dual))
    left = lan.send(at(phone, 5070), at(proxy), b"HELLO").left
    assert left == [(at(phone, 5070), at(proxy), b"HELLO")]
    left = lan.send(at(proxy), at(phone, 5070), b"HI").left
    assert left == [(at(proxy), at(phone, 5070), b"HI")]
    assert list(snapshot.bindings(lan.engine, 0.0)) == []


def test_hop_limit_and_traffic_class_stay() -> None:
    (emitted,) = network().send(at(PHONE), at(PROXY), b"HELLO", ttl=17, tos=0x68).of(EmitDatagram)
    assert (emitted.datagram.ttl, emitted.datagram.tos) == (17, 0x68)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (at(PHONE), at(PROXY, 5090)),
        (at(PHONE), at(SERVER)),
        (at(PHONE), at(PUBLIC, 49153)),
        (at(PROXY), at(PLAIN_PHONE)),
    ],
)
def test_what_nobody_binds_is_ordinary(source: Endpoint, target: Endpoint) -> None:
    lan = network()
    taken = lan.send(source, target, b"HELLO").commands
    assert taken == [Ordinary()]
    assert nothing_left(lan)


def test_other_protocols_and_unknown_sources_are_ordinary() -> None:
    lan = network()
    wire = WireDatagram(at(PHONE).address.packed, at(PROXY).address.packed, PORT, PORT, b"HELLO")
    assert lan.handle(DatagramArrived(wire, Realm.INSIDE, 7)).commands == [Ordinary()]
    spoofed = WireDatagram(at(PROXY).address.packed, wire.dst, PORT, PORT, b"HELLO")
    assert lan.handle(DatagramArrived(spoofed, Realm.INSIDE, 0)).commands == [Ordinary()]


def test_an_endpoint_that_is_bound_may_send_to_any_port() -> None:
    lan = network()
    public = lan.register()
    left = lan.send(at(PHONE), at(PROXY, 5090), b"HELLO").left
    assert left == [(public, at(PROXY, 5090), b"HELLO")]


def test_outbound_policy_is_asked_for_udp() -> None:
    lan = network()
    step = lan.send(at(PHONE), at(DENIED_HOST), b"HELLO")
    assert (codes(step), step.left) == (["session.denied"], [])
    assert nothing_left(lan)
    lan.register()
    step = lan.send(at(PHONE), at(DENIED_HOST), b"HELLO")
    assert (codes(step), step.left) == (["datagram.send_refused"], [])
    over_tcp = OutboundRule((), (ip_network(DENIED_NETWORK),), Transport.TCP, (), allow=False)
    assert network(outbound=(over_tcp,)).send(at(PHONE), at(DENIED_HOST), b"HELLO").left


def test_quotas_refuse_the_newest() -> None:
    lan = network(quotas=Quotas(sessions=2, sessions_per_host=2))
    lan.register()
    lan.register(PHONE, 5061)
    step = lan.send(at(PHONE, 5062), at(PROXY), b"HELLO")
    assert codes(step) == ["signalling.refused.session.quota_host"]
    lan.register(OTHER_PHONE)
    step = lan.send(at("192.168.10.4"), at(PROXY), b"HELLO")
    assert codes(step) == ["session.quota"]
    assert len(lan.engine.datagrams.sessions) == 2


def test_when_control_ports_run_out_nothing_is_left_half_made() -> None:
    lan = network()
    for number in range(10, 14):
        lan.register(f"192.168.10.{number}")
    step = lan.send(at(PHONE), at(PROXY), b"HELLO")
    assert (codes(step), step.left) == (["session.ports_exhausted"], [])
    assert len(lan.engine.datagrams.sessions) == 4


def test_what_is_only_refused_takes_nobodys_port_for_long() -> None:
    """Four ports are all that there are."""
    lan = network()
    for number in range(10, 14):
        lan.send(at(f"192.168.10.{number}"), at(PROXY), f"FROM {PROXY}:5060 REFUSED".encode())
    assert codes(lan.send(at(PHONE), at(PROXY), b"HELLO")) == ["session.ports_exhausted"]
    lan.now += UNKNOWN_IDLE
    lan.handle(Timeout())
    assert nothing_left(lan)
    for number in range(10, 14):
        lan.register(f"192.168.10.{number}")  # and none of them rests


# -- who may send from outside --------------------------------------------------------------------


def test_only_those_who_were_sent_to_may_send() -> None:
    lan = network()
    public = lan.register()
    assert lan.send(at(STRANGER), public, b"SPAM").commands == []
    assert lan.engine.counters["datagram.unsolicited"] == 1
    # The address counts, not the port: RFC 4787 calls it address-dependent filtering.
    left = lan.send(at(PROXY, 9999), public, b"HI").left
    assert left == [(at(PROXY, 9999), at(PHONE), b"HI")]


def test_what_leads_nowhere_is_dropped() -> None:
    lan = network()
    assert lan.send(at(STRANGER), at(PUBLIC, 49153), b"SPAM").commands == []
    assert lan.engine.counters["datagram.stray"] == 1


def test_a_punt_without_a_protocol_finds_its_session() -> None:
    lan = network()
    public = lan.register()
    wire = WireDatagram(at(PROXY).address.packed, PUBLIC.packed, PORT, public.port, b"HI")
    assert lan.handle(DatagramArrived(wire, Realm.OUTSIDE, -1)).left


def test_anybody_may_send_to_a_published_server_and_is_answered() -> None:
    lan = network(outbound_default=False, outbound=())
    left = lan.send(at(STRANGER, 7000), PUBLISHED, b"HELLO").left
    assert left == [(at(STRANGER, 7000), at(SERVER), b"HELLO")]
    left = lan.send(at(SERVER), at(STRANGER, 7000), b"HI").left
    assert left == [(PUBLISHED, at(STRANGER, 7000), b"HI")]
    step = lan.send(at(SERVER), at(PROXY), b"HELLO")
    assert codes(step) == ["datagram.send_refused"]
    assert list(snapshot.bindings(lan.engine, 0.0)) == []


def test_a_published_server_sends_from_its_public_endpoint() -> None:
    left = network().send(at(SERVER), at(PROXY, 7000), b"HELLO").left
    assert left == [(PUBLISHED, at(PROXY, 7000), b"HELLO")]


def test_contacts_are_bounded() -> None:
    contacts = Contacts()
    for number in range(MAX_CONTACTS + 1):
        contacts.add(at(f"198.18.{number // 256}.{number % 256}").address)
    assert at("198.18.0.0").address not in contacts
    assert at("198.18.0.1").address in contacts


# -- signalling and its time ----------------------------------------------------------------------


def test_a_control_endpoint_can_be_had_before_its_traffic() -> None:
    lan = network()
    lan.register()
    ((_, _, told),) = lan.send(at(PHONE), at(PROXY), b"SIGNAL 5070").left
    (binding,) = [b for b in snapshot.bindings(lan.engine, 0.0) if b.inside == at(PHONE, 5070)]
    assert str(binding.public).encode() == told
    assert (binding.kind, binding.transport) == (BindingKind.CONTROL, Transport.UDP)
    assert lan.register(PHONE, 5070) == binding.public


def test_a_control_endpoint_is_its_hosts_own_and_not_privileged() -> None:
    lan = network()
    lan.register()
    step = lan.send(at(PHONE), at(PROXY), b"SIGNAL 22")
    assert [publish.detail for publish in step.of(Publish)] == ["port.privileged"]
    refused = lan.inspector().gateway.signalling(at(OTHER_PHONE))
    assert getattr(refused, "code", None) == "signalling.foreign"


def test_idle_endpoints_are_given_up_and_with_the_last_one_the_session() -> None:
    lan = network(timers=Timers(datagram_idle=100.0, port_quarantine=50.0))
    lan.register()
    lan.now = 60.0
    lan.register(PHONE, 5061)
    lan.now = 101.0
    assert codes(lan.handle(Timeout())) == []
    assert [b.inside.port for b in snapshot.bindings(lan.engine, 0.0)] == [5061]
    lan.now = 161.0
    assert codes(lan.handle(Timeout())) == ["session.ended"]
    assert nothing_left(lan)


def test_traffic_both_ways_keeps_an_endpoint() -> None:
    lan = network(timers=Timers(datagram_idle=100.0))
    public = lan.register()
    for step in range(1, 5):
        lan.now = 90.0 * step
        lan.send(at(PROXY), public, b"HI")
        lan.handle(Timeout())
    assert lan.register() == public


def test_what_is_dropped_keeps_no_endpoint() -> None:
    """RFC 7857 section 7."""
    lan = network(timers=Timers(datagram_idle=100.0))
    public = lan.register()
    for lan.now in (50.0, 99.0):
        assert lan.send(at(STRANGER), public, b"HI").left == []
    assert lan.engine.next_timeout() == 100.0


def test_a_held_endpoint_stays_as_long_as_it_is_held() -> None:
    lan = network(timers=Timers(datagram_idle=100.0))
    public = lan.register()
    lan.send(at(PHONE), at(PROXY), b"HOLD 3600")
    lan.now = 3599.0
    assert codes(lan.handle(Timeout())) == []
    assert lan.send(at(PROXY), public, b"HI").left
    lan.send(at(PHONE), at(PROXY), b"HOLD -1")
    lan.now = 3700.0
    assert codes(lan.handle(Timeout())) == ["session.ended"]


def test_an_inspector_is_woken() -> None:
    lan = network(timers=Timers(datagram_idle=10.0))
    lan.send(at(PHONE), at(PROXY), b"WAKE 30")
    lan.now = 11.0
    assert codes(lan.handle(Timeout())) == []  # the endpoint goes, but the inspector has plans
    lan.now = 30.0
    assert lan.engine.next_timeout() == 30.0
    assert codes(lan.handle(Timeout())) == ["toy.awake", "session.ended"]
    assert nothing_left(lan)


def test_an_alarm_that_never_moves_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = network()
    lan.register()
    monkeypatch.setattr(ToyPhone, "next_timeout", lambda self: 0.0)
    lan.send(at(PHONE), at(PROXY), b"HELLO")
    lan.handle(Timeout())
    due = lan.engine.next_timeout()
    assert due is not None and due > lan.now


def test_what_an_inspector_may_not_send() -> None:
    lan = network()
    lan.register()
    for payload in (
        b"FROM 192.168.10.3:5060 word",
        b"TO 192.168.20.2:5060 word",
        b"TO 203.0.113.1:80 word",
        b"TO 198.51.100.9:0 word",
        b"TO 2001:db8::1:5060 word",
        f"TO {DENIED_HOST}:5060 word".encode(),
    ):
        step = lan.send(at(PHONE), at(PROXY), payload)
        assert (codes(step), step.left) == (["datagram.send_refused"], []), payload


# -- what is admitted -----------------------------------------------------------------------------


def test_what_is_admitted_is_confirmed_before_its_message_leaves() -> None:
    lan = network()
    public = lan.register()
    opened = call(lan)
    assert Exchanged(lan.commands).left == []
    assert [type(command) for command in lan.commands] == [CountData, OpenMedia, Barrier]
    (path,) = opened.paths
    assert (path.inside, path.remote) == (at(PHONE, 4000), at(PROXY, 3000))
    assert (path.public.address, path.public.port % 2) == (PUBLIC, 0)
    # What does not admit anything does not wait.
    assert lan.send(at(PROXY), public, b"HI").left == [(at(PROXY), at(PHONE), b"HI")]
    step = lan.confirm()
    assert [payload for _, _, payload in step.left] == [b"ADMIT " + REMOTE]
    assert codes(step) == ["pinhole.opened"]


def test_the_same_again_waits_for_the_same_and_then_for_nothing() -> None:
    lan = network()
    public = lan.register()
    call(lan)
    again = lan.send(at(PROXY), public, b"ADMIT " + REMOTE)
    assert again.commands == []
    assert len(lan.confirm().left) == 2
    again = lan.send(at(PROXY), public, b"ADMIT " + REMOTE)
    assert [type(command) for command in again.commands] == [EmitDatagram]


def test_several_barriers_at_a_time() -> None:
    lan = network()
    public = lan.register()
    call(lan)
    lan.send(at(PHONE), at(PROXY), b"BIND 4002")
    lan.send(at(PROXY), public, b"ADMIT 198.51.100.9:3002")
    other = lan.register(OTHER_PHONE)
    lan.send(at(OTHER_PHONE), at(PROXY), b"BIND 4000")
    lan.send(at(PROXY), other, b"ADMIT 198.51.100.9:3004")
    assert len(set(lan.barriers)) == 3
    told = [lan.confirm().left for _ in range(3)]
    assert [[target.address for _, target, _ in left] for left in told] == [
        [at(PHONE).address],
        [at(PHONE).address],
        [at(OTHER_PHONE).address],
    ]
    assert lan.handle(BarrierDone(1)).commands == []  # late, and nobody's any more


def test_who_is_admitted_is_replaced_and_shut_out() -> None:
    lan = network()
    public = lan.register()
    opened = call(lan)
    lan.confirm()
    (moved,) = lan.send(at(PROXY), public, b"ADMIT 198.51.100.7:5000").of(OpenMedia)
    assert (moved.id, moved.mark) == (opened.id, opened.mark)
    assert [path.remote for path in moved.paths] == [at("198.51.100.7", 5000)]
    lan.confirm()
    step = lan.send(at(PROXY), public, b"ADMIT")
    assert step.of(CloseMedia) == [CloseMedia(opened.id, opened.mark, moved.paths)]
    assert step.left == [] and lan.confirm().left
    assert list(snapshot.pinholes(lan.engine, 0.0)) == []
    assert lan.send(at(PROXY), public, b"ADMIT").of(CloseMedia) == []
    assert lan.send(at(PROXY), public, b"ADMIT " + REMOTE).of(OpenMedia)


@pytest.mark.parametrize(
    "remote",
    [
        "192.168.10.3:3000",
        "203.0.113.1:3000",
        "224.0.0.5:3000",
        "0.0.0.0:3000",
        "127.0.0.1:3000",
        "198.51.100.9:0",
        "2001:db8::1:3000",
    ],
)
def test_who_is_never_admitted(remote: str) -> None:
    lan = network()
    public = lan.register()
    lan.send(at(PHONE), at(PROXY), b"BIND 4000")
    step = lan.send(at(PROXY), public, b"ADMIT " + remote.encode())
    assert codes(step) == ["binding.exchange_refused"]
    assert step.of(OpenMedia) == [] and len(step.left) == 1


def test_unbinding_cuts_the_data_and_rests_the_ports() -> None:
    lan = network(data=PortRange(40000, 40000), timers=Timers(port_quarantine=50.0))
    public = lan.register()
    opened = call(lan)
    lan.confirm()
    step = lan.send(at(PROXY), public, b"UNBIND")
    assert step.of(CloseMedia) == [CloseMedia(opened.id, opened.mark, opened.paths)]
    assert len(step.left) == 1 and codes(step) == ["pinhole.closed"]
    step = lan.send(at(PHONE), at(PROXY), b"BIND 4000")
    assert codes(step) == ["binding.refused.ports.exhausted", "toy.refused"]
    lan.now = 51.0
    assert lan.send(at(PHONE), at(PROXY), b"BIND 4000").left


def test_without_the_switch_messages_wait_within_bounds_and_the_barrier_is_issued_again() -> None:
    lan = network()
    public = lan.register()
    opened = call(lan)
    for _ in range(MAX_WAITING + 5):
        lan.send(at(PROXY), public, b"ADMIT " + REMOTE)
    assert lan.engine.counters["datagram.dropped_waiting"] == 6
    again = lan.handle(PipelineInstalled())
    assert {type(command) for command in again.commands} == {OpenMedia, CountData, Barrier}
    assert again.of(OpenMedia) == [opened] and again.commands[-1] == Barrier(lan.barriers[0])
    assert len(lan.confirm().left) == MAX_WAITING
    lan.confirm()
    assert lan.handle(PipelineInstalled()).of(Barrier) == []


# -- data that moves ------------------------------------------------------------------------------


def test_moving_data_keeps_the_endpoint_and_refreshes_signalling() -> None:
    timers = Timers(datagram_idle=50.0, keepalive_interval=20.0, data_idle=30)
    lan = network(timers=timers)
    public = lan.register()
    opened = call(lan)
    lan.confirm()
    for step in range(1, 11):
        lan.now = 20.0 * step + 0.1
        due = lan.engine.next_timeout()
        assert due is not None and due <= lan.now
        refreshed = lan.handle(Timeout())
        assert refreshed.left == [(public, at(PROXY), b"\r\n\r\n")]
        assert codes(refreshed) == ["session.keepalive"]
    idle = lan.handle(DataCounted(opened.mark, 10, 1000, idle=True))
    assert codes(idle) == ["data.idle"]
    assert lan.inspector().idle == [opened.id]
    assert idle.of(CountData)  # it is still open: what comes later wants counting
    lan.now += 49.0
    lan.handle(Timeout())
    assert lan.engine.datagrams.controls.at(public, "toy") is not None
    lan.now += 2.0
    lan.handle(Timeout())
    assert lan.engine.datagrams.controls.at(public, "toy") is None


def test_moving_data_keeps_signalling_alive_no_longer_than_the_limit() -> None:
    timers = Timers(datagram_idle=50.0, keepalive_interval=20.0, keepalive_limit=100.0)
    lan = network(timers=timers)
    lan.register()
    call(lan)
    lan.confirm()
    while lan.now < 200.0:
        lan.now += 10.0
        lan.handle(Timeout())
    assert lan.inspector().refreshed == 5
    assert not len(lan.engine.datagrams.controls)


def test_an_inspector_that_unbinds_what_is_idle_ends_its_session() -> None:
    lan = network(timers=Timers(datagram_idle=50.0))
    lan.register()
    opened = call(lan)
    lan.confirm()
    lan.inspector().unbind_when_idle = True
    lan.now = 40.0
    step = lan.handle(DataCounted(opened.mark, 10, 1000, idle=True))
    assert step.of(CloseMedia) and lan.inspector().idle == [opened.id]
    lan.now = 91.0
    assert codes(lan.handle(Timeout())) == ["session.ended"]
    assert nothing_left(lan)
    assert lan.engine.tables.marks.total.packets == 10


def test_data_that_comes_back_moves_again() -> None:
    lan = network(timers=Timers(datagram_idle=1000.0, keepalive_interval=20.0))
    lan.register()
    opened = call(lan)
    lan.confirm()
    lan.now = 30.0
    lan.handle(DataCounted(opened.mark, 10, 1000, idle=True))
    lan.handle(Timeout())
    assert lan.inspector().refreshed == 0
    lan.handle(DataCounted(opened.mark, 12, 1200, idle=False))
    lan.now = 60.0
    lan.handle(Timeout())
    assert lan.inspector().refreshed == 1


def test_what_a_counting_flow_says_when_it_is_removed_is_counted() -> None:
    lan = network()
    public = lan.register()
    opened = call(lan)
    lan.confirm()
    lan.handle(DataCounted(opened.mark, 10, 1000, idle=False))
    lan.send(at(PROXY), public, b"ADMIT")  # a hold
    lan.handle(DataCounted(opened.mark, 14, 1400, idle=False, removed=True))
    (session,) = snapshot.sessions(lan.engine, lan.now)
    assert (session.data_packets, session.data_bytes) == (14, 1400)
    lan.send(at(PROXY), public, b"ADMIT " + REMOTE)
    lan.confirm()
    lan.handle(DataCounted(opened.mark, 3, 300, idle=False))
    lan.send(at(PROXY), public, b"UNBIND")
    (session,) = snapshot.sessions(lan.engine, lan.now)
    assert session.data_packets == 17
    lan.handle(DataCounted(opened.mark, 5, 500, idle=False, removed=True))
    (session,) = snapshot.sessions(lan.engine, lan.now)
    assert (session.data_packets, session.data_bytes) == (19, 1900)
    lan.handle(DataCounted(opened.mark, 5, 500, idle=False, removed=True))  # nobody's any more
    assert lan.engine.tables.marks.total == Tally(19, 1900)


def test_a_new_pipeline_counts_nothing_twice() -> None:
    lan = network()
    lan.register()
    opened = call(lan)
    lan.confirm()
    lan.handle(DataCounted(opened.mark, 10, 1000, idle=False))
    lan.handle(PipelineInstalled())
    lan.handle(DataCounted(opened.mark, 12, 1200, idle=False, removed=True))
    lan.handle(DataCounted(opened.mark, 3, 300, idle=False))
    assert lan.engine.tables.marks.total == Tally(15, 1500)


def test_a_mark_that_has_ended_is_kept_for_seconds() -> None:
    lan = network()
    public = lan.register()
    opened = call(lan)
    lan.confirm()
    lan.send(at(PROXY), public, b"UNBIND")
    marks = lan.engine.tables.marks
    lan.now = LAST_WORDS - 0.1
    lan.handle(DataCounted(opened.mark, 5, 500, idle=True))  # it fell idle just then
    assert marks.total.packets == 5 and not marks.ended
    lan.send(at(PHONE), at(PROXY), b"BIND 4000")
    opened = lan.send(at(PROXY), public, b"ADMIT " + REMOTE).of(OpenMedia)[0]
    lan.confirm()
    lan.send(at(PROXY), public, b"UNBIND")
    assert list(marks.ended) == [opened.mark]
    lan.now += LAST_WORDS
    lan.handle(DataCounted(opened.mark, 5, 500, idle=False, removed=True))
    assert marks.total.packets == 5 and not marks.ended


def test_marks_that_have_ended_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_marks, "MAX_ENDED", 2)
    lan = network(timers=Timers(port_quarantine=0.0))
    public = lan.register()
    for _ in range(3):
        call(lan)
        lan.confirm()
        lan.send(at(PROXY), public, b"UNBIND")
    assert len(lan.engine.tables.marks.ended) == 2
    call(lan)
    lan.now += LAST_WORDS  # the next one that ends sees to those before
    lan.send(at(PROXY), public, b"UNBIND")
    assert len(lan.engine.tables.marks.ended) == 1


# -- the end --------------------------------------------------------------------------------------


def test_an_unwanted_session_goes_with_its_data() -> None:
    lan = network()
    lan.register()
    call(lan)
    step = lan.handle(SessionUnwanted(1))
    assert step.of(CloseMedia) and codes(step)[0] == "session.unwanted"
    assert nothing_left(lan)
    assert lan.engine.counters["datagram.dropped_waiting"] == 1
    assert not lan.confirm().commands


def test_a_faulty_inspector_ends_its_session_only_and_data_goes_on_until_it_stops() -> None:
    lan = network()
    lan.register()
    other = lan.register(OTHER_PHONE)
    opened = call(lan)
    lan.confirm()
    step = lan.send(at(PHONE), at(PROXY), b"RAISE")
    assert codes(step) == ["inspector.failed", "session.ended"]
    assert step.left == [] and step.of(CloseMedia) == []
    assert lan.send(at(PROXY), other, b"HI").left
    (binding,) = [b for b in snapshot.bindings(lan.engine, 0.0) if b.kind is BindingKind.DATA]
    assert binding.inside == at(PHONE, 4000)
    assert opened in lan.handle(PipelineInstalled()).commands
    step = lan.handle(DataCounted(opened.mark, 10, 1000, idle=True))
    assert step.of(CloseMedia) and codes(step) == ["data.ended"]
    assert not lan.engine.tables.bindings.live
    assert lan.register() is not None  # and the phone begins anew


@pytest.mark.parametrize("method", ["next_timeout", "wake", "binding_idle", "keep_alive"])
def test_no_fault_of_an_inspector_gets_out(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lan = network(timers=Timers(keepalive_interval=20.0))
    lan.register()
    opened = call(lan)
    lan.confirm()
    lan.send(at(PHONE), at(PROXY), b"WAKE 1")

    def fail(*_: object) -> None:
        raise RuntimeError("a fault of the plugin")

    monkeypatch.setattr(ToyPhone, method, fail)
    lan.now = 121.0
    shown = codes(lan.handle(Timeout()))
    shown += codes(lan.handle(DataCounted(opened.mark, 0, 0, idle=True)))
    assert "inspector.failed" in shown and "session.ended" in shown


def test_an_inspector_that_cannot_be_made_costs_nothing() -> None:
    def fail(_: object) -> ToyPhone:
        raise RuntimeError("a fault of the plugin")

    (protocol,) = config().protocols
    broken = type(protocol)("toy", protocol.ports, protocol.servers, datagram=fail)
    lan = network(protocols=(broken,))
    step = lan.send(at(PHONE), at(PROXY), b"HELLO")
    assert codes(step) == ["session.opened", "inspector.failed", "session.ended"]
    assert nothing_left(lan)


def test_a_reload_changes_what_is_new_and_nothing_that_is_there() -> None:
    lan = network()
    public = lan.register()
    nothing = OutboundRule((), (), None, (), allow=False)
    lan.engine.reconfigure(config(outbound=(nothing,)))
    assert lan.send(at(PHONE), at(STRANGER), b"HELLO").left == [(public, at(STRANGER), b"HELLO")]
    assert codes(lan.send(at(OTHER_PHONE), at(PROXY), b"HELLO")) == ["session.denied"]


def test_a_service_that_is_published_later_is_reached_at_a_host_that_is_known() -> None:
    lan = network(services=())
    lan.register(SERVER, 5061)
    lan.engine.reconfigure(config())
    assert lan.send(at(STRANGER), PUBLISHED, b"HELLO").left
    assert lan.send(at(SERVER), at(STRANGER), b"HI").left == [(PUBLISHED, at(STRANGER), b"HI")]


def test_a_saved_session_goes_on_where_it_was() -> None:
    lan = network()
    lan.register()
    call(lan)
    restored = copy.deepcopy(lan)
    assert restored.confirm().commands == lan.confirm().commands
    assert (
        restored.send(at(PHONE), at(PROXY), b"HI").left
        == lan.send(at(PHONE), at(PROXY), b"HI").left
    )


# -- hairpins -------------------------------------------------------------------------------------


def test_a_datagram_for_another_phones_public_endpoint_reaches_it() -> None:
    lan = network()
    one, other = lan.register(), lan.register(OTHER_PHONE)
    assert lan.send(at(PHONE), other, b"HELLO").left == [(one, at(OTHER_PHONE), b"HELLO")]
    # Both were inspected on the way.
    assert lan.inspector(1).seen[-1].origin is Realm.INSIDE
    assert lan.inspector(2).seen[-1].origin is Realm.OUTSIDE
    assert lan.send(at(OTHER_PHONE), one, b"HI").left == [(other, at(PHONE), b"HI")]


def test_a_punt_that_names_no_protocol_is_for_whoever_the_target_stands_for() -> None:
    lan = network()
    one, other = lan.register(), lan.register(OTHER_PHONE)
    step = lan.send(at(PHONE), other, b"HELLO", protocol=-1)
    assert step.left == [(one, at(OTHER_PHONE), b"HELLO")]
    free = Endpoint(other.address, other.port ^ 1)
    assert lan.send(at(PHONE), free, b"HELLO", protocol=-1).commands == [Ordinary()]


def test_a_phone_that_is_not_known_yet_reaches_a_published_server() -> None:
    lan = network()
    ((source, target, payload),) = lan.send(at(PHONE), PUBLISHED, b"HELLO").left
    assert (source.address, target, payload) == (PUBLIC, at(SERVER), b"HELLO")
    left = lan.send(at(SERVER), source, b"HI").left
    assert left == [(PUBLISHED, at(PHONE), b"HI")]


def test_a_phone_reaches_itself() -> None:
    lan = network()
    public = lan.register()
    assert lan.send(at(PHONE), public, b"HELLO").left == [(public, at(PHONE), b"HELLO")]


def test_what_waits_for_the_switch_may_be_a_hairpin() -> None:
    lan = network()
    one, other = lan.register(), lan.register(OTHER_PHONE)
    lan.send(at(PHONE), at(PROXY), b"BIND 4000")
    assert lan.send(at(PHONE), other, b"ADMIT " + REMOTE).left == []
    assert lan.confirm().left == [(one, at(OTHER_PHONE), b"ADMIT " + REMOTE)]


def test_hairpins_that_beget_each_other_come_to_an_end() -> None:
    lan = network()
    lan.register()
    other = lan.register(OTHER_PHONE)
    step = lan.send(at(PHONE), other, b"NOISE word")
    assert len(step.left) < 10
    assert lan.engine.counters["datagram.hairpin_loop"] == 1


# -- views ----------------------------------------------------------------------------------------


def test_the_views_show_a_call() -> None:
    lan = network()
    public = lan.register()
    opened = call(lan)
    (view,) = snapshot.pinholes(lan.engine, 2.0)
    assert (view.state, view.transport) == (PinholeState.OPENING, Transport.UDP)
    lan.confirm()
    lan.handle(DataCounted(opened.mark, 10, 1000, idle=False))
    (view,) = snapshot.pinholes(lan.engine, 2.0)
    assert (view.state, view.remote, view.seen) == (
        PinholeState.OPEN,
        at(PROXY, 3000),
        opened.paths[0].public,
    )
    assert [str(peer) for peer in view.peers] == [f"{PROXY}/32"]
    (session,) = snapshot.sessions(lan.engine, 2.0)
    assert (session.transport, session.client, session.client_seen, session.server) == (
        Transport.UDP,
        at(PHONE),
        public,
        at(PROXY),
    )
    assert (session.data_packets, session.data_bytes) == (10, 1000)
    assert session.pinholes == (view.id,)
    assert snapshot.pinhole_states(lan.engine) == {PinholeState.OPEN: 1}
    kinds = [binding.kind for binding in snapshot.bindings(lan.engine, 2.0)]
    assert kinds == [BindingKind.CONTROL, BindingKind.DATA]
    assert lan.engine.knows(session.id)
