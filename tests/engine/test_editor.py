"""The stream editor in particular situations, between two model endpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ryu_alg.engine.editor import EditorLimits, Phase
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Segment
from ryu_alg.inspection.endpoints import Direction
from tests.engine.channel import Network
from tests.engine.editor_harness import (
    CLIENT,
    SERVER,
    SERVER_SEEN,
    EditorBox,
    Rule,
    Verdict,
    connect,
    footprint,
)
from tests.engine.tcp_model import MODULUS, OVER, Endpoint, Profile, State, parse_options

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

LINES = Rule(lines=True, longest=100)


class Rewriting(Rule):
    """Lines; what a line becomes is said by a function."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        super().__init__(lines=True, longest=100)
        object.__setattr__(self, "change", change)

    change: Callable[[bytes], bytes]

    def verdict(self, direction: Direction, index: int, message: bytes) -> Verdict:
        return Verdict(((len(message), self.change(message)),))


def opened(
    client: Profile | None = None,
    server: Profile | None = None,
    rule: Rule | None = None,
    limits: EditorLimits | None = None,
) -> tuple[Network, EditorBox]:
    """A connection whose handshake is over."""
    network, box = connect(client, server, rule=rule or LINES, limits=limits)
    network.start()
    network.pause(1.0)
    assert box.editor.phase is Phase.OPEN
    return network, box


def write(network: Network, endpoint: Endpoint, data: bytes, *, urgent: bool = False) -> None:
    endpoint.write(data, network.now, urgent=urgent)
    network.drain()


def close(network: Network, *endpoints: Endpoint) -> None:
    for endpoint in endpoints:
        endpoint.close(network.now)
    network.drain()


def arrive(network: Network, box: EditorBox, direction: Direction, segment: Segment) -> None:
    """Put a segment before the editor that no endpoint sent."""
    box.editor.receive(direction, segment, network.now)
    network.emit(box.collect(network.now))


def last(network: Network, link: str) -> Segment:
    """The last segment that was put on a link."""
    return next(segment for _, name, segment in reversed(network.log) if name == link)


def healthy(network: Network) -> bool:
    """Nothing went wrong that an endpoint could notice."""
    endpoints = (network.client, network.server)
    return not any(e.violations or e.was_reset or e.timed_out for e in endpoints)


def closes(network: Network, box: EditorBox) -> None:
    """Both ends close what is still open, and everything ends well."""
    close(network, network.client, network.server)
    network.pause(20.0)
    assert network.client.state in OVER
    assert network.server.state in OVER
    assert box.editor.phase is Phase.CLOSED
    assert healthy(network), (network.client.violations, network.server.violations)
    assert box.editor.next_timeout() is None


# ---- the handshake


def test_syn_options_are_normalised_and_initial_numbers_kept() -> None:
    options = bytes.fromhex("0402 080a 00000001 00000000 2202 1e04 0081".replace(" ", ""))
    client = Profile(isn=MODULUS - 1, mss=1460, window_scale=7, other_options=options)
    network, _ = opened(client, Profile(isn=77, mss=None, window_scale=None))
    syns = {name: s for _, name, s in network.log if s.flags & SYN}
    assert dict(parse_options(syns["box-server"].options)) == {
        2: (1396).to_bytes(2, "big"),
        3: b"\7",
    }
    assert dict(parse_options(syns["box-client"].options)) == {2: (472).to_bytes(2, "big")}
    assert (syns["box-server"].seq, syns["box-client"].seq) == (MODULUS - 1, 77)


def test_payload_on_a_syn_is_stripped_and_comes_later() -> None:
    network, box = connect(Profile(syn_payload=b"USER"), rule=LINES)
    network.client.written += b"USER me\r\n"
    network.start()
    network.pause(5.0)
    assert bytes(network.server.stream) == b"USER me\r\n"
    closes(network, box)


LINKS = ("client-box", "box-server", "server-box", "box-client")


