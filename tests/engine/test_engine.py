"""The engine as a whole: sessions, translation, expectations, time, and what it refuses."""

from __future__ import annotations

import copy
from ipaddress import ip_address
from random import Random

import pytest

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import (
    Barrier,
    ClosePinhole,
    Command,
    CountData,
    CutData,
    DestinationNat,
    EmitIcmpError,
    EndOffload,
    FiveTuple,
    KeepPunting,
    Offload,
    OpenPinhole,
    Ordinary,
    Publish,
    SourceNat,
    StopPunting,
)
from ryu_alg.engine.config import PortRange, Quotas, Timers
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    IcmpErrorArrived,
    OffloadEnded,
    PinholeExpired,
    PinholeUsed,
    PipelineInstalled,
    SegmentArrived,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Segment
from ryu_alg.engine.views import PinholeState, SessionState
from ryu_alg.inspection import Address, Direction, Endpoint, Realm
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


def _address(text: str) -> Address:
    return ip_address(text)


def _packed(text: str) -> bytes:
    return ip_address(text).packed


def codes(commands: list[Command]) -> list[str]:
    return [command.code for command in commands if isinstance(command, Publish)]


def engine(**changes: object) -> Engine:
    return Engine(config(**changes), random=Random(7))


def _leased(conversation: Talk) -> dict[Endpoint, Endpoint]:
    views = snapshot.bindings(conversation.engine, conversation.now)
    return {view.public: view.inside for view in views}


def announce(conversation: Talk, port: int = 5000) -> OpenPinhole:
    """The client announces, the server accepts: the command that opens the pinhole."""
    conversation.client_sends(b"LISTEN %d\n" % port)
    conversation.server_sends(b"OK\n")
    (opened,) = conversation.of(OpenPinhole)
    assert isinstance(opened, OpenPinhole)
    return opened


# -- admission and translation --------------------------------------------------------------------


def test_a_client_behind_nat_is_seen_at_a_public_control_port() -> None:
    conversation = Talk(engine())
    conversation.client_sends(flags=SYN)
    (segment,) = conversation.emitted()
    assert segment.src == PUBLIC.packed
    assert 49152 <= segment.sport <= 49155
    assert (segment.seq, segment.dport) == (1000, PORT)


def test_the_server_of_an_outside_client_is_the_published_one() -> None:
    conversation = Talk(engine(), client=SERVER, server=str(PUBLIC))
    conversation.client_sends(flags=SYN)
    (segment,) = conversation.emitted()
    assert (segment.dst, segment.dport) == (_packed(INSIDE_SERVER), PORT)
    conversation.server_sends(flags=SYN | ACK)
    (answer,) = conversation.emitted()
    assert (answer.src, answer.sport) == (PUBLIC.packed, PORT)


@pytest.mark.parametrize(
    ("client", "server"), [(PLAIN, SERVER), (CLIENT, INSIDE_SERVER), (PLAIN, INSIDE_SERVER)]
)
def test_without_nat_addresses_and_ports_stay(client: str, server: str) -> None:
    conversation = Talk(engine(), client=client, server=server)
    conversation.client_sends(flags=SYN)
    (segment,) = conversation.emitted()
    assert (str(segment.sport), segment.src) == ("40000", _packed(client))
    assert segment.dst == _packed(server)


def test_what_is_not_published_is_ordinary() -> None:
    conversation = Talk(engine(), client=SERVER, server=PLAIN)
    assert conversation.client_sends(flags=SYN) == [Ordinary()]


def test_a_server_port_that_is_not_bound_is_ordinary() -> None:
    subject = engine()
    segment = Segment(_packed(CLIENT), _packed(SERVER), 40000, 80, 1, 0, SYN, 1000)
    assert subject.handle(SegmentArrived(segment, Realm.INSIDE, 0), 0.0) == [Ordinary()]
    assert subject.handle(SegmentArrived(segment, Realm.INSIDE, 9), 0.0) == [Ordinary()]


