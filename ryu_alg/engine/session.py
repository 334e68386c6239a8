"""One control conversation: its stream editor, its inspector, and everything that it opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import assert_never, get_args

from ryu_alg.engine.announcements import Announcements
from ryu_alg.engine.barriers import Barriers
from ryu_alg.engine.commands import (
    Command,
    CutData,
    Emit,
    EndOffload,
    FiveTuple,
    KeepPunting,
    Offload,
    OffloadPath,
)
from ryu_alg.engine.data_marks import DataMark, DataMarks
from ryu_alg.engine.editor import Phase, StreamEditor
from ryu_alg.engine.expectations import Expectations, Owner
from ryu_alg.engine.half_stream import HalfStream
from ryu_alg.engine.holder import WAKE_PAUSE, Holder
from ryu_alg.engine.packed import endpoint
from ryu_alg.engine.public_ports import Lease
from ryu_alg.engine.segment import FIN, RST, SYN, Segment
from ryu_alg.engine.supervision import (
    Fault,
    Mute,
    ask,
    ask_effects,
    ask_time,
    require,
    require_seconds,
)
from ryu_alg.engine.views import SessionState
from ryu_alg.inspection import (
    Abort,
    Address,
    Admit,
    Close,
    Conversation,
    Direction,
    Effect,
    Expectation,
    Forward,
    Inject,
    Listen,
    Network,
    Opaque,
    Open,
    Party,
    Realm,
    Refusal,
    Replace,
    Report,
    StreamInspector,
    Transport,
    Unbind,
)

_EFFECTS = get_args(Effect)
MAX_STALLED = 16
"""Answers in a row that say or open something and decide no byte: more never come to an end."""
MAX_FLOW_TIMEOUT = 65535
"""Seconds: OpenFlow's time-outs have 16 bits."""