@pytest.mark.parametrize("copies", [0, 2])
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("flags", [SYN, SYN | ACK, ACK, FIN])
def test_any_one_segment_of_opening_and_closing_is_lost_or_repeated(
    flags: int, link: str, copies: int
) -> None:
    """The first segment with these flags on this link is lost, or comes twice."""
    network, box = connect(rule=LINES)
    done = False

    def fate(name: str, segment: Segment) -> bool:
        nonlocal done
        mask = FIN if flags == FIN else SYN | ACK
        if done or name != link or segment.flags & mask != flags:
            return True
        done = True
        for _ in range(copies):
            network.send(name, segment)
        return False

    network.fate = fate
    network.start()
    network.pause(5.0)
    assert network.client.state is network.server.state is State.ESTABLISHED
    write(network, network.client, b"hello\n")
    write(network, network.server, b"220 hello\n")
    network.pause(5.0)
    assert bytes(network.server.stream) == b"hello\n"
    assert bytes(network.client.stream) == b"220 hello\n"
    closes(network, box)


def test_a_refused_connection_is_refused() -> None:
    network, box = connect(rule=LINES)
    network.client.open(0.0)
    network.drain()
    network.pause(1.0)  # the server is not listening
    assert network.client.was_reset
    assert box.editor.phase is Phase.RESET


def test_nothing_leaves_before_the_handshake_is_over() -> None:
    network, box = connect(rule=LINES)
    network.fate = lambda name, segment: not (name == "client-box" and not segment.flags & SYN)
    network.start()
    write(network, network.server, b"")
    network.pause(0.5)
    box.editor.inject(TO_CLIENT, b"too early")
    assert not [s for d, s in box.editor.flush(network.now) if s.payload]
    assert box.editor.undecided(TO_SERVER) == b""


def half_open(busy: bool) -> tuple[Network, EditorBox, Endpoint]:
    """The server keeps a connection that neither the client nor the editor knows any more."""
    network, _ = opened(Profile(isn=1000), Profile(isn=5000))
    if busy:
        write(network, network.client, b"USER me\n")
        network.pause(1.0)
    server = network.server
    network, box = connect(Profile(isn=900_000), rule=LINES)
    network.server, listening = server, network.server
    return network, box, listening


@pytest.mark.parametrize("busy", [False, True])
def test_a_connection_that_only_the_server_remembers_makes_way(busy: bool) -> None:
    """RFC 9293 section 3.5.1, figure 9: the editor resets it in the client's place."""
    network, box, listening = half_open(busy)
    forgotten = network.server
    network.client.open(network.now)
    network.drain()
    if busy:
        write(network, forgotten, b"331 Still there?\n")
    network.pause(0.2)
    assert forgotten.was_reset
    assert not forgotten.violations
    assert network.client.state is State.SYN_SENT
    network.server = listening
    listening.listen()
    network.pause(1.0)
    assert network.client.state is listening.state is State.ESTABLISHED
    assert not [s for _, name, s in network.log if name == "box-client" and not s.flags & SYN]
    write(network, network.client, b"hello\n")
    network.pause(1.0)
    assert bytes(listening.stream) == b"hello\n"
    closes(network, box)


def test_the_answer_to_an_older_syn_is_reset() -> None:
    """RFC 9293 section 3.5, figure 8."""
    network, box = connect(Profile(isn=900_000), rule=LINES)
    network.fate = lambda name, segment: name != "box-server" or bool(segment.flags & RST)
    network.start()
    network.pause(0.1)
    syn = last(network, "box-server")
    network.server.receive(replace(syn, seq=1000), network.now)
    network.drain()
    network.pause(0.1)
    assert network.server.was_reset
    assert last(network, "box-server").seq == 1001
    network.fate = None
    network.server = Endpoint("server", Profile(), SERVER, network.server.remote)
    network.server.listen()
    network.pause(2.0)
    assert network.client.state is network.server.state is State.ESTABLISHED
    closes(network, box)


