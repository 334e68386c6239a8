"""The TCP stream editor: a connection whose bytes may be changed on their way.

Theory of operation. Both directions are `HalfStream`s. `receive` takes a segment as its sender
sent it, brings its bytes in order, and notes what it acknowledges; the session then decides the
undecided bytes (`forward`, `replace`, `inject`); `flush` returns every segment that must leave.

The two ends keep talking to each other as long as nothing is held: each segment that comes goes
out at once with its numbers mapped, and the receiver's acknowledgement is what acknowledges it.
Only when accepted bytes could not leave at once (undecided, deleted, behind a closed gate or a
full window) the editor acknowledges them itself, since the sender might otherwise wait for that
(Nagle, RFC 896); from then on it owns their delivery and repeats them on its own timer. Output is
kept until acknowledged, so that a repetition is byte-identical to the first transmission.

There is no clock: `now` is seconds of any monotonic clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from enum import Enum

from ryu_alg.engine import syn_options
from ryu_alg.engine.half_stream import SEQUENCE_MASK, EditorLimits, HalfStream, Header
from ryu_alg.engine.retransmission import MAX_ATTEMPTS
from ryu_alg.engine.segment import ACK, FIN, PSH, RST, SYN, URG, Segment
from ryu_alg.inspection import Direction

__all__ = ["EditorLimits", "Header", "Phase", "StreamEditor"]

ECN_MASK = 0xFC
"""ECN (RFC 3168) is not negotiated through an editor that answers for the other end."""


class Phase(Enum):
    """Where the connection is in its life."""

    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"
    """Both FINs were acknowledged."""
    RESET = "reset"


@dataclass(slots=True)
class StreamEditor:
    """Both directions of one connection."""

    headers: InitVar[Mapping[Direction, Header]]
    limits: EditorLimits = EditorLimits()
    phase: Phase = Phase.OPENING
    counters: Counter[str] = field(default_factory=Counter)
    gate_closed: bool = False
    to_server: HalfStream = field(init=False)
    to_client: HalfStream = field(init=False)
    _out: list[tuple[Direction, Segment]] | None = field(init=False, default=None)

    def __post_init__(self, headers: Mapping[Direction, Header]) -> None:
        there, back = Direction.TO_SERVER, Direction.TO_CLIENT
        self.to_server = HalfStream(there, headers[there], self.limits)
        self.to_client = HalfStream(back, headers[back], self.limits)

    def stream(self, direction: Direction) -> HalfStream:
        """What its sender sent, and what its receiver has."""
        return self.to_server if direction is Direction.TO_SERVER else self.to_client

    @property
    def streams(self) -> dict[Direction, HalfStream]:
        """Both of them."""
        return {stream.direction: stream for stream in (self.to_server, self.to_client)}

    def _opposite(self, stream: HalfStream) -> HalfStream:
        return self.to_client if stream is self.to_server else self.to_server

    # -- what the session does ---------------------------------------------------------------

    def undecided(self, direction: Direction) -> bytes:
        """In-order bytes of `direction` that wait for a decision."""
        pending = self.stream(direction).pending
        if not pending or self.phase in (Phase.OPENING, Phase.RESET) or self._congested():
            return b""
        return pending

    def forward(self, direction: Direction, length: int) -> None:
        """The next `length` undecided bytes leave as they came."""
        self.stream(direction).decide(length, None)

    def replace(self, direction: Direction, length: int, data: bytes) -> None:
        """The next `length` undecided bytes leave as `data`."""
        self.stream(direction).decide(length, data)

    def inject(self, direction: Direction, data: bytes) -> None:
        """`data` leaves in `direction` behind all that was decided there.

        Behind a FIN there is no such place: the data is dropped and counted.
        """
        stream = self.stream(direction)
        if stream.finished:
            self.counters["injected_after_fin"] += 1
            return
        stream.decide(0, data)

    def close_gate(self) -> None:
        """From here on, decided bytes wait until `open_gate`."""
        if not self.gate_closed:
            self.gate_closed = True
            for stream in (self.to_server, self.to_client):
                stream.released = stream.output_end

    def open_gate(self) -> None:
        """What waited may leave with the next flush."""
        self.gate_closed = False

    def ended(self, direction: Direction) -> bool:
        """The sender's FIN came and every byte before it; the FIN has not been let out yet.

        Not while `undecided` shows nothing because of the backlog.
        """
        stream = self.stream(direction)
        if self.phase is not Phase.OPEN or (stream.pending and self._congested()):
            return False
        return stream.fin_received and not stream.finished

    def finish(self, direction: Direction) -> None:
        """Drop what is undecided and let the FIN out."""
        stream = self.stream(direction)
        if stream.pending:
            stream.decide(len(stream.pending), b"")
            self.counters["dropped_at_fin"] += 1
        stream.finished = True

    def shift(self, direction: Direction) -> int:
        """Bytes by which output is ahead of input."""
        return self.stream(direction).map.shift

    @property
    def quiescent(self) -> bool:
        """Nothing is undecided, unsent, out of order or the editor's to deliver, and no edit would
        have to be made again if what it changed is lost."""
        if self.phase is not Phase.OPEN or self.gate_closed:
            return False
        return all(
            not stream.pending
            and stream.waiting is None
            and stream.sent >= stream.output_end
            and stream.owned <= stream.acknowledged
            and not stream.map.edits
            and not stream.fin_received
            for stream in (self.to_server, self.to_client)
        )

    def limit_mss(self, direction: Direction, mss: int) -> None:
        """A path towards the receiver of `direction` carries no more than `mss` bytes a segment."""
        stream = self.stream(direction)
        stream.mss = min(stream.mss, max(mss, syn_options.MIN_MSS))

    def input_sequence(self, direction: Direction, sequence: int) -> int | None:
        """The sender's own number for an output `sequence` that is on its way; None if none is."""
        stream = self.stream(direction)
        if stream.initial is None:
            return None
        offset = stream.output_offset(sequence)
        if not stream.acknowledged <= offset <= stream.sent:
            return None
        return stream.sequence(stream.map.input_acknowledged(offset) if offset else 0)

    def probe(self, now: float) -> None:
        """Send keepalive probes (RFC 9293 section 3.8.4) to both ends where they are idle."""
        if self.phase is not Phase.OPEN:
            return
        for stream in (self.to_server, self.to_client):
            if stream.sent == stream.acknowledged:
                stream.probe_receiver = True

    def abort(self) -> None:
        """Reset the connection towards both ends."""
        if self.phase is Phase.RESET:
            return
        for stream in (self.to_server, self.to_client):
            opposite = self._opposite(stream)
            if opposite.initial is None:
                continue  # that end has sent nothing: it knows of no connection
            if stream.initial is None:
                acknowledgement = opposite.sequence(1)
                self._stamp(stream, 0, acknowledgement, RST | ACK, 0)
            else:
                sequence = stream.sequence(stream.reset_offset)
                acknowledgement = opposite.sequence(opposite.acknowledged_input)
                self._stamp(stream, sequence, acknowledgement, RST | ACK, 0)
        self.phase = Phase.RESET

    def withdraw(self) -> None:
        """Reset a connection whose handshake is not complete towards its server alone, which would
        else take the next SYN from the same port for one of this connection. Its client may be
        nobody (RFC 4987 section 3.4)."""
        if self.phase is not Phase.OPENING:
            return
        if self.to_server.initial is not None:
            self._stamp(self.to_server, self.to_server.sequence(1), 0, RST, 0)
        self.phase = Phase.RESET

    # -- time --------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """When `expire` wants to be called, in seconds of the caller's clock."""
        there, back = self.to_server.timer.deadline, self.to_client.timer.deadline
        if there is None or back is None:
            return back if there is None else there
        return min(there, back)

    def expire(self, now: float) -> None:
        """Repeat what the editor owns and nobody acknowledged in time."""
        for stream in (self.to_server, self.to_client):
            if stream.timer.deadline is None or stream.timer.deadline > now:
                continue
            if stream.timer.attempts >= MAX_ATTEMPTS:
                self.counters["receiver_gone"] += 1
                self.abort()
                return
            stream.timer.expired(now)
            self.counters["retransmitted"] += 1
            start = stream.acknowledged
            if stream.sent > start:
                stream.resend = (start, start + stream.mss)
            elif self._releasable(stream) > start:
                # The receiver's window is shut and its opening may have been lost: one byte.
                stream.sent = start + 1
                stream.resend = (start, start + 1)

    # -- what arrives ------------------------------------------------------------------------

    def receive(self, direction: Direction, segment: Segment, now: float) -> None:
        """Take a segment from the sender of `direction`."""
        stream = self.stream(direction)
        opposite = self._opposite(stream)
        stream.ttl, stream.tos = segment.ttl, segment.tos & ECN_MASK
        flags = segment.flags
        if self.phase is Phase.RESET:
            self._answer_after_reset(opposite, segment)
        elif flags & RST:
            self._receive_reset(stream, opposite, segment)
        elif flags & SYN:
            self._receive_syn(stream, opposite, segment, now)
        elif not flags & ACK:
            self.counters["bad_flags"] += 1
        elif stream.initial is None or opposite.initial is None:
            self.counters["before_handshake"] += 1
            self._end_half_open(stream, opposite, segment)
        else:
            self._receive_established(stream, opposite, segment, now)

    def _receive_syn(
        self, stream: HalfStream, opposite: HalfStream, segment: Segment, now: float
    ) -> None:
        if segment.flags & FIN:
            self.counters["bad_flags"] += 1
            return
        if self.phase is not Phase.OPENING:
            # RFC 5961 section 4: a challenge; a peer that lost its state answers with RST.
            stream.acknowledge_sender = True
            if segment.seq != stream.initial:
                self.counters["syn_in_connection"] += 1
            return
        is_answer = bool(segment.flags & ACK)
        if is_answer != (stream is self.to_client):
            self.counters["bad_flags"] += 1
            return
        if is_answer:
            if opposite.initial is None or segment.ack != opposite.sequence(1):
                self.counters["bad_ack"] += 1
                self._end_half_open(stream, opposite, segment)
                return
            opposite.receive_acknowledgement(1, now)
        if stream.initial is not None and stream.initial != segment.seq:
            self.counters["syn_in_connection"] += 1
            return
        announced = syn_options.parse(segment.options)
        default = (
            syn_options.DEFAULT_MSS_IPV4 if len(segment.src) == 4 else syn_options.DEFAULT_MSS_IPV6
        )
        stream.initial = segment.seq
        stream.sent = max(stream.sent, 1)
        stream.window_scale = announced.window_scale
        opposite.mss = max(announced.mss or default, syn_options.MIN_MSS)
        # Never scaled in a SYN (RFC 7323 section 2.2).
        opposite.window = opposite.largest_window = segment.window
        offered = min(segment.window, self.limits.undecided)
        opposite.offered_edge = max(opposite.offered_edge, 1 + offered)
        self._stamp(
            stream,
            segment.seq,
            segment.ack if is_answer else 0,
            segment.flags & (SYN | ACK),
            offered,
            options=syn_options.build(announced, default),
        )
        if is_answer:
            stream.told_acknowledged, stream.told_window = 1, offered

    def _end_half_open(self, stream: HalfStream, opposite: HalfStream, segment: Segment) -> None:
        """The server answers the SYN as another connection on these ports, which nobody but it
        knows any more: reset that, as the client would (RFC 9293 section 3.5.1), so that the
        client's next SYN is answered as one."""
        if stream is self.to_server or stream.initial is not None:
            return
        if opposite.initial is not None and segment.ack != opposite.sequence(1):
            self._stamp(opposite, segment.ack, 0, RST, 0)

    def _receive_reset(self, stream: HalfStream, opposite: HalfStream, segment: Segment) -> None:
        if self.phase is Phase.CLOSED:
            # From an end that has forgotten the connection; the other has all that it needs.
            self.counters["reset_after_close"] += 1
            return
        if self.phase is Phase.OPENING and stream is self.to_client:
            # The server refuses: the acknowledgement proves that it saw the SYN.
            if opposite.initial is None or segment.ack != opposite.sequence(1):
                self.counters["bad_reset"] += 1
                return
            self._stamp(stream, segment.seq, segment.ack, segment.flags & (RST | ACK), 0)
            self.phase = Phase.RESET
            return
        if stream.initial is None:
            self.counters["bad_reset"] += 1
            return
        offset = stream.input_offset(segment.seq)
        told = min(stream.acknowledged_input, stream.received)
        if offset not in (told, stream.sender_total):
            # RFC 5961 section 3.2: who resets in earnest answers the challenge with the right
            # number, which is `told`.
            in_window = told < offset <= stream.offered_edge
            self.counters["inexact_reset" if in_window else "bad_reset"] += 1
            if in_window:
                stream.acknowledge_sender = True
            return
        acknowledgement = (
            opposite.sequence(opposite.acknowledged_input) if opposite.initial is not None else 0
        )
        flags = segment.flags & (RST | ACK)
        self._stamp(stream, stream.sequence(stream.reset_offset), acknowledgement, flags, 0)
        self.phase = Phase.RESET

    def _answer_after_reset(self, opposite: HalfStream, segment: Segment) -> None:
        if segment.flags & RST or not segment.flags & ACK:
            return
        # As a closed port would (RFC 9293 section 3.10.7.1); also ends a challenge.
        self._stamp(opposite, segment.ack, 0, RST, 0)

    def _receive_established(
        self, stream: HalfStream, opposite: HalfStream, segment: Segment, now: float
    ) -> None:
        offset = stream.input_offset(segment.seq)
        length = len(segment.payload)
        # What was acknowledged to the sender comes again only from a window ago (RFC 5961).
        told = stream.acknowledged_input
        oldest = min(told, stream.received) - self.limits.undecided
        # Behind a window probe that was not taken, a sender may number its acknowledgements.
        furthest = stream.offered_edge + (0 if length else 1)
        if not oldest <= offset <= furthest or (
            offset == stream.offered_edge and length and offset > stream.received
        ):
            self.counters["out_of_window"] += 1
            # A bare ACK is not answered by another, which might be the start of many.
            if length or segment.flags & FIN:
                stream.acknowledge_sender = True
            return
        if not self._receive_acknowledgement(stream, opposite, segment, now):
            return
        stream.passing_ack = True
        if segment.flags & URG and offset + segment.urgent > stream.urgent_at:
            stream.urgent_at = offset + segment.urgent
        if not length and not segment.flags & FIN:
            if offset == stream.sender_total - 1:
                stream.sender_probing = stream.probe_receiver = True
            elif offset < told:
                # A probe of a sender that has missed what it was told, or one that is late.
                stream.acknowledge_sender = True
            return
        self._receive_data(stream, segment, offset)
        if opposite.fin_acknowledged and stream.fin_acknowledged:
            self.phase = Phase.CLOSED

    def _receive_acknowledgement(
        self, stream: HalfStream, opposite: HalfStream, segment: Segment, now: float
    ) -> bool:
        """Note what `segment` acknowledges: False if it can't be this connection's."""
        acknowledged = opposite.output_offset(segment.ack)
        # RFC 5961 section 5.2.
        oldest = opposite.acknowledged - opposite.largest_window
        if not oldest <= acknowledged <= opposite.sent:
            self.counters["bad_ack"] += 1
            return False
        window = segment.window
        if stream.window_scale is not None and opposite.window_scale is not None:
            window <<= stream.window_scale
        news = opposite.receive_acknowledgement(acknowledged, now)
        if not news and acknowledged < opposite.acknowledged:
            return True  # overtaken by a later one
        if news or window != opposite.window:
            opposite.duplicate_acks = 0
        elif not segment.payload and opposite.sent > opposite.acknowledged:
            opposite.duplicate_acks += 1
            if opposite.duplicate_acks == 3 and opposite.acknowledged < opposite.owned:
                self.counters["retransmitted"] += 1
                start = opposite.acknowledged
                opposite.resend = (start, start + opposite.mss)
        if opposite.window == 0 and window and opposite.sent > opposite.acknowledged:
            # It opens, and what probed it while it was shut was not taken.
            opposite.resend = (opposite.acknowledged, opposite.sent)
        opposite.window = window
        # Of two that are equal, there is to be one object.
        opposite.largest_window = max(window, opposite.largest_window)
        if window == 0:
            opposite.timer.attempts = 0  # it answers, so it is not gone
        if self.phase is Phase.OPENING and stream is self.to_server and acknowledged >= 1:
            self.phase = Phase.OPEN
        if opposite.fin_acknowledged and stream.fin_acknowledged:
            self.phase = Phase.CLOSED
        return True

    def _receive_data(self, stream: HalfStream, segment: Segment, offset: int) -> None:
        payload = segment.payload
        end = offset + len(payload)
        fin = bool(segment.flags & FIN)
        # A keepalive with its garbage byte (RFC 9293 section 3.8.4), or a real repetition.
        like_probe = len(payload) == 1 and end == stream.received and not fin
        if like_probe and not stream.pending and stream.sent == stream.acknowledged:
            # The receiver's answer serves both.
            stream.sender_probing = stream.probe_receiver = True
            return
        if end > stream.offered_edge:
            # A window probe where the window is shut, or more than was offered.
            payload = payload[: max(0, stream.offered_edge - offset)]
            fin = False
            if not payload and offset == stream.received:
                stream.sender_probing = stream.probe_receiver = True
                return
        if fin and stream.fin_at is None and end >= stream.received:
            stream.fin_at = end
        before = stream.received
        if stream.accept(offset, payload) and not like_probe:
            self.counters["conflicting_overlap"] += 1
        if stream.received == before and (offset < before or fin):
            self._repeat(stream, offset, end, fin)
        elif offset > before or stream.received == before:
            # A duplicate ACK (RFC 5681 section 4.2), or the answer to a probe behind the FIN.
            stream.acknowledge_sender = True

    def _repeat(self, stream: HalfStream, offset: int, end: int, fin: bool) -> None:
        """The sender repeats itself: so does the editor, or it says that the bytes are there."""
        if fin and stream.fin_received and not stream.finished:
            return  # not let out yet; the session finishes it
        low = max(stream.map.output_start(offset), stream.acknowledged)
        high = stream.map.output_end(min(end, stream.decided))
        if fin and stream.finished:
            high += 1
        high = min(high, stream.sent)
        if (offset < stream.decided and low < high) or (fin and low < high):
            stream.resend = (low, high)
            self.counters["retransmitted"] += 1
        else:
            stream.acknowledge_sender = True

    # -- what leaves -------------------------------------------------------------------------

    def flush(self, now: float) -> list[tuple[Direction, Segment]]:
        """Every segment that must leave now, in order."""
        there, back = self.to_server, self.to_client
        if self.phase is Phase.RESET:
            there.timer.stop()
            back.timer.stop()
        else:
            sent_there = self._transmit(there, now)
            sent_back = self._transmit(back, now)
            if there.accepted:
                self._take_over(there)
            if back.accepted:
                self._take_over(back)
            self._acknowledge(there, back, sent_there)
            self._arm(there, now)
            self._acknowledge(back, there, sent_back)
            self._arm(back, now)
        out, self._out = self._out, None
        return out or []

    def _releasable(self, stream: HalfStream) -> int:
        end = stream.output_start + len(stream.output)
        return min(stream.released, end) if self.gate_closed else end

    def _transmit(self, stream: HalfStream, now: float) -> bool:
        """Send what may be sent: whether anything that carries an acknowledgement left."""
        sent = False
        if self.phase is Phase.OPENING:
            return False
        if stream.resend is not None:
            start, end = stream.resend
            stream.resend = None
            start, end = max(start, stream.acknowledged, 1), min(end, stream.sent)
            while start < end:
                start = self._send_chunk(stream, start, end)
                sent = True
        limit = self._releasable(stream)
        if stream.sent < limit:
            limit = min(limit, stream.acknowledged + stream.window)
            while stream.sent < limit:
                stream.sent = self._send_chunk(stream, stream.sent, limit)
                stream.timer.sent(stream.sent, now)
                sent = True
        if (
            stream.finished
            and not self.gate_closed
            and stream.sent == stream.output_end
            and stream.initial is not None
        ):
            stream.sent += 1
            self._send(stream, stream.sent - 1, FIN | ACK)
            sent = True
        return sent

    def _send_chunk(self, stream: HalfStream, start: int, end: int) -> int:
        """Send one segment of output from `start` on, at most to `end`: where it ended."""
        output_start, output_end = stream.output_start, stream.output_end
        data_end = min(end, output_end, start + stream.mss)
        payload = stream.output[start - output_start : data_end - output_start]
        flags = ACK
        stop = max(data_end, start)
        if payload and data_end == output_end:
            flags |= PSH
        if stream.finished and stop == output_end:
            # The FIN rides on the last bytes, or is repeated with them.
            fin_sent = stream.sent > output_end
            if end > stop if fin_sent else stream.sent == start and not self.gate_closed:
                flags |= FIN
                stop += 1
        self._send(stream, start, flags, payload)
        return stop

    def _take_over(self, stream: HalfStream) -> None:
        """Acknowledge to the sender what was accepted and the receiver will not answer for."""
        stream.accepted = False
        in_flight = stream.acknowledged < stream.sent
        if stream.pending or stream.sent < stream.output_end or not in_flight:
            stream.self_acknowledged = stream.received
            stream.acknowledge_sender = True
            stream.forget()

    def _acknowledge(self, stream: HalfStream, opposite: HalfStream, already_sent: bool) -> None:
        """Send the bare ACK and the probe that are due in the direction of `stream`."""
        passing, stream.passing_ack = stream.passing_ack, False
        due, opposite.acknowledge_sender = opposite.acknowledge_sender, False
        if stream.initial is None or opposite.initial is None:
            return
        if stream.probe_receiver:
            stream.probe_receiver = False
            told = stream.told_acknowledged, stream.told_window
            self._send(stream, max(stream.sent - 1, 0), ACK)
            # A receiver takes no news of the window from a number that it has already passed.
            stream.told_acknowledged, stream.told_window = told
        if already_sent and opposite.acknowledged_input == stream.told_acknowledged:
            return
        if due or (passing and not already_sent and self._worth_passing(stream, opposite)):
            self._send(stream, stream.sent, ACK)

    def _worth_passing(self, stream: HalfStream, opposite: HalfStream) -> bool:
        """Whether a bare ACK tells the other end anything: news, a duplicate that it may be
        counting, or the answer to its probe. The rest answers the editor's own doings."""
        acknowledged, _, window = self._offer(stream, opposite)
        if acknowledged != stream.told_acknowledged or window != stream.told_window:
            return True
        return opposite.sender_probing or acknowledged < opposite.sender_total

    def _arm(self, stream: HalfStream, now: float) -> None:
        acknowledged = stream.acknowledged
        left = acknowledged < stream.owned and acknowledged < self._releasable(stream)
        if left and stream.initial is not None:
            stream.timer.arm(now)
        else:
            stream.timer.stop()

    def _offer(self, stream: HalfStream, opposite: HalfStream) -> tuple[int, int, int]:
        """What the sender of `opposite`, who is the receiver of `stream`, is told: (what is
        acknowledged, right window edge, window field)."""
        acknowledged = opposite.acknowledged_input
        unread = len(opposite.pending)
        room = self.limits.undecided - unread
        output_end = opposite.output_end
        if not unread or opposite.sent < output_end:
            room = min(room, opposite.acknowledged + opposite.window - output_end - unread)
        # Or else only the rest of the message is missing, which may be more than the receiver takes
        # at once: it is the editor that has to take it.
        edge = max(opposite.received + max(0, room), opposite.offered_edge)
        # Of windows offered for `opposite`, the scale is its receiver's, if both ends scale.
        scale = 0 if opposite.window_scale is None else stream.window_scale or 0
        window = min(max(0, edge - acknowledged) >> scale, 0xFFFF)
        return acknowledged, acknowledged + (window << scale), window

    def _send(self, stream: HalfStream, offset: int, flags: int, payload: bytes = b"") -> None:
        opposite = self._opposite(stream)
        acknowledged, edge, window = self._offer(stream, opposite)
        opposite.offered_edge = max(opposite.offered_edge, edge)
        opposite.sender_probing = False
        stream.told_acknowledged, stream.told_window = acknowledged, window
        urgent = 0
        if stream.urgent_at > 1 and stream.urgent_at <= stream.decided:
            urgent = stream.map.output_start(stream.urgent_at) - offset
            if 0 < urgent <= 0xFFFF:
                flags |= URG
            else:
                urgent = 0
        self._stamp(
            stream,
            stream.sequence(offset),
            opposite.sequence(acknowledged),
            flags,
            window,
            payload=payload,
            urgent=urgent,
        )

    def _stamp(
        self,
        stream: HalfStream,
        sequence: int,
        acknowledgement: int,
        flags: int,
        window: int,
        *,
        payload: bytes = b"",
        options: bytes = b"",
        urgent: int = 0,
    ) -> None:
        header = stream.header
        if self._out is None:
            self._out = []
        self._out.append(
            (
                stream.direction,
                Segment(
                    header.src,
                    header.dst,
                    header.sport,
                    header.dport,
                    sequence & SEQUENCE_MASK,
                    acknowledgement & SEQUENCE_MASK,
                    flags,
                    window,
                    payload,
                    options,
                    urgent,
                    stream.ttl,
                    stream.tos,
                ),
            )
        )

    def _congested(self) -> bool:
        backlog = self.limits.backlog
        return len(self.to_server.output) > backlog or len(self.to_client.output) > backlog
