"""The connection to a switch, over the loopback: what comes in pieces, what leaves together,
who has to wait, and how it ends."""

from __future__ import annotations

import itertools
import logging
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import eventlet
import pytest
from eventlet.greenio import GreenSocket
from ryu import cfg
from ryu.base import app_manager
from ryu.controller import handler, ofp_event
from ryu.controller.ofp_handler import OFPHandler
from ryu.lib import hub

from ryu_alg.openflow.channel import AT_ONCE, MOST_UNSENT, ROOM, Channel, take_over
from ryu_alg.openflow.fair_queue import MOST_OF_ONE
from ryu_alg.openflow.messages import GarbageError

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FEATURES_REQUEST, FEATURES_REPLY = 0, 1, 2, 3, 5, 6
PACKET_IN, PACKET_OUT, MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REPLY = 10, 13, 18, 19, 21
PATIENCE = 20.0
TAKEN = 0xA16


def message(kind: int, xid: int, body: bytes = b"", version: int = 4) -> bytes:
    return struct.pack("!BBHI", version, kind, 8 + len(body), xid) + body


def packet_in(xid: int, cookie: int = TAKEN << 52, frame: bytes = bytes(60)) -> bytes:
    body = struct.pack("!IHBBQ", 0xFFFFFFFF, len(frame), 1, 0, cookie)
    in_port = struct.pack("!HHHBBI", 1, 12, 0x8000, 0, 4, 3) + bytes(4)
    return message(PACKET_IN, xid, body + in_port + bytes(2) + frame)


class Application(app_manager.RyuApp):
    """Of somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int]] = []
        self.states: list[str] = []

    @handler.set_ev_cls(
        [
            ofp_event.EventOFPPacketIn,
            ofp_event.EventOFPBarrierReply,
            ofp_event.EventOFPEchoRequest,
        ],
        handler.MAIN_DISPATCHER,
    )
    def came(self, ev: Any) -> None:
        self.seen.append((type(ev.msg).__name__, ev.msg.xid))

    @handler.set_ev_cls(
        ofp_event.EventOFPStateChange,
        [handler.MAIN_DISPATCHER, handler.DEAD_DISPATCHER],
    )
    def state(self, ev: Any) -> None:
        self.states.append(ev.state)


class Handler(OFPHandler):
    """Listens nowhere."""

    start = app_manager.RyuApp.start


@pytest.fixture(scope="module")
def ryu() -> Iterator[Application]:
    """Ryu's own handling of OpenFlow, and an application behind it."""
    manager = app_manager.AppManager()
    apps = [manager.instantiate(kind) for kind in (Handler, Application)]
    for app in apps:
        app.start()
    yield apps[1]
    manager.close()


class Site:
    """A channel and the switch at its other end."""

    def __init__(self, application: Application) -> None:
        self.application = application
        with socket.create_server(("127.0.0.1", 0)) as listener:
            theirs = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.switch = GreenSocket(theirs)
        self.switch.settimeout(PATIENCE)
        self.taken: list[int] = []
        self.on_taken: Callable[[Any, int], object] = lambda _datapath, _xid: None
        self.channel = Channel(Connection(ours), ("127.0.0.1", 1))
        self.ended = eventlet.spawn(self._serve)

    def _serve(self) -> str:
        try:
            self.channel.serve()
        except GarbageError as error:
            return str(error)
        finally:
            self.channel.close()
        return "it has ended"

    def take(self, datapath: Any, data: bytes) -> bool:
        """A taker of packet-ins."""
        if data[16:18] != b"\xa1\x60":
            return False
        xid = int.from_bytes(data[4:8], "big")
        self.taken.append(xid)
        self.on_taken(datapath, xid)
        return True

    def read(self) -> tuple[int, int, bytes]:
        """The next message from the channel: type, transaction id, body."""
        head = self._exactly(8)
        _, kind, size, xid = struct.unpack("!BBHI", head)
        return kind, xid, self._exactly(size - 8)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.switch.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def shake_hands(self) -> None:
        """Until the switch is known."""
        self.switch.sendall(message(HELLO, 1))
        assert self.read()[0] == HELLO
        kind, xid, _ = self.read()
        assert kind == FEATURES_REQUEST
        features = struct.pack("!QIBB2xII", 7, 0, 1, 0, 0, 0)
        self.switch.sendall(message(FEATURES_REPLY, xid, features))
        kind, xid, body = self.read()
        assert kind == MULTIPART_REQUEST
        self.switch.sendall(message(MULTIPART_REPLY, xid, body[:2] + bytes(6)))
        until(lambda: self.channel.state == handler.MAIN_DISPATCHER)

    def wait_for_the_end(self) -> str:
        with eventlet.Timeout(PATIENCE):
            return str(self.ended.wait())

    def close(self) -> None:
        self.switch.close()
        self.wait_for_the_end()


