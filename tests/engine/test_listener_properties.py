"""Whatever listens, watches and falls silent in whatever order: once it is over, nothing is left.

Inspectors of both transports that ask for anything, driven by random events, with a switch that
confirms late and comes and goes. What must hold at any time is checked after each step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CountData,
    CutData,
    Emit,
    OpenListener,
    PassDatagram,
    Publish,
)
from ryu_alg.engine.config import PortRange, Quotas, Timers
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    Event,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.engine.segment import RST
from ryu_alg.inspection import (
    Address,
    Datagram,
    DatagramEffect,
    Endpoint,
    Gateway,
    Listen,
    Listener,
    Pass,
    Send,
    Watch,
)
from tests.engine.conversation import Talk
from tests.engine.counting import check_counts
from tests.engine.listening import CAUSE, NODE, Site, nothing_listens, site
from tests.engine.toy_datagrams import OTHER_PHONE, PHONE, PLAIN_PHONE, PROXY, at

HOSTS = (PHONE, OTHER_PHONE, PLAIN_PHONE)
PORTS = (6881, 6882, 6883, 22)
CAUSES = (CAUSE, b"two", b"three", b"")
TIMERS = Timers(datagram_idle=100.0, session_idle=300.0, port_quarantine=20.0)
DATA = PortRange(32768, 32773)
QUOTAS = Quotas(sessions=8, sessions_per_host=3, pinholes=10, pinholes_per_host=6)


@dataclass
class World:
    """The engine, its switch, and who meets there."""

    random: Random
    where: Site
    quiet: bool = False
    flows: dict[int, OpenListener] = field(default_factory=dict)
    """What the switch has open."""
    counting: dict[int, int] = field(default_factory=dict)
    """Packets by mark."""
    talks: list[Talk] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    packets: int = 0

    # -- what inspectors want -------------------------------------------------------------------

    def effects(self, gateway: Gateway, host: Address, *, udp: bool) -> list[Any]:
        """Anything; every known listener may be named, also by who has nothing to do with it."""
        if self.quiet:
            return []
        return [
            e for _ in range(self.random.randrange(4)) for e in self._effect(gateway, host, udp)
        ]

    def _effect(self, gateway: Gateway, host: Address, udp: bool) -> Sequence[Any]:
        random = self.random
        inside = Endpoint(host, random.choice(PORTS))
        match random.randrange(9):
            case 0 | 1 | 2:
                cause = random.choice(CAUSES)
                granted = gateway.listen(inside, cause)
                if isinstance(granted, Listener) and random.random() < 0.7:
                    return [self._listen(gateway, granted.id, cause)]
            case 3 | 4 | 5 if self.where.engine.tables.listeners.live:
                number = random.choice(list(self.where.engine.tables.listeners.live))
                return [self._listen(gateway, number, random.choice(CAUSES))]
            case 6 | 7 if udp:
                return [Watch(inside)]
            case 8 if random.random() < 0.05:
                raise RuntimeError("a fault of the plugin")
        return []

    def _listen(self, gateway: Gateway, number: int, cause: bytes) -> Listen:
        for_ = self.random.choice((-1.0, 0.0, 30.0, 300.0, 3000.0))
        return Listen(number, cause, gateway.now + for_)

    def datagram(self, gateway: Any, datagram: Datagram) -> list[DatagramEffect]:
        effects = self.effects(gateway, gateway.host, udp=True)
        if datagram.watched:
            return [*effects, Pass(datagram.payload, self.random.random() < 0.5)]
        onward = Send(datagram.origin.other, datagram.inside, datagram.remote, datagram.payload)
        return [*effects, onward]

    def line(self, gateway: Any) -> list[Any]:
        return self.effects(gateway, gateway.conversation.client.address, udp=False)

    def silent(self, gateway: Any) -> list[DatagramEffect]:
        return self.effects(gateway, gateway.host, udp=True)

    # -- what the switch does ------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        self.note(self.where.handle(event).commands)

    def note(self, commands: Sequence[object]) -> None:
        waiting = set(self.where.barriers)
        for command in commands:
            self.seen[type(command).__name__] += 1
            match command:
                case OpenListener():
                    assert self.flows.get(command.id) != command  # nothing is said twice
                    assert 0 not in (command.tcp_mark, command.udp_mark)
                    assert command.admits or command.watched is not None
                    self.flows[command.id] = command
                case CloseListener(number):
                    del self.flows[number]
                case CountData():
                    self.counting.setdefault(command.mark, 0)
                case Publish("inspector.failed", detail):
                    assert "a fault" not in detail and "RuntimeError" in detail
                case _:
                    pass
        assert waiting >= set(self.where.engine.tables.barriers.waiting)

    def installs(self) -> None:
        """The switch has lost everything, and is told."""
        self.flows.clear()
        self.counting.clear()
        self.where.barriers.clear()
        self.handle(PipelineInstalled())

    def idle(self, mark: int) -> None:
        packets = self.counting.pop(mark, None)
        if packets is not None:  # it may have been told of another one
            self.handle(DataCounted(mark, packets, packets * 100, idle=True))

    # -- what happens ---------------------------------------------------------------------------

    def step(self) -> None:
        random, where = self.random, self.where
        where.now += random.choice((0.0, 0.0, 0.0, 1.0, 25.0, 70.0))
        host = random.choice(HOSTS)
        match random.randrange(12):
            case 0 | 1:
                self.note(where.sized(at(host, 6881), NODE, b"node").commands)
            case 2 | 3 if where.engine.tables.listeners.live:
                port = random.choice(list(where.engine.tables.listeners.live.values()))
                ends = port.listener.inside, NODE
                if random.random() < 0.4:
                    ends = NODE, port.listener.inside
                self.note(where.sized(*ends, b"node", port.listener.id).commands)
            case 4:
                self.note(where.send(at(host), at(PROXY), b"word").commands)
            case 5 if len(self.talks) < 30:
                self.begins(host)
            case 6 | 7 if self.talks:
                self.talks_on(random.choice(self.talks))
            case 8 if where.barriers:
                token = where.barriers.pop(random.randrange(len(where.barriers)))
                self.handle(BarrierDone(token))
            case 9 if self.counting:
                mark = random.choice(sorted(self.counting))
                moved = random.randrange(3)
                self.counting[mark] += moved
                self.packets += moved
                if random.random() < 0.6:
                    self.idle(mark)
                else:
                    packets = self.counting[mark]
                    self.handle(DataCounted(mark, packets, packets * 100, idle=False))
            case 10 if random.random() < 0.2:
                for mark, packets in self.counting.items():
                    self.handle(DataCounted(mark, packets, packets * 100, idle=False))
                self.installs()
            case 11 if random.random() < 0.3:
                sessions = [*where.engine.sessions, *where.engine.datagrams.sessions]
                if sessions:
                    self.handle(SessionUnwanted(random.choice(sorted(sessions))))
        due = where.engine.next_timeout()
        if due is not None and due <= where.now:
            self.handle(Timeout())
        self.check()

    def begins(self, host: str) -> None:
        """A TCP session, if there is room for it."""
        talk = Talk(self.where.engine, client=host, client_port=40000 + len(self.talks))
        talk.now = self.where.now
        before = len(self.where.streams)
        talk.client_sends(flags=2)
        if len(self.where.streams) == before:
            return
        self.where.streams[-1].lines[b"WORD"] = self.line
        talk.server_sends(flags=18)
        talk.client_sends()
        self.talks.append(talk)

    def talks_on(self, talk: Talk) -> None:
        talk.now = self.where.now
        send = self.random.choice((talk.client_sends, talk.server_sends))
        if self.random.random() < 0.15:
            send(flags=RST)
        else:
            send(b"WORD\n")
        self.where.barriers += [barrier.token for barrier in talk.of(Barrier)]
        self.note(talk.commands)

    # -- what always holds ----------------------------------------------------------------------

    def check(self) -> None:
        engine = self.where.engine
        tables = engine.tables
        live = tables.listeners.live
        assert tables.limits.total == 2 * len(live) <= QUOTAS.pinholes
        per_host = Counter[Address]()
        for port in live.values():
            per_host[port.listener.inside.address] += 2
            # Open in the switch is what has a reason, and nothing else is.
            wanted = port.admits or port.watched is not None
            assert wanted == (port.listener.id in self.flows) == port.opened
            if wanted:
                command = self.flows[port.listener.id]
                assert command.admits == port.admits
                assert (command.watched is not None) == (port.watched is not None)
            assert not port.over
            assert port.watched is None or port.watcher in engine.datagrams.sessions
            due = port.next_timeout()
            assert due is None or due > self.where.now
        assert per_host == tables.limits.per_host
        assert max(per_host.values(), default=0) <= QUOTAS.pinholes_per_host
        assert self.flows.keys() <= live.keys()
        assert tables.timers._queued.keys() <= {*engine.sessions, *engine.datagrams.sessions, *live}
        marks = {data.mark for port in live.values() for data in (port.tcp, port.udp, port.asking)}
        assert marks == {d.mark for d in tables.marks.live.values() if d.binding is not None}
        self._check_leases([p.lease.public.port for p in live.values() if p.lease is not None])
        check_counts(engine, self.where.now)

    def _check_leases(self, leased: list[int]) -> None:
        """Each of them has ended once, or is in use."""
        for used in self.where.engine.tables.ports._used.values():
            resting = [port for _, port in used.resting]
            all_used = [port for port in [*leased, *resting] if DATA.low <= port <= DATA.high]
            taken = [port for port in used.taken if DATA.low <= port <= DATA.high]
            assert Counter(all_used) == Counter(taken)

    def calm_down(self) -> None:
        """Everybody falls silent; what moved stops."""
        self.quiet = True
        for _ in range(4):
            self.where.now += 10_000.0
            while self.where.barriers:
                self.handle(BarrierDone(self.where.barriers.pop()))
            for mark in list(self.counting):
                self.idle(mark)
            for _ in range(20):
                due = self.where.engine.next_timeout()
                if due is None or due > self.where.now:
                    break
                self.handle(Timeout())
            self.check()


def _run(seed: int, steps: int) -> World:
    where = site(timers=TIMERS, quotas=QUOTAS, data=DATA)
    world = World(Random(seed), where)
    where.on_idle = world.silent
    where.says |= {b"node": world.datagram, b"word": world.datagram}
    for _ in range(steps):
        world.step()
    world.calm_down()
    return world


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 150))
def test_nothing_is_left_when_everything_has_ended(seed: int, steps: int) -> None:
    world = _run(seed, steps)
    engine = world.where.engine
    assert world.flows == {}
    assert nothing_listens(engine, world.where.now)
    assert not engine.sessions and not engine.datagrams.sessions
    assert not engine.tables.quotas.total and not engine.tables.barriers.waiting
    assert engine.next_timeout() is None
    total = engine.tables.marks.total
    assert (total.packets, total.bytes) == (world.packets, world.packets * 100)


def test_these_runs_get_around() -> None:
    """They would prove nothing if the inspectors were refused everything."""
    seen: Counter[str] = Counter()
    for seed in range(20):
        seen += _run(seed, 150).seen
    for kind in (OpenListener, CloseListener, CountData, PassDatagram, Barrier, Emit):
        assert seen[kind.__name__] > 100, seen
    assert seen[CutData.__name__] > 10, seen