def test_what_acknowledges_the_syn_and_does_not_answer_it_is_dropped() -> None:
    network, box = connect(rule=LINES)
    network.fate = lambda name, segment: name != "server-box"
    network.start()
    network.pause(0.1)
    answer = last(network, "server-box")
    arrive(network, box, TO_CLIENT, replace(answer, flags=ACK, options=b"", payload=b"early"))
    assert not [s for _, name, s in network.log if s.flags & RST or name == "box-client"]
    network.fate = None
    network.pause(2.0)
    assert network.client.state is network.server.state is State.ESTABLISHED
    closes(network, box)


# ---- data


def test_a_sender_under_nagle_is_acknowledged_at_once() -> None:
    """Each byte of a command in a segment of its own: the receiver can't acknowledge any."""
    network, box = opened(Profile(nagle=True), Profile(delayed_ack=0.2))
    before = network.now
    for byte in b"PORT 192,168,10,2,200,13\r":
        start = network.now
        network.client.write(bytes((byte,)), start)
        network.drain()
        assert network.run(lambda: network.client.all_acked, deadline=start + 0.05)
        assert network.now - start < 0.03
    write(network, network.client, b"\n")
    assert network.run(lambda: len(network.server.stream) == 26, deadline=before + 0.6)
    closes(network, box)


def test_two_small_writes_do_not_wait_for_a_delayed_acknowledgement() -> None:
    network, box = opened(Profile(nagle=True), Profile(delayed_ack=0.2))
    before = network.now
    write(network, network.client, b"PORT 192,168")
    write(network, network.client, b",10,2,200,13\r\n")
    assert network.run(lambda: len(network.server.stream) == 26, deadline=before + 0.05)
    closes(network, box)


def test_unedited_data_is_acknowledged_by_its_receiver_only() -> None:
    network, box = opened()
    network.fate = lambda name, segment: name != "box-server"
    write(network, network.client, b"NOOP\r\n")
    network.pause(10.0)
    assert network.client.acked == 0
    assert network.client.counters["timeout"] > 2
    network.fate = None
    network.pause(10.0)
    assert bytes(network.server.stream) == b"NOOP\r\n"
    closes(network, box)


def test_what_the_editor_acknowledged_it_repeats_itself() -> None:
    network, box = opened(Profile(rto=100.0, rto_max=100.0))
    write(network, network.client, b"NO")
    network.pause(0.1)
    write(network, network.client, b"OP\r\n")
    network.fate = lambda name, segment: name != "box-server"
    network.pause(0.05)
    assert network.client.acked == 2
    network.pause(5.0)
    network.fate = None
    network.pause(10.0)
    assert bytes(network.server.stream).startswith(b"NO")
    assert box.editor.counters["retransmitted"] > 2
    network.pause(100.0)
    assert bytes(network.server.stream) == b"NOOP\r\n"
    closes(network, box)


def test_what_was_injected_the_editor_repeats_itself() -> None:
    """Nobody else could: the sender of that direction never sent it."""
    network, box = opened()
    network.fate = lambda name, segment: name != "box-client"
    box.editor.inject(TO_CLIENT, b"500 no\r\n")
    box.moderator.expected[TO_CLIENT] += b"500 no\r\n"
    network.emit(box.collect(network.now))
    network.pause(5.0)
    network.fate = None
    network.pause(10.0)
    assert bytes(network.client.stream) == b"500 no\r\n"
    assert network.server.send_window
    write(network, network.server, b"220 yes\r\n")
    network.pause(1.0)
    assert bytes(network.client.stream) == b"500 no\r\n220 yes\r\n"
    closes(network, box)


def test_a_fin_behind_a_full_backlog_takes_nothing_with_it() -> None:
    """While the receiver takes nothing, nothing is shown, and so nothing may be finished."""
    limits = EditorLimits(backlog=2000)
    network, box = opened(server=Profile(buffer=1000), limits=limits)
    text = b"".join(b"%049d\n" % number for number in range(100))
    write(network, network.client, text)
    close(network, network.client)
    network.pause(300.0)
    for _ in range(100):
        network.server.read(100, network.now)
        network.drain()
        network.pause(10.0)
    assert bytes(network.server.stream) == text
    closes(network, box)