class Connection(GreenSocket):
    """That counts what is sent."""

    sends = 0

    def send(self, data: Any, flags: int = 0) -> int:
        self.sends += 1
        return int(super().send(data, flags))


def until(condition: Callable[[], object]) -> None:
    with eventlet.Timeout(PATIENCE):
        while not condition():
            hub.sleep(0.001)


@pytest.fixture
def site(ryu: Application) -> Iterator[Site]:
    """Of a switch that is known, and whose packet-ins with our mark are taken."""
    ryu.seen.clear()
    ryu.states.clear()
    made = Site(ryu)
    take_over({PACKET_IN: made.take})
    made.shake_hands()
    yield made
    made.close()
    take_over({})


@pytest.fixture
def impatient() -> Iterator[None]:
    """Who does not read, or does not end, is given up soon."""
    cfg.CONF.set_override("socket_timeout", 0.2)
    yield
    cfg.CONF.clear_override("socket_timeout")


# --- What comes -----------------------------------------------------------------------------


def test_one_read_brings_ours_and_others(site: Site) -> None:
    """Each goes where it belongs, in order."""
    site.switch.sendall(
        packet_in(1)
        + packet_in(2, cookie=5)
        + packet_in(3)
        + message(BARRIER_REPLY, 4)
        + message(ECHO_REQUEST, 5, b"there?")
        + packet_in(6)
    )
    assert site.read() == (ECHO_REPLY, 5, b"there?")
    until(lambda: len(site.application.seen) == 3)
    assert site.taken == [1, 3, 6]
    assert site.application.seen == [
        ("OFPPacketIn", 2),
        ("OFPBarrierReply", 4),
        ("OFPEchoRequest", 5),
    ]


def test_messages_in_pieces(site: Site) -> None:
    """However they are cut, and however long."""
    chance = random.Random(4)
    sizes = [0, 60, 1500, 65_535 - 42, 65_535 - 42, *(chance.randrange(9000) for _ in range(300))]
    stream = b"".join(packet_in(xid, frame=bytes(size)) for xid, size in enumerate(sizes))
    at = 0
    while at < len(stream):
        size = chance.choice((1, 3, 7, 8, 50, 100_000))
        site.switch.sendall(stream[at : at + size])
        at += size
        if chance.random() < 0.3:
            hub.sleep(0)
    until(lambda: len(site.taken) == len(sizes))
    assert site.taken == list(range(len(sizes)))


def test_a_taker_that_fails_spoils_one_message(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_datapath: Any, xid: int) -> None:
        if xid == 1:
            raise ValueError("a mistake")

    site.on_taken = fail
    site.switch.sendall(packet_in(1) + packet_in(2))
    until(lambda: site.taken == [1, 2])
    assert "a mistake" in caplog.text


def test_what_a_taker_cannot_read_ends_the_connection(site: Site) -> None:
    def fail(_datapath: Any, _xid: int) -> None:
        raise GarbageError("a mistake")

    site.on_taken = fail
    site.switch.sendall(packet_in(1))
    assert site.ended.wait() == "a mistake"