def test_outbound_policy_refuses_with_a_reset() -> None:
    conversation = Talk(engine(), server="198.51.101.7")
    conversation.client_sends(flags=SYN)
    (reset,) = conversation.emitted()
    assert codes(conversation.commands) == ["session.denied"]
    assert (reset.flags, reset.ack, reset.dst) == (RST | ACK, 1001, _packed(CLIENT))


def test_hairpinning_is_refused_with_a_reset() -> None:
    conversation = Talk(engine(), server=str(PUBLIC))
    conversation.client_sends(flags=SYN)
    assert codes(conversation.commands) == ["session.hairpin"]


def test_when_control_ports_run_out_the_newest_is_refused_and_quarantine_ends() -> None:
    subject = engine(timers=Timers(port_quarantine=10.0, time_wait=1.0))
    open_ones = [talk(subject, client_port=40000 + number) for number in range(4)]
    late = Talk(subject, client_port=50000)
    late.client_sends(flags=SYN)
    assert codes(late.commands) == ["session.ports_exhausted"]
    open_ones[0].client_sends(flags=RST | ACK)
    subject.handle(Timeout(), 1.5)
    late = Talk(subject, client_port=50001, now=2.0)
    late.client_sends(flags=SYN)
    assert codes(late.commands) == ["session.ports_exhausted"]
    late = Talk(subject, client_port=50002, now=12.0)
    late.client_sends(flags=SYN)
    assert codes(late.commands) == ["session.opened"]


def test_quotas_refuse_the_newest() -> None:
    subject = engine(quotas=Quotas(sessions=2, sessions_per_host=1))
    talk(subject)
    late = Talk(subject, client_port=40001)
    late.client_sends(flags=SYN)
    assert codes(late.commands) == ["session.quota_host"]
    talk(subject, client="192.168.10.3")
    late = Talk(subject, client="192.168.10.4")
    late.client_sends(flags=SYN)
    assert codes(late.commands) == ["session.quota"]
    assert len(subject.sessions) == 2


# -- strays ---------------------------------------------------------------------------------------


def test_a_client_of_a_forgotten_session_is_told_so() -> None:
    segment = Segment(_packed(CLIENT), _packed(SERVER), 40000, PORT, 5, 77, ACK, 1000, b"x\n")
    (command,) = engine().handle(SegmentArrived(segment, Realm.INSIDE, 0), 0.0)
    assert command.segment.flags == RST  # type: ignore[union-attr]
    assert command.segment.seq == 77  # type: ignore[union-attr]


def test_an_outsider_who_belongs_to_no_session_gets_no_answer() -> None:
    segment = Segment(_packed(SERVER), PUBLIC.packed, 6000, 49153, 5, 77, ACK, 1000)
    assert engine().handle(SegmentArrived(segment, Realm.OUTSIDE, 0), 0.0) == []


def test_a_reset_of_no_session_is_not_answered() -> None:
    segment = Segment(_packed(CLIENT), _packed(SERVER), 40000, PORT, 5, 77, RST, 0)
    assert engine().handle(SegmentArrived(segment, Realm.INSIDE, 0), 0.0) == []


def test_a_new_connection_on_the_same_ports_replaces_one_that_has_ended() -> None:
    conversation = talk(engine())
    conversation.client_sends(flags=RST | ACK)
    again = Talk(conversation.engine, now=1.0)
    again.client_sends(flags=SYN)
    assert "session.opened" in codes(again.commands)
    assert len(conversation.engine.sessions) == 1


def test_a_syn_in_the_middle_of_a_connection_is_challenged() -> None:
    conversation = talk(engine())
    conversation.client_sends(flags=SYN)
    (challenge,) = conversation.emitted()
    assert (challenge.flags, challenge.dst) == (ACK, _packed(CLIENT))


# -- expectations ---------------------------------------------------------------------------------


