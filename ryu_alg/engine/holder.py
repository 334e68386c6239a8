"""What sessions of both transports have in common: bindings for data, and what they know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from ryu_alg.engine.bindings import Bindings
from ryu_alg.engine.commands import Command, Publish
from ryu_alg.engine.config import EngineConfig, ProtocolBinding, Timers
from ryu_alg.engine.data_binding import DataBinding
from ryu_alg.engine.data_marks import DataMark, Tally
from ryu_alg.engine.listeners import Listeners
from ryu_alg.engine.listening_port import ListeningPort
from ryu_alg.engine.supervision import require, require_endpoints, require_seconds
from ryu_alg.inspection import (
    Address,
    Admit,
    Binding,
    Endpoint,
    Listen,
    Listener,
    Realm,
    Refusal,
    Transport,
)

WAKE_PAUSE = 0.01
"""Seconds: an inspector is not woken more often."""


@dataclass(slots=True, kw_only=True)
class Holder:
    """It answers its inspector as `ryu_alg.inspection.Gateway`."""

    id: int
    binding: ProtocolBinding
    host: Address
    """The inside host that its quotas count for."""
    config: EngineConfig
    """What it began under."""
    bindings: Bindings
    listeners: Listeners
    since: float
    last_activity: float
    tally: Tally = field(default_factory=Tally)
    """Of all its data."""
    held: dict[int, DataBinding] = field(default_factory=dict)
    now: float = 0.0
    data_ended_at: float = float("-inf")
    """When data of a binding last stopped."""
    _commands: list[Command] = field(default_factory=list)
    _opening: tuple[tuple[ListeningPort, int], ...] = ()
    """Which the switch has to confirm, and which opening of theirs, with no barrier behind them
    yet."""
    _unconfirmed: tuple[tuple[int, ListeningPort, int], ...] = ()
    """The same, each with the barrier behind it."""

    @property
    def timers(self) -> Timers:
        """Those that it began under."""
        return self.config.timers

    # -- Gateway, for the inspector -------------------------------------------------------------

    def realm_of(self, address: Address) -> Realm:
        """See `ryu_alg.inspection.Gateway`."""
        return self.config.realm_of(address)

    def public_of(self, host: Address) -> Address:
        """See `ryu_alg.inspection.Gateway`."""
        return self.config.public_for(host) or host

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        """See `ryu_alg.inspection.Gateway`."""
        return self.bindings.ports.behind(public, transport)

    def bind(
        self,
        inside: Sequence[Endpoint],
        *,
        transport: Transport = Transport.UDP,
        even: bool = False,
        public: Address | None = None,
        idle: int | None = None,
    ) -> Binding | Refusal:
        """See `ryu_alg.inspection.Gateway`."""
        require_endpoints(inside)
        require((transport,), Transport)
        require(() if public is None else (public,), IPv4Address, IPv6Address)
        require_seconds(idle)
        bound = self.bindings.bind(
            self.id,
            self.binding.name,
            self.host,
            self.tally,
            inside,
            transport,
            self.now,
            even=even,
            public=public,
            idle=idle,
        )
        if isinstance(bound, Refusal):
            self._publish(f"binding.refused.{bound.code}", bound.detail)
            return bound
        self.held[bound.binding.id] = bound
        return bound.binding

    def listen(self, inside: Endpoint, cause: bytes) -> Listener | Refusal:
        """See `ryu_alg.inspection.Gateway`."""
        require_endpoints((inside,))
        require((cause,), bytes)
        name = self.binding.name
        listener = self.listeners.listen(self.id, name, self.host, inside, cause, self.now)
        if isinstance(listener, Refusal):
            self._publish(f"listener.refused.{listener.code}", listener.detail)
        return listener

    def listening(self, inside: Endpoint) -> Listener | None:
        """See `ryu_alg.inspection.Gateway`."""
        require_endpoints((inside,))
        port = self.listeners.at(self.binding.name, inside)
        return port.listener if port is not None and port.causes else None

    def held_until(self, listener: int, cause: bytes) -> float | None:
        """See `ryu_alg.inspection.Gateway`."""
        require((listener,), int)
        require((cause,), bytes)
        port = self.listeners.live.get(listener)
        if port is None or port.protocol != self.binding.name:
            return None
        known = port.causes.get(cause)
        return None if known is None else known.until

    def causes(self) -> Collection[bytes]:
        """See `ryu_alg.inspection.Gateway`."""
        return self.listeners.causes(self.binding.name, self.host)

    # -- what its effects do to them ------------------------------------------------------------

    def _admit(self, effect: Admit) -> DataBinding | None:
        """Carry out: the binding, if the switch has to confirm something of it."""
        bound = self.held.get(effect.binding)
        if bound is None:
            return None
        exchanges, wrong = self.bindings.sound(bound, effect.exchanges)
        for detail in wrong:
            self._publish("binding.exchange_refused", detail)
        if not bound.differs(exchanges, effect.connecting):
            return bound if bound.awaiting is not None else None
        moved = bound.moving
        self._commands += bound.admit(exchanges, effect.connecting, self.now)
        bound.awaiting = None
        if moved and not bound.moving:
            self.data_ended_at = self.now
        return bound

    def _would_change(self, effect: Admit) -> bool:
        """Whether to carry it out concerns the switch."""
        bound = self.held.get(effect.binding)
        if bound is None:
            return False
        exchanges, _ = self.bindings.sound(bound, effect.exchanges)
        return bound.differs(exchanges, effect.connecting)

    def _unbind(self, number: int) -> None:
        bound = self.held.pop(number, None)
        if bound is None:
            return
        if bound.moving:
            self.data_ended_at = self.now
        shown = not bound.settled
        self._commands += self.bindings.end(bound, self.now)
        if shown:
            self._publish("pinhole.closed", f"unbound: {_ports(bound)}")

    def _listen(self, effect: Listen) -> bool:
        """Carry out: whether the switch has to confirm something of it."""
        port = self.listeners.live.get(effect.listener)
        commands = None
        if port is not None and self._owns(port):
            admitted = port.admits
            commands = self.listeners.hold(effect.listener, effect.cause, effect.until, self.now)
        if port is None or commands is None:
            self._publish("listener.unarmed", f"{effect.listener} for {effect.cause.hex()}")
            return False
        self._commands += commands
        if admitted and not port.admits:
            self._publish("listener.closed", f"{port.listener.public}: no cause is left")
        return self._await(port)

    def _owns(self, port: ListeningPort) -> bool:
        """Whether it is its protocol's and its host's."""
        return (port.protocol, port.listener.inside.address) == (self.binding.name, self.host)

    def _await(self, port: ListeningPort) -> bool:
        if not port.opened or port.confirmed:
            return False
        self._opening += ((port, port.opening),)
        return True

    def _behind(self, token: int) -> None:
        """A barrier has been sent behind what was opened."""
        self._unconfirmed += tuple((token, port, opening) for port, opening in self._opening)
        self._opening = ()

    def _confirm(self, token: int) -> None:
        """The switch has done all before a barrier."""
        unconfirmed, self._unconfirmed = self._unconfirmed, ()
        for waiting in unconfirmed:
            behind, port, opening = waiting
            if behind == token:
                self._opened_port(port, opening)
            else:
                self._unconfirmed += (waiting,)
        for bound in self.held.values():
            if bound.awaiting == token:
                bound.awaiting = None
                for detail in bound.confirm():
                    self._publish("pinhole.opened", detail)

    def _opened_port(self, port: ListeningPort, opening: int) -> None:
        if port.opened and not port.confirmed and port.opening == opening:
            self.listeners.confirm(port)
            if port.admits:
                listener = port.listener
                self._publish("listener.opened", f"{listener.public} to {listener.inside}")

    def _idle(self, data: DataMark) -> int | None:
        """The counting flow of a binding's data is gone: the binding, if the inspector is to be
        told."""
        bound = None if data.binding is None else self.held.get(data.binding)
        if bound is None:
            return None
        self._commands += bound.idle(data, self.now)
        self.data_ended_at = self.now
        detail = f"{data.packets} packets, {data.bytes} bytes so far"
        self._publish("data.idle", detail)
        return bound.binding.id

    def _abandon(self) -> None:
        """The session is over: what moves goes on without it."""
        for bound in self.held.values():
            self._commands += self.bindings.orphan(bound, self.now)
        self.held.clear()
        for _, port, opening in self._unconfirmed:
            self._opened_port(port, opening)
        self._unconfirmed = ()

    @property
    def media_moving(self) -> bool:
        """Whether data of a binding moves."""
        return bool(self.held) and any(bound.moving for bound in self.held.values())

    def _publish(self, code: str, detail: str) -> None:
        self._commands.append(Publish(code, detail, self.id, self.binding.name))

    def _tell_late(self, size: int | None) -> None:
        """The inspector's latest answer took more time than it should."""
        if late := self.config.watch.late:
            detail = f"{self.binding.name}: {1000 * late:.1f} ms for {size or 0} bytes"
            self._publish("inspector.late", detail)

    def take_commands(self) -> list[Command]:
        """What is to be done outside since."""
        commands, self._commands = self._commands, []
        return commands


def _ports(bound: DataBinding) -> str:
    first, last = bound.binding.public[0], bound.binding.public[-1]
    transport = bound.binding.transport.name.lower()
    return f"{transport} {first}" if first == last else f"{transport} {first}-{last.port}"