def test_others_have_their_turn(site: Site, ryu: Application) -> None:
    """Other green threads, and other switches, while one sends without end."""
    other = Site(ryu)
    other.shake_hands()
    turns, seen = [0], []

    def count() -> None:
        while True:
            turns[0] += 1
            hub.sleep(0)

    counter = eventlet.spawn(count)
    site.on_taken = lambda _datapath, _xid: seen.append(turns[0])
    number = 300 * AT_ONCE
    sender = eventlet.spawn(site.switch.sendall, b"".join(map(packet_in, range(number))))
    until(lambda: site.taken)
    other.switch.sendall(message(ECHO_REQUEST, 9))
    assert other.read()[:2] == (ECHO_REPLY, 9)
    assert len(site.taken) < number
    until(lambda: len(site.taken) == number)
    sender.wait()
    counter.kill()
    # One read's last ones, and the next one's first.
    assert max(len(list(same)) for _, same in itertools.groupby(seen)) < 2 * AT_ONCE
    other.close()


# --- What waits for its turn ----------------------------------------------------------------

FLOOD, USER = b"\x0a\0\0\1", b"\x0a\0\0\2"
FIRST_OF_USER = 10_000
"""Lower transaction ids are the flood's."""


class Turns:
    """A taker that has packet-ins wait, of two senders, each of which takes a while."""

    def __init__(self, site: Site) -> None:
        self.done: list[int] = []
        self.dropped: list[bytes] = []
        self.busy = 0.0005
        """Seconds of processor time."""
        self.on_done: Callable[[Any, int], object] = lambda _datapath, _xid: None
        take_over({PACKET_IN: self.take})
        self.site = site

    def take(self, datapath: Any, data: bytes) -> bool:
        xid = int.from_bytes(data[4:8], "big")
        sender = FLOOD if xid < FIRST_OF_USER else USER
        work = partial(self._work, datapath, xid)
        self.dropped += datapath.in_turn(sender, work, len(data))
        return True

    def _work(self, datapath: Any, xid: int) -> None:
        over = time.thread_time() + self.busy
        while time.thread_time() < over:
            pass
        self.done.append(xid)
        datapath.write(message(PACKET_OUT, xid))
        self.on_done(datapath, xid)


@pytest.fixture
def turns(site: Site) -> Turns:
    return Turns(site)


def test_what_comes_alone_is_done_at_once(site: Site, turns: Turns) -> None:
    shed = []
    turns.on_done = lambda datapath, _xid: shed.append(bool(datapath._waiting))
    for xid in range(3):
        site.switch.sendall(packet_in(xid))
        assert site.read()[:2] == (PACKET_OUT, xid)
    assert shed == [False] * 3


def test_a_flood_waits_while_others_do_not(site: Site, turns: Turns) -> None:
    """A user's packets come behind hundreds that wait, and are answered before nearly all."""
    flood, users = range(400), range(FIRST_OF_USER, FIRST_OF_USER + 20)
    site.switch.sendall(b"".join(map(packet_in, [*flood, *users])))
    got = [site.read()[1] for _ in range(420)]
    assert sorted(got) == [*flood, *users]
    assert [xid for xid in got if xid in flood] == [*flood]
    assert [xid for xid in got if xid not in flood] == [*users]
    assert got.index(users[-1]) < 100


def test_what_comes_while_a_flood_waits_is_read(site: Site, turns: Turns) -> None:
    """A user's packet, and an echo request."""
    site.switch.sendall(b"".join(map(packet_in, range(400))))
    until(lambda: turns.done)
    site.switch.sendall(packet_in(FIRST_OF_USER) + message(ECHO_REQUEST, 7, b"there?"))
    got = []
    while (ECHO_REPLY, 7) not in got or (PACKET_OUT, FIRST_OF_USER) not in got:
        got.append(site.read()[:2])
    assert len(got) < 300
    assert len(turns.done) < 400
    until(lambda: len(turns.done) == 401)


