"""What stands in for the switch: what is open there, and the connections that it lets through.

It knows packets by their `View`. Where the switch matches public endpoints, it compares what
they stand for, so that a capture needs no public endpoint of the engine's in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

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
    MediaPath,
    Offload,
    OpenListener,
    OpenMedia,
    OpenPinhole,
    Pinhole,
    SourceNat,
)
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    Event,
    OffloadEnded,
    PinholeExpired,
    PinholeUsed,
)
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.replay.listening import ListeningPorts
from ryu_alg.replay.vantage import View

MAX_CONNECTIONS = 65_536
"""Over it, the one that has been idle for longest is forgotten."""

_Key = tuple[Transport, Endpoint, Endpoint]


@dataclass(slots=True)
class Connection:
    """A connection that the switch tracks."""

    mark: int
    """0: an ordinary one."""
    public: Endpoint
    """What its inside endpoint is seen as outside."""


@dataclass(slots=True)
class _Counter:
    idle: int
    last: float
    packets: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Open:
    pinhole: Pinhole
    since: float

    @property
    def ends(self) -> float:
        """`idle` counts from the opening: the first packet uses the pinhole up."""
        if self.pinhole.last_port is not None:
            return float("inf")
        return self.since + min(self.pinhole.idle, self.pinhole.hard)


@dataclass(slots=True)
class _Offloaded:
    command: Offload
    last: float


@dataclass(slots=True)
class StandIn:
    """The state of one switch."""

    config: EngineConfig
    plan: PipelinePlan
    random: Random
    listening: ListeningPorts = field(default_factory=ListeningPorts)
    _pinholes: dict[int, _Open] = field(default_factory=dict)
    _media: dict[int, OpenMedia] = field(default_factory=dict)
    _counters: dict[int, _Counter] = field(default_factory=dict)
    _cut: set[int] = field(default_factory=set)
    _offloaded: dict[int, _Offloaded] = field(default_factory=dict)
    _connections: OrderedDict[_Key, Connection] = field(default_factory=OrderedDict)

    # -- commands -------------------------------------------------------------------------------

    def carry_out(self, command: Command, now: float) -> Event | None:
        """What the switch says at once when it is told `command`."""
        match command:
            case OpenPinhole(pinhole):
                self._pinholes[pinhole.id] = _Open(pinhole, now)
            case ClosePinhole(number):
                self._pinholes.pop(number, None)
            case OpenMedia(number, mark, paths):
                self._media[number] = command
                self._forget(lambda key, connection: _replaced(key, connection, mark, paths))
            case CloseMedia(number, mark, _):
                self._media.pop(number, None)
                self._counters.pop(mark, None)
                self._forget(lambda _, connection: connection.mark == mark)
            case OpenListener(number):
                self._unwatch(number, command)
                self.listening.open[number] = command
            case CloseListener(number):
                self._unwatch(number, None)
                self.listening.open.pop(number, None)
            case CountData(mark, idle):
                known = self._counters.get(mark)
                if known is None:
                    self._counters[mark] = _Counter(idle, now)
                else:
                    known.idle, known.last = idle, now
            case CutData(mark):
                self._forget(lambda _, connection: connection.mark == mark)
                self._cut.add(mark)
            case Offload(number):
                self._offloaded[number] = _Offloaded(command, now)
            case EndOffload(number):
                self._offloaded.pop(number, None)
            case Barrier(token):
                return BarrierDone(token)
            case _:
                pass
        return None

    def _unwatch(self, number: int, after: OpenListener | None) -> None:
        """When a watch ends, what the endpoint has begun is forgotten: it begins anew."""
        port = self.listening.open.get(number)
        if port is None or port.watched is None or (after is not None and after.watched):
            return
        inside = port.inside
        self._forget(lambda key, _: key[0] is Transport.UDP and key[1] == inside)

    def _forget(self, gone: Callable[[_Key, Connection], bool]) -> None:
        for key in [key for key, connection in self._connections.items() if gone(key, connection)]:
            del self._connections[key]

    # -- time -----------------------------------------------------------------------------------

    def next_timeout(self) -> float:
        """When `expired` has something to say; infinity: never."""
        return min((due for due, _ in self._due()), default=float("inf"))

    def expired(self, now: float) -> list[Event]:
        """What the switch says because time is up."""
        gone = [event for due, event in self._due() if due <= now]
        for event in gone:
            match event:
                case PinholeExpired(number):
                    del self._pinholes[number]
                case OffloadEnded(number):
                    del self._offloaded[number]
                case DataCounted(mark):
                    del self._counters[mark]
        return list(gone)

    def _due(self) -> Iterator[tuple[float, PinholeExpired | OffloadEnded | DataCounted]]:
        for number, opened in self._pinholes.items():
            yield opened.ends, PinholeExpired(number)
        for number, offloaded in self._offloaded.items():
            yield offloaded.last + offloaded.command.idle, OffloadEnded(number)
        for mark, counter in self._counters.items():
            counted = DataCounted(mark, counter.packets, counter.bytes, idle=True)
            yield counter.last + counter.idle, counted

    def counted(self) -> list[Event]:
        """What the counting flows say when they are asked."""
        return [
            DataCounted(mark, counter.packets, counter.bytes, idle=False)
            for mark, counter in self._counters.items()
        ]

    # -- packets --------------------------------------------------------------------------------

    def offloaded(self, session: int, now: float) -> Offload | None:
        """How the switch forwards the session's packets by itself, one of which has come."""
        offloaded = self._offloaded.get(session)
        if offloaded is None:
            return None
        offloaded.last = now
        return offloaded.command

    def mark_of(self, view: View) -> int | None:
        """The mark of the connection that a packet is of; None: it has not begun."""
        connection = self._connections.get(view.key)
        return None if connection is None else connection.mark

    def pass_on(self, view: View, size: int, answered: bool, now: float) -> Connection | None:
        """A datagram goes on that was punted by its size; as `pass_data`. `answered`: the next one
        from outside is to be punted."""
        connection, _ = self.pass_data(view, size, True, now)
        mark = self.listening.marks(view, answered)
        if connection is not None and mark is not None:
            connection.mark = mark
        return connection

    def pass_data(
        self, view: View, size: int, opens: bool, now: float
    ) -> tuple[Connection | None, Event | None]:
        """A packet that is not punted, of `size` bytes: the connection that it passes by, or None
        if it is dropped; and what the switch says of it. `opens`: it may begin a connection."""
        connection = self._connections.get(view.key)
        event: Event | None = None
        if connection is None and opens:
            connection, event = self._admitted(view)
            if connection is not None:
                self._connections[view.key] = connection
                if len(self._connections) > MAX_CONNECTIONS:
                    self._connections.popitem(last=False)
        if connection is None:
            return None, None
        self._connections.move_to_end(view.key)
        counter = self._counters.get(connection.mark)
        if counter is not None:
            counter.packets += 1
            counter.bytes += size
            counter.last = now
        return connection, event

    def _admitted(self, view: View) -> tuple[Connection | None, Event | None]:
        """By a pinhole, by media, at a listening port, or as ordinary traffic."""
        for opened in self._pinholes.values():
            pinhole = opened.pinhole
            public = _through(pinhole, view, self.random)
            if public is None or pinhole.mark in self._cut:
                continue
            if pinhole.last_port is None:
                del self._pinholes[pinhole.id]
            return Connection(pinhole.mark, public), PinholeUsed(pinhole.id)
        for media in self._media.values():
            for path in media.paths:
                if media.mark not in self._cut and _on(path, view):
                    return Connection(media.mark, path.public), None
        for mark, public in self.listening.lets_in(view):
            if mark not in self._cut:
                return Connection(mark, public), None
        connection = self._ordinary(view)
        port = self.listening.leaves_from(view)
        outwards = self.config.network_of(view.remote.address) is None
        if connection is not None and port is not None and outwards:
            connection = Connection(*port)
        return connection, None

    def _ordinary(self, view: View) -> Connection | None:
        """A new connection that no protocol knows of: outbound policy, or a published service."""
        inside = view.inside
        if view.origin is Realm.OUTSIDE:
            for service in self.plan.published:
                if (service.inside, service.transport) == (inside, view.transport):
                    return Connection(0, service.public)
            return None
        if not self.config.outbound_allowed(inside.address, view.remote, view.transport):
            return None
        public = self.config.public_for(inside.address)
        if public is None or self.config.network_of(view.remote.address) is not None:
            return Connection(0, inside)
        napt = self.config.napt
        return Connection(0, Endpoint(public, self.random.randint(napt.low, napt.high)))


