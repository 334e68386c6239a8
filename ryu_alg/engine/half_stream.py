"""One direction of an edited TCP connection: what its sender sent, what its receiver has.

Offsets count from the initial sequence number, do not wrap, and are of two spaces: *input* (as
the sender numbers its bytes) and *output* (as the receiver does). Offset 0 is the SYN; a FIN
takes one offset behind the last byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ryu_alg.engine.reassembly import Reassembly
from ryu_alg.engine.retransmission import RetransmissionTimer
from ryu_alg.engine.sequence_map import UNEDITED, SequenceMap
from ryu_alg.inspection import Direction

SEQUENCE_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class EditorLimits:
    """Bounds of one direction, in bytes unless named otherwise."""

    out_of_order: int = 65536
    out_of_order_segments: int = 64
    undecided: int = 65536
    backlog: int = 262144
    """Output that the receiver has not acknowledged: beyond it nothing more is inspected."""


class Header(NamedTuple):
    """What is stamped on every segment that leaves in one direction."""

    src: bytes
    sport: int
    dst: bytes
    dport: int


@dataclass(slots=True)
class HalfStream:
    """State of one direction. Plain data: the editor acts on it.

    Bytes are kept as they came, not in buffers of their own: most segments are decided as a whole,
    and leave without having been copied.
    """

    direction: Direction
    header: Header
    limits: EditorLimits
    waiting: Reassembly | None = None
    """What came ahead of its time, once something has."""

    # What the sender sent (input space).
    initial: int | None = None
    received: int = 1
    """Next byte expected in order."""
    pending: bytes = b""
    """In-order bytes that are not decided; they end at `received`."""
    fin_at: int | None = None
    history: bytes = b""
    """Accepted bytes that the sender may still repeat; they end at `received`."""
    self_acknowledged: int = 0
    """Acknowledged to the sender by the editor itself."""
    offered_edge: int = 1
    """The furthest right window edge that the sender was told."""
    window_scale: int | None = None
    """The sender's own window scale option."""
    urgent_at: int = 0
    """Where the sender's urgent data ends (RFC 6093)."""
    ttl: int = 64
    tos: int = 0
    inspected_to_end: bool = False
    """The inspector has been told that its end has come."""

    # What the receiver gets (output space).
    map: SequenceMap = UNEDITED
    output: bytes = b""
    """Decided bytes that the receiver has not acknowledged."""
    output_start: int = 1
    acknowledged: int = 0
    sent: int = 0
    """Next offset to leave for the first time."""
    released: int = 1
    """What may leave while the gate is closed."""
    finished: bool = False
    """The FIN is decided: it follows the last output byte."""
    injected_end: int = 1
    """Output below this was not all the sender's: nobody but the editor can repeat it."""
    window: int = 0
    """Bytes that the receiver takes beyond `acknowledged`."""
    largest_window: int = 0
    """The largest of them so far."""
    mss: int = 536
    timer: RetransmissionTimer = field(default_factory=RetransmissionTimer)
    duplicate_acks: int = 0
    told_acknowledged: int = 0
    """What the receiver was told last: an acknowledgement (input offset of the other direction)."""
    told_window: int = 0
    """And a window field."""

    # What the next flush has to do.
    accepted: bool = False
    """New bytes came in order since the last flush."""
    resend: tuple[int, int] | None = None
    acknowledge_sender: bool = False
    sender_probing: bool = False
    """The sender waits for an answer to a keepalive or window probe."""
    probe_receiver: bool = False
    passing_ack: bool = False
    """Its sender has acknowledged something."""

    @property
    def output_end(self) -> int:
        return self.output_start + len(self.output)

    @property
    def decided_bytes(self) -> int:
        """How many bytes have left for the receiver, or will."""
        return self.output_end - 1

    @property
    def decided(self) -> int:
        """Input offset up to which bytes are decided."""
        return self.received - len(self.pending)

    @property
    def fin_received(self) -> bool:
        """The FIN and every byte before it came."""
        return self.fin_at is not None and self.received == self.fin_at

    @property
    def fin_acknowledged(self) -> bool:
        """The receiver has acknowledged the FIN."""
        return self.finished and self.acknowledged > self.output_end

    @property
    def acknowledged_input(self) -> int:
        """What the sender may be told of as acknowledged."""
        acknowledged = self.acknowledged
        if acknowledged == 0:
            return 0
        if self.finished and acknowledged > self.output_end:
            return self.received + 1
        input_acknowledged = self.map.input_acknowledged(acknowledged)
        own = self.self_acknowledged
        return own if own > input_acknowledged else input_acknowledged

    @property
    def sender_total(self) -> int:
        """The input offset behind all that came in order, the FIN included."""
        return self.received + (1 if self.fin_received else 0)

    @property
    def owned(self) -> int:
        """Output below this is the editor's to deliver."""
        if self.self_acknowledged == 0:
            return self.injected_end
        return max(self.injected_end, self.map.output_end(self.self_acknowledged))

    @property
    def reset_offset(self) -> int:
        """Where a RST to the receiver belongs: behind all that it may have taken.

        A window probe was beyond its window; there it would not accept the RST either.
        """
        return min(self.sent, max(self.acknowledged, 1) + self.window)

    def input_offset(self, sequence: int) -> int:
        """Unwrap a sequence number of the sender, near to what is expected of it."""
        assert self.initial is not None
        return _unwrap(sequence - self.initial, self.received)

    def output_offset(self, sequence: int) -> int:
        """Unwrap an acknowledgement number of the receiver."""
        assert self.initial is not None
        return _unwrap(sequence - self.initial, self.sent)

    def sequence(self, offset: int) -> int:
        """The sequence number of an offset; initial numbers are the same in both spaces."""
        assert self.initial is not None
        return (self.initial + offset) & SEQUENCE_MASK

    def accept(self, offset: int, data: bytes) -> bool:
        """Take `data` at input `offset`, in order or ahead: True if some overlap differed.

        Raises nothing. What does not fit stays with the sender.
        """
        if offset == self.received and self.waiting is None:
            self._append(data)
            return False
        conflict = self._differs(offset, data)
        if offset < self.received:
            data = data[self.received - offset :]
            offset = self.received
        if not data:
            return conflict
        waiting = self.waiting
        if offset > self.received:
            if waiting is None:
                limits = self.limits
                waiting = Reassembly(limits.out_of_order, limits.out_of_order_segments)
            _, differed = waiting.add(offset, data)
            self.waiting = waiting if waiting.waiting else None
            return conflict or differed
        if waiting is None:
            self._append(data)
            return conflict
        while data:
            gap = waiting.starts[0] - self.received if waiting.waiting else len(data)
            if gap > 0:
                self._append(data[:gap])
                data = data[gap:]
            else:
                piece = waiting.take(self.received)
                overlap = min(len(piece), len(data))
                conflict = conflict or piece[:overlap] != data[:overlap]
                self._append(piece)
                data = data[len(piece) :]
        while waiting.waiting and waiting.starts[0] <= self.received:
            self._append(waiting.take(self.received))
        if not waiting.waiting:
            self.waiting = None
        return conflict

    def _append(self, data: bytes) -> None:
        if self.fin_at is not None:
            data = data[: max(0, self.fin_at - self.received)]
        if data:
            self.pending += data
            self.history += data
            self.received += len(data)
            self.accepted = True

    def _differs(self, offset: int, data: bytes) -> bool:
        start = self.received - len(self.history)
        low = max(offset, start)
        high = min(offset + len(data), self.received)
        if low >= high:
            return False
        return data[low - offset : high - offset] != self.history[low - start : high - start]

    def decide(self, length: int, data: bytes | None) -> None:
        """The next `length` undecided bytes leave as they are, or as `data`."""
        taken = self.pending[:length]
        if data is None or data == taken:
            self.output += taken
        else:
            self.map = self.map.add(self.decided, len(taken), self.output_end, len(data))
            self.output += data
            if not taken:
                self.injected_end = self.output_end
        self.pending = self.pending[len(taken) :]

    def receive_acknowledgement(self, offset: int, now: float) -> bool:
        """The receiver acknowledged up to the output `offset`: True if that is news."""
        if offset <= self.acknowledged:
            return False
        self.acknowledged = offset
        drop = min(offset, self.output_end) - self.output_start
        if drop > 0:
            self.output = self.output[drop:]
            self.output_start += drop
        self.timer.acknowledged(offset, now)
        self.duplicate_acks = 0
        self.forget()
        return True

    def forget(self) -> None:
        """Drop what is remembered for repetitions that need not be expected any more."""
        if self.map.edits:
            self.map = self.map.without(self.output_start)
        told = min(self.acknowledged_input, self.received)
        surplus = len(self.history) - max(self.received - told, len(self.pending))
        if surplus > 0:
            self.history = self.history[surplus:]


def _unwrap(difference: int, near: int) -> int:
    """The offset congruent to `difference` modulo 2^32 that is nearest to `near`."""
    delta = (difference - near) & SEQUENCE_MASK
    if delta >= 0x80000000:
        delta -= 0x100000000
    return near + delta
