"""The engine with one protocol, as the `Middlebox` of a network in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random

from ryu_alg.engine.commands import Barrier, ClosePinhole, Command, Emit, OpenPinhole
from ryu_alg.engine.config import EngineConfig, InsideNetwork, PortRange, ProtocolBinding
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import BarrierDone, SegmentArrived, Timeout
from ryu_alg.engine.segment import Segment
from ryu_alg.inspection import Direction, Realm, StreamGateway, StreamInspector
from tests.engine.channel import Emission, Network, Weather
from tests.engine.tcp_model import Endpoint, Profile

CLIENT = ("192.168.10.2", 40000)
SEEN = ("203.0.113.1", 50000)
SERVER_ADDRESS = "198.51.100.7"


class EngineBox:
    """A client behind NAT; the switch answers barriers after a while."""

    def __init__(
        self, port: int, inspector: Callable[[StreamGateway], StreamInspector], answer_after: float
    ) -> None:
        public = IPv4Address(SEEN[0])
        self.engine = Engine(
            EngineConfig(
                networks=(InsideNetwork("lan", (ip_network("192.168.10.0/24"),), (public,)),),
                protocols=(
                    ProtocolBinding(
                        "one", frozenset({port}), (ip_network("0.0.0.0/0"),), inspector
                    ),
                ),
                public=(public,),
                data=PortRange(40000, 49999),
                control=PortRange(SEEN[1], SEEN[1]),
            ),
            random=Random(1),
        )
        self.answer_after = answer_after
        self.open: dict[int, OpenPinhole] = {}
        """Pinholes that the switch has been told of."""
        self.opened = 0
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
                    inside = segment.dst == _packed(CLIENT)[0]
                    way = Direction.TO_CLIENT if inside else Direction.TO_SERVER
                    self._out.append((way, segment))
                case Barrier(token=token):
                    self._barriers.append((now + self.answer_after, token))
                case OpenPinhole(pinhole):
                    self.open[pinhole.id] = command
                    self.opened += 1
                case ClosePinhole(number):
                    self.open.pop(number, None)


def network(box: EngineBox, port: int, weather: Weather, seed: int, profile: Profile) -> Network:
    """A client and a server on both sides of `box`, all links with the same weather."""
    client, seen, server = _packed(CLIENT), _packed(SEEN), _packed((SERVER_ADDRESS, port))
    links = ("client-box", "server-box", "box-server", "box-client")
    return Network(
        Endpoint("client", profile, client, server),
        Endpoint("server", profile, server, seen),
        box,
        weather=dict.fromkeys(links, weather),
        seed=str(seed),
    )


def _packed(end: tuple[str, int]) -> tuple[bytes, int]:
    return ip_address(end[0]).packed, end[1]