def test_a_request_only_arms_and_the_answer_opens() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"LISTEN 5000\nNEXT\n")
    assert conversation.of(OpenPinhole) == []
    told = conversation.reached_server()
    assert told.startswith(b"LISTEN 203.0.113.1:327") and told.count(b"\n") == 1
    conversation.server_sends(b"OK\n")
    (opened,), (counted,), (barrier,) = (
        conversation.of(kind) for kind in (OpenPinhole, CountData, Barrier)
    )
    pinhole = opened.pinhole
    assert f"LISTEN {pinhole.seen}\n".encode() == told
    assert pinhole.translate == DestinationNat(Endpoint(_address(CLIENT), 5000))
    assert [str(peer) for peer in pinhole.peers] == [f"{SERVER}/32"]
    assert pinhole.connecting_realm is Realm.OUTSIDE
    assert counted.mark == pinhole.mark != 0
    assert conversation.reached_client() == b""  # the answer waits for the switch
    conversation.handle(BarrierDone(barrier.token))
    assert conversation.reached_client() == b"OK\n"
    assert conversation.reached_server() == b"NEXT\n"  # and what was pipelined comes behind it


def test_announcements_have_one_mark_from_the_first_one_on() -> None:
    conversation = talk(engine())
    marks = conversation.engine.tables.marks.live
    assert not marks
    first = announce(conversation).pinhole
    (barrier,) = conversation.of(Barrier)
    conversation.handle(BarrierDone(barrier.token))
    second = announce(conversation, 5001).pinhole
    assert first.id != second.id
    assert [first.mark, second.mark] == list(marks) * 2


def test_a_refused_request_opens_nothing_and_frees_its_port() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"LISTEN 5000\n")
    assert len(conversation.engine.expectations.live) == 1
    conversation.server_sends(b"NO\n")
    assert conversation.of(OpenPinhole) == [] == conversation.of(ClosePinhole)
    assert not conversation.engine.expectations.live


def test_an_answer_to_nothing_opens_nothing() -> None:
    conversation = talk(engine())
    conversation.server_sends(b"OK\n")
    assert conversation.of(OpenPinhole) == []
    assert conversation.reached_client() == b"OK\n"


@pytest.mark.parametrize(
    ("port", "code"), [(1023, "port.privileged"), (65616, "port.privileged"), (6379, "port.denied")]
)
def test_ports_that_no_pinhole_leads_to(port: int, code: str) -> None:
    conversation = talk(engine())
    conversation.client_sends(b"LISTEN %d\n" % port)
    assert conversation.reached_client() == f"REFUSED {code}\n".encode()
    assert conversation.reached_server() == b""
    assert codes(conversation.commands) == [f"expectation.refused.{code}"]


def test_quotas_of_expectations() -> None:
    conversation = talk(engine(quotas=Quotas(pinholes_per_session=1, pinholes_per_host=2)))
    announced = announce(conversation)
    conversation.confirm()
    conversation.client_sends(b"LISTEN 5001\n")
    assert conversation.reached_client() == b"REFUSED quota.session\n"
    conversation.handle(PinholeUsed(announced.pinhole.id))
    conversation.client_sends(b"LISTEN 5001\n")
    assert conversation.reached_server().startswith(b"LISTEN")


def test_data_ports_run_out() -> None:
    conversation = talk(engine(quotas=Quotas(pinholes_per_session=20)))
    for number in range(8):
        announce(conversation, 5000 + number)
        conversation.confirm()
    conversation.client_sends(b"LISTEN 5999\n")
    assert conversation.reached_client() == b"REFUSED ports.exhausted\n"


def test_an_inside_client_connects_out_under_its_public_address() -> None:
    conversation = talk(engine())
    conversation.server_sends(b"SERVE 6000\n")
    (opened,) = conversation.of(OpenPinhole)
    assert opened.pinhole.seen == Endpoint(_address(SERVER), 6000)
    assert opened.pinhole.translate == SourceNat(PUBLIC, 1024, 32767)
    assert opened.pinhole.connecting_realm is Realm.INSIDE


def test_a_published_server_is_announced_at_its_public_address() -> None:
    conversation = talk(engine(), client=SERVER, server=str(PUBLIC))
    conversation.server_sends(b"SERVE 6000\n")
    (opened,) = conversation.of(OpenPinhole)
    assert opened.pinhole.seen.address == PUBLIC
    assert opened.pinhole.translate == DestinationNat(Endpoint(_address(INSIDE_SERVER), 6000))


