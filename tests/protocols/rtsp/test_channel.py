"""A client and a server that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.engine.commands import Barrier, CloseMedia, Command, Emit, OpenMedia
from ryu_alg.engine.config import EngineConfig, InsideNetwork, PortRange, ProtocolBinding
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import BarrierDone, SegmentArrived, Timeout
from ryu_alg.engine.segment import Segment
from ryu_alg.inspection import Direction, Realm
from ryu_alg.protocols.rtsp import RtspInspector, RtspOptions
from tests.engine.channel import Emission, Network, Weather
from tests.engine.tcp_model import Endpoint, Profile
from tests.protocols.rtsp.connection import accept, ok, request, setup
from tests.protocols.rtsp.dialogues import SESSION, sdp

CLIENT, SERVER = ("192.168.10.2", 40000), ("198.51.100.7", 554)
PROFILE = Profile()
SEEN = ("203.0.113.1", 50000)
MESSAGE = re.compile(rb"(?:\$...(?:.{600}))*(.*?\r\n\r\n)", re.DOTALL)
PORTS = re.compile(rb"client_port=4[0-9]{4}-4[0-9]{4}")
OPTIONS = RtspOptions.model_validate({"rules": [{"action": "deny", "methods": "RECORD"}]})
"""With which interleaved media stay with the controller."""
FRAMES = b"".join(b"$\x00\x02\x58" + bytes([number]) * 600 for number in range(12))


class EngineBox:
    """The engine as a `Middlebox`; the switch answers barriers after a while."""

    def __init__(self, answer_after: float) -> None:
        self.engine = Engine(
            EngineConfig(
                networks=(
                    InsideNetwork(
                        "lan", (ip_network("192.168.10.0/24"),), (IPv4Address("203.0.113.1"),)
                    ),
                ),
                protocols=(
                    ProtocolBinding(
                        "rtsp",
                        frozenset({554}),
                        (ip_network("0.0.0.0/0"),),
                        lambda gateway: RtspInspector(OPTIONS, gateway),
                    ),
                ),
                public=(IPv4Address("203.0.113.1"),),
                data=PortRange(40000, 49999),
                control=PortRange(50000, 50000),
            ),
            random=Random(1),
        )
        self.answer_after = answer_after
        self.open: dict[int, OpenMedia] = {}
        self.most_open = 0
        self._barriers: list[tuple[float, int]] = []
        self._out: list[Emission] = []

    def receive(self, direction: Direction, segment: Segment, now: float) -> list[Emission]:
        realm = Realm.INSIDE if direction is Direction.TO_SERVER else Realm.OUTSIDE
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
                    inside = segment.dst == ip_address(CLIENT[0]).packed
                    way = Direction.TO_CLIENT if inside else Direction.TO_SERVER
                    self._out.append((way, segment))
                case Barrier(token=token):
                    self._barriers.append((now + self.answer_after, token))
                case OpenMedia(id=number):
                    self.open[number] = command
                    self.most_open = max(self.most_open, len(self.open))
                case CloseMedia(id=number):
                    self.open.pop(number, None)


@dataclass
class Peer:
    """Reads messages, and writes what `react` makes of each."""

    endpoint: Endpoint
    react: Callable[[bytes], bytes | None]
    """None: it closes."""
    received: bytearray = field(default_factory=bytearray)
    _read: int = 0

    def next_timeout(self) -> float | None:
        return 0.0 if self.endpoint.unread else None

    def expire(self, now: float) -> None:
        self.received += self.endpoint.read(1 << 30, now)
        while match := MESSAGE.match(self.received, self._read):
            end = match.end()
            if length := re.search(rb"Content-Length: ([0-9]+)", match[1]):
                end += int(length[1])
            if end > len(self.received):
                return
            self._read = end
            answer = self.react(match[1])
            if answer is None:
                self.endpoint.close(now)
            elif answer:
                self.endpoint.write(answer, now)


def serve(raw: bytes) -> bytes:
    """What the server answers."""
    found = re.search(rb"CSeq: ([0-9]+)", raw)
    assert found is not None
    cseq = int(found[1])
    if raw.startswith(b"DESCRIBE"):
        return ok(cseq, "Content-Type: application/sdp", body=sdp("198.51.100.7"))
    if raw.startswith(b"SETUP"):
        if b"interleaved" in raw:
            return accept(cseq, "RTP/AVP/TCP;unicast;interleaved=0-1")
        ports = re.search(rb"client_port=([0-9-]+)", raw)
        assert ports is not None
        return accept(
            cseq, f"RTP/AVP;unicast;client_port={ports[1].decode()};server_port=6256-6257"
        )
    if raw.startswith(b"PLAY"):
        return ok(cseq, SESSION) + (FRAMES if b"frames" in raw else b"")
    return ok(cseq)


def script(number: int, ports: str) -> bytes:
    return setup(number, f"RTP/AVP;unicast;client_port={ports}", url=f"rtsp://h/{number}")


STEPS = (
    request("DESCRIBE", 1),
    script(2, "4588-4589") + script(3, "14588-14589") + request("PLAY", 4, SESSION),
    b"",
    b"",
    setup(5, "RTP/AVP;unicast;client_port=25-26") + request("RECORD", 6, SESSION),
    b"",
    setup(7, "RTP/AVP/TCP;unicast;interleaved=0-1", SESSION, url="rtsp://h/7"),
    request("PLAY", 8, SESSION, "X: frames"),
    request("GET_PARAMETER", 9, SESSION, body=b"packets_received\r\n" * 200),
    request("TEARDOWN", 10, SESSION, url="rtsp://h"),
    None,
)
"""What the client sends first, and after each message that it has read; None: it closes."""


@dataclass(frozen=True)
class Read:
    """All that both ends have read."""

    client: bytes
    server: bytes
    most_open: int


def converse(
    weather: Weather, seed: int = 0, profile: Profile = PROFILE, answer_after: float = 0.01
) -> Read:
    """The whole conversation."""
    box = EngineBox(answer_after)
    network = Network(
        Endpoint("client", profile, _packed(CLIENT), _packed(SERVER)),
        Endpoint("server", profile, _packed(SERVER), _packed(SEEN)),
        box,
        weather=dict.fromkeys(("client-box", "server-box", "box-server", "box-client"), weather),
        seed=str(seed),
        most_events=200_000,
    )
    steps = list(STEPS)
    client = Peer(network.client, lambda _: steps.pop(0))
    server = Peer(network.server, serve)
    network.timed = [client, server]
    network.start()
    first = steps.pop(0)
    assert first is not None
    network.client.write(first, network.now)
    network.drain()
    done = network.run(lambda: not steps and network.server.eof, deadline=600.0)
    assert done, (bytes(client.received), bytes(server.received), steps)
    assert not network.client.violations + network.server.violations
    assert box.open == {}
    return Read(
        bytes(client.received),
        PORTS.sub(b"client_port=(a pair)", bytes(server.received)),
        box.most_open,
    )


def _packed(end: tuple[str, int]) -> tuple[bytes, int]:
    return ip_address(end[0]).packed, end[1]


GOOD = converse(Weather())


def test_what_both_read() -> None:
    assert GOOD.most_open == 2
    assert GOOD.client.count(b"RTSP/1.0 200 OK") == 8
    assert FRAMES in GOOD.client
    assert b"client_port=4588-4589;" in GOOD.client
    assert b"client_port=14588-14589;" in GOOD.client
    assert GOOD.client.count(b"RTSP/1.0 461 ") == GOOD.client.count(b"RTSP/1.0 403 ") == 1
    assert GOOD.server.count(b"client_port=(a pair)\r\n") == 2
    assert GOOD.server.count(b"SETUP") == 3
    assert b"RECORD" not in GOOD.server


def per_cent(most: int) -> st.SearchStrategy[int]:
    return st.one_of(st.just(0), st.integers(1, most))


weathers = st.builds(
    Weather,
    jitter=st.sampled_from([0.0, 0.005, 0.2]),
    drop=per_cent(15),
    repeat=per_cent(20),
    split=per_cent(60),
    merge=per_cent(60),
    overlap=per_cent(40),
)
profiles = st.builds(
    Profile,
    isn=st.sampled_from([0, 2**32 - 700, 12345]),
    mss=st.sampled_from([1460, 536]),
    buffer=st.sampled_from([65535, 3000]),
    nagle=st.booleans(),
    delayed_ack=st.sampled_from([0.0, 0.04]),
)


@given(weathers, st.integers(0, 2**32), profiles, st.sampled_from([0.0, 0.01, 0.5]))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(weather, seed, profile, answer_after) == GOOD