def test_a_receiver_that_is_gone_resets_both_ends() -> None:
    network, box = opened()
    write(network, network.client, b"NO")
    network.pause(0.1)
    write(network, network.client, b"OP\r\n")
    network.fate = lambda name, segment: name != "box-server" or bool(segment.flags & RST)
    network.pause(800.0)
    assert box.editor.phase is Phase.RESET
    assert network.client.was_reset
    assert network.server.was_reset


def test_a_repetition_is_what_it_was() -> None:
    """The wiretap compares; here the map has to answer for bytes that moved."""
    network, box = opened(rule=Rewriting(lambda line: line[::-1] * 3))
    lost = 0

    def fate(name: str, segment: Segment) -> bool:
        nonlocal lost
        if name == "box-server" and segment.payload and lost < 3:
            lost += 1
            return False
        return True

    network.fate = fate
    for text in (b"one\n", b"two\n", b"three\n"):
        write(network, network.client, text)
    network.pause(20.0)
    assert bytes(network.server.stream) == b"\neno" * 3 + b"\nowt" * 3 + b"\neerht" * 3
    assert box.editor.shift(TO_SERVER) == 28
    closes(network, box)


def test_the_shift_counts_what_was_inserted_and_deleted() -> None:
    network, box = opened(rule=Rewriting(lambda line: b"" if line.startswith(b"-") else line))
    write(network, network.client, b"-gone\nkept\n")
    network.pause(1.0)
    box.moderator.expected[TO_SERVER] += b"added"
    box.editor.inject(TO_SERVER, b"added")
    network.emit(box.collect(network.now))
    network.pause(1.0)
    assert bytes(network.server.stream) == b"kept\nadded"
    assert box.editor.shift(TO_SERVER) == -1
    assert box.editor.shift(TO_CLIENT) == 0


def test_large_segments_are_cut_to_the_receivers_size() -> None:
    network, box = opened(Profile(mss=9000), Profile(mss=200, buffer=65535))
    text = b"".join(b"%090d\n" % number for number in range(50))
    arrival = replace(last(network, "client-box"), payload=text)
    box.wiretap.entering(TO_SERVER, arrival)
    arrive(network, box, TO_SERVER, arrival)
    sizes = [len(s.payload) for _, name, s in network.log if name == "box-server"]
    assert max(sizes) == 200
    network.pause(1.0)
    assert bytes(network.server.stream) == text


def test_a_smaller_path_mtu_makes_smaller_segments() -> None:
    network, box = opened()
    box.editor.limit_mss(TO_SERVER, 100)
    write(network, network.client, (b"x" * 99 + b"\n") * 20)
    network.pause(2.0)
    sizes = [len(s.payload) for _, name, s in network.log if name == "box-server"]
    assert max(sizes) == 100
    assert len(network.server.stream) == 2000
    closes(network, box)


def test_quiescent_when_nothing_is_under_way() -> None:
    network, box = opened()
    assert box.editor.quiescent
    write(network, network.client, b"NO")
    network.pause(1.0)
    assert not box.editor.quiescent  # an incomplete message is held
    write(network, network.client, b"OP\n")
    network.pause(1.0)
    assert box.editor.quiescent
    box.editor.close_gate()
    assert not box.editor.quiescent


def test_a_closed_gate_holds_everything_and_loses_nothing() -> None:
    network, box = opened()
    box.moderator.gate_mark = {TO_SERVER: 0, TO_CLIENT: 0}
    box.editor.close_gate()
    write(network, network.client, b"one\n")
    write(network, network.server, b"two\n")
    close(network, network.client)
    network.pause(30.0)
    assert not network.server.stream
    assert not network.client.stream
    assert not network.server.eof
    box.moderator.gate_mark = None
    box.editor.open_gate()
    network.emit(box.collect(network.now))
    network.pause(1.0)
    assert bytes(network.server.stream) == b"one\n"
    assert bytes(network.client.stream) == b"two\n"
    assert network.server.eof
    closes(network, box)


# ---- windows


