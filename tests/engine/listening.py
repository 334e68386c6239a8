"""A protocol over both transports whose inspectors do as they are told, for tests of the ports
where inside hosts wait for anybody, and of datagrams that are punted by their size.

A datagram that begins with `node` opens a session. Unless a test says otherwise, what was punted by
its size passes, and all else is sent on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from random import Random
from typing import Any

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import OpenListener, Publish
from ryu_alg.engine.config import EngineConfig, ProtocolBinding
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import DataCounted, SizedDatagramArrived
from ryu_alg.engine.listening_port import ListeningPort
from ryu_alg.engine.segment import Datagram as WireDatagram
from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    DatagramGateway,
    DatagramInspector,
    Endpoint,
    Gateway,
    Listener,
    Pass,
    Realm,
    Send,
    Sizes,
    StreamGateway,
    StreamInspector,
)
from tests.engine import conversation, toy_datagrams
from tests.engine.conversation import CLIENT, SERVER, Talk, talk
from tests.engine.test_bindings import Told
from tests.engine.toy_datagrams import Exchanged, Network, at

CAUSE, OTHER_CAUSE = b"one", b"another"
PORT = 6881
INSIDE = at(CLIENT, PORT)
NODE = at("198.51.100.20", 6881)
"""Somebody outside, whose port is no protocol's."""
FIRST, LATER = (50, 100), (120, 190)
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))

Say = Callable[[DatagramGateway, Datagram], Sequence[DatagramEffect]]
Hear = Callable[[DatagramGateway], Sequence[DatagramEffect]]


@dataclass
class Node(DatagramInspector):
    """Does with each payload what the test says."""

    gateway: DatagramGateway
    says: dict[bytes, Say] = field(default_factory=dict)
    seen: list[Datagram] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)
    on_idle: Hear = lambda _: ()
    alarm: float | None = None
    on_alarm: Hear = lambda _: ()

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        self.seen.append(datagram)
        say = self.says.get(datagram.payload)
        if say is not None:
            return say(self.gateway, datagram)
        if datagram.watched:
            return [Pass(datagram.payload)]
        towards = datagram.origin.other
        return [Send(towards, datagram.inside, datagram.remote, datagram.payload)]

    def next_timeout(self) -> float | None:
        return self.alarm

    def wake(self) -> Sequence[DatagramEffect]:
        self.alarm = None
        return self.on_alarm(self.gateway)

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        self.idle.append(binding)
        return self.on_idle(self.gateway)


def opens(payload: bytes) -> bool:
    return payload.startswith(b"node")


SIZES = Sizes(FIRST, LATER, opens, ANYWHERE)


@dataclass
class Site(Network):
    """A gateway with that protocol, and who is behind it."""

    streams: list[Told] = field(default_factory=list)
    """In the order of their sessions."""
    nodes: list[Node] = field(default_factory=list)
    says: dict[bytes, Say] = field(default_factory=dict)
    """Of all nodes."""
    on_idle: Hear = lambda _: ()
    """Of nodes that are made later."""

    def sized(
        self,
        source: Endpoint,
        target: Endpoint,
        payload: bytes,
        listener: int | None = None,
        protocol: int | None = None,
        realm: Realm | None = None,
        **more: int,
    ) -> Exchanged:
        """The switch punts a datagram because of its size: without a `listener`, as a first one."""
        if listener is None and protocol is None:
            protocol = 0
        if realm is None:
            realm = self.engine.config.realm_of(source.address)
        ends = source.address.packed, target.address.packed, source.port, target.port
        wire = WireDatagram(*ends, payload, **more)
        return self.handle(SizedDatagramArrived(wire, realm, protocol, listener))

    def session(self, client: str = CLIENT, client_port: int = 40000) -> tuple[Talk, Told]:
        """A TCP session that is open, and its inspector."""
        made = talk(
            self.engine, client=client, client_port=client_port, server=SERVER, now=self.now
        )
        return made, self.streams[-1]

    def port(self, inside: Endpoint = INSIDE, protocol: str = "toy") -> ListeningPort:
        """What waits at an inside endpoint."""
        port = self.engine.tables.listeners.at(protocol, inside)
        assert port is not None
        return port

    def falls_idle(self, mark: int, packets: int = 0) -> Exchanged:
        """The counting flow of a mark is gone."""
        return self.handle(DataCounted(mark, packets, packets * 100, idle=True))


def site(**changes: Any) -> Site:
    """With `changes` to the configuration."""
    made = Site(Engine(config(), random=Random(7)))
    made.engine = Engine(config(made, **changes), random=Random(7))
    return made


def config(where: Site | None = None, name: str = "toy", **changes: Any) -> EngineConfig:
    """The configuration of a site, which gets to know its inspectors."""

    def stream(gateway: StreamGateway) -> StreamInspector:
        told = Told(gateway)
        if where is not None:
            where.streams.append(told)
        return told

    def datagram(gateway: DatagramGateway) -> DatagramInspector:
        if where is None:
            return Node(gateway)
        where.nodes.append(Node(gateway, where.says, on_idle=where.on_idle))
        return where.nodes[-1]

    ports = frozenset({conversation.PORT, toy_datagrams.PORT})
    toy = ProtocolBinding(name, ports, ANYWHERE, stream, datagram, SIZES)
    return conversation.config(**{"protocols": (toy,), "services": (), **changes})


def listen(gateway: Gateway, inside: Endpoint = INSIDE, cause: bytes = CAUSE) -> Listener:
    """Armed, and not refused."""
    listener = gateway.listen(inside, cause)
    assert isinstance(listener, Listener)
    return listener


def codes(step: Exchanged | Sequence[object]) -> list[str]:
    """Of the events in a step."""
    commands = step.commands if isinstance(step, Exchanged) else step
    return [command.code for command in commands if isinstance(command, Publish)]


def opened(step: Exchanged | Sequence[object]) -> OpenListener:
    """The one listening port that the switch is told of."""
    commands = step.commands if isinstance(step, Exchanged) else step
    (command,) = [command for command in commands if isinstance(command, OpenListener)]
    return command


def nothing_listens(engine: Engine, now: float = 0.0) -> bool:
    """Whether nothing is left of listening ports, but for leases that rest."""
    tables = engine.tables
    return not (
        tables.listeners.live
        or tables.listeners._by_host
        or tables.limits.total
        or tables.limits.per_host
        or [data for data in tables.marks.live.values() if data.binding is not None]
        or [b for b in snapshot.bindings(engine, now) if b.kind.value == "listening"]
        or list(snapshot.pinholes(engine, now))
    )
