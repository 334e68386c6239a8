"""A binding for TCP data: each exchange is one connection, let in by a pinhole of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network

from ryu_alg.engine.commands import (
    ClosePinhole,
    Command,
    CutData,
    DestinationNat,
    OpenPinhole,
    Pinhole,
    SourceNat,
)
from ryu_alg.engine.config import PortRange
from ryu_alg.engine.data_binding import Admitted, DataBinding
from ryu_alg.engine.data_marks import DataMark
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import Endpoint, Exchange, Realm, Transport


@dataclass(slots=True)
class _Connection:
    pinhole: Pinhole
    data: DataMark
    since: float
    expires: float
    """When its pinhole is gone at the latest."""
    state: PinholeState = PinholeState.OPENING


@dataclass(slots=True, kw_only=True)
class StreamBinding(DataBinding):
    """Each connection has a mark of its own, so that one can be cut and the others go on."""

    napt: PortRange
    """Where ports come from for connections from inside."""
    by_pinhole: dict[int, StreamBinding]
    """Where the engine finds it by its pinholes that are open."""
    _connections: dict[tuple[Exchange, Realm], _Connection] = field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """See `DataBinding`."""
        return any(connection.data.moving for connection in self._connections.values())

    @property
    def admitted(self) -> Iterator[Admitted]:
        """See `DataBinding`."""
        for (exchange, connecting), connection in self._connections.items():
            pinhole = connection.pinhole
            peer = pinhole.peers[0].network_address
            yield Admitted(
                pinhole.id,
                connecting,
                exchange.remote if connecting is Realm.OUTSIDE else Endpoint(peer, 0),
                pinhole.seen,
                self.binding.inside[exchange.index]
                if connecting is Realm.OUTSIDE
                else exchange.remote,
                connection.state,
                connection.since,
                connection.expires if connection.state is not PinholeState.USED else None,
            )

    def differs(self, exchanges: Sequence[Exchange], connecting: Realm) -> bool:
        """See `DataBinding`."""
        return {(exchange, connecting) for exchange in exchanges} != self._connections.keys()

    def admit(self, exchanges: Sequence[Exchange], connecting: Realm, now: float) -> list[Command]:
        """See `DataBinding`. The connection of an exchange that stays goes on."""
        wanted = [(exchange, connecting) for exchange in exchanges]
        commands: list[Command] = []
        for key in [key for key in self._connections if key not in wanted]:
            commands += self._shut(key)
        for key in wanted:
            if key not in self._connections:
                commands += self._open(key, now)
        return commands

    def confirm(self) -> list[str]:
        """See `DataBinding`."""
        shown = []
        for connection in self._connections.values():
            if connection.state is PinholeState.OPENING:
                self._move(connection, PinholeState.OPEN)
                shown.append(str(connection.pinhole))
        return shown

    def used(self, number: int) -> tuple[list[Command], str]:
        """The first packet of an expected connection came: nothing more is let in. Also what to
        show."""
        for connection in self._connections.values():
            if connection.pinhole.id == number:
                self._move(connection, PinholeState.USED)
                connection.data.moving = True
                del self.by_pinhole[number]
                return [ClosePinhole(number)], str(connection.pinhole)
        return [ClosePinhole(number)], ""

    def expired(self, number: int) -> tuple[list[Command], str]:
        """Nobody connected in time. Also what to show."""
        for key, connection in self._connections.items():
            if connection.pinhole.id == number:
                return self._shut(key), f"unused: {connection.pinhole}"
        return [ClosePinhole(number)], ""

    def idle(self, data: DataMark, now: float) -> list[Command]:
        """See `DataBinding`."""
        data.idle(now)
        for key, connection in self._connections.items():
            if connection.data is data:
                if connection.state is not PinholeState.USED:
                    return [data.count_for(self.timers.data_idle)]  # it may still come
                return self._shut(key)
        return []

    def installed(self, now: float) -> list[Command]:
        """See `DataBinding`."""
        for key, connection in list(self._connections.items()):
            if connection.state is not PinholeState.USED and connection.expires <= now:
                self._shut(key)  # the switch could not say so
        return [
            OpenPinhole(connection.pinhole)
            for connection in self._connections.values()
            if connection.state is not PinholeState.USED
        ]

    def close(self, now: float) -> list[Command]:
        """See `DataBinding`."""
        return [command for key in list(self._connections) for command in self._shut(key)]

    def _open(self, key: tuple[Exchange, Realm], now: float) -> list[Command]:
        exchange, connecting = key
        number = self.numbers.next()
        inside = self.binding.inside[exchange.index]
        public = self.binding.public[exchange.index]
        data = self.marks.new(
            self.session,
            inside.address.version,
            self.tally,
            binding=self.binding.id,
            idle_limit=self.idle_limit,
        )
        seen, peer = public, exchange.remote.address
        translate: DestinationNat | SourceNat | None = (
            DestinationNat(inside) if self._translated() else None
        )
        if connecting is Realm.INSIDE:
            seen, peer, translate = exchange.remote, inside.address, None
            if isinstance(public.address, IPv4Address) and self._translated():
                translate = SourceNat(public.address, self.napt.low, self.napt.high)
        pinhole = Pinhole(
            id=number,
            mark=data.mark,
            transport=Transport.TCP,
            peers=(ip_network(peer),),
            seen=seen,
            connecting_realm=connecting,
            translate=translate,
            idle=self.timers.pinhole_unused,
            hard=self.timers.pinhole_hard,
        )
        opened = _Connection(pinhole, data, now, now + pinhole.hard)
        self._connections[key] = opened
        self.numbers.add(number, self)
        self.numbers.moved(None, opened.state)
        self.by_pinhole[number] = self
        return [data.count_for(self.timers.data_idle), OpenPinhole(pinhole)]

    def _move(self, connection: _Connection, state: PinholeState) -> None:
        self.numbers.moved(connection.state, state)
        connection.state = state

    def _shut(self, key: tuple[Exchange, Realm]) -> list[Command]:
        connection = self._connections.pop(key)
        self.numbers.remove(connection.pinhole.id)
        self.numbers.moved(connection.state, None)
        self.marks.remove(connection.data)
        number = connection.pinhole.id
        if connection.state is not PinholeState.USED:
            del self.by_pinhole[number]
            return [ClosePinhole(number)]
        if not connection.data.counted:
            return []
        return [CutData(connection.data.mark, self.timers.data_idle)]
