"""A capture through the engine: its packets and its clock in, what happens out."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random

from ryu_alg import assembly, packets
from ryu_alg.engine.commands import (
    Command,
    Emit,
    EmitDatagram,
    FiveTuple,
    Offload,
    Ordinary,
    PassDatagram,
    Publish,
)
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.datagram_session import ends as ends_of
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import Event, SizedDatagramArrived, Timeout
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Datagram, Segment
from ryu_alg.engine.session import Session
from ryu_alg.inspection import Direction, Endpoint, Realm, Transport
from ryu_alg.openflow import frames, punts
from ryu_alg.openflow.datagrams import NO_PROTOCOL
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.reassembly import Reassembly, Whole
from ryu_alg.replay.capture import Captured, Output
from ryu_alg.replay.entries import Entry
from ryu_alg.replay.interception import Interception
from ryu_alg.replay.observed import Rewrite, observed
from ryu_alg.replay.readdress import readdressed
from ryu_alg.replay.standin import Connection, StandIn
from ryu_alg.replay.vantage import At, Vantage, View, framed
from ryu_alg.settings import Settings

SEED = 1
"""Of what is random otherwise, so that one capture always gives the same output."""
MAX_REMEMBERED = 20_000
"""Conversations of which it is remembered what was said about them."""
PATIENCE = 1.0
"""Seconds of the capture in which a packet that seems lost may still come."""

_OPENING = SYN | ACK | RST | FIN


def engine_config(settings: Settings) -> EngineConfig:
    """What the engine works by."""
    return assembly.engine_config(settings, assembly.protocol_specs(settings))


def pipeline_plan(settings: Settings) -> PipelinePlan:
    """What the switch would work by."""
    return assembly.pipeline_plan(settings, assembly.protocol_specs(settings))


@dataclass(frozen=True, slots=True)
class _Cause:
    """The packet that is being handled."""

    packet: packets.Packet
    view: View
    size: int
    """Bytes of it that were captured, from its IP header on."""
    truncated: bool


class Replay:
    """One gateway without a switch, fed with a capture's packets."""

    def __init__(
        self,
        config: EngineConfig,
        plan: PipelinePlan,
        at: At,
        output: Output,
        tell: Callable[[Entry], None],
    ) -> None:
        random = Random(SEED)
        self.counts: Counter[str] = Counter()
        """Packets by what became of them."""
        self._tell, self._output = tell, output
        self._rewrites: list[Rewrite] = []
        self._engine = Engine(observed(config, self._rewrites.append), random)
        self._vantage = Vantage(config, plan, at)
        self._interception = Interception(config, plan)
        self._switch = StandIn(config, plan, random)
        self._reassembly = Reassembly()
        self._streams: dict[tuple[Endpoint, Endpoint], Session] = {}
        """By client and server."""
        self._said: OrderedDict[Hashable, None] = OrderedDict()
        self._over: OrderedDict[Hashable, None] = OrderedDict()
        """TCP conversations that have had a session."""
        self._ahead: dict[int, tuple[Direction, int, float]] = {}
        """By session: what a host has acknowledged that has not come, and since when."""
        self._start: float | None = None
        self._now = 0.0
        self._number: int | None = None

    # -- what the caller does -------------------------------------------------------------------

    def feed(self, captured: Captured) -> None:
        """The next packet of the capture."""
        if self._start is None:
            self._start = captured.time
        # The clock never goes back: a packet that is out of order comes when its file has it.
        self._advance(max(self._now, captured.time - self._start))
        self._number = captured.number
        self._packet(captured.ip)
        self._number = None

    def finish(self) -> None:
        """There are no more packets. Nothing that would only happen later does."""
        for event in self._switch.counted():
            self._handle(event)
        for session in self._engine.sessions.values():
            self._look_for_gap(session, float("inf"))

    # -- time -----------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        while True:
            wanted = self._engine.next_timeout()
            due = min(float("inf") if wanted is None else wanted, self._switch.next_timeout())
            if due > now:
                break
            self._now = max(self._now, due)
            for event in self._switch.expired(self._now):
                self._handle(event)
            if wanted is not None and wanted <= self._now:
                self._handle(Timeout())
        self._now = now

    # -- packets --------------------------------------------------------------------------------

    def _packet(self, ip: bytes) -> None:
        if not ip:
            self.counts["not_ip"] += 1
            return
        size = len(ip)
        packet = packets.decode(framed(ip))
        truncated = packet is packets.Malformed.TRUNCATED
        if truncated:
            packet = packets.decode(framed(_completed(ip)))
        if isinstance(packet, packets.Malformed):
            self.counts["malformed"] += 1
            self._once("packet.malformed", packet.value, packet)
            return
        if packet.proto == packets.UDP and packet.fragmented and not truncated:
            whole = self._reassembly.add(packet, self._now)
            if not isinstance(whole, Whole):
                self.counts["fragment"] += 1
                return
            packet = packets.decode(whole.frame)
            assert isinstance(packet, packets.Packet)
            size = packet.end - packet.l3
        if packet.proto not in (packets.TCP, packets.UDP) or packet.fragmented:
            self.counts["other"] += 1
            return
        view = self._vantage.view(packet)
        if view is None:
            self.counts["elsewhere"] += 1
            return
        cause = _Cause(packet, view, min(size, packet.end - packet.l3), truncated)
        if view.transport is Transport.TCP:
            self._segment(cause)
        else:
            self._datagram(cause)

    def _segment(self, cause: _Cause) -> None:
        packet, view = cause.packet, cause.view
        found = self._stream(view)
        protocol = self._interception.of_segment(view)
        if found is None and protocol is None:
            self._data(cause)
            return
        if self._useless(cause):
            return
        opens = packet.flags & _OPENING == SYN
        if found is None and not opens:
            self._stray(view)
            return
        target, acknowledged = self._seen(view), packet.ack
        if found is not None:
            session, direction = found
            conversation = session.conversation
            if view.origin is Realm.OUTSIDE:
                # What stands for the inside host, of which the capture knows nothing.
                to_client = direction is Direction.TO_CLIENT
                target = conversation.client_seen if to_client else conversation.server_seen
            offloaded = self._switch.offloaded(session.id, self._now)
            if offloaded is not None and not opens:
                self._forwarded(cause, target, offloaded)
                return
            if packet.flags & ACK:
                acknowledged = self._acknowledged(session, direction.opposite, packet.ack)
        self.counts["control"] += 1
        source = view.inside if view.origin is Realm.INSIDE else view.remote
        segment = Segment(
            src=source.address.packed,
            dst=target.address.packed,
            sport=source.port,
            dport=target.port,
            seq=packet.seq,
            ack=acknowledged,
            flags=packet.flags,
            window=packet.window,
            payload=packet.payload,
            options=packet.options,
            urgent=packet.urgent,
            ttl=packet.ttl,
            tos=packet.tos,
        )
        index = NO_PROTOCOL if protocol is None else protocol
        self._punted(frames.tcp(segment), view.origin, index, cause)
        if found is not None:
            self._look_for_gap(found[0], self._now)

    def _datagram(self, cause: _Cause) -> None:
        packet, view = cause.packet, cause.view
        inward = view.origin is Realm.OUTSIDE
        public = self._control(view.inside) or self._interception.published(view)
        protocol = self._interception.of_datagram(view, public or view.inside)
        translated = self._translated(view.inside)
        stray = inward and public is None and translated and self._interception.answers(view)
        if stray and not self._switch.listening.stands_for(view.inside):
            if not self._useless(cause):
                self._stray(view)
            return
        if protocol is None:
            self._by_size(cause)
            return
        if self._useless(cause):
            return
        ends = (view.remote, public or view.inside) if inward else (view.inside, view.remote)
        self.counts["control"] += 1
        self._punted(frames.udp(_datagram(packet, *ends)), view.origin, protocol, cause)

    def _by_size(self, cause: _Cause) -> None:
        """A datagram to any port: its size may have it punted. What is not whole is data: nobody
        knows that it is more."""
        packet, view = cause.packet, cause.view
        size = len(packet.payload)
        mark, protocol = self._switch.mark_of(view), None
        listening = self._switch.listening
        listener = listening.punts(view, size, mark)
        if mark is None and not listening.watches(view):
            protocol = self._interception.of_first_datagram(view, size)
        if cause.truncated or (listener is None and protocol is None):
            self._data(cause)
            return
        self.counts["control"] += 1
        inward = view.origin is Realm.OUTSIDE
        ends = (view.remote, view.inside) if inward else (view.inside, view.remote)
        datagram = _datagram(packet, *ends)
        self._handle(SizedDatagramArrived(datagram, view.origin, protocol, listener), cause)

    def _pass(self, command: PassDatagram) -> None:
        """A datagram that was punted by its size goes on, by way of the switch."""
        datagram, inward = command.datagram, command.realm is Realm.OUTSIDE
        source, target = ends_of(datagram)
        inside = self._switch.listening.inside_of(target) if inward else source
        remote = source if inward else target
        view = View(Transport.UDP, command.realm, inside, remote)
        frame = frames.udp(datagram)
        size = len(frame) - frames.ETHERNET_HEADER
        connection = self._switch.pass_on(view, size, command.answered, self._now)
        if connection is not None:
            packet = packets.decode(frame)
            assert isinstance(packet, packets.Packet)
            left = (remote, inside) if inward else (connection.public, remote)
            self._write(readdressed(packet, *left, size))

    def _punted(self, frame: bytes, realm: Realm, protocol: int, cause: _Cause) -> None:
        event = punts.control_packet(frame, realm, protocol)
        if isinstance(event, str):
            self.counts["malformed"] += 1
        else:
            self._handle(event, cause)

    def _data(self, cause: _Cause) -> None:
        """What is not punted: the switch lets it through, or does not."""
        packet, view = cause.packet, cause.view
        tcp = view.transport is Transport.TCP
        first = not tcp or packet.flags & _OPENING == SYN
        # Of a connection that began before the capture, what an inside host sends goes on.
        opens = first or (view.origin is Realm.INSIDE and not packet.flags & RST)
        size = packet.end - packet.l3
        connection, event = self._switch.pass_data(view, size, opens, self._now)
        if connection is None:
            self.counts["refused"] += 1
            if first:
                self._once("packet.refused", f"{view}: nothing lets it in or out", view.key)
            return
        self.counts["data" if connection.mark else "ordinary"] += 1
        if event is not None:
            self._handle(event)
        self._translate(cause, connection)

    def _translate(self, cause: _Cause, connection: Connection) -> None:
        view = cause.view
        ends = connection.public, view.remote
        if view.origin is Realm.OUTSIDE:
            ends = view.remote, view.inside
        self._write(readdressed(cause.packet, *ends, cause.size))

    def _forwarded(self, cause: _Cause, target: Endpoint, offload: Offload) -> None:
        """A packet of a session that the switch forwards by itself."""
        self.counts["forwarded"] += 1
        view = cause.view
        source = view.inside if view.origin is Realm.INSIDE else view.remote
        arriving = FiveTuple(source.address.packed, source.port, target.address.packed, target.port)
        for path in offload.paths:
            if path.arriving == arriving:
                leaving = path.leaving
                ends = (
                    Endpoint(ip_address(leaving.src), leaving.sport),
                    Endpoint(ip_address(leaving.dst), leaving.dport),
                )
                self._write(readdressed(cause.packet, *ends, cause.size))

    # -- what is behind a packet ----------------------------------------------------------------

    def _stream(self, view: View) -> tuple[Session, Direction] | None:
        """The session of a TCP packet, and which way it goes there."""
        ends = view.inside, view.remote
        if view.origin is Realm.OUTSIDE:
            ends = view.remote, view.inside
        for key, direction in ((ends, Direction.TO_SERVER), (ends[::-1], Direction.TO_CLIENT)):
            session = self._streams.get(key)
            if session is None:
                continue
            if self._engine.sessions.get(session.id) is session:
                return session, direction
            self._end_stream(key)
        return None

    def _end_stream(self, key: tuple[Endpoint, Endpoint]) -> None:
        session = self._streams.pop(key)
        self._ahead.pop(session.id, None)
        _remember(self._over, frozenset(key))

    def _began(self, number: int) -> None:
        """A session has been opened."""
        session = self._engine.sessions.get(number)
        if session is None:
            return
        if len(self._streams) >= 2 * self._engine.config.quotas.sessions:
            for key, known in list(self._streams.items()):
                if known.id not in self._engine.sessions:
                    self._end_stream(key)
        conversation = session.conversation
        self._streams[conversation.client, conversation.server] = session

    def _control(self, inside: Endpoint) -> Endpoint | None:
        """What stands for an inside endpoint of UDP sessions outside."""
        for binding in self._engine.config.protocols:
            session = self._engine.datagrams.of_host(binding.name, inside.address)
            if session is not None and inside in session.endpoints.live:
                return session.endpoints.live[inside].public
        return None

    def _seen(self, view: View) -> Endpoint:
        """Where the sender of a connection's first packet has sent it to."""
        if view.origin is Realm.INSIDE:
            return view.remote
        return self._interception.published(view) or view.inside

    def _translated(self, inside: Endpoint) -> bool:
        return self._engine.config.public_for(inside.address) is not None

    def _acknowledged(self, session: Session, direction: Direction, ack: int) -> int:
        """`ack` as the receiver of `direction` would have sent it to the gateway.

        It counts the bytes that are in the capture; the gateway has sent them edited. What it has
        not sent yet nobody has acknowledged.
        """
        stream = session.editor.streams[direction]
        if stream.initial is None:
            return ack
        offset = stream.input_offset(ack)
        if offset > stream.sender_total and session.id not in self._ahead:
            self._ahead[session.id] = direction, offset, self._now
        return stream.sequence(min(stream.map.output_start(offset), stream.sent))

    def _look_for_gap(self, session: Session, now: float) -> None:
        """Say so if bytes that their receiver had are not in the capture."""
        if session.id not in self._ahead:
            return
        direction, offset, since = self._ahead[session.id]
        missing = offset - session.editor.streams[direction].sender_total
        if missing <= 0:
            del self._ahead[session.id]
        elif now > since + PATIENCE:
            detail = f"{missing} bytes {direction.value} are not in the capture, or come too late"
            self._once("capture.gap", detail, session.id, session)

    def _useless(self, cause: _Cause) -> bool:
        """Whether too little of a control packet was captured."""
        if not cause.truncated:
            return False
        self.counts["truncated"] += 1
        detail = f"{cause.view}: {cause.size} of {cause.packet.end - cause.packet.l3} bytes"
        self._once("packet.truncated", f"{detail} captured, not inspected", cause.view.key)
        return True

    def _stray(self, view: View) -> None:
        """A control packet of a conversation whose beginning nobody has seen."""
        self.counts["stray"] += 1
        if frozenset((view.inside, view.remote)) not in self._over:
            detail = f"{view}: it began before the capture, and is not inspected"
            self._once("session.mid_stream", detail, view.key)

    # -- the engine -----------------------------------------------------------------------------

    def _handle(self, event: Event, cause: _Cause | None = None) -> None:
        events: deque[Event] = deque((event,))
        while events:
            commands = self._engine.handle(events.popleft(), self._now)
            for command in commands:
                if not _begins(command):
                    self._tell_rewrites()
                answer = self._carry_out(command, cause)
                if answer is not None:
                    events.append(answer)
            self._tell_rewrites()

    def _carry_out(self, command: Command, cause: _Cause | None) -> Event | None:
        match command:
            case Emit(segment):
                self._write(frames.tcp(segment)[frames.ETHERNET_HEADER :])
            case EmitDatagram(datagram):
                if len(datagram.payload) <= packets.LONGEST_UDP:
                    self._write(frames.udp(datagram)[frames.ETHERNET_HEADER :])
            case PassDatagram():
                self._pass(command)
            case Ordinary():
                if cause is not None:
                    self.counts["control"] -= 1
                    self._data(cause)
            case Publish(code, detail, session, protocol):
                if code == "session.opened" and session is not None:
                    self._began(session)
                self._tell(Entry(self._now, code, detail, session, protocol, self._number))
            case _:
                return self._switch.carry_out(command, self._now)
        return None

    def _tell_rewrites(self) -> None:
        """What inspectors rewrote while the engine handled an event, in front of its commands."""
        for it in self._rewrites:
            ends = it.session, it.protocol, self._number
            self._tell(Entry(self._now, "rewrite", it.towards, *ends, it.before, it.after))
        self._rewrites.clear()

    # -- what comes of it -----------------------------------------------------------------------

    def _once(
        self, code: str, detail: str, about: Hashable, session: Session | None = None
    ) -> None:
        """Say something about a conversation, unless it has been said."""
        if (code, about) in self._said:
            return
        _remember(self._said, (code, about))
        number, protocol = None, None
        if session is not None:
            number, protocol = session.id, session.binding.name
        self._tell(Entry(self._now, code, detail, number, protocol, self._number))

    def _write(self, ip: bytes) -> None:
        self._output.write(ip, (self._start or 0.0) + self._now)


def _remember(table: OrderedDict[Hashable, None], what: Hashable) -> None:
    table[what] = None
    if len(table) > MAX_REMEMBERED:
        table.popitem(last=False)


def _datagram(packet: packets.Packet, source: Endpoint, target: Endpoint) -> Datagram:
    return Datagram(
        src=source.address.packed,
        dst=target.address.packed,
        sport=source.port,
        dport=target.port,
        payload=packet.payload,
        ttl=packet.ttl,
        tos=packet.tos,
    )


def _begins(command: Command) -> bool:
    """Whether it tells of a session's beginning, before which nothing of it can be told."""
    return isinstance(command, Publish) and command.code == "session.opened"


def _completed(ip: bytes) -> bytes:
    """A packet whose end is missing, as long as its header says: to be recognised by its ports."""
    if ip[0] >> 4 == 4:
        length = int.from_bytes(ip[2:4], "big")
    else:
        length = 40 + int.from_bytes(ip[4:6], "big")
    return ip.ljust(length, b"\0")