def test_a_published_server_connects_out_under_its_public_address() -> None:
    conversation = talk(engine(), client=SERVER, server=str(PUBLIC))
    conversation.client_sends(b"LISTEN 5000\n")
    assert conversation.reached_server() == f"LISTEN {SERVER}:5000\n".encode()
    conversation.server_sends(b"OK\n")
    (opened,) = conversation.of(OpenPinhole)
    assert opened.pinhole.translate == SourceNat(PUBLIC, 1024, 32767)


@pytest.mark.parametrize(("client", "server"), [(PLAIN, SERVER), (CLIENT, INSIDE_SERVER)])
def test_without_nat_a_pinhole_translates_nothing(client: str, server: str) -> None:
    conversation = talk(engine(), client=client, server=server)
    pinhole = announce(conversation).pinhole
    assert pinhole.translate is None
    assert pinhole.seen == Endpoint(_address(client), 5000)


def test_a_used_pinhole_closes_and_its_port_rests_only_after_the_data() -> None:
    conversation = talk(engine())
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    conversation.handle(PinholeUsed(pinhole.id))
    assert conversation.of(ClosePinhole) == [ClosePinhole(pinhole.id)]
    assert codes(conversation.commands) == ["pinhole.used"]
    (binding,) = [
        b for b in snapshot.bindings(conversation.engine, 0.0) if b.public == pinhole.seen
    ]
    assert binding.inside == Endpoint(_address(CLIENT), 5000)
    conversation.now = 500.0
    conversation.handle(DataCounted(pinhole.mark, 10, 1000, idle=True))
    assert pinhole.seen not in _leased(conversation)


def test_an_unused_pinhole_expires() -> None:
    conversation = talk(engine())
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    conversation.handle(PinholeExpired(pinhole.id))
    assert codes(conversation.commands) == ["pinhole.closed"]
    assert not conversation.engine.expectations.live
    # Once more, late, from the switch: what is unknown is removed there.
    assert conversation.handle(PinholeExpired(pinhole.id)) == [ClosePinhole(pinhole.id)]


def test_the_end_of_the_session_closes_what_was_not_used() -> None:
    conversation = talk(engine())
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    conversation.client_sends(flags=RST | ACK)
    assert ClosePinhole(pinhole.id) in conversation.commands
    assert "session.ended" in codes(conversation.commands)


def test_a_normal_close_ends_the_session_after_time_wait() -> None:
    conversation = talk(engine(timers=Timers(time_wait=30.0)))
    conversation.client_sends(flags=FIN | ACK)
    conversation.server_sends(flags=FIN | ACK)
    conversation.client_sends()
    assert codes(conversation.commands) == ["session.ended"]
    (view,) = snapshot.sessions(conversation.engine, 1.0)
    assert view.state is SessionState.CLOSING
    conversation.now = 31.0
    conversation.handle(Timeout())
    assert not conversation.engine.sessions
    assert conversation.engine.next_timeout() is None


def test_a_new_pipeline_gets_every_dynamic_flow() -> None:
    conversation = talk(engine())
    opened = announce(conversation)
    again = conversation.handle(PipelineInstalled())
    assert {type(command) for command in again} == {OpenPinhole, CountData, Barrier}
    conversation.confirm()
    (view,) = snapshot.pinholes(conversation.engine, 1.0)
    assert view.state is PinholeState.OPEN
    again = conversation.handle(PipelineInstalled())
    assert opened in again and not conversation.of(Barrier)


