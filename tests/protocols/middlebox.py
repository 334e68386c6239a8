"""The engine with one protocol, as the `Middlebox` of a network in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random

from hypothesis import strategies as st

from ryu_alg import inspection
from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CloseMedia,
    ClosePinhole,
    Command,
    Emit,
    OpenListener,
    OpenMedia,
    OpenPinhole,
)
from ryu_alg.engine.config import (
    EngineConfig,
    InsideNetwork,
    PortRange,
    ProtocolBinding,
    Service,
)
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import BarrierDone, SegmentArrived, Timeout
from ryu_alg.engine.segment import Segment
from ryu_alg.inspection import Direction, Realm, StreamGateway, StreamInspector
from tests.engine.channel import Emission, Network, Weather
from tests.engine.tcp_model import Endpoint, Profile

INSIDE, PUBLIC, OUTSIDE = "192.168.10.2", "203.0.113.1", "198.51.100.7"
CLIENT_PORT, SEEN_PORT = 40000, 50000
"""The client's, and the one public port of connections from the inside."""


class EngineBox:
    """A client behind NAT, or a published server; the switch answers barriers after a while."""

    def __init__(
        self,
        port: int,
        inspector: Callable[[StreamGateway], StreamInspector],
        answer_after: float,
        *,
        published: bool = False,
    ) -> None:
        public = IPv4Address(PUBLIC)
        service = Service(_endpoint(PUBLIC, port), _endpoint(INSIDE, port), "one")
        self.published = published
        self.engine = Engine(
            EngineConfig(
                networks=(InsideNetwork("lan", (ip_network("192.168.10.0/24"),), (public,)),),
                protocols=(
                    ProtocolBinding(
                        "one", frozenset({port}), (ip_network("0.0.0.0/0"),), inspector
                    ),
                ),
                services=(service,) if published else (),
                public=(public,),
                data=PortRange(40000, 49999),
                control=PortRange(SEEN_PORT, SEEN_PORT),
            ),
            random=Random(1),
        )
        self.answer_after = answer_after
        self.open: dict[int, OpenPinhole] = {}
        """Pinholes that the switch has been told of."""
        self.opened = 0
        self.media: dict[int, OpenMedia] = {}
        """Likewise bindings, with their paths."""
        self.media_opened = self.most_media = 0
        self.listeners: dict[int, OpenListener] = {}
        """Likewise ports where anybody is let in."""
        self.listeners_opened = 0
        self._barriers: list[tuple[float, int]] = []
        self._out: list[Emission] = []

    def receive(self, direction: Direction, segment: Segment, now: float) -> list[Emission]:
        from_inside = (direction is Direction.TO_CLIENT) is self.published
        realm = Realm.INSIDE if from_inside else Realm.OUTSIDE
        self._take(self.engine.handle(SegmentArrived(segment, realm, 0), now), now)
        return self.collect(now)

    def collect(self, now: float) -> list[Emission]:
        out, self._out = self._out, []
        return out

    def next_timeout(self) -> float | None:
        due = [at for at, _ in self._barriers]
        if (at := self.engine.next_timeout()) is not None:
            due.append(at)
        return min(due, default=None)

    def expire(self, now: float) -> None:
        while self._barriers and self._barriers[0][0] <= now:
            _, token = self._barriers.pop(0)
            self._take(self.engine.handle(BarrierDone(token), now), now)
        self._take(self.engine.handle(Timeout(), now), now)

    def _take(self, commands: list[Command], now: float) -> None:
        for command in commands:
            match command:
                case Emit(segment):
                    to_inside = segment.dst == ip_address(INSIDE).packed
                    to_server = to_inside is self.published
                    way = Direction.TO_SERVER if to_server else Direction.TO_CLIENT
                    self._out.append((way, segment))
                case Barrier(token=token):
                    self._barriers.append((now + self.answer_after, token))
                case OpenPinhole(pinhole):
                    self.open[pinhole.id] = command
                    self.opened += 1
                case ClosePinhole(number):
                    self.open.pop(number, None)
                case OpenMedia(id=number):
                    self.media_opened += number not in self.media
                    self.media[number] = command
                    self.most_media = max(self.most_media, len(self.media))
                case CloseMedia(id=number):
                    self.media.pop(number, None)
                case OpenListener(id=number):
                    self.listeners_opened += number not in self.listeners
                    self.listeners[number] = command
                case CloseListener(id=number):
                    self.listeners.pop(number, None)


