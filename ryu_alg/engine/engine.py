"""The engine: every session of one gateway, as a pure state machine.

`handle(event, now)` returns commands to be carried out in order; `next_timeout()` tells when a
`Timeout` is due. There is no clock, no socket and no thread in here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import assert_never

from ryu_alg.engine.admission import Admitted, Refused, Verdict, admit
from ryu_alg.engine.announcements import Announcements
from ryu_alg.engine.commands import (
    ClosePinhole,
    Command,
    Emit,
    EmitIcmpError,
    FiveTuple,
    Ordinary,
    Publish,
    StopPunting,
)
from ryu_alg.engine.config import EngineConfig, ProtocolBinding
from ryu_alg.engine.data_marks import DataMark
from ryu_alg.engine.datagrams import Datagrams
from ryu_alg.engine.editor import Header, Phase, StreamEditor
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    DatagramArrived,
    Event,
    IcmpErrorArrived,
    OffloadEnded,
    PinholeExpired,
    PinholeUsed,
    PipelineInstalled,
    SegmentArrived,
    SessionUnwanted,
    SizedDatagramArrived,
    Timeout,
)
from ryu_alg.engine.expectations import Expectations
from ryu_alg.engine.half_open import OUTSIDE
from ryu_alg.engine.listening_port import ListeningPort
from ryu_alg.engine.packed import packed
from ryu_alg.engine.rising import Rising
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Segment
from ryu_alg.engine.session import Session
from ryu_alg.engine.supervision import Mute
from ryu_alg.engine.tables import Tables
from ryu_alg.inspection import Address, Conversation, Direction, Realm, Transport

_Key = tuple[bytes, int, bytes, int]
"""A `Header`, or what is equal to it."""
_TCP_HEADER = 20


@dataclass(slots=True)
class Engine:
    """All sessions, and the tables that they share."""

    config: EngineConfig
    random: Random = field(default_factory=SystemRandom)
    sessions: dict[int, Session] = field(default_factory=dict)
    """Over TCP."""
    tables: Tables = field(init=False)
    order: Rising[Session] = field(init=False)
    """Of `sessions`."""
    datagrams: Datagrams = field(init=False)
    """All over UDP."""
    _by_client: dict[_Key, Session] = field(default_factory=dict)
    """By what a segment to the client looks like when it leaves: the reverse of what comes from
    there."""
    _by_server: dict[_Key, Session] = field(default_factory=dict)
    """Likewise, to the server."""
    _noticed: Counter[str] = field(default_factory=Counter)
    """What the stream editor has counted in the course of an event: one event is of one session."""

    def __post_init__(self) -> None:
        self.tables = Tables(self.config, self.random)
        self.order = Rising(self.sessions)
        self.datagrams = Datagrams(self.tables)

    def handle(self, event: Event, now: float) -> list[Command]:
        """Carry `event` through. `now` is seconds of any monotonic clock. Raises nothing."""
        match event:
            case SegmentArrived(segment, realm, protocol):
                return self._segment(segment, realm, protocol, now)
            case DatagramArrived():
                return self.datagrams.arrived(event, now)
            case SizedDatagramArrived():
                return self.datagrams.arrived_by_size(event, now)
            case IcmpErrorArrived():
                if event.transport is Transport.UDP:
                    return self.datagrams.icmp_error(event)
                return self._icmp_error(event)
            case BarrierDone(token):
                return self._barrier_done(token, now)
            case PinholeUsed(number):
                return self._pinhole_used(number, now)
            case PinholeExpired(number):
                return self._pinhole_expired(number, now)
            case DataCounted():
                return self._data_counted(event, now)
            case OffloadEnded(number):
                return self._offload_ended(number, now)
            case SessionUnwanted(number):
                return self._session_unwanted(number, now)
            case PipelineInstalled():
                return self._pipeline_installed(now)
            case Timeout():
                return self._timeout(now)
            case _:
                assert_never(event)

    def next_timeout(self) -> float | None:
        """When the next `Timeout` is due, on the clock of `handle`."""
        return self.tables.timers.next()

    def knows(self, session: int) -> bool:
        """Whether there is a session of that id."""
        return session in self.sessions or session in self.datagrams.sessions

    def reconfigure(self, config: EngineConfig) -> None:
        """Use `config` for everything that is new. Sessions go on under the rules they began by."""
        self.config = config
        self.tables.reconfigure(config)
        for session in self.sessions.values():
            session.kept_punting = True

    @property
    def expectations(self) -> Expectations:
        """All announced data connections."""
        return self.tables.expectations

    @property
    def counters(self) -> Counter[str]:
        """What happened that is not worth an event each time."""
        return self.tables.counters

    # -- segments -------------------------------------------------------------------------------

    def _segment(self, segment: Segment, realm: Realm, protocol: int, now: float) -> list[Command]:
        key = (segment.dst, segment.dport, segment.src, segment.sport)
        direction = Direction.TO_SERVER
        session = self._by_client.get(key)
        if session is None:
            direction = Direction.TO_CLIENT
            session = self._by_server.get(key)
        opens = segment.flags & (SYN | ACK | RST | FIN) == SYN
        if session is not None:
            if not (opens and direction is Direction.TO_SERVER and self._reborn(session, segment)):
                return self._settle(session, now, session.receive(direction, segment, now))
            replaced = self._forget(session, now, "replaced by a new connection")
            return replaced + self._admit(segment, realm, protocol, now)
        if opens:
            return self._admit(segment, realm, protocol, now)
        return self._stray(segment, realm, protocol)

    def _reborn(self, session: Session, segment: Segment) -> bool:
        """Whether a SYN on a known tuple is the client's next connection (RFC 9293 3.6.1)."""
        if session.ended_at is not None:
            return True
        initial = session.editor.to_server.initial
        another = initial != segment.seq  # or it is late, or was sent twice
        return another and (session.offloaded or session.editor.phase is Phase.OPENING)

    def _admit(self, segment: Segment, realm: Realm, protocol: int, now: float) -> list[Command]:
        binding = self.config.protocol_at(protocol)
        if binding is None:
            return [Ordinary()]
        admitted = admit(self.config, binding, segment, realm, self.tables.ports, now)
        if isinstance(admitted, Refused):
            if admitted.verdict is Verdict.ORDINARY:
                self.counters[admitted.code] += 1
                return [Ordinary()]
            return self._refuse(segment, admitted.code, admitted.detail, binding.name)
        over = self.tables.quotas.over(admitted.host, binding.name)
        if over is not None:
            if admitted.lease is not None:
                # Or else SYNs over a quota would take the ports of all.
                admitted.lease.end(now, known=False)
            return self._refuse(segment, over, f"{admitted.conversation.client}", binding.name)
        session = self._create(admitted, binding, now)
        commands = self._make_room(session, now)
        commands.append(Publish("session.opened", _describe(admitted), session.id, binding.name))
        if not session.start(now):
            commands += session.take_commands()
            return [*commands, *self._forget(session, now), Emit(_reset_for(segment))]
        commands += session.receive(Direction.TO_SERVER, segment, now)
        return self._settle(session, now, commands)

    def _create(self, admitted: Admitted, binding: ProtocolBinding, now: float) -> Session:
        tables = self.tables
        number = tables.session_ids.next()
        conversation = admitted.conversation
        session = Session(
            id=number,
            binding=binding,
            host=admitted.host,
            config=self.config,
            bindings=tables.bindings,
            listeners=tables.listeners,
            barriers=tables.barriers,
            client_realm=admitted.client_realm,
            server_realm=admitted.server_realm,
            editor=StreamEditor(_headers(conversation), counters=self._noticed),
            expectations=tables.expectations,
            marks=tables.marks,
            lease=admitted.lease,
            charged=admitted.client_realm is Realm.INSIDE,
            waits_in=self._network_name(admitted.conversation.client.address),
            since=now,
            last_activity=now,
        )
        self.sessions[session.id] = session
        self.order.added(session.id)
        if session.lease is not None:
            session.lease.session = session.id
        tables.quotas.opened(session.binding.name)
        if session.charged:
            tables.quotas.charge(session.host)
        self._by_client[session.editor.to_client.header] = session
        self._by_server[session.editor.to_server.header] = session
        return session

    def _network_name(self, client: Address) -> str:
        network = self.config.network_of(client)
        return OUTSIDE if network is None else network.name

    def _make_room(self, session: Session, now: float) -> list[Command]:
        """Have a new session wait for its handshake. It may cost the oldest one that does."""
        half_open, network = self.tables.half_open, session.waits_in
        if network is None:
            return []
        oldest = self.sessions.get(half_open.enter(network, session.id) or 0)
        if oldest is None:
            return []
        self.counters["session.half_open_ended"] += 1
        commands = self._forget(oldest, now, "made way for a newer one, half open")
        if half_open.worth_telling(network, now):
            where = network or "outside"
            detail = f"{self.config.quotas.half_open} from {where} wait: the oldest are given up"
            commands.append(Publish("session.half_open", detail, None, session.binding.name))
        return commands

    def _opened(self, session: Session, network: str, now: float) -> list[Command]:
        """The handshake is complete, or the session has ended before."""
        if session.ended_at is not None:
            return self._forget(session, now)
        session.waits_in = None
        self.tables.half_open.leave(network, session.id)
        if session.charged:
            return []
        over = self.tables.quotas.over_for_host(session.host)
        if over is not None:
            return session.turn_away(now, over)
        session.charged = True
        self.tables.quotas.charge(session.host)
        return []

    def _refuse(self, segment: Segment, code: str, detail: str, protocol: str) -> list[Command]:
        return [Publish(code, detail, None, protocol), Emit(_reset_for(segment))]

    def _stray(self, segment: Segment, realm: Realm, protocol: int) -> list[Command]:
        """A segment of no session, that opens none."""
        binding = self.config.protocol_at(protocol)
        if binding is None:
            return [Ordinary()]
        ports = binding.ports
        if realm is Realm.INSIDE and segment.dport in ports:
            self.counters["segment.stray"] += 1
            if segment.flags & RST:
                return []
            # The session is unknown, as after a restart: let its client know at once.
            return [Emit(_reset_for(segment))]
        if realm is Realm.OUTSIDE and segment.sport not in ports:
            self.counters["segment.stray"] += 1
            return []
        return [Ordinary()]

    # -- everything else ------------------------------------------------------------------------

    def _icmp_error(self, event: IcmpErrorArrived) -> list[Command]:
        """Translate an error about a control segment, for whoever sent it (RFC 5508 section 4)."""
        quoted = event.quoted
        key = (quoted.src, quoted.sport, quoted.dst, quoted.dport)
        direction = Direction.TO_CLIENT
        session = self._by_client.get(key)
        if session is None:
            direction = Direction.TO_SERVER
            session = self._by_server.get(key)
        if session is None:
            self.counters["icmp.stray"] += 1
            return []
        sequence = event.quoted_sequence
        if not session.offloaded:
            translated = session.editor.input_sequence(direction, sequence)
            if translated is None:
                self.counters["icmp.out_of_window"] += 1  # RFC 5927 section 4.1
                return []
            sequence = translated
            if event.mtu:
                ip_header = 20 if len(quoted.src) == 4 else 40
                session.editor.limit_mss(direction, event.mtu - ip_header - _TCP_HEADER)
        back = session.editor.stream(direction.opposite).header
        source = event.source
        own = session.editor.stream(direction).header.dst
        if event.realm is Realm.INSIDE and own != back.src:
            source = back.src  # inside addresses mean nothing outside (RFC 5508 section 4.2)
        return [
            EmitIcmpError(
                src=source,
                dst=back.dst,
                quoted=FiveTuple(back.dst, back.dport, back.src, back.sport),
                quoted_sequence=sequence,
            )
        ]

    def _barrier_done(self, token: int, now: float) -> list[Command]:
        number = self.tables.barriers.done(token)
        if number in self.sessions:
            session = self.sessions[number]
            return self._settle(session, now, session.barrier_done(token, now))
        if number in self.datagrams.sessions:
            host = self.datagrams.sessions[number]
            return self.datagrams.settle(host, now, host.barrier_done(token, now))
        return []

    def _pinhole_used(self, number: int, now: float) -> list[Command]:
        commands = self.tables.bindings.used(number)
        if commands is not None:
            return commands
        return self._with_owner(number, now, lambda announced: announced.used(number))

    def _pinhole_expired(self, number: int, now: float) -> list[Command]:
        commands = self.tables.bindings.expired(number, now)
        if commands is not None:
            return commands
        return self._with_owner(number, now, lambda it: it.withdraw(number, now, "unused"))

    def _data_counted(self, event: DataCounted, now: float) -> list[Command]:
        marks = self.tables.marks
        if event.removed or (event.idle and event.mark not in marks.live):
            marks.count_last(event.mark, event.packets, event.bytes, now)
            return []
        data = marks.count(event.mark, event.packets, event.bytes)
        if data is None:
            return []
        if data.binding is not None:
            return self._binding_counted(data, event.idle, now)
        if not event.idle:
            return []
        data.idle(now)
        session = self.sessions.get(data.session)
        if session is None:
            marks.remove(data)
            return [Publish("data.ended", f"{data.packets} packets, {data.bytes} bytes")]
        detail = f"{data.packets} packets, {data.bytes} bytes so far"
        commands: list[Command] = [Publish("data.idle", detail, session.id, session.binding.name)]
        if session.announced is not None and session.announced.await_data():
            # What it will be wants counting.
            commands.append(data.count_for(session.timers.data_idle))
        return self._settle(session, now, commands)

    def _binding_counted(self, data: DataMark, idle: bool, now: float) -> list[Command]:
        port = self.tables.listeners.live.get(data.session)
        if port is not None:
            return self._listener_idle(port, data, now) if idle else []
        session = self.sessions.get(data.session)
        if session is not None and data.binding in session.held:
            return self._settle(session, now, session.binding_idle(data, now) if idle else [])
        host = self.datagrams.sessions.get(data.session)
        if host is not None:
            commands = host.binding_idle(data, now) if idle else []
            return self.datagrams.settle(host, now, commands)
        return self.tables.bindings.orphan_idle(data, now) if idle else []

    def _listener_idle(self, port: ListeningPort, data: DataMark, now: float) -> list[Command]:
        watcher = None if port.watched is None else self.datagrams.sessions.get(port.watcher or 0)
        commands = self.tables.listeners.idle(port, data, now)
        if watcher is None or port.watched is not None:
            return commands
        told = watcher.unwatched(port.listener.id, now)
        return commands + self.datagrams.settle(watcher, now, told)

    def _offload_ended(self, number: int, now: float) -> list[Command]:
        session = self.sessions.get(number)
        if session is None or not session.offloaded:
            return []
        commands = session.left_switch(now)
        if session.ended_at is not None:
            commands += self._forget(session, now)
        return commands

    def _session_unwanted(self, number: int, now: float) -> list[Command]:
        host = self.datagrams.sessions.get(number)
        if host is not None:
            return self.datagrams.settle(host, now, host.end(now))
        session = self.sessions.get(number)
        if session is None or session.ended_at is not None:
            return []
        commands = session.end(now)
        if session.offloaded:
            return commands + self._forget(session, now)
        return self._settle(session, now, commands)

    def _pipeline_installed(self, now: float) -> list[Command]:
        commands = [*self.tables.bindings.installed(now), *self.tables.listeners.installed()]
        for data in self.tables.marks.live.values():
            if data.counted:
                commands.append(data.count_for(self.config.timers.data_idle))
            data.renewed()
        for session in list(self.sessions.values()):
            commands += self._settle(session, now, session.pipeline_installed(now))
        return commands + self.tables.barriers.again()

    def _timeout(self, now: float) -> list[Command]:
        commands: list[Command] = []
        for number in self.tables.timers.due(now):
            host = self.datagrams.sessions.get(number)
            if host is not None:
                commands += self.datagrams.settle(host, now, host.expire(now))
            port = self.tables.listeners.live.get(number)
            if port is not None:
                commands += self._listener_expired(port, now)
            session = self.sessions.get(number)
            if session is None:
                continue
            commands += self._settle(session, now, session.expire(now))
            if session.over(now) and number in self.sessions:
                commands += self._forget(session, now)
        return commands

    def _listener_expired(self, port: ListeningPort, now: float) -> list[Command]:
        admitted = port.admits
        commands = self.tables.listeners.expire(port, now)
        if admitted and not port.admits:
            detail = f"{port.listener.public}: not announced again"
            commands.append(Publish("listener.closed", detail, port.session, port.protocol))
        return commands

    def _with_owner(
        self, expectation: int, now: float, act: Callable[[Announcements], list[Command]]
    ) -> list[Command]:
        entry = self.expectations.live.get(expectation)
        if entry is None:
            # Its session has just withdrawn it; make sure that no flow stays.
            return [ClosePinhole(expectation)]
        session = self.sessions.get(entry.session)
        if session is None or session.announced is None:
            return []
        return self._settle(session, now, act(session.announced))

    def _settle(self, session: Session, now: float, commands: list[Command]) -> list[Command]:
        network = session.waits_in
        if network is not None and session.editor.phase is not Phase.OPENING:
            commands = commands + self._opened(session, network, now)
            if session.id not in self.sessions:
                return commands
        if session.ended_at is not None:
            self._release_host(session)
        self.tables.timers.set(session.id, session.next_timeout())
        if self._noticed:
            commands = commands + self._tell_noticed(session)
        return commands

    def _tell_noticed(self, session: Session) -> list[Command]:
        """What the stream editor has counted since: counted here, and shown if it is an attack."""
        counters = self._noticed
        differing = counters.pop("conflicting_overlap", 0)
        self.counters.update({f"tcp.{code}": count for code, count in counters.items()})
        counters.clear()
        if not differing:
            return []
        detail = "a repetition differs from its first copy, which counts"
        return [Publish("tcp.conflicting_overlap", detail, session.id, session.binding.name)]

    def _release_host(self, session: Session) -> None:
        """The session no longer counts for its host's quota."""
        if session.charged:
            session.charged = False
            self.tables.quotas.release(session.host)

    def _forget(self, session: Session, now: float, why: str = "") -> list[Command]:
        commands = session.give_up(now, why) if session.ended_at is None else []
        if session.waits_in is not None:
            self.tables.half_open.leave(session.waits_in, session.id)
        self._by_client.pop(session.editor.to_client.header, None)
        self._by_server.pop(session.editor.to_server.header, None)
        self.sessions.pop(session.id, None)
        self.tables.quotas.forgotten(session.binding.name)
        self.tables.timers.set(session.id, None)
        self._release_host(session)
        if session.lease is not None:
            # A connection that never was has left nothing on its way that could reach the next one.
            session.lease.end(now, known=session.waits_in is None)
        if session.data is not None and not session.data.counted:
            self.tables.marks.remove(session.data)
        session.inspector = Mute()  # or else the two would keep each other for the collector
        return [*commands, StopPunting(session.id)] if session.kept_punting else commands


