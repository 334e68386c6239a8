"""Whatever happens in whatever order: once everything has ended, nothing is left.

A random inspector, driven by random events, also with a switch that comes and goes. What must hold
at any time is checked after each step; then everybody falls silent, the switch reports all data as
idle, and every table has to be empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import (
    Barrier,
    CloseMedia,
    ClosePinhole,
    CountData,
    CutData,
    EmitDatagram,
    OpenMedia,
    OpenPinhole,
)
from ryu_alg.engine.config import ProtocolBinding, Quotas, Timers
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    Event,
    PinholeExpired,
    PinholeUsed,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.inspection import (
    Admit,
    Binding,
    Datagram,
    DatagramEffect,
    DatagramGateway,
    DatagramInspector,
    Endpoint,
    Exchange,
    Hold,
    Realm,
    Release,
    Send,
    Transport,
    Unbind,
)
from tests.engine.counting import check_counts
from tests.engine.test_datagram_sessions import nothing_left
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
    Network,
    at,
    config,
)

HOSTS = (PHONE, OTHER_PHONE, PLAIN_PHONE, SERVER)
REMOTES = (
    at(PROXY),
    at(STRANGER, 7000),
    at(DENIED_HOST),
    PUBLISHED,
    at(PUBLIC, 49152),
    at(PUBLIC, 49153),
    at(PUBLIC, 49154),
    at(OTHER_PHONE),
    at(PROXY, 0),
)


@dataclass
class Erratic(DatagramInspector):
    """Asks for and does anything."""

    gateway: DatagramGateway
    random: Random
    quiet: list[bool]
    """One element: whether it has calmed down."""
    bound: list[Binding] = field(default_factory=list)
    alarm: float | None = None

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        return self._effects()

    def next_timeout(self) -> float | None:
        return self.alarm

    def wake(self) -> Sequence[DatagramEffect]:
        self.alarm = None
        return self._effects()

    def keep_alive(self) -> Sequence[DatagramEffect]:
        return self._effects()

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        return [*self._effects(), Unbind(binding)]

    def _effects(self) -> list[DatagramEffect]:
        if self.quiet[0]:
            self.alarm = None
            return [Unbind(binding.id) for binding in self.bound]
        return [self._effect() for _ in range(self.random.randrange(5))]

    def _effect(self) -> DatagramEffect:
        random, gateway = self.random, self.gateway
        inside = Endpoint(gateway.host, random.choice((PORT, PORT, 5061, 5062, 22)))
        match random.randrange(10):
            case 0 | 1 if len(self.bound) < 20:
                ports = random.sample((0, *range(4000, 4006), PORT), random.randrange(1, 4))
                transport = random.choice(tuple(Transport))
                granted = gateway.bind(
                    [Endpoint(gateway.host, port) for port in ports],
                    transport=transport,
                    even=random.random() < 0.5,
                    idle=random.choice((None, 7)),
                )
                if isinstance(granted, Binding):
                    self.bound.append(granted)
            case 2 | 3 | 4 if self.bound:
                exchanges = [
                    Exchange(random.randrange(2), random.choice((*REMOTES[:2] * 3, *REMOTES)))
                    for _ in range(random.randrange(4))
                ]
                connecting = random.choice(tuple(Realm))
                return Admit(random.choice(self.bound[-3:]).id, tuple(exchanges), connecting)
            case 5 if self.bound:
                return Unbind(self.bound.pop(random.randrange(len(self.bound))).id)
            case 6:
                return Hold(inside, gateway.now + random.choice((-5.0, 500.0, float("inf"))))
            case 7 if random.random() < 0.5:
                return Release(inside)
            case 7:
                gateway.signalling(inside)
            case 8:
                self.alarm = gateway.now + random.choice((0.0, 7.0, 90.0))
            case 9 if random.random() < 0.05:
                raise RuntimeError("a fault of the plugin")
        towards = random.choice(tuple(Realm))
        binding = random.choice([None, *(bound.id for bound in self.bound)])
        return Send(towards, inside, random.choice(REMOTES), b"word", binding)


@dataclass
class World:
    """The engine, its switch, and who meets there."""

    random: Random
    lan: Network
    quiet: list[bool]
    media: dict[int, OpenMedia] = field(default_factory=dict)
    """What a switch has open."""
    counting: dict[int, int] = field(default_factory=dict)
    """Packets by mark."""
    tcp: set[int] = field(default_factory=set)
    """Marks of TCP data, of which there is none: what is cut goes uncounted."""
    removed: list[tuple[int, int]] = field(default_factory=list)
    """Marks and packets of counting flows that were removed; the engine has not been told."""
    packets: int = 0
    """All that moved."""
    pinholes: set[int] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)

    def handle(self, event: Event) -> None:
        for command in self.lan.handle(event).commands:
            self._note(command)

    def send(self, source: Endpoint, target: Endpoint) -> None:
        for command in self.lan.send(source, target, b"word").commands:
            self._note(command)

    def _note(self, command: object) -> None:
        self.seen[type(command).__name__] += 1
        match command:
            case OpenMedia():
                assert command.mark != 0
                self.media[command.id] = command
            case CloseMedia():
                opened = self.media.pop(command.id)
                assert (opened.mark, opened.paths) == (command.mark, command.paths)
                if command.mark in self.counting:
                    self.removed.append((command.mark, self.counting.pop(command.mark)))
            case CountData():
                self.counting.setdefault(command.mark, 0)
                if command.transport is Transport.TCP:
                    self.tcp.add(command.mark)
            case OpenPinhole(pinhole):
                self.pinholes.add(pinhole.id)
            case ClosePinhole(number):
                self.pinholes.discard(number)

    def step(self) -> None:
        """Something happens."""
        random, lan = self.random, self.lan
        self.tell_removed()
        lan.now += random.choice((0.0, 0.0, 1.0, 40.0))
        publics = [view.public for view in snapshot.bindings(lan.engine, lan.now)] or [PUBLISHED]
        match random.randrange(11):
            case 0 | 1 | 2:
                host = at(random.choice(HOSTS), random.choice((PORT, 5061)))
                self.send(host, random.choice((*REMOTES, random.choice(publics))))
            case 3 | 4:
                target = random.choice((PUBLISHED, random.choice(publics), at(PLAIN_PHONE)))
                self.send(random.choice((at(PROXY), at(STRANGER, 7000))), target)
            case 5 | 6:
                if lan.barriers:
                    token = lan.barriers.pop(random.randrange(len(lan.barriers)))
                    self.handle(BarrierDone(token))
            case 7 if self.counting:
                mark = random.choice(sorted(self.counting))
                if mark not in self.tcp:
                    moved = random.randrange(3)
                    self.counting[mark] += moved
                    self.packets += moved
                if random.random() < 0.3:
                    return  # and nobody asks
                idle = random.random() < 0.5
                packets = self.counting.pop(mark) if idle else self.counting[mark]
                self.handle(DataCounted(mark, packets, packets * 100, idle))
            case 8 if self.pinholes:
                number = random.choice((*self.pinholes, 1))  # what the number 1 was is long gone
                self.handle(random.choice((PinholeUsed, PinholeUsed, PinholeExpired))(number))
            case 9 if random.random() < 0.3:
                self.media.clear()
                self.removed += self.counting.items()
                self.counting.clear()
                lan.barriers.clear()
                self.handle(PipelineInstalled())
            case 10 if random.random() < 0.1 and lan.engine.datagrams.sessions:
                self.handle(SessionUnwanted(random.choice(sorted(lan.engine.datagrams.sessions))))
        due = lan.engine.next_timeout()
        if due is not None and due <= lan.now:
            self.handle(Timeout())
        self.check()

    def tell_removed(self) -> None:
        """The switch says what the flows had counted that it has removed."""
        while self.removed:
            mark, packets = self.removed.pop(0)
            self.handle(DataCounted(mark, packets, packets * 100, idle=False, removed=True))

    def check(self) -> None:
        """What always holds."""
        engine = self.lan.engine
        tables = engine.tables
        live = tables.bindings.live.values()
        assert tables.limits.total == sum(len(bound.binding.inside) for bound in live)
        assert tables.limits.total <= tables.config.quotas.pinholes
        assert tables.quotas.total == len(engine.datagrams.sessions)
        assert sum(tables.quotas.per_host.values()) == len(engine.datagrams.controls)
        assert all(token in self.lan.barriers for token in tables.barriers.waiting)
        publics = [view.public for view in snapshot.bindings(engine, self.lan.now)]
        assert len(publics) == len(set(publics))
        check_counts(engine, self.lan.now)
        media = {
            bound.binding.id
            for bound in live
            if bound.binding.transport is Transport.UDP and not bound.settled
        }
        assert media == self.media.keys()

    def calm_down(self) -> None:
        """Everybody falls silent; what moved stops; who has something open hears of it."""
        self.quiet[0] = True
        for _ in range(40):
            self.tell_removed()
            self.lan.now += 7 * 86400.0
            for token in self.lan.barriers[:]:
                self.lan.barriers.remove(token)
                self.handle(BarrierDone(token))
            for mark in list(self.counting):
                # What has been closed meanwhile is not there any more.
                packets = self.counting.pop(mark, None)
                if packets is not None:
                    self.handle(DataCounted(mark, packets, packets * 100, idle=True))
            if self.lan.engine.next_timeout() is not None:
                self.handle(Timeout())
        for session in list(self.lan.engine.datagrams.sessions):
            # Bound, and never admitted: nobody but its inspector could know that it is over.
            self.handle(SessionUnwanted(session))
        self.tell_removed()


def _run(seed: int, steps: int) -> World:
    random = Random(seed)
    quiet = [False]
    protocol = ProtocolBinding(
        "toy",
        frozenset({PORT}),
        config().protocols[0].servers,
        datagram=lambda gateway: Erratic(gateway, random, quiet),
    )
    engine = Engine(
        config(
            protocols=(protocol,),
            timers=Timers(datagram_idle=100.0, keepalive_interval=30.0, port_quarantine=20.0),
            quotas=Quotas(sessions=3, sessions_per_host=2, pinholes=7, pinholes_per_host=5),
        ),
        random=random,
    )
    world = World(random, Network(engine), quiet)
    for _ in range(steps):
        world.step()
    world.calm_down()
    return world


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 150))
def test_nothing_is_left_when_everything_has_ended(seed: int, steps: int) -> None:
    world = _run(seed, steps)
    assert world.media == {}
    assert nothing_left(world.lan)
    total = world.lan.engine.tables.marks.total
    assert (total.packets, total.bytes) == (world.packets, world.packets * 100)


def test_these_runs_get_around() -> None:
    """They would prove nothing if the inspector were refused everything."""
    seen: Counter[str] = Counter()
    for seed in range(20):
        seen += _run(seed, 150).seen
    for kind in (OpenMedia, CloseMedia, OpenPinhole, ClosePinhole, Barrier, EmitDatagram):
        assert seen[kind.__name__] > 30, seen
    assert seen[CutData.__name__] > 0, seen