def test_a_window_that_is_shut_for_long_opens_again() -> None:
    """Both ways at once, longer than retransmissions to a silent receiver would last."""
    network, box = opened(Profile(buffer=500), Profile(buffer=500))
    text = b"".join(b"%049d\n" % number for number in range(40))
    write(network, network.client, text)
    write(network, network.server, text)
    network.pause(900.0)
    assert len(network.server.stream) <= 500
    assert len(network.client.stream) <= 500
    for _ in range(100):
        network.client.read(100, network.now)
        network.server.read(100, network.now)
        network.drain()
        network.pause(10.0)
    assert bytes(network.server.stream) == bytes(network.client.stream) == text
    closes(network, box)


def test_more_than_a_window_of_the_editors_may_be_under_way_to_the_receiver() -> None:
    """What passed and was lost comes again, though newer bytes fill the editor's own bounds."""
    network, box = opened(Profile(nagle=False), limits=EditorLimits(undecided=300))
    network.fate = lambda name, segment: not (name == "box-server" and segment.payload)
    for number in range(10):
        write(network, network.client, b"%099d\n" % number)
        write(network, network.server, b"%d\n" % number)  # tells of a window further on
        network.pause(0.025)
    assert box.editor.streams[TO_SERVER].received == 1001
    assert network.client.acked == 0
    network.fate = None
    network.pause(60.0)
    assert len(network.server.stream) == 1000
    closes(network, box)


def test_what_grew_beyond_the_window_waits_for_it() -> None:
    network, box = opened(server=Profile(buffer=300), rule=Rewriting(lambda line: line * 20))
    write(network, network.client, b"%09d\n" % 1 + b"%09d\n" % 2)
    network.pause(30.0)
    assert len(network.server.stream) == 300
    assert network.client.all_acked
    for _ in range(20):
        network.server.read(60, network.now)
        network.drain()
        network.pause(70.0)
    assert bytes(network.server.stream) == b"000000001\n" * 20 + b"000000002\n" * 20
    closes(network, box)


def test_a_message_longer_than_the_receivers_window_is_taken_whole() -> None:
    network, box = opened(server=Profile(buffer=60), rule=Rule(lines=True, longest=5000))
    write(network, network.client, b"y" * 4000 + b"\n")
    network.pause(2.0)
    assert network.client.all_acked
    network.server.read(60, network.now)
    for _ in range(200):
        network.server.read(60, network.now)
        network.drain()
        network.pause(5.0)
    assert len(network.server.stream) == 4001
    closes(network, box)


def test_undecided_bytes_close_the_senders_window() -> None:
    limits = EditorLimits(undecided=1000)
    network, box = opened(rule=Rule(lines=True, longest=100_000), limits=limits)
    write(network, network.client, b"z" * 5000)
    network.pause(30.0)
    assert len(box.editor.undecided(TO_SERVER)) == 1000
    assert network.client.send_window == 0
    assert healthy(network)


@pytest.mark.parametrize("kept", [b"", b"k"])
def test_memory_stays_bounded_over_a_long_session(kept: bytes) -> None:
    """Everything is deleted, or most of it, while the other end says nothing of its own."""
    network, box = opened(rule=Rewriting(lambda line: kept))
    network.most_events = 10**6
    network.log = Forgetful()
    for number in range(3000):
        write(network, network.client, b"%098d\n" % number)
        network.pause(0.05)
        size, entries = footprint(box.editor)
        assert size < 20_000, f"{size} bytes after {number} lines"
        assert entries < 1000, f"{entries} entries after {number} lines"
    closes(network, box)


class Forgetful(list[tuple[float, str, Segment]]):
    """A log that is not kept."""

    def append(self, entry: tuple[float, str, Segment]) -> None:
        pass


def test_out_of_order_memory_is_bounded() -> None:
    limits = EditorLimits(out_of_order=1000, out_of_order_segments=10)
    network, box = opened(limits=limits)
    base = last(network, "client-box")
    for size in (1, 300):
        for index in range(1, 150):
            piece = replace(base, seq=base.seq + index * (size + 1), payload=b"x" * size)
            arrive(network, box, TO_SERVER, piece)
    held, entries = footprint(box.editor)
    assert held < 1200
    assert entries < 60
    assert healthy(network)


