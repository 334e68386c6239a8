"""A toy UDP protocol, and hosts that speak it, to drive the engine by hand.

The protocol: words. What is not known passes on as it is. `BIND port...` from inside binds these
ports, and tells the other side where; `ADMIT endpoint...` from either side admits the endpoints to
the host's latest binding, one for each of its ports in turn; `UNBIND` ends it; `SIGNAL port` leaves
with the public endpoint of that control port; `HOLD seconds` holds the endpoint that it came from;
`WAKE seconds` sets the inspector's alarm; `TO endpoint word` goes there instead; `FROM endpoint
word` claims to be from there; `FETCH` leaves from a binding of its sender's endpoint, admitted
for the other end and idle after 20 seconds, and has the control endpoint released; `SERVE` binds
and admits whatever port the host answers from; `NOISE word` is answered, and goes on as well;
`RAISE` raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ryu_alg.engine.commands import Barrier, Command, EmitDatagram
from ryu_alg.engine.config import EngineConfig, ProtocolBinding, Service
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import BarrierDone, DatagramArrived, Event
from ryu_alg.engine.segment import Datagram as WireDatagram
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
    Refusal,
    Release,
    Report,
    Send,
    Transport,
    Unbind,
)
from tests.engine import conversation
from tests.engine.conversation import PUBLIC

PORT = 5060
PHONE = "192.168.10.2"
OTHER_PHONE = "192.168.10.3"
PLAIN_PHONE = "192.0.2.2"
"""Without NAT."""
SERVER = "192.168.20.2"
"""Inside, published at `PUBLISHED`."""
PUBLISHED = Endpoint(PUBLIC, PORT)
PROXY = "198.51.100.9"
STRANGER = "198.51.100.66"
DENIED_HOST = "198.51.101.7"
"""Outside, where outbound policy lets nobody."""


def at(address: Any, port: int = PORT) -> Endpoint:
    return Endpoint(ip_address(address), port)


def endpoint(text: bytes | str) -> Endpoint:
    """`address:port`."""
    shown = text.decode() if isinstance(text, bytes) else text
    address, _, port = shown.rpartition(":")
    return at(address.strip("[]"), int(port))


@dataclass(slots=True)
class ToyPhone(DatagramInspector):
    """The inspector."""

    gateway: DatagramGateway
    bound: Binding | None = None
    alarm: float | None = None
    refreshed: int = 0
    idle: list[int] = field(default_factory=list)
    unbind_when_idle: bool = False
    seen: list[Datagram] = field(default_factory=list)

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        """See above."""
        self.seen.append(datagram)
        words = datagram.payload.split()
        match words:
            case [b"BIND", *ports]:
                inside = [Endpoint(datagram.inside.address, int(port)) for port in ports]
                bound = self.gateway.bind(inside, even=True)
                if isinstance(bound, Refusal):
                    return [Report("toy.refused", bound.code)]
                self.bound = bound
                told = b" ".join(str(public).encode() for public in bound.public)
                return [self._on(datagram, b"BOUND " + told)]
            case [b"ADMIT", *remotes] if self.bound is not None:
                exchanges = tuple(
                    Exchange(index % len(self.bound.public), endpoint(remote))
                    for index, remote in enumerate(remotes)
                )
                return [self._on(datagram), Admit(self.bound.id, exchanges)]
            case [b"UNBIND"] if self.bound is not None:
                return [Unbind(self.bound.id), self._on(datagram)]
            case [b"SIGNAL", port]:
                public = self.gateway.signalling(Endpoint(self.gateway.host, int(port)))
                if isinstance(public, Refusal):
                    return [Report("toy.refused", public.code)]
                return [self._on(datagram, str(public).encode())]
            case [b"HOLD", seconds]:
                return [Hold(datagram.inside, self.gateway.now + float(seconds))]
            case [b"WAKE", seconds]:
                self.alarm = self.gateway.now + float(seconds)
                return [self._on(datagram)]
            case [b"TO", target, word]:
                return [Send(Realm.OUTSIDE, datagram.inside, endpoint(target), word)]
            case [b"FROM", source, word]:
                return [Send(Realm.INSIDE, endpoint(source), datagram.remote, word)]
            case [b"FETCH"]:
                return self._fetch(datagram)
            case [b"SERVE"]:
                return self._serve(datagram)
            case [b"NOISE", _]:
                back = Send(datagram.origin, datagram.inside, datagram.remote, datagram.payload)
                return [self._on(datagram), back]
            case [b"RAISE"]:
                raise RuntimeError("a fault of the plugin")
        return [self._on(datagram)]

    def next_timeout(self) -> float | None:
        return self.alarm

    def wake(self) -> Sequence[DatagramEffect]:
        self.alarm = None
        return [Report("toy.awake", "")]

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        self.idle.append(binding)
        return [Unbind(binding)] if self.unbind_when_idle else []

    def keep_alive(self) -> Sequence[DatagramEffect]:
        self.refreshed += 1
        latest = self.seen[-1]
        return [Send(Realm.OUTSIDE, latest.inside, latest.remote, b"\r\n\r\n")]

    def _fetch(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        bound = self.gateway.bind([datagram.inside], idle=20)
        assert isinstance(bound, Binding)
        self.bound = bound
        return [
            Admit(bound.id, (Exchange(0, datagram.remote),)),
            Send(Realm.OUTSIDE, datagram.inside, datagram.remote, b"FETCH", bound.id),
            Release(datagram.inside),
        ]

    def _serve(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        anywhere = Endpoint(self.gateway.host, 0)
        bound = self.gateway.bind([anywhere], public=datagram.public.address)
        if isinstance(bound, Refusal):
            return [Report("toy.refused", bound.code)]
        self.bound = bound
        return [Admit(bound.id, (Exchange(0, datagram.remote),)), self._on(datagram)]

    def _on(self, datagram: Datagram, payload: bytes | None = None) -> Send:
        towards = Realm.INSIDE if datagram.origin is Realm.OUTSIDE else Realm.OUTSIDE
        text = datagram.payload if payload is None else payload
        return Send(towards, datagram.inside, datagram.remote, text)


def _phone(gateway: DatagramGateway) -> DatagramInspector:
    return ToyPhone(gateway)


def config(**changes: Any) -> EngineConfig:
    """The gateway of these tests, with `changes`."""
    values: dict[str, Any] = {
        "protocols": (
            ProtocolBinding(
                "toy",
                frozenset({PORT}),
                (ip_network("0.0.0.0/0"), ip_network("::/0")),
                datagram=_phone,
            ),
        ),
        "services": (Service(PUBLISHED, at(SERVER), "toy", Transport.UDP),),
    }
    return conversation.config(**{**values, **changes})


@dataclass
class Exchanged:
    """What has left in one step, as (source, target, payload)."""

    commands: list[Command]

    @property
    def left(self) -> list[tuple[Endpoint, Endpoint, bytes]]:
        return [
            (
                Endpoint(ip_address(wire.src), wire.sport),
                Endpoint(ip_address(wire.dst), wire.dport),
                wire.payload,
            )
            for wire in (c.datagram for c in self.commands if isinstance(c, EmitDatagram))
        ]

    def of(self, kind: type) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]


@dataclass
class Network:
    """Hosts on both sides of an engine; time is moved by hand."""

    engine: Engine
    now: float = 0.0
    barriers: list[int] = field(default_factory=list)
    """Tokens that are not answered yet."""
    commands: list[Command] = field(default_factory=list)
    """Of the latest step."""

    def handle(self, event: Event) -> Exchanged:
        """Have the engine handle any event."""
        self.commands = self.engine.handle(event, self.now)
        self.barriers += [c.token for c in self.commands if isinstance(c, Barrier)]
        return Exchanged(self.commands)

    def send(
        self,
        source: Endpoint,
        target: Endpoint,
        payload: bytes,
        protocol: int = 0,
        **more: int,
    ) -> Exchanged:
        """A datagram comes to the gateway."""
        realm = self.engine.config.realm_of(source.address)
        wire = WireDatagram(
            source.address.packed,
            target.address.packed,
            source.port,
            target.port,
            payload,
            **more,
        )
        return self.handle(DatagramArrived(wire, realm, protocol))

    def confirm(self) -> Exchanged:
        """The switch answers the oldest barrier."""
        return self.handle(BarrierDone(self.barriers.pop(0)))

    def register(self, phone: Any = PHONE, port: int = PORT) -> Endpoint:
        """A phone sends to the proxy: what stands for it outside."""
        ((source, _, _),) = self.send(at(phone, port), at(PROXY), b"HELLO").left
        return source

    def inspector(self, number: int = 1) -> ToyPhone:
        inspector = self.engine.datagrams.sessions[number].inspector
        assert isinstance(inspector, ToyPhone)
        return inspector