def network(box: EngineBox, port: int, weather: Weather, seed: int, profile: Profile) -> Network:
    """A client and a server on both sides of `box`, all links with the same weather."""
    if box.published:
        client = seen = _packed(OUTSIDE, CLIENT_PORT)
        server, named = _packed(INSIDE, port), _packed(PUBLIC, port)
    else:
        client, seen = _packed(INSIDE, CLIENT_PORT), _packed(PUBLIC, SEEN_PORT)
        server = named = _packed(OUTSIDE, port)
    links = ("client-box", "server-box", "box-server", "box-client")
    return Network(
        Endpoint("client", profile, client, named),
        Endpoint("server", profile, server, seen),
        box,
        weather=dict.fromkeys(links, weather),
        seed=str(seed),
        most_events=200_000,
    )


Script = tuple[tuple[bytes, bytes], ...]
"""What to wait for, and what to answer then."""


@dataclass
class Reader:
    """Reads all that comes, and answers as its kind does."""

    endpoint: Endpoint
    received: bytearray = field(default_factory=bytearray, init=False)
    _answered: int = field(default=0, init=False)
    """So many bytes of it."""

    def next_timeout(self) -> float | None:
        return 0.0 if self.endpoint.unread else None

    def expire(self, now: float) -> None:
        self.received += self.endpoint.read(1 << 30, now)
        self.answer(now)

    def answer(self, now: float) -> None:
        raise NotImplementedError


@dataclass
class Scripted(Reader):
    """Says what its script says, one after the other, and closes."""

    script: Script
    _step: int = 0

    def answer(self, now: float) -> None:
        while self._step < len(self.script):
            wanted, answer = self.script[self._step]
            at = self.received.find(wanted, self._answered)
            if at < 0:
                return
            self._answered = at + len(wanted)
            self._step += 1
            self.endpoint.write(answer, now)
        if self._step == len(self.script):
            self._step += 1
            self.endpoint.close(now)


@dataclass
class Peer(Reader):
    """Reads messages, and writes what `react` makes of each; None: it closes."""

    react: Callable[[bytes], bytes | None]
    take: Callable[[bytearray, int], tuple[bytes, int] | None]
    """The next message from a place on, and where it ends; None: it is not whole."""
    messages: list[bytes] = field(default_factory=list)

    def answer(self, now: float) -> None:
        while (taken := self.take(self.received, self._answered)) is not None:
            message, self._answered = taken
            self.messages.append(message)
            answer = self.react(message)
            if answer is None:
                self.endpoint.close(now)
            elif answer:
                self.endpoint.write(answer, now)


def _per_cent(most: int) -> st.SearchStrategy[int]:
    return st.one_of(st.just(0), st.integers(1, most))


weathers = st.builds(
    Weather,
    jitter=st.sampled_from([0.0, 0.005, 0.2]),
    drop=_per_cent(15),
    repeat=_per_cent(20),
    split=_per_cent(60),
    merge=_per_cent(60),
    overlap=_per_cent(40),
)
profiles = st.builds(
    Profile,
    isn=st.sampled_from([0, 2**32 - 700, 12345]),
    mss=st.sampled_from([1460, 536, 100]),
    buffer=st.sampled_from([65535, 3000]),
    nagle=st.booleans(),
    delayed_ack=st.sampled_from([0.0, 0.04]),
)
seeds = st.integers(0, 2**32)
answers_after = st.sampled_from([0.0, 0.01, 0.5])
"""Seconds until the switch answers a barrier."""


def _endpoint(address: str, port: int) -> inspection.Endpoint:
    return inspection.Endpoint(ip_address(address), port)


def _packed(address: str, port: int) -> tuple[bytes, int]:
    return ip_address(address).packed, port