def test_too_many_of_one_sender(site: Site, turns: Turns) -> None:
    number = MOST_OF_ONE + 500
    site.switch.sendall(
        b"".join(packet_in(xid, frame=b"") for xid in range(number))
        + b"".join(packet_in(FIRST_OF_USER + xid, frame=b"") for xid in range(20))
    )
    users = [*range(FIRST_OF_USER, FIRST_OF_USER + 20)]
    until(lambda: [xid for xid in turns.done if xid >= FIRST_OF_USER] == users)
    until(lambda: len(turns.done) + len(turns.dropped) == number + 20)
    assert turns.dropped
    assert set(turns.dropped) == {FLOOD}
    until(lambda: not site.channel.shed)


def test_others_have_their_turn_while_much_waits(site: Site, turns: Turns) -> None:
    rounds, seen = [0], []

    def count() -> None:
        while True:
            rounds[0] += 1
            hub.sleep(0)

    counter = eventlet.spawn(count)
    turns.on_done = lambda _datapath, _xid: seen.append(rounds[0])
    site.switch.sendall(b"".join(map(packet_in, range(300))))
    until(lambda: len(turns.done) == 300)
    counter.kill()
    assert max(len(list(same)) for _, same in itertools.groupby(seen)) < AT_ONCE


def test_work_that_fails_spoils_nothing_else(
    site: Site, turns: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_datapath: Any, xid: int) -> None:
        if xid == 1:
            raise ValueError("a mistake")

    turns.on_done = fail
    site.switch.sendall(packet_in(1) + packet_in(2) + packet_in(3))
    until(lambda: turns.done == [1, 2, 3])
    assert "a mistake" in caplog.text


def test_what_waits_goes_with_its_switch(site: Site, turns: Turns) -> None:
    turns.on_done = lambda datapath, _xid: datapath.close()
    site.switch.sendall(b"".join(map(packet_in, range(100))))
    site.switch.shutdown(socket.SHUT_WR)
    assert site.wait_for_the_end() == "it has ended"
    assert turns.done == [0]


# --- What is sent ---------------------------------------------------------------------------


def test_answers_to_one_read_leave_together(site: Site) -> None:
    site.on_taken = lambda datapath, xid: datapath.write(message(PACKET_OUT, xid))
    before = site.channel.socket.sends
    site.switch.sendall(b"".join(map(packet_in, range(AT_ONCE))))
    assert [site.read()[:2] for _ in range(AT_ONCE)] == [
        (PACKET_OUT, xid) for xid in range(AT_ONCE)
    ]
    assert site.channel.socket.sends == before + 1


def test_what_is_sent_from_elsewhere_keeps_its_place(site: Site) -> None:
    """By green threads of others, in Ryu's ways, and while messages are handled."""
    parser = site.channel.ofproto_parser

    def answer(datapath: Any, xid: int) -> None:
        datapath.write(message(PACKET_OUT, 3 * xid))
        barrier = parser.OFPBarrierRequest(datapath)
        barrier.set_xid(3 * xid + 1)
        assert datapath.send_msg(barrier)
        datapath.write(message(PACKET_OUT, 3 * xid + 2))

    site.on_taken = answer
    site.switch.sendall(packet_in(0) + packet_in(1))
    assert [site.read()[1] for _ in range(6)] == list(range(6))
    sender = eventlet.spawn(answer, site.channel, 2)
    assert [site.read()[1] for _ in range(3)] == [6, 7, 8]
    sender.wait()


def test_who_reads_slowly_is_read_from_slowly(site: Site) -> None:
    """No more is unsent than there is room for, whoever sends waits, and nothing is lost."""
    answer_size, number = 2000, 8000
    unsent = []

    def answer(datapath: Any, xid: int) -> None:
        datapath.write(message(PACKET_OUT, xid, bytes(answer_size - 8)))
        unsent.append(datapath._unsent_size)

    site.on_taken = answer
    asked = b"".join(map(packet_in, range(number)))
    sender = eventlet.spawn(site.switch.sendall, asked)
    until(lambda: site.channel._unsent_size > ROOM)
    for _ in range(20):
        hub.sleep(0.001)
    assert len(site.taken) < number
    barrier = site.channel.ofproto_parser.OFPBarrierRequest(site.channel)
    waits = eventlet.spawn(site.channel.send_msg, barrier)
    hub.sleep(0)
    assert not waits.dead
    got = [site.read()[:2] for _ in range(number + 1)]
    assert [xid for kind, xid in got if kind == PACKET_OUT] == list(range(number))
    assert waits.wait()
    sender.wait()
    assert max(unsent) <= ROOM + (AT_ONCE + 1) * answer_size


