"""A gateway as somebody has it who binds every protocol and says no more, and hosts around it.

Everything is real but the switch: the configuration is read from YAML, the engine runs the
inspectors with their default options, and what comes in is segments and datagrams. The switch
answers barriers at once, and `Site` keeps account of what it has been told to open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random

from ryu_alg.assembly import engine_config, pipeline_plan, protocol_specs
from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CloseMedia,
    ClosePinhole,
    Command,
    Emit,
    EmitDatagram,
    MediaPath,
    OpenListener,
    OpenMedia,
    OpenPinhole,
    Pinhole,
    Publish,
)
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    BarrierDone,
    DatagramArrived,
    Event,
    PinholeExpired,
    PinholeUsed,
    SegmentArrived,
    Timeout,
)
from ryu_alg.engine.segment import ACK, FIN, PSH, RST, SYN, Segment
from ryu_alg.engine.segment import Datagram as WireDatagram
from ryu_alg.inspection import Endpoint
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.settings import Settings, parse

CONFIGURATION = """
gateway: {datapath_id: "0000000000000001", mac: "02:a1:60:00:00:01", ct_zone: 4242}
realms:
  inside:
    - {name: lan, port: lan, addresses: [192.168.10.1/24], nat: [203.0.113.1]}
    - {name: dmz, port: dmz, addresses: [192.168.20.1/24], nat: [203.0.113.1]}
  outside:
    - {name: wan, port: wan, addresses: [203.0.113.1/24], next_hop: [203.0.113.254]}
public:
  addresses: [203.0.113.1]
  ports: {napt: 1024-32767, data: 32768-49151, control: 49152-53247}
published:
  - {public: "203.0.113.1:21", inside: "192.168.20.2:21", protocol: ftp}
  - {public: "203.0.113.1:554", inside: "192.168.20.2:554", protocol: rtsp}
protocols:
  ftp: {}
  sip: {}
  rtsp: {}
  tftp: {}
  irc: {}
  xmpp: {}
  bittorrent: {}
"""
PUBLIC = "203.0.113.1"
CLIENT = "192.168.10.2"
VICTIM = "192.168.10.3"
"""Another inside host, who has nothing to do with it."""
INSIDE_SERVER = "192.168.20.2"
SERVER = "198.51.100.7"
STRANGER = "198.51.100.66"
PORTS = {"ftp": 21, "sip": 5060, "rtsp": 554, "tftp": 69, "irc": 6667, "xmpp": 5222}
PORTS["bittorrent"] = 6969
WINDOW = 65535


def settings() -> Settings:
    """What is in `CONFIGURATION`."""
    return parse(CONFIGURATION)


def default_config() -> EngineConfig:
    """The engine's part of it."""
    read = settings()
    return engine_config(read, protocol_specs(read))


def configured(text: str) -> Engine:
    """The engine of another configuration."""
    read = parse(text)
    return Engine(engine_config(read, protocol_specs(read)), random=Random(1))


def default_plan() -> PipelinePlan:
    """The pipeline's part of it."""
    read = settings()
    return pipeline_plan(read, protocol_specs(read))


def at(address: str, port: int) -> Endpoint:
    """An endpoint."""
    return Endpoint(ip_address(address), port)


Left = tuple[Endpoint, Endpoint, bytes]
"""A datagram that the gateway sent: from, to, payload."""