def test_a_range_stays_open_as_long_as_its_session() -> None:
    subject = engine(napt=PortRange(1024, 9999))
    conversation = talk(subject, client=SERVER, server=str(PUBLIC))
    conversation.server_sends(b"RANGE 10000 10009\n")
    (opened,) = conversation.of(OpenPinhole)
    pinhole = opened.pinhole
    assert (pinhole.seen, pinhole.last_port) == (Endpoint(PUBLIC, 10000), 10009)
    assert pinhole.translate == DestinationNat(Endpoint(_address(INSIDE_SERVER), 10000))
    conversation.confirm()
    for _ in range(3):
        assert codes(conversation.handle(PinholeUsed(pinhole.id))) == ["pinhole.used"]
        assert conversation.of(ClosePinhole) == []
    conversation.client_sends()
    assert subject.sessions[1].offloaded
    # Data moves: the control connection's flow is renewed when its idle time-out removes it.
    conversation.handle(OffloadEnded(1))
    assert len(conversation.of(Offload)) == 1
    conversation.now = 500.0
    conversation.handle(DataCounted(pinhole.mark, 10, 100, idle=True))
    conversation.handle(OffloadEnded(1))
    assert conversation.of(ClosePinhole) == [ClosePinhole(pinhole.id)]
    assert not subject.sessions
    # Perhaps it was the flow of one direction alone.
    assert conversation.of(EndOffload) == [EndOffload(1)]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (1023, 2000, "port.privileged"),
        (60000, 65536, "port.privileged"),
        (10009, 10000, "port.privileged"),
        (6000, 7000, "port.denied"),
        (20000, 60000, "port.partition"),
    ],
)
def test_ranges_that_no_pinhole_leads_to(first: int, last: int, code: str) -> None:
    conversation = talk(engine(), client=SERVER, server=str(PUBLIC))
    conversation.server_sends(b"RANGE %d %d\n" % (first, last))
    assert conversation.reached_client() == f"REFUSED {code}\n".encode()


def test_a_pinhole_whose_time_was_up_while_the_switch_was_away_is_not_opened_again() -> None:
    conversation = talk(engine(timers=Timers(pinhole_hard=60)))
    announce(conversation)
    conversation.confirm()
    conversation.now = 61.0
    again = conversation.handle(PipelineInstalled())
    assert not [command for command in again if isinstance(command, OpenPinhole)]
    assert not conversation.engine.expectations.live


def test_a_pinhole_waits_as_long_as_the_inspector_says() -> None:
    timers = Timers(pinhole_unused=30, pinhole_hard=60)
    conversation = talk(engine(timers=timers), client=SERVER, server=str(PUBLIC))
    for request, idle, hard in ((b"SERVE 5000\n", 30, 60), (b"SERVE 5001 300\n", 300, 300)):
        conversation.server_sends(request)
        (opened,) = conversation.of(OpenPinhole)
        assert (opened.pinhole.idle, opened.pinhole.hard) == (idle, hard)
        conversation.confirm()
    conversation.now = 61.0
    conversation.handle(PipelineInstalled())
    (left,) = conversation.of(OpenPinhole)
    assert left.pinhole.hard == 300


# -- time -----------------------------------------------------------------------------------------


def test_an_idle_session_is_reset_towards_both_ends() -> None:
    conversation = talk(engine(timers=Timers(session_idle=60.0)))
    due = conversation.engine.next_timeout()
    assert due is not None and due <= 60.0
    conversation.now = 59.0
    assert conversation.handle(Timeout()) == []
    conversation.now = 61.0
    conversation.handle(Timeout())
    assert codes(conversation.commands) == ["session.idle", "session.ended"]
    assert {segment.dst for segment in conversation.emitted()} == {_packed(CLIENT), _packed(SERVER)}
    assert all(segment.flags & RST for segment in conversation.emitted())


def test_moving_data_keeps_the_control_connection_alive() -> None:
    timers = Timers(session_idle=60.0, keepalive_interval=20.0, data_idle=30)
    conversation = talk(engine(timers=timers))
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    conversation.client_sends()
    conversation.server_sends()
    conversation.handle(PinholeUsed(pinhole.id))
    for step in range(1, 11):
        conversation.now = 20.0 * step + 0.1
        conversation.handle(Timeout())
        assert codes(conversation.commands) == ["session.keepalive"], step
        probes = conversation.emitted()
        assert {probe.dst for probe in probes} == {_packed(CLIENT), _packed(SERVER)}
        assert all(probe.payload == b"" and probe.flags == ACK for probe in probes)
    conversation.handle(DataCounted(pinhole.mark, 10, 100, idle=True))
    conversation.now += 59.0
    assert "session.idle" not in codes(conversation.handle(Timeout()))
    conversation.now += 2.0
    assert "session.idle" in codes(conversation.handle(Timeout()))