def _through(pinhole: Pinhole, view: View, random: Random) -> Endpoint | None:
    """What the inside endpoint is outside, if the packet may use the pinhole."""
    if pinhole.transport is not view.transport or pinhole.connecting_realm is not view.origin:
        return None
    inward = view.origin is Realm.OUTSIDE
    connecting, target = (view.remote, view.inside) if inward else (view.inside, view.remote)
    if not any(connecting.address in peer for peer in pinhole.peers):
        return None
    first = pinhole.seen
    if isinstance(pinhole.translate, DestinationNat):
        first = pinhole.translate.endpoint
    more = 0 if pinhole.last_port is None else pinhole.last_port - pinhole.seen.port
    if target.address != first.address or not first.port <= target.port <= first.port + more:
        return None
    if inward:
        return Endpoint(pinhole.seen.address, pinhole.seen.port + target.port - first.port)
    if isinstance(pinhole.translate, SourceNat):
        source = pinhole.translate
        return Endpoint(source.address, random.randint(source.low, source.high))
    return view.inside


def _on(path: MediaPath, view: View) -> bool:
    """Whether media may go that way."""
    if view.transport is not Transport.UDP:
        return False
    if view.origin is Realm.INSIDE:
        same = view.inside == path.inside or (
            path.inside.port == 0 and view.inside.address == path.inside.address
        )
        return same and view.remote == path.remote
    return view.inside == path.inside and view.remote.address == path.remote.address


def _replaced(key: _Key, connection: Connection, mark: int, paths: tuple[MediaPath, ...]) -> bool:
    """Whether a connection ends because exactly `paths` are open now."""
    transport, inside, remote = key
    on = any(_on(path, View(transport, realm, inside, remote)) for path in paths for realm in Realm)
    return not on if connection.mark == mark else on and connection.mark == 0
