"""All UDP control traffic of one inside host in one protocol, and everything that it opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never, get_args

from ryu_alg.engine.barriers import Barriers
from ryu_alg.engine.commands import Command, EmitDatagram, PassDatagram
from ryu_alg.engine.control_bindings import Control
from ryu_alg.engine.data_binding import DataBinding
from ryu_alg.engine.data_marks import DataMark
from ryu_alg.engine.holder import WAKE_PAUSE, Holder
from ryu_alg.engine.host_endpoints import HostEndpoints
from ryu_alg.engine.packed import endpoint
from ryu_alg.engine.segment import Datagram as WireDatagram
from ryu_alg.engine.supervision import (
    Fault,
    MuteOfDatagrams,
    ask,
    ask_effects,
    ask_time,
    require_endpoints,
)
from ryu_alg.inspection import (
    Admit,
    Datagram,
    DatagramEffect,
    DatagramInspector,
    Endpoint,
    Hold,
    Listen,
    Pass,
    Realm,
    Refusal,
    Release,
    Report,
    Send,
    Unbind,
    Watch,
)

_EFFECTS = get_args(DatagramEffect)
MAX_WAITING = 64
"""Datagrams of one session that wait for the switch."""
MAX_PASSED = 1232
"""Bytes of payload: no link fragments that, over IPv6 either (RFC 8200 section 5)."""
MAX_HOLD = 7 * 86400.0
"""Seconds: for no longer is an endpoint held at a time."""


@dataclass(frozen=True, slots=True)
class Hairpin:
    """A datagram for what stands for an inside host outside: it never gets there."""

    source: Endpoint
    """Of the sender, as it is seen outside."""
    target: Endpoint
    datagram: WireDatagram


Leaving = EmitDatagram | PassDatagram | Hairpin
"""What may have to wait for the switch."""


@dataclass(slots=True, kw_only=True)
class DatagramSession(Holder):
    """It serves its inspector as `ryu_alg.inspection.DatagramGateway`."""

    endpoints: HostEndpoints
    barriers: Barriers
    counters: Counter[str]
    inspector: DatagramInspector = field(init=False)
    hairpins: tuple[Hairpin, ...] = ()
    """What left for inside hosts, to be delivered."""
    remote: Endpoint | None = None
    """The other end of the latest datagram."""
    outward_bytes: int = 0
    inward_bytes: int = 0
    failed: bool = False
    opaque: bool = False
    """Its inspector has failed, and all passes as it comes."""
    watching: frozenset[int] = frozenset()
    """Ids of listening ports whose datagrams it inspects because of their size."""
    _waiting: dict[int, list[Leaving]] = field(default_factory=dict)
    """What leaves when the switch has answered a barrier."""
    _waiting_count: int = 0
    """How much that is in all."""
    _carrier: WireDatagram | None = None
    """What is being inspected."""
    _sized: Datagram | None = None
    """The same, if it was punted because of its size."""
    _last_refresh: float = float("-inf")
    _last_wake: float = float("-inf")
    _wakes_at: float | None = None
    """When the inspector wants to be woken, as it said after the latest call."""
    _called: bool = True
    """It has been called since."""

    def start(self, detail: str) -> None:
        """Have the inspector made. `detail`: of the session, to be shown."""
        make = self.binding.datagram
        assert make is not None  # or it would not have been admitted
        self._publish("session.opened", detail)
        made = ask(self.config.watch, lambda: make(self))
        if isinstance(made, Fault):
            self._fail(made)
        else:
            self.inspector = made

    # -- DatagramGateway, for the inspector -----------------------------------------------------

    def signalling(self, inside: Endpoint) -> Endpoint | Refusal:
        """See `ryu_alg.inspection.DatagramGateway`."""
        require_endpoints((inside,))
        if inside.address != self.host:
            return Refusal("signalling.foreign", f"{inside} is not of {self.host}")
        if inside not in self.endpoints.live:
            refusal = self.bindings.limits.forbidden((inside.port,), Realm.INSIDE)
            if refusal is not None:
                return refusal
        control = self._control(inside)
        if isinstance(control, Refusal):
            return control
        self.endpoints.known(control)
        return control.public

    # -- what the engine calls ------------------------------------------------------------------

    def receive(
        self, origin: Realm, inside: Endpoint, remote: Endpoint, carrier: WireDatagram, now: float
    ) -> None:
        """A datagram came, from the host's endpoint `inside` or to it: `take_commands`."""
        self.now = now
        control = self._control(inside)
        if self.failed or isinstance(control, Refusal):
            return
        self.remote = remote
        self.last_activity = now
        self.endpoints.touch(control, now)
        if origin is Realm.OUTSIDE:
            self.endpoints.known(control)
            if control.published:
                self.endpoints.called(remote.address)
        datagram = Datagram(
            origin, control.inside, control.public, remote, carrier.payload, control.published
        )
        self._carrier = carrier
        effects = self._ask(lambda: self.inspector.inspect(datagram), len(carrier.payload))
        if self.opaque:
            effects = [Send(origin.other, control.inside, remote, carrier.payload)]
        self._apply(effects)
        self._carrier = None

    def receive_sized(
        self,
        origin: Realm,
        inside: Endpoint,
        public: Endpoint,
        remote: Endpoint,
        carrier: WireDatagram,
        now: float,
    ) -> None:
        """A datagram came because of its size: `take_commands`. No control endpoint of the host
        has to do with it."""
        self.now = now
        self.remote = remote
        self.last_activity = now
        datagram = Datagram(origin, inside, public, remote, carrier.payload, watched=True)
        self._carrier, self._sized = carrier, datagram
        effects = self._ask(lambda: self.inspector.inspect(datagram), len(carrier.payload))
        self._apply([Pass(carrier.payload)] if self.opaque else effects)
        self._carrier = self._sized = None

    def take_hairpins(self) -> tuple[Hairpin, ...]:
        """What has left for inside hosts since."""
        hairpins, self.hairpins = self.hairpins, ()
        return hairpins

    def barrier_done(self, token: int, now: float) -> list[Command]:
        """The switch has confirmed what was admitted: what waited for it leaves."""
        self.now = now
        self._confirm(token)
        waiting = self._waiting.pop(token, [])
        self._waiting_count -= len(waiting)
        if not self._waiting:
            self._waiting = {}  # a dictionary keeps the room that its entries had
        self._leave(waiting)
        return self.take_commands()

    def binding_idle(self, data: DataMark, now: float) -> list[Command]:
        """The data of one of its bindings has stopped."""
        self.now = now
        number = self._idle(data)
        if number is not None:
            self._apply(self._ask(lambda: self.inspector.binding_idle(number)))
        return self.take_commands()

    def unwatched(self, listener: int, now: float) -> list[Command]:
        """The UDP traffic of a listening port that it watched has stopped."""
        self.now = now
        self.watching -= {listener}
        self._apply(self._ask(lambda: self.inspector.binding_idle(listener)))
        return self.take_commands()

    def expire(self, now: float) -> list[Command]:
        """Carry out what is due by now."""
        self.now = now
        due = self._inspector_timeout()
        if due is not None and due <= now:
            self._last_wake = now
            self._apply(self._ask(lambda: self.inspector.wake()))
        if self._refresh_due(self.media_moving) <= now:
            self._last_refresh = now
            self._publish("session.keepalive", "data moves: signalling is refreshed")
            self._apply(self._ask(lambda: self.inspector.keep_alive()))
        self.endpoints.release_idle(self._known_stay_until(self.media_moving), now)
        return self.take_commands()

    def end(self, now: float) -> list[Command]:
        """Somebody in charge wants it ended, and its data cut."""
        self.now = now
        self._publish("session.unwanted", "ended from outside")
        for number in list(self.held):
            self._unbind(number)
        self._commands += self.listeners.cut_host(self.binding.name, self.host, now)
        self.failed = True
        return self.take_commands()

    def over(self) -> bool:
        """Whether nothing is left of it."""
        if self.failed:
            return True
        busy = self.endpoints.live or self.held or self.watching or self._waiting
        return not busy and self._inspector_timeout() is None

    def finish(self, now: float) -> list[Command]:
        """Leave nothing behind."""
        self.now = now
        self.endpoints.release_all(now)
        for token, waiting in self._waiting.items():
            self.barriers.cancel(token)
            self.counters["datagram.dropped_waiting"] += len(waiting)
        self._waiting.clear()
        self._waiting_count = 0
        self._abandon()
        for number in self.watching:
            self._commands += self.listeners.unwatch(number, now)
        self.watching = frozenset()
        self._publish("session.ended", "failed or unwanted" if self.failed else "idle")
        return self.take_commands()

    def next_timeout(self) -> float | None:
        """When `expire` wants to be called."""
        moving = self.media_moving
        first = self.endpoints.next_timeout(self._known_stay_until(moving))
        earliest = min(self._refresh_due(moving), first)
        due = self._inspector_timeout()
        if due is not None and due < earliest:
            earliest = due
        return None if earliest == float("inf") else earliest

    # -- effects --------------------------------------------------------------------------------

    def _ask(
        self, question: Callable[[], Sequence[DatagramEffect]], size: int | None = None
    ) -> Sequence[DatagramEffect]:
        if self.failed or self.opaque:
            return ()
        self._called = True
        effects = ask_effects(self.config.watch, question, _EFFECTS, size)
        if isinstance(effects, Fault):
            self._fail(effects)
            return ()
        self._tell_late(size)
        return effects

    def _fail(self, fault: Fault) -> None:
        self._publish(fault.code, f"{self.binding.name}: {fault.detail}")
        if not self.binding.opaque_on_fault:
            self.failed = True
            return
        self.opaque = True
        self.inspector = MuteOfDatagrams()
        self._abandon()
        self._publish("session.opaque", "inspection has ended")

    def _apply(self, effects: Sequence[DatagramEffect]) -> None:
        leaving: list[Leaving] = []
        changed: list[DataBinding] = []
        joined: int | None = None
        for effect in effects:
            match effect:
                case Send():
                    sent = self._send(effect)
                    if sent is not None:
                        leaving.append(sent)
                case Hold(inside, until):
                    self._hold(inside, until)
                case Release(inside):
                    self._release(inside)
                case Admit():
                    bound = self._admit(effect)
                    if bound is not None and bound.awaiting is None:
                        changed.append(bound)
                    elif bound is not None:
                        joined = bound.awaiting
                case Unbind(number):
                    self._unbind(number)
                case Listen():
                    self._listen(effect)
                case Watch(inside):
                    self._watch(inside)
                case Pass():
                    passed = self._pass(effect)
                    if passed is not None:
                        leaving.append(passed)
                case Report(code, detail):
                    self._publish(code, detail)
                case _:
                    assert_never(effect)
        if changed or self._opening:
            barrier = self.barriers.issue(self.id)
            for bound in changed:
                bound.awaiting = barrier.token
            self._behind(barrier.token)
            self._commands.append(barrier)
            self._waiting[barrier.token] = []
            self._wait(barrier.token, leaving)
        elif joined in self._waiting:
            self._wait(joined, leaving)
        else:
            self._leave(leaving)

    def _send(self, effect: Send) -> EmitDatagram | Hairpin | None:
        inside, remote = effect.inside, effect.remote
        wrong = self.endpoints.unsendable(effect)
        if wrong is not None:
            self._publish("datagram.send_refused", f"{inside} and {remote}: {wrong}")
            return None
        if effect.towards is Realm.INSIDE:
            self.inward_bytes += len(effect.payload)
            return EmitDatagram(self._wire(remote, inside, effect.payload))
        source = self._seen_as(effect)
        if source is None:
            return None
        datagram = self._wire(source, remote, effect.payload)
        self.outward_bytes += len(effect.payload)
        if self.endpoints.leads_inside(remote):
            return Hairpin(source, remote, datagram)
        self.endpoints.contacts.add(remote.address)
        return EmitDatagram(datagram)

    def _watch(self, inside: Endpoint) -> None:
        sizes = self.binding.sizes
        if sizes is None:
            return
        name = self.binding.name
        watched = self.listeners.watch(self.id, name, self.host, inside, sizes.later, self.now)
        if isinstance(watched, Refusal):
            self._publish(f"listener.refused.{watched.code}", watched.detail)
            return
        port, commands = watched
        self.watching |= {port.listener.id}
        self._commands += commands
        self._await(port)

    def _pass(self, effect: Pass) -> PassDatagram | None:
        """What was inspected because of its size, on its way."""
        datagram = self._sized
        if datagram is None or len(effect.payload) > MAX_PASSED:
            detail = f"{len(effect.payload)} bytes; or nothing that may pass was inspected"
            self._publish("datagram.pass_refused", detail)
            return None
        port = self.listeners.at(self.binding.name, datagram.inside)
        public = datagram.inside if port is None else port.listener.public
        answered = effect.answered and port is not None and port.watched is not None
        if datagram.origin is Realm.INSIDE:
            self.outward_bytes += len(effect.payload)
            wire = self._wire(datagram.inside, datagram.remote, effect.payload)
        else:
            self.inward_bytes += len(effect.payload)
            wire = self._wire(datagram.remote, public, effect.payload)
        return PassDatagram(wire, datagram.origin, answered)

    def _seen_as(self, effect: Send) -> Endpoint | None:
        """What a datagram that leaves for outside comes from."""
        if effect.binding is None:
            control = self._control(effect.inside)
            if isinstance(control, Refusal):
                return None
            self.endpoints.touch(control, self.now)
            self.endpoints.known(control)
            return control.public
        bound = self.held.get(effect.binding)
        if bound is None or effect.inside not in bound.binding.inside:
            detail = f"{effect.inside} is not of binding {effect.binding}"
            self._publish("datagram.send_refused", detail)
            return None
        return bound.binding.public[bound.binding.inside.index(effect.inside)]

    def _control(self, inside: Endpoint) -> Control | Refusal:
        control = self.endpoints.open(inside, self.now)
        if isinstance(control, Refusal):
            self._publish(f"signalling.refused.{control.code}", control.detail)
        return control

    def _wire(self, source: Endpoint, target: Endpoint, payload: bytes) -> WireDatagram:
        """On its way like the datagram that it answers or passes on, if there is one."""
        carrier = self._carrier
        return WireDatagram(
            source.address.packed,
            target.address.packed,
            source.port,
            target.port,
            payload,
            *(() if carrier is None else (carrier.ttl, carrier.tos)),
        )

    def _hold(self, inside: Endpoint, until: float) -> None:
        if isinstance(self.signalling(inside), Refusal):
            return
        self.endpoints.hold(self.endpoints.live[inside], min(until, self.now + MAX_HOLD))

    def _release(self, inside: Endpoint) -> None:
        control = self.endpoints.live.get(inside)
        if control is not None and not control.published:
            self.endpoints.release(control, self.now)

    def _wait(self, token: int, leaving: list[Leaving]) -> None:
        fitting = leaving[: MAX_WAITING - self._waiting_count]
        self._waiting[token] += fitting
        self._waiting_count += len(fitting)
        if len(leaving) > len(fitting):
            self.counters["datagram.dropped_waiting"] += len(leaving) - len(fitting)

    def _leave(self, leaving: Sequence[Leaving]) -> None:
        for item in leaving:
            if isinstance(item, Hairpin):
                self.hairpins += (item,)
            else:
                self._commands.append(item)

    # -- time -----------------------------------------------------------------------------------

    def _known_stay_until(self, moving: bool) -> float:
        """No endpoint that somebody outside knows goes before. `moving`: whether data does."""
        if moving:
            return self._keepalive_end()
        return self.data_ended_at + self.timers.datagram_idle

    def _keepalive_end(self) -> float:
        return self.last_activity + self.timers.keepalive_limit

    def _refresh_due(self, moving: bool) -> float:
        if not moving or not self.endpoints.live:
            return float("inf")
        due = max(self.last_activity, self._last_refresh) + self.timers.keepalive_interval
        return due if due <= self._keepalive_end() else float("inf")

    def _inspector_timeout(self) -> float | None:
        if self.failed or self.opaque:
            return None
        if self._called:
            due = ask_time(self.config.watch, lambda: self.inspector.next_timeout())
            if isinstance(due, Fault):
                self._fail(due)
                return None
            self._wakes_at, self._called = due, False
        wakes_at = self._wakes_at
        return None if wakes_at is None else max(wakes_at, self._last_wake + WAKE_PAUSE)


def ends(wire: WireDatagram) -> tuple[Endpoint, Endpoint]:
    """Where a datagram comes from, and where it goes."""
    return endpoint(wire.src, wire.sport), endpoint(wire.dst, wire.dport)