def test_answers_to_probes_are_swallowed_and_are_no_activity() -> None:
    timers = Timers(session_idle=60.0, keepalive_interval=20.0, keepalive_limit=100.0)
    conversation = talk(engine(timers=timers))
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    conversation.client_sends()
    conversation.server_sends()
    conversation.handle(PinholeUsed(pinhole.id))
    while conversation.now < 75.0:
        conversation.now += 20.1
        conversation.handle(Timeout())
        if "session.keepalive" in codes(conversation.commands):
            assert conversation.client_sends() == []
            assert conversation.server_sends() == []
    conversation.now = 101.0
    assert "session.idle" in codes(conversation.handle(Timeout()))


def test_each_pinhole_begins_counting_anew() -> None:
    conversation = talk(engine(timers=Timers(data_idle=30)))
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    # The flow's time is up before the connection comes: it will want counting all the same.
    again = conversation.handle(DataCounted(pinhole.mark, 0, 0, idle=True))
    assert CountData(pinhole.mark, 30, 4) in again
    conversation.handle(PinholeUsed(pinhole.id))
    second = announce(conversation, 5001).pinhole
    assert conversation.of(CountData) == [CountData(second.mark, 30, 4)]
    assert second.mark == pinhole.mark


def test_a_session_that_has_ended_does_not_count_for_its_host() -> None:
    subject = engine(quotas=Quotas(sessions_per_host=1))
    first = talk(subject)
    first.client_sends(flags=RST | ACK)
    later = Talk(subject, client_port=40001)
    later.client_sends(flags=SYN)
    assert "session.opened" in codes(later.commands)


def test_denied_ports_are_those_of_inside_hosts() -> None:
    conversation = talk(engine())
    conversation.server_sends(b"SERVE 6379\n")
    assert len(conversation.of(OpenPinhole)) == 1


def test_a_handshake_that_does_not_complete_is_forgotten() -> None:
    conversation = Talk(engine(timers=Timers(session_setup=10.0, time_wait=1.0)))
    conversation.client_sends(flags=SYN)
    conversation.now = 10.5
    conversation.handle(Timeout())
    assert [segment.flags for segment in conversation.emitted()] == [RST | ACK]
    conversation.now = 12.0
    conversation.handle(Timeout())
    assert not conversation.engine.sessions


# -- faults, opaque sessions, errors --------------------------------------------------------------


@pytest.mark.parametrize("line", [b"RAISE\n", b"GREEDY\n"])
def test_a_faulty_inspector_takes_down_its_session_only(line: bytes) -> None:
    subject = engine()
    faulty, other = talk(subject), talk(subject, client_port=40001)
    faulty.client_sends(line)
    assert codes(faulty.commands)[0] == "inspector.failed"
    assert len(faulty.emitted()) == 2
    assert all(segment.flags & RST for segment in faulty.emitted())
    other.client_sends(b"SAY hello\n")
    assert other.reached_client() == b"hello\n"


def test_a_differing_repetition_is_shown_and_the_first_copy_counts() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"HELLO\n")
    conversation.client_repeats(b"EVIL!\n", back=6)
    assert codes(conversation.commands) == ["tcp.conflicting_overlap"]
    assert conversation.reached_server() in (b"", b"HELLO\n")
    conversation.client_repeats(b"HELLO\n", back=6)
    assert codes(conversation.commands) == []


def test_what_the_stream_editor_counts_is_counted_for_the_gateway() -> None:
    conversation = talk(engine())
    conversation.client_repeats(b"far ahead", back=-1_000_000)
    assert conversation.reached_server() == b""
    assert conversation.engine.counters["tcp.out_of_window"] == 1
    assert not conversation.engine.sessions[1].editor.counters