@dataclass
class Site:
    """The engine, its switch, and what has happened."""

    engine: Engine = field(default_factory=lambda: Engine(default_config(), random=Random(1)))
    now: float = 1000.0
    pinholes: dict[int, Pinhole] = field(default_factory=dict)
    media: dict[int, tuple[MediaPath, ...]] = field(default_factory=dict)
    listeners: dict[int, OpenListener] = field(default_factory=dict)
    """These three: what is open."""
    opened: list[OpenPinhole | OpenMedia | OpenListener] = field(default_factory=list)
    """All that was ever opened."""
    events: list[str] = field(default_factory=list)
    """Codes of all events."""
    connections: list[Connection] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    """Datagrams, of the latest step."""

    @property
    def shut(self) -> bool:
        """Whether nothing was ever opened."""
        return not self.opened

    def protocol(self, name: str) -> int:
        """The index that punts of it carry."""
        return [binding.name for binding in self.engine.config.protocols].index(name)

    def saw(self, code: str) -> bool:
        """Whether an event told of it, or it was counted."""
        return code in self.events or self.engine.counters[code] > 0

    def handle(self, event: Event) -> None:
        """Something comes from the switch, which then does as it is told."""
        commands = self.engine.handle(event, self.now)
        while commands:
            tokens = [token for command in commands for token in self._carry_out(command)]
            commands = [
                command
                for token in tokens
                for command in self.engine.handle(BarrierDone(token), self.now)
            ]

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        end = self.now + seconds
        while (due := self.engine.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.handle(Timeout())
        self.now = end

    def used(self, number: int) -> None:
        """The expected connection comes through a pinhole."""
        self.handle(PinholeUsed(number))

    def unused(self, number: int) -> None:
        """Nobody came through a pinhole, and the switch has removed it."""
        del self.pinholes[number]
        self.handle(PinholeExpired(number))

    def send(self, source: Endpoint, target: Endpoint, payload: bytes, protocol: str) -> list[Left]:
        """A datagram comes to the gateway; what leaves."""
        wire = WireDatagram(
            source.address.packed, target.address.packed, source.port, target.port, payload
        )
        self.left = []
        realm = self.engine.config.realm_of(source.address)
        self.handle(DatagramArrived(wire, realm, self.protocol(protocol)))
        return self.left

    def connect(
        self, protocol: str, client: str = CLIENT, server: str = SERVER, port: int = 40000
    ) -> Connection:
        """A TCP connection through the gateway, established."""
        return Connection(self, protocol, at(client, port), at(server, PORTS[protocol])).open()

    def _carry_out(self, command: Command) -> list[int]:
        """The tokens of barriers."""
        match command:
            case Emit(segment):
                for connection in self.connections:
                    connection.take(segment)
            case EmitDatagram(datagram=wire):
                source = Endpoint(ip_address(wire.src), wire.sport)
                target = Endpoint(ip_address(wire.dst), wire.dport)
                self.left.append((source, target, wire.payload))
            case OpenPinhole(pinhole):
                self.opened.append(command)
                self.pinholes[pinhole.id] = pinhole
            case ClosePinhole(number):
                self.pinholes.pop(number, None)
            case OpenMedia(id=number, paths=paths):
                self.opened.append(command)
                self.media[number] = paths
            case CloseMedia(id=number):
                self.media.pop(number, None)
            case OpenListener(id=number, admits=admits):
                self.listeners[number] = command
                if admits:
                    self.opened.append(command)
            case CloseListener(number):
                self.listeners.pop(number, None)
            case Publish(code=code):
                self.events.append(code)
            case Barrier(token=token):
                return [token]
        return []


@dataclass
class Side:
    """One end of a connection, as its host's TCP: takes in order, sends what it is given."""

    own: Endpoint
    peer: Endpoint
    """As this side sees it."""
    next: int
    """Its next sequence number."""
    expected: int | None = None
    """The peer's next sequence number; None before its SYN."""
    received: bytes = b""
    reset: bool = False


@dataclass
class Connection:
    """Two hosts at both ends of a session. What arrives in order is acknowledged at once."""

    site: Site
    protocol: str
    client_at: Endpoint
    server_at: Endpoint
    """As the client addresses it."""
    client_side: Side = field(init=False)
    server_side: Side | None = None
    """Once a SYN has come there."""
    hops: int = 0
    """How many there are from the gateway to the server."""
    _owed: list[Side] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client_side = Side(self.client_at, self.server_at, 1000)
        self.site.connections.append(self)

    def open(self) -> Connection:
        """The handshake."""
        self.segment(self.client_side, flags=SYN)
        if self.server_side is not None:
            self.segment(self.server_side, flags=SYN | ACK)
            self.segment(self.client_side)
        return self

    @property
    def reset(self) -> bool:
        """Whether the client's connection was reset."""
        return self.client_side.reset

    @property
    def server(self) -> Side:
        """The side that the server is."""
        assert self.server_side is not None
        return self.server_side

    def client_sends(self, *segments: bytes) -> bytes:
        """What reaches the server because of them."""
        before = len(self.server.received)
        for data in segments:
            self.segment(self.client_side, data)
        return self.server.received[before:]

    def server_sends(self, *segments: bytes) -> bytes:
        """What reaches the client because of them."""
        before = len(self.client_side.received)
        for data in segments:
            self.segment(self.server, data)
        return self.client_side.received[before:]

    def segment(
        self, side: Side, data: bytes = b"", flags: int = ACK, shift: int | None = None
    ) -> None:
        """A segment of one end. With `shift` it begins so many bytes behind (or, if negative,
        ahead of) where the next should, and is no part of what that end sends."""
        flags |= PSH if data else 0
        wire = Segment(
            side.own.address.packed,
            side.peer.address.packed,
            side.own.port,
            side.peer.port,
            (side.next - (shift or 0)) & 0xFFFFFFFF,
            side.expected or 0,
            flags,
            WINDOW,
            data,
        )
        if shift is None:
            side.next += len(data) + bool(flags & SYN) + bool(flags & FIN)
        self.arrives(wire)

    def arrives(self, wire: Segment) -> None:
        """Any segment comes to the gateway, from whoever it says."""
        realm = self.site.engine.config.realm_of(ip_address(wire.src))
        self.site.handle(SegmentArrived(wire, realm, self.site.protocol(self.protocol)))
        while self._owed:
            side = self._owed.pop()
            if not side.reset:
                self.segment(side)

    def take(self, wire: Segment) -> None:
        """A segment leaves the gateway; it may be for one of these ends."""
        source = Endpoint(ip_address(wire.src), wire.sport)
        target = Endpoint(ip_address(wire.dst), wire.dport)
        if target == self.client_at and source == self.server_at:
            self._received(self.client_side, wire)
        elif self.server_side is None and wire.flags & (SYN | ACK) == SYN:
            if target.port == self.server_at.port:
                self.server_side = Side(target, source, 900_000)
                self._received(self.server_side, wire)
        elif (
            self.server_side is not None
            and target == self.server_side.own
            and source == self.server_side.peer
            and wire.ttl > self.hops
        ):
            self._received(self.server_side, wire)

    def _received(self, side: Side, wire: Segment) -> None:
        if wire.flags & RST:
            side.reset = True
            return
        if side.expected is None or wire.flags & SYN:
            side.expected = (wire.seq + 1) & 0xFFFFFFFF
            return
        if wire.seq != side.expected or not (wire.payload or wire.flags & FIN):
            return
        side.received += wire.payload
        side.expected = (wire.seq + len(wire.payload) + bool(wire.flags & FIN)) & 0xFFFFFFFF
        if side not in self._owed:
            self._owed.append(side)


def in_pieces(data: bytes, size: int) -> list[bytes]:
    """`data` as a sender with a small MSS would send it."""
    return [data[start : start + size] for start in range(0, len(data), size)]