def test_who_does_not_read_is_given_up(impatient: None, site: Site) -> None:
    assert site.channel.write(bytes(1 << 24))
    assert site.wait_for_the_end() == "it has ended"
    assert site.channel.state == handler.DEAD_DISPATCHER
    assert not site.channel.write(b"more")
    assert not site.channel.send(b"more")


def test_what_is_unsent_has_an_end(impatient: None, site: Site) -> None:
    piece = bytes(1 << 20)
    taken = sum(site.channel.write(piece) for _ in range(2 * MOST_UNSENT // len(piece)))
    assert taken <= MOST_UNSENT // len(piece) + 20
    assert site.channel._unsent_size == 0
    assert site.wait_for_the_end() == "it has ended"


# --- The end --------------------------------------------------------------------------------


def test_the_last_message_is_sent(site: Site) -> None:
    """As Ryu does with versions that it does not speak."""
    site.channel.send(message(ERROR, 1), close_socket=True)
    assert not site.channel.send(message(ERROR, 2))
    assert site.read()[:2] == (ERROR, 1)
    assert site.switch.recv(1) == b""


def test_a_switch_that_leaves(site: Site) -> None:
    site.switch.shutdown(socket.SHUT_WR)
    assert site.wait_for_the_end() == "it has ended"
    until(lambda: site.application.states[-1:] == [handler.DEAD_DISPATCHER])
    assert not site.channel.is_active


def test_a_switch_that_stays_although_it_shall_leave(impatient: None, site: Site) -> None:
    """Closed while a message is handled: what comes behind is nobody's."""
    site.on_taken = lambda datapath, _xid: datapath.close()
    site.switch.sendall(packet_in(1) + packet_in(2) + packet_in(3, cookie=0))
    assert site.switch.recv(1) == b""
    assert site.wait_for_the_end() == "it has ended"
    assert site.taken == [1]
    assert site.application.seen == []


def test_closed_while_much_is_unsent(site: Site) -> None:
    site.channel.write(bytes(1 << 24))
    waits = eventlet.spawn(site.channel.send, b"more")
    hub.sleep(0)
    assert not waits.dead
    site.channel.close()
    assert waits.wait() is False
    assert site.channel._unsent_size == 0


@pytest.mark.parametrize(
    ("garbage", "told"),
    [
        (message(ECHO_REQUEST, 1)[:2] + bytes(6), "a message of 0 bytes"),
        (struct.pack("!BBHI", 4, ECHO_REQUEST, 7, 1), "a message of 7 bytes"),
        (message(HELLO, 1, version=99), "a message of version 99"),
        (b"GET / HTTP/1.1\r\n", "a message of version 71"),
        (message(FEATURES_REPLY, 1, b"short"), "type 6, 13 bytes"),
    ],
)
def test_what_is_not_openflow_ends_the_connection(
    ryu: Application, garbage: bytes, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(ryu)
    site.switch.sendall(garbage)
    assert told in site.wait_for_the_end()
    site.switch.close()
    assert [record for record in caplog.records if record.exc_info] == []


def test_another_version_than_the_one_agreed(site: Site) -> None:
    site.switch.sendall(message(ECHO_REQUEST, 1, version=1))
    assert site.wait_for_the_end() == "a message of version 1"


def test_what_ryu_cannot_read_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """And nothing else: it may be something new of a switch that is all right."""
    with caplog.at_level(logging.WARNING, "ryu_alg"):
        site.switch.sendall(message(FEATURES_REPLY, 1, b"short") + message(ECHO_REQUEST, 2))
        assert site.read()[:2] == (ECHO_REPLY, 2)
    assert "type 6, 13 bytes" in caplog.text and "Traceback" not in caplog.text
