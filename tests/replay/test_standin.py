"""The stand-in for the switch, and the replay, with whatever a capture may hold."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random

import dpkt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.engine.commands import (
    CloseListener,
    CloseMedia,
    CountData,
    CutData,
    DestinationNat,
    MediaPath,
    OpenListener,
    OpenMedia,
    OpenPinhole,
    Pinhole,
    Watched,
)
from ryu_alg.engine.events import DataCounted, PinholeExpired, PinholeUsed
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.replay import replay, standin
from ryu_alg.replay.capture import Captured, Output
from ryu_alg.replay.standin import StandIn
from ryu_alg.replay.vantage import At, View
from ryu_alg.settings import load
from tests.replay.test_bittorrent import BITTORRENT, announced, nodes, visited
from tests.replay.test_ftp import CLIENT, SERVER, active
from tests.replay.test_sip import SIP, call
from tests.replay.wire import Connection, at, lab, replayed

INSIDE, REMOTE = at("192.168.10.2:4000"), at("203.0.113.2:20")
PUBLIC = at("203.0.113.1:40000")
INWARD = View(Transport.TCP, Realm.OUTSIDE, INSIDE, REMOTE)
MEDIA_IN = View(Transport.UDP, Realm.OUTSIDE, INSIDE, REMOTE)
MEDIA_OUT = View(Transport.UDP, Realm.INSIDE, INSIDE, REMOTE)
PATH = MediaPath(INSIDE, PUBLIC, REMOTE)


@pytest.fixture
def switch(tmp_path: Path) -> StandIn:
    loaded = load(lab(tmp_path, SIP))
    return StandIn(replay.engine_config(loaded), replay.pipeline_plan(loaded), Random(1))


def pinhole(last_port: int | None = None) -> OpenPinhole:
    return OpenPinhole(
        Pinhole(
            id=7,
            mark=9,
            transport=Transport.TCP,
            peers=(ip_network(REMOTE.address),),
            seen=PUBLIC,
            connecting_realm=Realm.OUTSIDE,
            translate=DestinationNat(INSIDE),
            idle=30,
            hard=60,
            last_port=last_port,
        )
    )


def test_a_pinhole_is_for_one_connection_of_its_peer(switch: StandIn) -> None:
    switch.carry_out(pinhole(), 0)
    stranger = View(Transport.TCP, Realm.OUTSIDE, INSIDE, at("203.0.113.3:20"))
    assert switch.pass_data(stranger, 40, True, 1) == (None, None)
    connection, event = switch.pass_data(INWARD, 40, True, 1)
    assert connection is not None
    assert (connection.mark, connection.public, event) == (9, PUBLIC, PinholeUsed(7))
    again = View(Transport.TCP, Realm.OUTSIDE, INSIDE, at("203.0.113.2:21"))
    assert switch.pass_data(again, 40, True, 1) == (None, None)
    assert switch.pass_data(INWARD, 40, False, 2) == (connection, None)


def test_an_unused_pinhole_expires(switch: StandIn) -> None:
    switch.carry_out(pinhole(), 5)
    assert switch.next_timeout() == 35
    assert switch.expired(34.9) == []
    assert switch.expired(35) == [PinholeExpired(7)]
    assert switch.pass_data(INWARD, 40, True, 36) == (None, None)


def test_a_pinhole_for_a_range_keeps_the_port_and_stays(switch: StandIn) -> None:
    switch.carry_out(pinhole(last_port=PUBLIC.port + 2), 0)
    for more in range(4):
        inside = Endpoint(INSIDE.address, INSIDE.port + more)
        view = View(Transport.TCP, Realm.OUTSIDE, inside, REMOTE)
        connection, _ = switch.pass_data(view, 40, True, 1)
        if more == 3:
            assert connection is None
        else:
            assert connection is not None
            assert connection.public.port == PUBLIC.port + more
    assert switch.next_timeout() == float("inf")


def test_media_are_counted_until_they_are_idle(switch: StandIn) -> None:
    switch.carry_out(CountData(3, 120, 4, Transport.UDP), 0)
    switch.carry_out(OpenMedia(1, 3, (PATH,)), 0)
    other_port = View(Transport.UDP, Realm.OUTSIDE, INSIDE, at("203.0.113.2:999"))
    for view in (MEDIA_IN, MEDIA_OUT, other_port):
        connection, _ = switch.pass_data(view, 100, True, 10)
        assert connection is not None
        assert (connection.mark, connection.public) == (3, PUBLIC)
    assert switch.counted() == [DataCounted(3, 3, 300, idle=False)]
    assert switch.expired(130) == [DataCounted(3, 3, 300, idle=True)]


def test_closed_media_are_cut_and_ordinary_traffic_does_not_stay_on_their_path(
    switch: StandIn,
) -> None:
    before, _ = switch.pass_data(MEDIA_OUT, 100, True, 0)
    assert before is not None
    assert before.mark == 0
    switch.carry_out(OpenMedia(1, 3, (PATH,)), 1)
    during, _ = switch.pass_data(MEDIA_IN, 100, True, 1)
    assert during is not None
    assert during.mark == 3
    switch.carry_out(OpenMedia(1, 3, (MediaPath(INSIDE, PUBLIC, at("203.0.113.3:9")),)), 2)
    assert switch.pass_data(MEDIA_IN, 100, True, 2) == (None, None)
    switch.carry_out(CloseMedia(1, 3, ()), 3)
    elsewhere = View(Transport.UDP, Realm.OUTSIDE, INSIDE, at("203.0.113.3:9"))
    assert switch.pass_data(elsewhere, 100, True, 3) == (None, None)


def test_cut_data_stays_cut(switch: StandIn) -> None:
    switch.carry_out(pinhole(last_port=PUBLIC.port), 0)
    assert switch.pass_data(INWARD, 40, True, 0)[0] is not None
    switch.carry_out(CutData(9, 100), 1)
    assert switch.pass_data(INWARD, 40, True, 2) == (None, None)


LISTENING = OpenListener(5, INSIDE, PUBLIC, True, 11, 12, None)
WATCHING = OpenListener(5, INSIDE, PUBLIC, False, 11, 12, Watched((124, 192), 13))
ELSEWHERE = View(Transport.UDP, Realm.INSIDE, Endpoint(INSIDE.address, 4001), REMOTE)


def test_a_listening_port_lets_anybody_in_until_it_closes(switch: StandIn) -> None:
    assert switch.pass_data(INWARD, 40, True, 0) == (None, None)
    switch.carry_out(LISTENING, 0)
    switch.carry_out(CountData(12, 120, 4, Transport.UDP), 0)
    for view, mark in ((INWARD, 11), (MEDIA_IN, 12)):
        connection, event = switch.pass_data(view, 40, True, 1)
        assert connection is not None and event is None
        assert (connection.mark, connection.public) == (mark, PUBLIC)
    assert switch.counted() == [DataCounted(12, 1, 40, idle=False)]
    switch.carry_out(CloseListener(5), 2)
    assert switch.pass_data(INWARD, 40, False, 3)[0] is not None  # it goes on
    stranger = View(Transport.TCP, Realm.OUTSIDE, INSIDE, at("203.0.113.3:20"))
    assert switch.pass_data(stranger, 40, True, 3) == (None, None)


def test_what_is_sent_from_a_listening_port_leaves_from_its_public_one(switch: StandIn) -> None:
    switch.carry_out(WATCHING, 0)
    assert switch.pass_data(MEDIA_IN, 40, True, 1) == (None, None)
    connection, _ = switch.pass_data(MEDIA_OUT, 40, True, 1)
    assert connection is not None and (connection.mark, connection.public) == (12, PUBLIC)
    tcp, _ = switch.pass_data(View(Transport.TCP, Realm.INSIDE, INSIDE, REMOTE), 40, True, 1)
    other, _ = switch.pass_data(ELSEWHERE, 40, True, 1)
    assert tcp is not None and other is not None
    assert tcp.mark == other.mark == 0 and PUBLIC not in (tcp.public, other.public)


def test_cut_data_of_a_listening_port_stays_out(switch: StandIn) -> None:
    switch.carry_out(LISTENING, 0)
    switch.carry_out(CutData(11, 100), 0)
    assert switch.pass_data(INWARD, 40, True, 1) == (None, None)
    assert switch.pass_data(MEDIA_IN, 40, True, 1)[0] is not None


@pytest.mark.parametrize(("size", "punted"), [(123, False), (124, True), (192, True), (193, False)])
def test_sizes_are_watched(switch: StandIn, size: int, punted: bool) -> None:
    assert switch.listening.punts(MEDIA_OUT, size, None) is None
    switch.carry_out(WATCHING, 0)
    assert switch.listening.punts(MEDIA_OUT, size, None) == (5 if punted else None)
    assert switch.listening.punts(MEDIA_IN, size, 12) is None
    assert switch.listening.punts(ELSEWHERE, size, None) is None


def test_the_next_datagram_from_outside_is_punted_once_it_is_awaited(switch: StandIn) -> None:
    switch.carry_out(WATCHING, 0)
    for view, answered, mark in (
        (MEDIA_OUT, False, 12),
        (MEDIA_OUT, True, 13),
        (MEDIA_OUT, False, 13),
        (MEDIA_IN, True, 13),
        (MEDIA_IN, False, 12),
    ):
        connection = switch.pass_on(view, 40, answered, 1)
        assert connection is not None and connection.public == PUBLIC
        assert connection.mark == switch.mark_of(view) == mark
        assert (switch.listening.punts(MEDIA_IN, 1, mark) == 5) == (mark == 13)


def test_when_a_watch_ends_its_exchanges_begin_anew(switch: StandIn) -> None:
    switch.carry_out(WATCHING, 0)
    for view in (MEDIA_OUT, ELSEWHERE):
        switch.pass_data(view, 40, True, 1)
    switch.carry_out(LISTENING, 2)
    assert (switch.mark_of(MEDIA_OUT), switch.mark_of(ELSEWHERE)) == (None, 0)


def test_connections_are_bounded(switch: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "MAX_CONNECTIONS", 10)
    for port in range(1, 30):
        switch.pass_data(
            View(Transport.UDP, Realm.INSIDE, Endpoint(INSIDE.address, port), REMOTE), 1, True, 0
        )
    assert len(switch._connections) == 10


def test_a_session_that_the_switch_has_taken_over(tmp_path: Path) -> None:
    """FTP that begins TLS, where policy lets it: its packets do not come to the engine then."""
    control = Connection([], CLIENT, SERVER).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(b"AUTH TLS\r\n")
    control.server_says(b"234 go on\r\n")
    control.client_says(b"\x16\x03\x01 hello")
    control.server_says(b"\x16\x03\x03 hello")
    control.close()
    result = replayed(tmp_path, control.packets, protocols="    options: {auth: allow}\n")
    assert "session.offloaded" in result.codes()
    assert result.counts["forwarded"] > 5
    assert result.stream(SERVER) == b"AUTH TLS\r\n\x16\x03\x01 hello"
    assert result.stream(CLIENT) == b"220 hello\r\n234 go on\r\n\x16\x03\x03 hello"
    assert {str(s.address) for s, t, _ in result.tcp() if t == SERVER} == {"203.0.113.1"}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_captures_with_damaged_packets_raise_nothing(tmp_path: Path, data: st.DataObject) -> None:
    loaded = load(lab(tmp_path, SIP + BITTORRENT))
    run = replay.Replay(
        replay.engine_config(loaded),
        replay.pipeline_plan(loaded),
        data.draw(st.sampled_from(At)),
        Output(None),
        lambda entry: print(entry.text(), entry.json()),
    )
    packets = [*active(7), *call(), *announced(), *nodes(), *visited()]
    chosen = data.draw(st.lists(st.sampled_from(packets), max_size=60))
    for number, packet in enumerate(chosen, start=1):
        damaged = bytearray(packet)
        for place, byte in data.draw(
            st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=2)
        ):
            if place < len(damaged):
                damaged[place] = byte
        kept = data.draw(st.sampled_from((None, None, None, 3, 25, 45)))
        time = data.draw(st.floats(-10, 1e6))
        run.feed(Captured(number, time, bytes(damaged[:kept])))
    run.finish()


def test_datagrams_in_fragments_are_put_together(tmp_path: Path) -> None:
    whole = dpkt.ip.IP(call()[0])
    pieces = []
    body = bytes(whole.data)
    for start in range(0, len(body), 96):
        piece = dpkt.ip.IP(src=whole.src, dst=whole.dst, p=17, id=77, data=body[start : start + 96])
        piece.len = len(piece)
        piece.offset = start // 8
        piece.mf = int(start + 96 < len(body))
        pieces.append(bytes(piece))
    result = replayed(tmp_path, pieces, protocols=SIP)
    assert "session.opened" in result.codes()
    assert result.counts["fragment"] == len(pieces) - 1
    assert ip_address(dpkt.ip.IP(result.left[0]).src) == PUBLIC.address