def test_an_opaque_session_leaves_the_controller_once_nothing_is_shifted() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"SECRET\n")
    assert "session.opaque" in codes(conversation.commands)
    conversation.server_sends()
    conversation.client_sends(b"\x16\x03\x01")
    conversation.server_sends(b"\x16\x03\x03")
    conversation.client_sends()
    session = conversation.engine.sessions[1]
    assert session.offloaded
    (offload,) = [c for c in conversation.handle(PipelineInstalled()) if isinstance(c, Offload)]
    there, back = offload.paths
    assert there.arriving == FiveTuple(_packed(CLIENT), 40000, _packed(SERVER), PORT)
    assert there.leaving.src == PUBLIC.packed and back.arriving.dst == PUBLIC.packed
    assert (there.realm, back.realm) == (Realm.INSIDE, Realm.OUTSIDE)
    # A segment that was on its way to the controller still gets through, as it came.
    conversation.client_sends(b"late")
    assert conversation.reached_server() == b"late"
    conversation.handle(OffloadEnded(1))
    assert not conversation.engine.sessions


def test_a_syn_on_the_tuple_of_a_session_that_left_may_be_an_old_one() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"SECRET\n")
    conversation.server_sends()
    session = conversation.engine.sessions[1]
    assert session.offloaded

    def open_at(initial: int) -> None:
        syn = Segment(_packed(CLIENT), _packed(SERVER), 40000, PORT, initial, 0, SYN, 65535)
        conversation.handle(SegmentArrived(syn, Realm.INSIDE, 0))

    open_at(1000)  # sent twice by the network: the server hears of it as of any late segment
    assert [segment.seq for segment in conversation.emitted()] == [1000]
    assert list(conversation.engine.sessions.values()) == [session]
    open_at(500_000)
    assert list(conversation.engine.sessions) == [2]
    assert EndOffload(1) in conversation.commands


def test_a_shifted_opaque_session_stays() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"SAY hi\nSECRET\n")
    conversation.server_sends()
    conversation.client_sends(b"opaque")
    assert conversation.reached_server() == b"opaque"
    assert not conversation.engine.sessions[1].offloaded


def test_an_icmp_error_reaches_the_host_that_sent_the_segment() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"HELLO\n")
    (sent,) = conversation.emitted()
    event = IcmpErrorArrived(
        Realm.OUTSIDE,
        b"\x01\x02\x03\x04",
        FiveTuple(sent.src, sent.sport, sent.dst, sent.dport),
        sent.seq,
        1000,
    )
    (command,) = conversation.handle(event)
    assert command == EmitIcmpError(
        src=b"\x01\x02\x03\x04",
        dst=_packed(CLIENT),
        quoted=FiveTuple(_packed(CLIENT), 40000, _packed(SERVER), PORT),
        quoted_sequence=1001,
    )
    assert conversation.engine.sessions[1].editor.streams[Direction.TO_SERVER].mss <= 960


def test_an_icmp_error_from_inside_shows_no_inside_address() -> None:
    conversation = talk(engine())
    conversation.server_sends(b"HELLO\n")
    (sent,) = conversation.emitted()
    assert sent.dst == _packed(CLIENT)
    for reporter in (CLIENT, "192.168.10.254"):
        quoted = FiveTuple(sent.src, sent.sport, sent.dst, sent.dport)
        event = IcmpErrorArrived(Realm.INSIDE, _packed(reporter), quoted, sent.seq, 0)
        (command,) = conversation.handle(event)
        assert isinstance(command, EmitIcmpError)
        assert (command.src, command.dst) == (PUBLIC.packed, _packed(SERVER))
        assert command.quoted.dst == PUBLIC.packed


def test_an_icmp_error_about_nothing_that_was_sent_is_dropped() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"HELLO\n")
    (sent,) = conversation.emitted()
    quoted = FiveTuple(sent.src, sent.sport, sent.dst, sent.dport)
    far = IcmpErrorArrived(Realm.OUTSIDE, b"\x01\x02\x03\x04", quoted, sent.seq + 5000, 1000)
    assert conversation.handle(far) == []
    nobody = FiveTuple(sent.src, 1, sent.dst, 2)
    stray = IcmpErrorArrived(Realm.OUTSIDE, b"\x01\x02\x03\x04", nobody, sent.seq, 1000)
    assert conversation.handle(stray) == []
    assert conversation.engine.counters["icmp.stray"] == 1