def _headers(conversation: Conversation) -> dict[Direction, Header]:
    """What leaves is seen as the receiver sees its sender."""
    client, client_seen = conversation.client, conversation.client_seen
    server, server_seen = conversation.server, conversation.server_seen
    client_packed, server_packed = client.address.packed, server.address.packed
    client_seen_packed = client_packed if client_seen is client else packed(client_seen.address)
    server_seen_packed = server_packed if server_seen is server else packed(server_seen.address)
    return {
        Direction.TO_SERVER: Header(
            client_seen_packed, client_seen.port, server_packed, server.port
        ),
        Direction.TO_CLIENT: Header(
            server_seen_packed, server_seen.port, client_packed, client.port
        ),
    }


def _describe(admitted: Admitted) -> str:
    conversation = admitted.conversation
    text = f"{conversation.client} -> {conversation.server}"
    if conversation.client_seen != conversation.client:
        text += f", seen as {conversation.client_seen}"
    if conversation.server_seen != conversation.server:
        text += f", published as {conversation.server_seen}"
    return text


def _reset_for(segment: Segment) -> Segment:
    """What a closed port would answer to `segment` (RFC 9293 section 3.10.7.1)."""
    if segment.flags & ACK:
        sequence, acknowledgement, flags = segment.ack, 0, RST
    else:
        length = len(segment.payload) + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        sequence, acknowledgement, flags = 0, segment.seq + length & 0xFFFFFFFF, RST | ACK
    return Segment(
        segment.dst,
        segment.src,
        segment.dport,
        segment.sport,
        sequence,
        acknowledgement,
        flags,
        0,
    )
