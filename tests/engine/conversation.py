"""A toy protocol and a control conversation, to drive the engine by hand.

The protocol: lines. `LISTEN port` announces that the client listens, `OK` from the server opens
it, `NO` withdraws it; `SERVE port` in a line of the server announces and opens at once, `RANGE
first last` a range of ports, and ends inspection; `SECRET` from the client ends inspection;
`RAISE` raises; `GREEDY` decides more than there is; `SAY x` is answered by the inspector itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random
from typing import Any

from ryu_alg.engine.commands import Barrier, Command, Emit
from ryu_alg.engine.config import (
    EngineConfig,
    InsideNetwork,
    OutboundRule,
    PortRange,
    ProtocolBinding,
    Quotas,
    Service,
    Timers,
)
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import BarrierDone, Event, SegmentArrived
from ryu_alg.engine.segment import ACK, SYN, Segment
from ryu_alg.inspection import (
    Close,
    Direction,
    Effect,
    Endpoint,
    Expectation,
    Forward,
    Inject,
    Opaque,
    Open,
    Party,
    Replace,
    StreamGateway,
    StreamInspector,
)

PUBLIC = IPv4Address("203.0.113.1")
CLIENT = "192.168.10.2"
SERVER = "198.51.100.9"
INSIDE_SERVER = "192.168.20.2"
PLAIN = "192.0.2.2"
"""An inside host without NAT."""
PORT = 2100
QUIET_PORT = 2101
DENIED_NETWORK = "198.51.101.0/24"


@dataclass(slots=True)
class Toy(StreamInspector):
    """The inspector."""

    gateway: StreamGateway
    armed: int | None = None
    user: str = "toy"

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """One line at a time."""
        end = data.find(b"\n") + 1
        if not end:
            return []
        line = data[:end].split()
        if direction is Direction.TO_SERVER:
            if self.armed is not None:
                return []  # what comes behind an announcement waits for its answer
            return self._request(line, end)
        return self._answer(line, end)

    def _request(self, line: list[bytes], end: int) -> Sequence[Effect]:
        match line:
            case [b"LISTEN", port]:
                granted = self.gateway.expect(listener=Party.CLIENT, port=int(port))
                if not isinstance(granted, Expectation):
                    refusal = f"REFUSED {granted.code}\n".encode()
                    return [Replace(end, b""), Inject(Direction.TO_CLIENT, refusal)]
                self.armed = granted.id
                return [Replace(end, f"LISTEN {granted.announced}\n".encode())]
            case [b"SECRET"]:
                return [Forward(end), Opaque()]
            case [b"RAISE"]:
                raise RuntimeError("a fault of the plugin")
            case [b"GREEDY"]:
                return [Forward(end + 1)]
            case [b"SAY", word]:
                return [Replace(end, b""), Inject(Direction.TO_CLIENT, word + b"\n")]
        return [Forward(end)]

    def _answer(self, line: list[bytes], end: int) -> Sequence[Effect]:
        match line:
            case [b"OK"] if self.armed is not None:
                opened, self.armed = self.armed, None
                return [Open(opened), Forward(end)]
            case [b"NO"] if self.armed is not None:
                closed, self.armed = self.armed, None
                return [Close(closed), Forward(end)]
            case [b"SERVE", port, *wait]:
                granted = self.gateway.expect(
                    listener=Party.SERVER, port=int(port), wait=int(wait[0]) if wait else None
                )
                assert isinstance(granted, Expectation)
                return [Open(granted.id), Replace(end, f"SERVE {granted.announced}\n".encode())]
            case [b"RANGE", first, last]:
                granted = self.gateway.expect(
                    listener=Party.SERVER, port=int(first), last_port=int(last)
                )
                if not isinstance(granted, Expectation):
                    return [Replace(end, f"REFUSED {granted.code}\n".encode())]
                return [Open(granted.id), Forward(end), Opaque()]
        return [Forward(end)]

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Whatever is left goes."""
        return []


def _toy(gateway: StreamGateway) -> StreamInspector:
    return Toy(gateway)