@dataclass(slots=True, kw_only=True)
class Session(Holder):
    """State of one session; it serves its inspector as `ryu_alg.inspection.StreamGateway`."""

    client_realm: Realm
    server_realm: Realm
    editor: StreamEditor
    expectations: Expectations
    barriers: Barriers
    marks: DataMarks
    lease: Lease | None
    """The public port of the control connection, where there is NAT."""
    announced: Announcements | None = None
    """Once its inspector has announced something."""
    inspector: StreamInspector = field(init=False)
    opaque: bool = False
    offloaded: bool = False
    ended_at: float | None = None
    """When both ends had closed, or one had reset."""
    charged: bool
    """It counts for its host's quota."""
    waits_in: str | None
    """Its handshake is not complete: among whose half-open sessions it is."""
    kept_punting: bool = False
    """It began under an earlier configuration, and has flows of its own that punt it."""
    last_probe: float | None = None
    _opened: bool = False
    """What was opened last has no barrier behind it yet."""
    _barrier: int | None = None
    """The one that the gate waits for."""
    _told_idle: tuple[int, ...] = ()
    """Bindings whose idleness the inspector hears of when the gate is open."""
    _last_wake: float = float("-inf")
    _wakes_at: float | None = None
    """When the inspector wants to be woken, as it said after the latest call."""
    _timed: bool = True
    """It may want to be woken: it says so itself, while what it inherits never does."""
    _called: bool = True
    """It has been called since, and may want something else."""
    _stalled: int = 0
    """Answers that did something since a byte was decided."""
    _fault: Fault | None = None
    """The inspector has failed: it is not asked any more."""

    def start(self, now: float) -> bool:
        """Have the inspector made. False: it cannot be, and the session has ended."""
        self.now = now
        make = self.binding.stream
        assert make is not None  # or admission would have refused it
        made = ask(self.config.watch, lambda: make(self))
        if not isinstance(made, Fault):
            self.inspector = made
            wakes = getattr(type(made), "next_timeout", None)
            self._called = self._timed = wakes is not StreamInspector.next_timeout
            return True
        self._fault = made
        if self.binding.opaque_on_fault:
            self._apply(Direction.TO_SERVER, b"", self._consequences())
            return True
        self._publish(made.code, f"{self.binding.name}: {made.detail}")
        self._end("the inspector failed")
        return False

    # -- StreamGateway, for the inspector -------------------------------------------------------

    def expect(
        self,
        *,
        listener: Party,
        port: int,
        transport: Transport = Transport.TCP,
        third_party: Address | None = None,
        peers: Sequence[Network] = (),
        last_port: int | None = None,
        wait: int | None = None,
    ) -> Expectation | Refusal:
        """Arm an expectation; see `ryu_alg.inspection.StreamGateway`."""
        require((listener,), Party)
        require((transport,), Transport)
        require((port, port if last_port is None else last_port), int)
        require(() if third_party is None else (third_party,), IPv4Address, IPv6Address)
        require(peers, IPv4Network, IPv6Network)
        require_seconds(wait)
        if self.announced is None:
            self.announced = self._announcements()
        entry = self.announced.arm(
            self.now,
            listener=listener,
            port=port,
            transport=transport,
            third_party=third_party,
            peers=peers,
            last_port=last_port,
            wait=wait,
        )
        if isinstance(entry, Refusal):
            self._publish(f"expectation.refused.{entry.code}", entry.detail)
            return entry
        return entry.expectation

    @property
    def conversation(self) -> Conversation:
        """See `ryu_alg.inspection.StreamGateway`. It is seldom asked for, so it is made of what
        the editor stamps."""
        there, back = self.editor.to_server.header, self.editor.to_client.header
        return Conversation(
            client=endpoint(back.dst, back.dport),
            client_seen=endpoint(there.src, there.sport),
            server=endpoint(there.dst, there.dport),
            server_seen=endpoint(back.src, back.sport),
        )

    def _announcements(self) -> Announcements:
        conversation = self.conversation
        data = self.marks.new(self.id, conversation.client.address.version, self.tally)
        owner = Owner(self.id, self.binding.name, data.mark, conversation)
        return Announcements(owner, self.expectations, data, self.timers)

    # -- what the engine calls ------------------------------------------------------------------

    def receive(self, direction: Direction, segment: Segment, now: float) -> list[Command]:
        """A segment came from the sender of `direction`."""
        self.now = now
        # The answers to our own probes must not keep the session alive.
        if self.last_probe is None or segment.payload or segment.flags & (SYN | FIN | RST):
            self.last_activity = now
            self.last_probe = None
        if self.offloaded:
            self._pass_unchanged(direction, segment)
            return self.take_commands()
        self.editor.receive(direction, segment, now)
        self._inspect(direction)
        return self._flush()

    @property
    def awaiting_barrier(self) -> bool:
        """Whether the gate is closed, until the switch has confirmed what was opened."""
        return self._opened or self._barrier is not None

    def barrier_done(self, token: int, now: float) -> list[Command]:
        """The switch has confirmed the pinholes: what waited for them may go on."""
        self.now = now
        if token != self._barrier:
            return []
        self._barrier = None
        self._confirm(token)
        if self.announced is not None:
            self._commands += self.announced.confirm()
        self.editor.open_gate()
        commands = self._flush()  # before anything that was held behind it
        self._inspect(Direction.TO_SERVER)
        self._tell_idle()
        return commands + self._flush()

    def binding_idle(self, data: DataMark, now: float) -> list[Command]:
        """The data of one of its bindings has stopped."""
        self.now = now
        number = self._idle(data)
        if number is not None:
            self._told_idle += (number,)
        self._tell_idle()
        return self._flush()

    def pipeline_installed(self, now: float) -> list[Command]:
        """All flows are being replaced: name those of this session."""
        self.now = now
        if self.announced is not None:
            self._commands += self.announced.installed(now)
        if self.offloaded:
            self._commands.append(self._offload_command())
        if self.kept_punting:
            there, back = self._paths()
            arriving = ((there.realm, there.arriving), (back.realm, back.arriving))
            self._commands.append(KeepPunting(self.id, arriving))
        return self.take_commands()

    def expire(self, now: float) -> list[Command]:
        """Carry out what is due by now. `over` tells whether the session has ended by it."""
        self.now = now
        if self.offloaded:
            return []
        timeout = self.editor.next_timeout()
        if timeout is not None and timeout <= now:
            self.editor.expire(now)
        if self.ended_at is None:
            due = self._inspector_timeout()
            if due is not None and due <= now:
                self._last_wake = now
                self._hear(self._asked(lambda: self.inspector.wake()))
            if self._probe_due() <= now:
                self.last_probe = now
                self.editor.probe(now)
                self._publish("session.keepalive", "probes sent to both ends")
            if self._idle_deadline(self.moving) <= now:
                self._publish("session.idle", f"no traffic for {now - self.last_activity:.0f} s")
                self.editor.abort()
        return self._flush()

    def end(self, now: float) -> list[Command]:
        """Reset the connection towards both ends, and cut its data connections."""
        self.now = now
        self._publish("session.unwanted", "ended from outside")
        if self.data is not None and self.data.counted:
            self._commands.append(CutData(self.data.mark, self.timers.data_idle))
        for number in list(self.held):
            self._unbind(number)
        if self.offloaded:
            # Where its sequence numbers are by now, only the ends know.
            self._end("taken back from the switch")
            return self.take_commands()
        self.editor.abort()
        return self._flush()

    def give_up(self, now: float, why: str) -> list[Command]:
        """It makes way. Its server is told, if its handshake is not complete."""
        self.now = now
        self._end(why)
        self.editor.withdraw()
        return self._flush()

    def turn_away(self, now: float, code: str) -> list[Command]:
        """Reset the connection towards both ends: its host's quota has been used up."""
        self.now = now
        self._publish(code, str(self.conversation.client))
        self.editor.abort()
        return self._flush()

    def next_timeout(self) -> float | None:
        """When `expire` wants to be called; None while the switch has the session."""
        if self.offloaded:
            return None
        if self.ended_at is not None:
            return self.ended_at + self.timers.time_wait
        moving = self.moving
        deadline = self._idle_deadline(moving)
        if moving:
            deadline = min(deadline, self._probe_due())
        for timeout in (self.editor.next_timeout(), self._inspector_timeout()):
            if timeout is not None and timeout < deadline:
                deadline = timeout
        return deadline

    def over(self, now: float) -> bool:
        """Whether the session may be forgotten."""
        return self.ended_at is not None and now >= self.ended_at + self.timers.time_wait

    def left_switch(self, now: float) -> list[Command]:
        """The switch has not seen the offloaded connection for its idle time-out."""
        self.now = now
        if self.moving:
            return [self._offload_command()]
        self._end("idle or closed in the switch")
        return self.take_commands()

    @property
    def data(self) -> DataMark | None:
        """Of its expectations, once there was one."""
        return None if self.announced is None else self.announced.data

    @property
    def moving(self) -> bool:
        """Whether data of the session moves."""
        return self.media_moving or (self.data is not None and self.data.moving)

    @property
    def state(self) -> SessionState:
        """For the read model."""
        if self.editor.phase is Phase.OPENING:
            return SessionState.OPENING
        if self.ended_at is not None or self._half_closed:
            return SessionState.CLOSING
        return SessionState.OPAQUE if self.opaque else SessionState.INSPECTED

    @property
    def _half_closed(self) -> bool:
        return self.editor.to_server.fin_received or self.editor.to_client.fin_received

    # -- inspection -----------------------------------------------------------------------------

    def _inspect(self, first: Direction) -> None:
        """Offer undecided bytes to the inspector until it decides no more."""
        editor = self.editor
        streams = (editor.stream(first), editor.stream(first.opposite))
        progress = True
        while progress and not self.awaiting_barrier:
            progress = False
            for stream in streams:
                if stream.pending or stream.fin_at is not None:
                    progress = self._inspect_once(stream) or progress

    def _inspect_once(self, stream: HalfStream) -> bool:
        if self.awaiting_barrier:
            return False
        editor, direction = self.editor, stream.direction
        data = editor.undecided(direction)
        if self.opaque:
            if data:
                editor.forward(direction, len(data))
            if editor.ended(direction):
                editor.finish(direction)
            return False
        if self._fault is not None:
            return False
        progress = False
        if data:
            effects = self._ask(direction, data, end=False)
            progress = self._apply(direction, data, effects)
            if progress:
                self._stalled = 0
            elif any(map(_asks_again, effects)) and self._fault is None:
                progress = self._stalls()
        if (
            editor.ended(direction)
            and not self.awaiting_barrier
            and not self.opaque
            and not stream.inspected_to_end
            and not progress
        ):
            stream.inspected_to_end = True
            data = editor.undecided(direction)
            self._apply(direction, data, self._ask(direction, data, end=True))
            progress = True
        if stream.inspected_to_end and not self.awaiting_barrier:
            editor.finish(direction)
        return progress

    def _stalls(self) -> bool:
        """An answer did something and decided nothing: if there are too many, it is a fault."""
        self._stalled += 1
        if self._stalled <= MAX_STALLED:
            return False
        self._fault = Fault("inspector.stuck", f"{self._stalled} answers, and no byte decided")
        return self._apply(Direction.TO_SERVER, b"", self._consequences())

    def _tell_idle(self) -> None:
        """Have the inspector hear which bindings are idle, once nothing waits for the switch."""
        while self._told_idle and not self.awaiting_barrier and self.ended_at is None:
            number, *rest = self._told_idle
            self._told_idle = tuple(rest)
            if number in self.held:
                self._hear(self._asked(partial(self._say_idle, number)))

    def _say_idle(self, number: int) -> Sequence[Effect]:
        return self.inspector.binding_idle(number)

    def _hear(self, effects: Sequence[Effect]) -> None:
        """Carry out what the inspector wants though nothing came; it may decide more now."""
        if effects:
            self._apply(Direction.TO_SERVER, b"", effects)
            self._inspect(Direction.TO_SERVER)

    def _ask(self, direction: Direction, data: bytes, end: bool) -> Sequence[Effect]:
        inspector = self.inspector
        return self._asked(
            lambda: inspector.end(direction, data) if end else inspector.inspect(direction, data),
            len(data),
        )

    def _asked(
        self, question: Callable[[], Sequence[Effect]], size: int | None = None
    ) -> Sequence[Effect]:
        if self._fault is None:
            self._called = self._timed
            effects = ask_effects(self.config.watch, question, _EFFECTS, size)
            if not isinstance(effects, Fault):
                self._tell_late(size)
                return effects
            self._fault = effects
        return self._consequences()

    def _consequences(self) -> Sequence[Effect]:
        """What the inspector's fault leads to. Nothing of the answer in which it failed is done."""
        fault = self._fault
        if fault is None or self.editor.phase is Phase.RESET:
            return []
        report = Report(fault.code, f"{self.binding.name}: {fault.detail}")
        if not self.binding.opaque_on_fault:
            return [report, Abort("the inspector failed")]
        self.inspector = Mute()
        self._told_idle = ()
        self._abandon()
        if self.announced is not None:
            self._commands += self.announced.withdraw_all(self.now, "the inspector failed")
        return [report, Opaque()]

    def _apply(self, direction: Direction, data: bytes, effects: Sequence[Effect]) -> bool:
        """Carry out what the inspector wants: whether anything was decided."""
        left = len(data)
        gated = any(map(self._needs_switch, effects))
        if gated:
            self.editor.close_gate()
        decided = wrong = False
        for effect in effects:
            match effect:
                case Forward(length) | Replace(length, _) if not 0 <= length <= left:
                    self._fault = Fault("inspector.failed", f"decided {length} of {left} bytes")
                    wrong = True
                    break
                case Forward(length):
                    self.editor.forward(direction, length)
                    left -= length
                    decided = decided or length > 0
                case Replace(length, replacement):
                    self.editor.replace(direction, length, replacement)
                    left -= length
                    decided = decided or length > 0
                case Inject(towards, injected):
                    self.editor.inject(towards, injected)
                case Open(number):
                    self._open(number)
                case Close(number):
                    self._close(number)
                case Admit():
                    self._opened = self._admit(effect) is not None or self._opened
                case Unbind(number):
                    self._unbind(number)
                case Listen():
                    self._opened = self._listen(effect) or self._opened
                case Opaque():
                    self.opaque = True
                    self._publish("session.opaque", "inspection has ended")
                    decided = True
                case Abort(reason):
                    self._publish("session.aborted", reason)
                    self.editor.abort()
                    return False
                case Report(code, detail):
                    self._publish(code, detail)
                case _:
                    assert_never(effect)
        if gated and not self.awaiting_barrier:
            self.editor.open_gate()
        return self._apply(direction, b"", self._consequences()) if wrong else decided

    def _needs_switch(self, effect: Effect) -> bool:
        if isinstance(effect, Admit):
            return self._would_change(effect)
        if isinstance(effect, Listen):
            return True  # perhaps: it depends on those before it
        if not isinstance(effect, Open) or self.announced is None:
            return False
        return self.announced.needs_switch(effect.expectation)

    def _open(self, number: int) -> None:
        if self.announced is None:
            return
        commands = self.announced.open(number, self.now)
        self._opened = self._opened or bool(commands)
        self._commands += commands

    def _close(self, number: int) -> None:
        if self.announced is not None:
            self._commands += self.announced.withdraw(number, self.now, "withdrawn")

    # -- what leaves ----------------------------------------------------------------------------

    def _flush(self) -> list[Command]:
        if self._opened:
            self._await_switch()
        for _, segment in self.editor.flush(self.now):
            self._commands.append(Emit(segment))
        if self.ended_at is None and self.editor.phase in (Phase.CLOSED, Phase.RESET):
            self._end(self.editor.phase.value)
        elif self._may_leave():
            self.offloaded = True
            self._commands.append(self._offload_command())
            self._publish("session.offloaded", "the switch forwards it from here on")
        return self.take_commands()

    def _await_switch(self) -> None:
        barrier = self.barriers.issue(self.id)
        self._barrier, self._opened = barrier.token, False
        for bound in self.held.values():
            bound.awaiting = barrier.token
        self._behind(barrier.token)
        self._commands.append(barrier)

    def _end(self, how: str) -> None:
        self.ended_at = self.now
        if self._barrier is not None:
            self.barriers.cancel(self._barrier)
            self._barrier = None
        self._told_idle = ()
        if self.offloaded:
            # One direction's flow may have ended alone: a reset has no answer.
            self._commands.append(EndOffload(self.id))
        self._abandon()
        if self.announced is not None:
            self._commands += self.announced.withdraw_all(self.now, "session ended")
        self._publish("session.ended", how)

    def _may_leave(self) -> bool:
        return (
            self.opaque
            and not self.offloaded
            and self.editor.quiescent
            and self.editor.to_server.map.shift == self.editor.to_client.map.shift == 0
        )

    def _offload_command(self) -> Offload:
        idle = max(1, min(int(self.timers.session_idle), MAX_FLOW_TIMEOUT))
        return Offload(self.id, self._paths(), idle)

    def _paths(self) -> tuple[OffloadPath, OffloadPath]:
        """How packets of both directions come in, and how they leave."""
        there = FiveTuple(*self.editor.to_server.header)
        back = FiveTuple(*self.editor.to_client.header)
        return (
            OffloadPath(self.client_realm, _reverse(back), there),
            OffloadPath(self.server_realm, _reverse(there), back),
        )

    def _pass_unchanged(self, direction: Direction, segment: Segment) -> None:
        """A segment that was punted before the switch took over: only its addresses change."""
        header = self.editor.stream(direction).header
        segment.src, segment.sport = header.src, header.sport
        segment.dst, segment.dport = header.dst, header.dport
        self._commands.append(Emit(segment))

    # -- time -----------------------------------------------------------------------------------

    def _idle_deadline(self, moving: bool) -> float:
        if self.editor.phase is Phase.OPENING:
            return self.since + self.timers.session_setup
        if moving:
            return self.last_activity + self.timers.keepalive_limit
        if self._half_closed:
            return self.last_activity + self.timers.half_closed
        since = max(self.last_activity, self.data_ended_at)
        if self.data is not None:
            since = max(since, self.data.ended_at)
        return since + self.timers.session_idle

    def _inspector_timeout(self) -> float | None:
        """When the inspector wants to be woken, unless it has to wait for the switch."""
        if self.opaque or self.awaiting_barrier:
            return None
        if self._called and self._fault is None:
            due = ask_time(self.config.watch, lambda: self.inspector.next_timeout())
            if isinstance(due, Fault):
                self._fault = due
            else:
                self._wakes_at, self._called = due, False
        if self._fault is not None:
            return self.now
        wakes_at = self._wakes_at
        return None if wakes_at is None else max(wakes_at, self._last_wake + WAKE_PAUSE)

    def _probe_due(self) -> float:
        if not self.moving or self.editor.phase is not Phase.OPEN:
            return float("inf")
        return max(self.last_activity, self.last_probe or 0.0) + self.timers.keepalive_interval


def _asks_again(effect: Effect) -> bool:
    """Whether it leads to the inspector's being asked again: the switch answers, or a receiver."""
    says = isinstance(effect, Inject) or (isinstance(effect, Replace) and effect.data != b"")
    return says or isinstance(effect, Open | Admit | Listen)


def _reverse(path: FiveTuple) -> FiveTuple:
    return FiveTuple(path.dst, path.dport, path.src, path.sport)