# ---- keepalive


@pytest.mark.parametrize("byte_probes", [False, True])
def test_an_endpoints_keepalive_is_answered_by_the_other_end(byte_probes: bool) -> None:
    """Also after edits, and not by the editor: a dead end must be found dead."""
    profile = Profile(keepalive=10.0, byte_probes=byte_probes)
    network, _ = opened(profile, Profile(isn=5), rule=Rewriting(lambda line: line * 2))
    write(network, network.client, b"one\n")
    write(network, network.server, b"two\n")
    network.pause(300.0)
    assert network.client.counters["probe"] > 20
    assert network.server.counters["received"] > 20
    assert healthy(network)
    assert bytes(network.server.stream) == b"one\none\n"
    network.fate = lambda name, segment: name != "box-server"
    network.pause(100.0)
    assert network.client.timed_out


@pytest.mark.parametrize("who", ["client", "server"])
def test_keepalive_of_a_connection_that_never_carried_anything(who: str) -> None:
    network, box = opened(**{who: Profile(keepalive=10.0)})
    network.pause(300.0)
    assert getattr(network, who).counters["probe"] > 20
    closes(network, box)


def test_the_editors_probes_keep_both_ends_and_their_answers_go_no_further() -> None:
    network, box = opened(rule=Rewriting(lambda line: line * 2))
    write(network, network.client, b"one\n")
    write(network, network.server, b"two\n")
    network.pause(1.0)
    for _ in range(20):
        network.counters.clear()
        box.editor.probe(network.now)
        network.emit(box.collect(network.now))
        network.pause(100.0)
        assert dict(network.counters) == dict.fromkeys(LINKS, 1)
    write(network, network.client, b"three\n")
    network.pause(1.0)
    assert bytes(network.server.stream) == b"one\none\nthree\nthree\n"
    closes(network, box)


def test_a_probe_while_data_is_under_way_disturbs_nothing() -> None:
    network, box = opened()
    network.fate = lambda name, segment: not (name == "box-server" and segment.payload)
    write(network, network.client, b"one\n")
    for _ in range(5):
        network.pause(0.1)
        box.editor.probe(network.now)
        network.emit(box.collect(network.now))
    network.fate = None
    network.pause(5.0)
    assert bytes(network.server.stream) == b"one\n"
    closes(network, box)


# ---- closing


def test_simultaneous_close() -> None:
    network, box = opened()
    close(network, network.client, network.server)
    network.pause(5.0)
    assert network.client.state is network.server.state is State.TIME_WAIT
    closes(network, box)