def test_an_icmp_error_ends_no_session() -> None:
    """Nor does it keep one (RFC 5382 REQ-10)."""
    conversation = talk(engine(timers=Timers(session_idle=60.0)))
    conversation.client_sends(b"HELLO\n")
    (sent,) = conversation.emitted()
    due = conversation.engine.next_timeout()
    quoted = FiveTuple(sent.src, sent.sport, sent.dst, sent.dport)
    for conversation.now in (10.0, 20.0, 30.0):
        event = IcmpErrorArrived(Realm.OUTSIDE, _packed(SERVER), quoted, sent.seq, 0)
        (command,) = conversation.handle(event)
        assert isinstance(command, EmitIcmpError)
    assert conversation.engine.next_timeout() == due
    conversation.client_sends(b"SAY still\n")
    assert conversation.reached_client() == b"still\n"


def test_a_reload_changes_what_is_new_and_nothing_that_is_there() -> None:
    conversation = talk(engine())
    conversation.engine.reconfigure(config(protocols=()))
    conversation.client_sends(b"SAY still\n")
    assert conversation.reached_client() == b"still\n"
    late = Talk(conversation.engine, client_port=40001)
    assert late.client_sends(flags=SYN) == [Ordinary()]


def test_an_unwanted_session_is_reset_and_its_data_cut() -> None:
    conversation = talk(engine())
    pinhole = announce(conversation).pinhole
    conversation.confirm()
    conversation.handle(PinholeUsed(pinhole.id))
    conversation.handle(SessionUnwanted(1))
    assert codes(conversation.commands) == ["session.unwanted", "session.ended"]
    assert conversation.of(CutData) == [CutData(pinhole.mark, 120)]
    assert len(conversation.emitted()) == 2
    assert all(segment.flags & RST for segment in conversation.emitted())
    assert conversation.handle(SessionUnwanted(1)) == []
    assert conversation.handle(SessionUnwanted(99)) == []


def test_an_unwanted_session_in_the_switch_comes_back_and_is_unknown() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"SECRET\n")
    conversation.server_sends()
    assert conversation.engine.sessions[1].offloaded
    conversation.handle(SessionUnwanted(1))
    assert EndOffload(1) in conversation.commands
    assert not conversation.engine.sessions
    conversation.client_sends(b"hello?")
    assert [segment.flags for segment in conversation.emitted()] == [RST]


def test_a_session_of_an_earlier_configuration_is_still_punted() -> None:
    conversation = talk(engine(timers=Timers(time_wait=5.0)))
    (sent,) = conversation.emitted()
    conversation.engine.reconfigure(config(protocols=()))
    (kept,) = conversation.handle(PipelineInstalled())
    assert isinstance(kept, KeepPunting)
    assert kept.arriving == (
        (Realm.INSIDE, FiveTuple(_packed(CLIENT), 40000, _packed(SERVER), PORT)),
        (Realm.OUTSIDE, FiveTuple(_packed(SERVER), PORT, PUBLIC.packed, sent.sport)),
    )
    conversation.client_sends(flags=RST | ACK)
    conversation.now = 6.0
    assert StopPunting(kept.id) in conversation.handle(Timeout())


def test_a_saved_session_goes_on_where_it_was() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"LISTEN 5000\nSAY behi")
    restored = copy.deepcopy(conversation)
    for one in (conversation, restored):
        one.server_sends(b"OK\n")
        one.confirm()
        one.client_sends(b"nd\n")
    assert restored.commands == conversation.commands
    assert restored.reached_client() == b"behind\n"


def test_the_views_show_a_session() -> None:
    conversation = talk(engine())
    conversation.client_sends(b"LISTEN 5000\n")
    (view,) = snapshot.sessions(conversation.engine, 2.0)
    assert (view.protocol, view.state, view.user) == ("toy", SessionState.INSPECTED, "toy")
    assert view.client == Endpoint(_address(CLIENT), 40000)
    assert view.client_seen.address == PUBLIC
    assert view.to_server_shift == len("203.0.113.1:32768") - len("5000")
    (pinhole,) = snapshot.pinholes(conversation.engine, 2.0)
    assert pinhole.state is PinholeState.ARMED and pinhole.expires_in is None
    kinds = [binding.kind.value for binding in snapshot.bindings(conversation.engine, 2.0)]
    assert kinds == ["control", "data"]
