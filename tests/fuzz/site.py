"""One gateway with one protocol, whose inspectors are recorded, and what must hold of it.

Every command of the engine is looked at: what it opens leads to a port of at least 1024 of a host
that the conversation is with, and, where the protocol has two sides, not before both have spoken.
In the end nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random
from typing import Any

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CloseMedia,
    ClosePinhole,
    Command,
    CountData,
    CutData,
    DestinationNat,
    EndOffload,
    Offload,
    OpenListener,
    OpenMedia,
    OpenPinhole,
    Publish,
)
from ryu_alg.engine.config import EngineConfig, InsideNetwork, ProtocolBinding, Service
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    Event,
    OffloadEnded,
    PinholeExpired,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.inspection import Address, Endpoint, ProtocolSpec, Realm

PUBLIC = IPv4Address("203.0.113.1")
FIRST_PORT = 1024
FAILURES = ("inspector.failed", "inspector.slow", "inspector.stuck")
MOST_COMMANDS = 20_000
"""Of one input: more is a loop."""
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
PUBLISHED = "192.168.20.2"
LIVES_LONGEST = 8 * 24 * 3600.0
"""Seconds: nothing outlives that in silence."""


@cache
def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


_addresses = lru_cache(1000)(ip_address)


def endpoint(packed: bytes, port: int) -> Endpoint:
    """As a segment or a datagram names it."""
    return Endpoint(_addresses(packed), port)


LAN = InsideNetwork(
    "lan", (ip_network("192.168.0.0/16"), ip_network("2001:db8:30::/64")), (PUBLIC,)
)


@dataclass
class Rules:
    """What holds of one protocol."""

    two_sided: bool
    """Nothing opens before both sides have said something."""
    anybody: bool = False
    """The protocol does not tell who connects."""


@dataclass
class Site:
    """The engine, its switch and its clock."""

    spec: ProtocolSpec
    options: Any
    rules: Rules
    port: int
    recorded: Callable[[Any], Any]
    """Wraps an inspector."""
    hosts: frozenset[Address]
    """Inside hosts that may be opened to."""
    now: float = 1000.0
    engine: Engine = field(init=False)
    holding: bool = False
    """The switch does not answer barriers."""
    spoken: set[Realm] = field(default_factory=set)
    barriers: list[int] = field(default_factory=list)
    pinholes: set[int] = field(default_factory=set)
    media: set[int] = field(default_factory=set)
    listeners: set[int] = field(default_factory=set)
    counting: set[int] = field(default_factory=set)
    offloaded: set[int] = field(default_factory=set)
    """Sessions that the switch has taken over."""
    codes: list[str] = field(default_factory=list)
    commands: int = 0

    def __post_init__(self) -> None:
        spec, options = self.spec, self.options
        stream, datagram = spec.stream, spec.datagram
        services = [
            Service(Endpoint(PUBLIC, self.port), at(PUBLISHED, self.port), spec.name, transport)
            for transport in spec.transports
        ]
        self.engine = Engine(
            EngineConfig(
                networks=(LAN,),
                protocols=(
                    ProtocolBinding(
                        spec.name,
                        frozenset({self.port}),
                        ANYWHERE,
                        stream and (lambda gateway: self.recorded(stream(options, gateway))),
                        datagram and (lambda gateway: self.recorded(datagram(options, gateway))),
                        spec.sizes and spec.sizes(options),
                    ),
                ),
                services=tuple(services),
                public=(PUBLIC,),
                denied_ports=((3306, 3306), (6379, 6379)),
            ),
            random=Random(1),
        )

    def handle(self, event: Event) -> Sequence[Command]:
        """Have the engine handle an event; nothing may be wrong with what it commands."""
        commands = self.engine.handle(event, self.now)
        self.commands += len(commands)
        assert self.commands < MOST_COMMANDS, "no end of commands"
        for command in commands:
            self._check(command)
        return commands

    def confirmed(self) -> list[Command]:
        """What the engine does when the switch has answered what it answers."""
        done: list[Command] = []
        while self.barriers and not self.holding:
            done += self.handle(BarrierDone(self.barriers.pop(0)))
        return done

    def passes(self, seconds: float) -> list[Command]:
        """Time goes by, with every alarm at its time as far as that is soon."""
        until, done = self.now + seconds, list[Command]()
        for _ in range(8):
            due = self.engine.next_timeout()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            done += self.handle(Timeout())
        self.now = until
        return done + list(self.handle(Timeout()))

    def silence(self, mark: int) -> Sequence[Command]:
        """No data with this mark moves."""
        self.counting.discard(mark)
        return self.handle(DataCounted(mark, 0, 0, idle=True))

    def reinstalled(self) -> list[Command]:
        """The switch has lost all its flows, and is told again."""
        for known in (self.pinholes, self.media, self.listeners, self.counting, self.offloaded):
            known.clear()
        self.barriers.clear()
        return [*self.handle(PipelineInstalled()), *self.confirmed()]

    def unwanted(self) -> list[Command]:
        """Somebody ends the oldest session."""
        sessions = sorted([*self.engine.sessions, *self.engine.datagrams.sessions])[:1]
        ended = [each for number in sessions for each in self.handle(SessionUnwanted(number))]
        return ended + self.confirmed()

    def nothing_is_left(self) -> None:
        """Everybody falls silent; in the end the engine has forgotten everything."""
        self.holding = False
        for _ in range(12):
            self.confirmed()
            for number in list(self.pinholes):
                self.pinholes.discard(number)
                self.handle(PinholeExpired(number))
            for mark in sorted(self.counting):
                self.silence(mark)
            for number in list(self.offloaded):
                self.offloaded.discard(number)
                self.handle(OffloadEnded(number))
            self.passes(LIVES_LONGEST)
            if not (
                self.barriers
                or self.pinholes
                or self.counting
                or self.offloaded
                or self.engine.next_timeout() is not None
            ):
                break
        engine, tables = self.engine, self.engine.tables
        left = {
            "sessions": engine.sessions,
            "datagrams": engine.datagrams.sessions,
            "controls": len(engine.datagrams.controls),
            "bindings": tables.bindings.live,
            "listeners": tables.listeners.live,
            "marks": tables.marks.live,
            "barriers": tables.barriers.waiting,
            "limits": tables.limits.total or tables.limits.per_host,
            "quotas": tables.quotas.total or tables.quotas.per_host,
            "views": [*snapshot.bindings(engine, self.now), *snapshot.pinholes(engine, self.now)],
            "alarm": engine.next_timeout() is not None,
            "switch": self.pinholes or self.media or self.listeners,
        }
        assert not any(left.values()), {name: what for name, what in left.items() if what}

    def _check(self, command: Command) -> None:
        match command:
            case Publish(code, detail):
                assert code not in FAILURES, f"{code}: {detail}"
                self.codes.append(code)
            case Barrier(token):
                self.barriers.append(token)
            case OpenPinhole(hole):
                self._both_have_spoken()
                self._is_ours(hole.seen)
                if isinstance(hole.translate, DestinationNat):
                    self._is_inside(hole.translate.endpoint)
                assert hole.mark
                assert hole.last_port is None or hole.seen.port <= hole.last_port <= 0xFFFF
                assert self.rules.anybody or all(peer.num_addresses == 1 for peer in hole.peers)
                self.pinholes.add(hole.id)
            case ClosePinhole(number):
                self.pinholes.discard(number)
            case OpenMedia(number, mark, paths):
                assert mark
                for path in paths:
                    self._both_have_spoken()
                    self._is_ours(path.public)
                    assert path.inside.address in self.hosts, path
                    assert path.inside.port == 0 or path.inside.port >= FIRST_PORT, path
                    assert self.engine.config.realm_of(path.remote.address) is Realm.OUTSIDE, path
                    assert path.remote.address != PUBLIC, path
                self.media.add(number)
            case CloseMedia(number):
                self.media.discard(number)
            case OpenListener(number, inside, public, admits):
                self._is_inside(inside)
                self._is_ours(public)
                if admits:
                    self._both_have_spoken()
                self.listeners.add(number)
            case CloseListener(number):
                self.listeners.discard(number)
            case Offload(number):
                self.offloaded.add(number)
            case EndOffload(number):
                self.offloaded.discard(number)
            case CountData(mark) | CutData(mark):
                self.counting.add(mark)
            case _:
                pass

    def _both_have_spoken(self) -> None:
        assert not self.rules.two_sided or len(self.spoken) == 2, "opened by one side's word"

    def _is_inside(self, endpoint: Endpoint) -> None:
        assert endpoint.address in self.hosts, endpoint
        assert FIRST_PORT <= endpoint.port <= 0xFFFF, endpoint
        assert not self.engine.config.denied(endpoint.port), endpoint

    def _is_ours(self, endpoint: Endpoint) -> None:
        """Where somebody is told to connect to."""
        assert FIRST_PORT <= endpoint.port <= 0xFFFF, endpoint