@pytest.mark.parametrize("first", ["client", "server"])
def test_half_close_leaves_the_other_direction_open(first: str) -> None:
    profile = Profile(keepalive=3.0, byte_probes=True)
    profiles = (profile, Profile()) if first == "client" else (Profile(), profile)
    network, box = opened(*profiles, rule=Rewriting(lambda line: line + line))
    closing, other = network.client, network.server
    if first == "server":
        closing, other = other, closing
    write(network, closing, b"bye\n")
    close(network, closing)
    network.pause(1.0)
    assert other.eof
    assert closing.state is State.FIN_WAIT_2
    network.pause(30.0)
    for number in range(50):
        write(network, other, b"%d\n" % number)
        network.pause(10.0)
    assert box.editor.phase is Phase.OPEN
    assert bytes(closing.stream) == b"".join(b"%d\n" % (n // 2) for n in range(100))
    closes(network, box)


def test_a_fin_waits_for_the_decision_about_what_is_before_it() -> None:
    network, box = opened(rule=LINES)
    write(network, network.client, b"no end")
    box.moderator.finished[TO_SERVER] = True  # the moderator keeps out of it
    close(network, network.client)
    network.pause(5.0)
    assert box.editor.ended(TO_SERVER)
    assert box.editor.undecided(TO_SERVER) == b"no end"
    assert not network.server.eof
    box.editor.finish(TO_SERVER)
    network.emit(box.collect(network.now))
    network.pause(1.0)
    assert network.server.eof
    assert not network.server.stream
    assert network.client.all_acked
    box.editor.inject(TO_SERVER, b"too late")
    network.emit(box.collect(network.now))
    closes(network, box)


def test_a_closed_end_that_answers_with_a_reset_does_not_disturb_the_other() -> None:
    network, box = opened()
    close(network, network.client)
    network.pause(0.5)
    close(network, network.server)
    network.pause(1.0)
    assert network.server.state is State.CLOSED
    arrive(network, box, TO_CLIENT, replace(last(network, "server-box"), flags=RST))
    assert box.editor.phase is Phase.CLOSED
    assert healthy(network)


# ---- resets


@pytest.mark.parametrize("held", [b"", b"incomplete"])
@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_goes_through_with_the_right_number(who: str, held: bytes) -> None:
    network, box = opened(rule=Rewriting(lambda line: b"some other line\n"))
    resetting, other = network.client, network.server
    if who == "server":
        resetting, other = other, resetting
    write(network, network.client, b"one\n")
    write(network, network.server, b"two\n")
    network.pause(1.0)
    write(network, resetting, held)
    network.pause(1.0)
    resetting.abort()
    network.drain()
    network.pause(1.0)
    assert other.was_reset
    assert box.editor.phase is Phase.RESET
    assert not box.editor.undecided(TO_SERVER)
    assert not box.editor.undecided(TO_CLIENT)
    network.counters.clear()
    network.pause(100.0)
    assert not network.counters


@pytest.mark.parametrize("lost", [False, True])
def test_abort_resets_both_ends(lost: bool) -> None:
    """Also where the last bytes were lost, so that the RST's number is a guess."""
    network, box = opened(rule=Rewriting(lambda line: line * 2))
    write(network, network.client, b"one\n")
    write(network, network.server, b"two\n")
    network.pause(1.0)
    if lost:
        network.fate = lambda name, segment: name.endswith("-box")
    write(network, network.client, b"three\n")
    write(network, network.server, b"four\n")
    network.pause(0.05)
    box.editor.abort()
    network.fate = None
    network.emit(box.collect(network.now))
    network.pause(5.0)
    assert network.client.was_reset
    assert network.server.was_reset
    assert box.editor.phase is Phase.RESET
    assert box.editor.next_timeout() is None


@pytest.mark.parametrize("until", ["syn", "syn-ack"])
def test_abort_during_the_handshake(until: str) -> None:
    network, box = connect(rule=LINES)
    lost = "box-server" if until == "syn" else "client-box"
    network.fate = lambda name, segment: (
        name != lost or (name == "client-box" and bool(segment.flags & SYN))
    )
    network.start()
    network.pause(0.1)
    box.editor.abort()
    network.fate = None
    network.emit(box.collect(network.now))
    network.pause(5.0)
    assert network.client.state is State.CLOSED
    assert network.server.state in (State.CLOSED, State.LISTEN)


def test_a_retransmission_after_a_reset_is_answered_with_a_reset() -> None:
    network, box = opened()
    network.fate = lambda name, segment: name != "box-client"
    box.editor.abort()
    network.emit(box.collect(network.now))
    network.fate = None
    write(network, network.client, b"hello?\n")
    network.pause(1.0)
    assert network.client.was_reset


# ---- attacks


def test_conflicting_overlap_is_counted_and_the_first_copy_wins() -> None:
    network, box = opened()
    base = last(network, "client-box")

    def at(offset: int, text: bytes) -> None:
        segment = replace(base, seq=(base.seq + offset) % MODULUS, payload=text)
        box.wiretap.entering(TO_SERVER, segment)
        arrive(network, box, TO_SERVER, segment)

    at(5, b"first\n")  # ahead of a gap
    at(3, b"..other.\n")
    at(0, b"USER X")
    assert box.editor.counters["conflicting_overlap"] == 2
    at(0, b"PASS ")  # behind, already accepted
    assert box.editor.counters["conflicting_overlap"] == 3
    at(5, b"first\n")  # the same again is no conflict
    assert box.editor.counters["conflicting_overlap"] == 3
    network.pause(1.0)
    assert bytes(network.server.stream) == b"USE..first\n\n"


@pytest.mark.parametrize(
    "forged",
    [
        {"flags": RST, "seq": 70_000},
        {"flags": RST | ACK, "seq": -70_000},
        {"flags": RST, "seq": 1 << 31},
        {"flags": SYN, "seq": 1 << 20},
        {"flags": SYN | ACK, "seq": 5},
        {"flags": ACK, "seq": 70_000, "payload": b"evil\n"},
        {"flags": ACK | FIN, "seq": 70_000},
        {"flags": ACK, "ack": 1, "payload": b"evil\n"},
        {"flags": ACK, "ack": 1 << 30, "payload": b"evil\n"},
        {"flags": ACK | FIN, "ack": -100_000},
        {"flags": 0, "payload": b"evil\n"},
        {"flags": FIN},
        {"flags": SYN | FIN},
    ],
)
@pytest.mark.parametrize("direction", list(Direction))
def test_what_an_off_path_attacker_can_send_is_ignored(
    direction: Direction, forged: dict[str, Any]
) -> None:
    """Numbers are relative to what would be right."""
    network, box = opened(Profile(isn=MODULUS - 3), rule=Rewriting(lambda line: line * 2))
    write(network, network.client, b"one\n")
    write(network, network.server, b"two\n")
    network.pause(1.0)
    right = last(network, "client-box" if direction is TO_SERVER else "server-box")
    changes = {
        key: (getattr(right, key) + value) % MODULUS if key in ("seq", "ack") else value
        for key, value in forged.items()
    }
    right = replace(right, seq=(right.seq + len(right.payload)) % MODULUS, payload=b"")
    arrive(network, box, direction, replace(right, **changes))
    network.pause(1.0)
    assert network.client.state is network.server.state is State.ESTABLISHED
    write(network, network.client, b"three\n")
    write(network, network.server, b"four\n")
    network.pause(5.0)
    assert bytes(network.server.stream) == b"one\none\nthree\nthree\n"
    assert bytes(network.client.stream) == b"two\ntwo\nfour\nfour\n"
    closes(network, box)


def test_a_reset_in_the_window_only_is_left_to_the_receiver() -> None:
    """RFC 5961 section 3: a challenge goes back, and nothing happens."""
    network, box = opened()
    base = last(network, "client-box")
    arrive(network, box, TO_SERVER, replace(base, flags=RST, seq=(base.seq + 100) % MODULUS))
    network.pause(1.0)
    assert network.client.state is network.server.state is State.ESTABLISHED
    write(network, network.client, b"alive\n")
    network.pause(1.0)
    assert bytes(network.server.stream) == b"alive\n"
    closes(network, box)


# ---- urgent data


@pytest.mark.parametrize("prefix", [b"", b"a longer line than that\n"])
def test_the_urgent_pointer_moves_with_its_byte(prefix: bytes) -> None:
    """FTP's ABOR: TELNET IP and Synch, RFC 959 section 4.1.3."""
    change = Rewriting(lambda line: prefix if line == b"one\n" else line)
    network, box = opened(rule=change)
    write(network, network.client, b"one\n")
    network.pause(0.5)
    write(network, network.client, b"\xff\xf4\xff", urgent=True)
    write(network, network.client, b"\xf2ABOR\r\n")
    network.pause(1.0)
    assert bytes(network.server.stream) == prefix + b"\xff\xf4\xff\xf2ABOR\r\n"
    assert network.server.urgent_seen == len(prefix) + 3
    closes(network, box)


def test_addresses_are_those_of_the_headers() -> None:
    network, _ = opened()
    for _, name, segment in network.log:
        if name == "box-client":
            assert (segment.src, segment.sport) == SERVER_SEEN
            assert (segment.dst, segment.dport) == CLIENT
        if name == "box-server":
            assert (segment.dst, segment.dport) == SERVER