def config(**changes: Any) -> EngineConfig:
    """The gateway of these tests, with `changes`."""
    values: dict[str, Any] = {
        "networks": (
            InsideNetwork("lan", (ip_network("192.168.10.0/24"),), (PUBLIC,)),
            InsideNetwork("dmz", (ip_network("192.168.20.0/24"),), (PUBLIC,)),
            InsideNetwork("plain", (ip_network("192.0.2.0/24"),)),
        ),
        "protocols": (ProtocolBinding("toy", frozenset({PORT}), (ip_network("0.0.0.0/0"),), _toy),),
        "services": (
            Service(Endpoint(PUBLIC, PORT), Endpoint(ip_address(INSIDE_SERVER), PORT), "toy"),
        ),
        "outbound": (OutboundRule((), (ip_network(DENIED_NETWORK),), None, (), allow=False),),
        "public": (PUBLIC,),
        "data": PortRange(32768, 32775),
        "control": PortRange(49152, 49155),
        "denied_ports": ((6379, 6379),),
        "timers": Timers(),
        "quotas": Quotas(),
    }
    return EngineConfig(**{**values, **changes})


@dataclass
class Talk:
    """One connection between two hosts, both moved by hand; they acknowledge nothing unasked."""

    engine: Engine
    client: str = CLIENT
    server: str = SERVER
    """As the client addresses it."""
    client_port: int = 40000
    now: float = 0.0
    commands: list[Command] = field(default_factory=list)
    """Of the latest step."""
    _barrier: int = 0
    _client_next: int = 1000
    _server_next: int = 900_000
    _towards_server: Segment | None = None
    _towards_client: Segment | None = None

    def handle(self, event: Event) -> list[Command]:
        """Have the engine handle any event."""
        self.commands = self.engine.handle(event, self.now)
        for barrier in self.of(Barrier):
            self._barrier = barrier.token
        for segment in self.emitted():
            if segment.dport == self.client_port and segment.dst == _packed(self.client):
                self._towards_client = segment
            else:
                self._towards_server = segment
        return self.commands

    def confirm(self) -> list[Command]:
        """The switch answers the latest barrier."""
        return self.handle(BarrierDone(self._barrier))

    def emitted(self) -> list[Segment]:
        """The segments among the latest commands."""
        return [command.segment for command in self.commands if isinstance(command, Emit)]

    def of(self, kind: type) -> list[Any]:
        """The latest commands of one kind."""
        return [command for command in self.commands if isinstance(command, kind)]

    def client_sends(self, data: bytes = b"", flags: int = ACK) -> list[Command]:
        """A segment of the client, which acknowledges all that reached it."""
        segment = Segment(
            _packed(self.client),
            _packed(self.server),
            self.client_port,
            PORT,
            self._client_next,
            self._client_ack(),
            flags,
            65535,
            data,
        )
        self._client_next += len(data) + bool(flags & SYN) + bool(flags & 1)
        return self.handle(SegmentArrived(segment, self._client_realm(), 0))

    def server_sends(self, data: bytes = b"", flags: int = ACK) -> list[Command]:
        """A segment of the server, which acknowledges all that reached it."""
        seen = self._towards_server
        assert seen is not None
        segment = Segment(
            seen.dst,
            seen.src,
            seen.dport,
            seen.sport,
            self._server_next,
            _end(seen),
            flags,
            65535,
            data,
        )
        self._server_next += len(data) + bool(flags & SYN) + bool(flags & 1)
        return self.handle(SegmentArrived(segment, self._server_realm(), 0))

    def client_repeats(self, data: bytes, back: int) -> list[Command]:
        """A segment of the client that begins `back` bytes before the next."""
        self._client_next -= back
        commands = self.client_sends(data)
        self._client_next += back - len(data)
        return commands

    def open(self) -> Talk:
        """The handshake."""
        self.client_sends(flags=SYN)
        self.server_sends(flags=SYN | ACK)
        self.client_sends()
        return self

    def reached_server(self) -> bytes:
        """Payload that left towards the server in the latest step."""
        return b"".join(s.payload for s in self.emitted() if s.dst != _packed(self.client))

    def reached_client(self) -> bytes:
        """Payload that left towards the client in the latest step."""
        return b"".join(s.payload for s in self.emitted() if s.dst == _packed(self.client))

    def _client_ack(self) -> int:
        return 0 if self._towards_client is None else _end(self._towards_client)

    def _client_realm(self) -> Any:
        return self.engine.config.realm_of(ip_address(self.client))

    def _server_realm(self) -> Any:
        assert self._towards_server is not None
        return self.engine.config.realm_of(ip_address(self._towards_server.dst))


def _end(segment: Segment) -> int:
    length = len(segment.payload) + bool(segment.flags & SYN) + bool(segment.flags & 1)
    return segment.seq + length & 0xFFFFFFFF


def _packed(address: str) -> bytes:
    return ip_address(address).packed


def talk(engine: Engine | None = None, **where: Any) -> Talk:
    """A conversation that is open."""
    return Talk(engine or Engine(config(), random=Random(1)), **where).open()
