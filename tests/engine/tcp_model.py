"""A TCP endpoint, simple but honest: RFC 9293 with RFC 5961 and RFC 7323 window scaling.

It exists to be at either end of a middlebox and to notice when the middlebox is wrong: what a
real stack would answer with a challenge ACK, or would silently discard, is noted in
`violations` as well. Time is an argument, segments to be sent collect in `outbox`.

Positions are unwrapped: 0 is the SYN, 1 the first byte, and the FIN comes after the last.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from ryu_alg.engine.segment import ACK, FIN, PSH, RST, SYN, URG, Segment

MODULUS = 1 << 32
DEFAULT_MSS = 536

Address = tuple[bytes, int]
"""A packed address and a port."""


class State(Enum):
    """RFC 9293 section 3.3.2."""

    CLOSED = "closed"
    LISTEN = "listen"
    SYN_SENT = "syn_sent"
    SYN_RECEIVED = "syn_received"
    ESTABLISHED = "established"
    FIN_WAIT_1 = "fin_wait_1"
    FIN_WAIT_2 = "fin_wait_2"
    CLOSE_WAIT = "close_wait"
    CLOSING = "closing"
    LAST_ACK = "last_ack"
    TIME_WAIT = "time_wait"


CAN_SEND = {
    State.ESTABLISHED,
    State.CLOSE_WAIT,
    State.FIN_WAIT_1,
    State.CLOSING,
    State.LAST_ACK,
}
"""States in which there may be data or a FIN to send or to send again."""

OVER = {State.CLOSED, State.TIME_WAIT}


@dataclass(frozen=True, slots=True)
class Profile:
    """How an endpoint behaves. Seconds and bytes."""

    isn: int = 0
    mss: int | None = 1460
    """What its SYN announces; None omits the option."""
    window_scale: int | None = 0
    """None omits the option."""
    other_options: bytes = b""
    """Raw options that its SYN carries besides."""
    syn_payload: bytes = b""
    """Sent on the SYN, as TCP Fast Open would."""
    buffer: int = 65535
    nagle: bool = True
    delayed_ack: float = 0.0
    rto: float = 0.3
    rto_max: float = 5.0
    byte_probes: bool = False
    """Window and keepalive probes carry a byte (BSD) instead of none (Linux)."""
    keepalive: float | None = None
    keepalive_tries: int = 3
    time_wait: float = 30.0


def parse_options(raw: bytes) -> list[tuple[int, bytes]]:
    """The (kind, value) pairs of `raw`, without NOPs; ValueError when malformed."""
    found = []
    at = 0
    while at < len(raw):
        kind = raw[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(raw) or raw[at + 1] < 2 or at + raw[at + 1] > len(raw):
            raise ValueError(f"malformed options {raw.hex()}")
        found.append((kind, raw[at + 2 : at + raw[at + 1]]))
        at += raw[at + 1]
    return found


def syn_options(profile: Profile, *, scale: bool = True) -> bytes:
    """The options of this profile's SYN, padded to whole words."""
    raw = b""
    if profile.mss is not None:
        raw += b"\x02\x04" + profile.mss.to_bytes(2, "big")
    if scale and profile.window_scale is not None:
        raw += bytes((1, 3, 3, profile.window_scale))
    raw += profile.other_options
    return raw + b"\x01" * (-len(raw) % 4)


@dataclass(eq=False)
class Endpoint:
    """One end of a connection. `listen` or `open` it, then feed it segments and time."""

    name: str
    profile: Profile
    local: Address
    remote: Address
    state: State = State.CLOSED
    outbox: list[Segment] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    peer_options: list[tuple[int, bytes]] = field(default_factory=list)
    written: bytearray = field(default_factory=bytearray)
    """Everything ever written: position 1 is written[0]."""
    stream: bytearray = field(default_factory=bytearray)
    """Everything received in order, read or not."""
    eof: bool = False
    """The peer's FIN was received in order."""
    was_reset: bool = False
    timed_out: bool = False
    urgent_seen: int = 0
    """Highest urgent pointer received, as an offset into `stream`."""

    _closing: bool = False
    _una: int = 0
    _nxt: int = 0
    _max: int = 0
    _wnd: int = 0
    _wl1: int = -1
    _wl2: int = -1
    _max_wnd: int = 0
    _cwnd: int = 0
    _mss: int = DEFAULT_MSS
    _urgent: int = 0
    _dupacks: int = 0
    _backoff: int = 0
    _irs: int = -1
    _rcv: int = 0
    _edge: int = 0
    _fin_at: int = -1
    _read: int = 0
    _parked: dict[int, bytes] = field(default_factory=dict)
    _snd_scale: int = 0
    _rcv_scale: int = 0
    _ack_pending: int = 0
    _probes: int = 0
    _heard: float = 0.0
    _rtx_at: float | None = None
    _persist_at: float | None = None
    _delack_at: float | None = None
    _gone_at: float | None = None

    # ---- what an application does

    def listen(self) -> None:
        """Passive open."""
        self.state = State.LISTEN

    def open(self, now: float) -> None:
        """Active open."""
        self.state = State.SYN_SENT
        self._send_syn(now)

    def write(self, data: bytes, now: float, *, urgent: bool = False) -> None:
        """Queue `data`; the last byte of urgent data is the one the pointer comes after."""
        if self._closing:
            raise ValueError("written after close")
        self.written += data
        if urgent:
            self._urgent = 1 + len(self.written)
        self._output(now)

    def close(self, now: float) -> None:
        """A FIN follows what was written; reading goes on."""
        if self._closing or self.state is State.CLOSED:
            return
        self._closing = True
        if self.state is State.ESTABLISHED:
            self.state = State.FIN_WAIT_1
        elif self.state is State.CLOSE_WAIT:
            self.state = State.LAST_ACK
        self._output(now)

    def abort(self) -> None:
        """Send a RST and forget the connection."""
        self._emit(RST | ACK, self._nxt)
        self._close()

    def read(self, limit: int, now: float) -> bytes:
        """Take up to `limit` bytes; may announce the room that this makes."""
        data = bytes(self.stream[self._read : self._read + limit])
        self._read += len(data)
        if data and self.state in (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2):
            room = self._room_edge() - self._edge
            if room >= min(2 * self._mss, max(1, self.profile.buffer // 2)):
                self._acknowledge()
        return data

    @property
    def unread(self) -> int:
        """Received bytes that the application did not take."""
        return len(self.stream) - self._read

    @property
    def all_acked(self) -> bool:
        """Everything written, and the FIN if closed, was acknowledged."""
        return self._una == 1 + len(self.written) + self._closing

    @property
    def acked(self) -> int:
        """How many written bytes were acknowledged."""
        return max(0, min(self._una - 1, len(self.written)))

    @property
    def edge(self) -> int:
        """Right edge of the receive window, as an offset into `stream`."""
        return self._edge - 1

    @property
    def send_window(self) -> int:
        """The window that the peer announced last, in bytes."""
        return self._wnd

    # ---- time

    def next_timeout(self) -> float | None:
        """When `expire` wants to be called."""
        if self.state is State.CLOSED or self.state is State.LISTEN:
            return None
        due = [
            at
            for at in (self._rtx_at, self._persist_at, self._delack_at, self._gone_at)
            if at is not None
        ]
        if (at := self._keepalive_at()) is not None:
            due.append(at)
        return min(due) if due else None

    def expire(self, now: float) -> None:
        """Do what is due."""
        if self._gone_at is not None and self._gone_at <= now:
            self._close()
            return
        if self._delack_at is not None and self._delack_at <= now:
            self._acknowledge()
        if self._persist_at is not None and self._persist_at <= now:
            self._persist_at = None
            self._probe_window(now)
        if self._rtx_at is not None and self._rtx_at <= now:
            self._retransmit(now)
        at = self._keepalive_at()
        if at is not None and at <= now:
            if self._probes >= self.profile.keepalive_tries:
                self.timed_out = True
                self.abort()
                return
            self._probes += 1
            self._send_probe()

    def _keepalive_at(self) -> float | None:
        if self.profile.keepalive is None or self._una != self._max:
            return None
        if self.state not in (State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_2):
            return None
        return self._heard + self.profile.keepalive * (1 + self._probes)

    def _send_probe(self) -> None:
        self.counters["probe"] += 1
        self._emit(ACK, self._nxt - 1, b"\0" if self.profile.byte_probes else b"")

    def _arm(self, now: float) -> None:
        delay = min(self.profile.rto * (1 << min(self._backoff, 16)), self.profile.rto_max)
        self._rtx_at = now + delay

    def _retransmit(self, now: float) -> None:
        self._rtx_at = None
        self._backoff += 1
        self.counters["timeout"] += 1
        if self.state in (State.SYN_SENT, State.SYN_RECEIVED):
            self._send_syn(now)
            return
        self._nxt = self._una
        self._cwnd = self._mss
        self._dupacks = 0
        self._output(now)

    def _probe_window(self, now: float) -> None:
        """Persist timer (RFC 9293 section 3.8.6.1)."""
        self._backoff += 1
        self.counters["window_probe"] += 1
        length = min(self._wnd, self._mss, self._data_end() - self._nxt)
        if length > 0:
            self._send_data(length, now)
            return
        if self.profile.byte_probes and self._nxt < self._data_end():
            self._emit(ACK, self._nxt, bytes(self.written[self._nxt - 1 : self._nxt]))
            self._max = max(self._max, self._nxt + 1)
        else:
            self._emit(ACK, self._una - 1)
        self._output(now)

    # ---- sending

    def _data_end(self) -> int:
        return 1 + len(self.written)

    def _wire(self, position: int) -> int:
        return (self.profile.isn + position) % MODULUS

    def _emit(self, flags: int, position: int, payload: bytes = b"", options: bytes = b"") -> None:
        if self._irs < 0:
            flags &= ~ACK
        urgent = 0
        if flags & (SYN | RST) == 0 and self._urgent > position:
            flags |= URG
            urgent = min(self._urgent - position, 0xFFFF)
        window = min(self.profile.buffer, 0xFFFF) if flags & SYN else self._window_field()
        if flags & SYN:
            self._edge = max(self._edge, self._rcv + window)
        if flags & ACK:
            self._ack_pending = 0
            self._delack_at = None
        self.outbox.append(
            Segment(
                src=self.local[0],
                dst=self.remote[0],
                sport=self.local[1],
                dport=self.remote[1],
                seq=self._wire(position),
                ack=(self._irs + self._rcv) % MODULUS if flags & ACK else 0,
                flags=flags,
                window=0 if flags & RST else window,
                payload=payload,
                options=options,
                urgent=urgent,
            )
        )

    def _room_edge(self) -> int:
        return self._rcv + max(0, self.profile.buffer - self.unread)

    def _window_field(self) -> int:
        """Never moves the right edge to the left, nor by silly steps to the right."""
        edge = self._room_edge()
        if edge - self._edge < min(self._mss, max(1, self.profile.buffer // 2)):
            edge = max(self._edge, self._rcv)
        unit = 1 << self._rcv_scale
        window = (edge - self._rcv) >> self._rcv_scale
        if self._rcv + window * unit < self._edge:
            window += 1
        window = min(window, 0xFFFF)
        self._edge = max(self._edge, self._rcv + window * unit)
        return window

    def _acknowledge(self) -> None:
        self._emit(ACK, self._max)

    def _send_syn(self, now: float) -> None:
        answering = self._irs >= 0
        scale = not answering or any(kind == 3 for kind, _ in self.peer_options)
        self._emit(
            SYN | ACK if answering else SYN,
            0,
            b"" if answering or self._backoff else self.profile.syn_payload,
            syn_options(self.profile, scale=scale),
        )
        self._nxt = self._max = 1
        self._arm(now)

    def _send_data(self, length: int, now: float) -> None:
        position = self._nxt
        payload = bytes(self.written[position - 1 : position - 1 + length])
        self._nxt += length
        flags = ACK
        if self._nxt == self._data_end():
            flags |= PSH if length else 0
            if self._closing:
                flags |= FIN
                self._nxt += 1
        if position < self._max:
            self.counters["retransmitted"] += 1
        self._max = max(self._max, self._nxt)
        self._emit(flags, position, payload)
        self._persist_at = None
        if self._rtx_at is None:
            self._arm(now)

    def _small_may_go(self, length: int) -> bool:
        """Whether less than a full segment may be sent: Nagle, and RFC 1122 section 4.2.3.4."""
        if self._nxt + length < self._data_end():
            return length >= max(1, self._max_wnd // 2)
        idle = self._una == self._max
        return not self.profile.nagle or idle or self._closing or self._urgent > self._nxt

    def _output(self, now: float) -> None:
        """Send what window, congestion window and Nagle's algorithm (RFC 896) allow."""
        if self.state not in CAN_SEND:
            return
        end = self._data_end()
        final = end + self._closing
        while self._nxt < final:
            usable = self._una + min(self._wnd, self._cwnd) - self._nxt
            length = min(usable, self._mss, end - self._nxt)
            if usable <= 0:
                break
            again = self._nxt < self._max
            if length < self._mss and not again and not self._small_may_go(length):
                break
            self._send_data(max(0, length), now)
        if self._nxt < final and self._nxt == self._una:
            self._rtx_at = None
            if self._persist_at is None:
                delay = min(self.profile.rto * (1 << min(self._backoff, 16)), self.profile.rto_max)
                self._persist_at = now + delay

    # ---- receiving

    def receive(self, segment: Segment, now: float) -> None:
        """A segment arrived."""
        if (segment.src, segment.sport, segment.dst, segment.dport) != self.remote + self.local:
            self._violation("foreign addresses", segment)
            return
        self.counters["received"] += 1
        self._heard = now
        self._probes = 0
        if self.state is State.CLOSED:
            self._refuse(segment)
        elif self.state is State.LISTEN:
            self._receive_listening(segment, now)
        elif self.state is State.SYN_SENT:
            self._receive_opening(segment, now)
        else:
            self._receive_synchronized(segment, now)

    def _violation(self, what: str, segment: Segment) -> None:
        self.violations.append(f"{self.name}: {what}: {segment}")

    def _close(self) -> None:
        self.state = State.CLOSED
        self._rtx_at = self._persist_at = self._delack_at = self._gone_at = None

    def _refuse(self, segment: Segment) -> None:
        """RFC 9293 section 3.10.7.1."""
        if segment.flags & RST:
            return
        self.counters["refused"] += 1
        length = len(segment.payload) + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        has_ack = segment.flags & ACK
        self.outbox.append(
            Segment(
                src=self.local[0],
                dst=self.remote[0],
                sport=self.local[1],
                dport=self.remote[1],
                seq=segment.ack if has_ack else 0,
                ack=0 if has_ack else (segment.seq + length) % MODULUS,
                flags=RST if has_ack else RST | ACK,
                window=0,
            )
        )

    def _learn(self, segment: Segment) -> None:
        """Take over what the peer's SYN says."""
        self._irs = segment.seq
        self._rcv = 1
        self._edge = max(self._edge, 1 + min(self.profile.buffer, 0xFFFF))
        self.peer_options = parse_options(segment.options)
        options = dict(self.peer_options)
        self._mss = min(
            int.from_bytes(options[2], "big") if 2 in options else DEFAULT_MSS,
            self.profile.mss if self.profile.mss is not None else 65535,
        )
        if 3 in options and self.profile.window_scale is not None:
            self._snd_scale = options[3][0]
            self._rcv_scale = self.profile.window_scale
        self._cwnd = 10 * self._mss
        self._wnd = self._max_wnd = segment.window
        self._wl1 = 0

    def _receive_listening(self, segment: Segment, now: float) -> None:
        if segment.flags & RST:
            return
        if segment.flags & ACK:
            self._refuse(segment)
            return
        if not segment.flags & SYN:
            return
        if segment.payload:
            self._violation("payload on a SYN", segment)
        self._learn(segment)
        self.state = State.SYN_RECEIVED
        self._send_syn(now)

    def _receive_opening(self, segment: Segment, now: float) -> None:
        acceptable = bool(segment.flags & ACK) and segment.ack == self._wire(1)
        if segment.flags & ACK and not acceptable:
            self._violation("SYN_SENT and an ack of something else", segment)
            self._refuse(segment)
            return
        if segment.flags & RST:
            if acceptable:
                self.was_reset = True
                self._close()
            return
        if not segment.flags & SYN or not acceptable:
            return
        self._learn(segment)
        self._una = 1
        self._wl2 = 1
        self._backoff = 0
        self._rtx_at = None
        self.state = State.FIN_WAIT_1 if self._closing else State.ESTABLISHED
        self._acknowledge()
        self._output(now)

    def _receive_synchronized(self, segment: Segment, now: float) -> None:
        at = self._rcv + signed(segment.seq - self._irs - self._rcv)
        syn = bool(segment.flags & SYN)
        length = len(segment.payload) + syn + bool(segment.flags & FIN)
        if self.state is State.SYN_RECEIVED and syn and at == 0 and not segment.flags & ACK:
            self._send_syn(now)
            return
        if segment.flags & RST:
            self._receive_reset(at)
            return
        if not self._acceptable(at, length):
            self.counters["unacceptable"] += 1
            # An ACK is taken from a segment that carries nothing new all the same: RFC 9293
            # section 3.10.7.4 asks for it with a zero window, and stacks do it always.
            if segment.flags & ACK and not syn and at <= self._rcv <= self._edge:
                self._receive_ack(segment, at, now)
            if self.state is not State.CLOSED:
                self._acknowledge()
            if self.state is State.TIME_WAIT:
                self._gone_at = now + self.profile.time_wait
            return
        if syn:
            self.counters["challenge"] += 1
            self._acknowledge()
            return
        if not segment.flags & ACK:
            return
        if not self._receive_ack(segment, at, now):
            return
        if segment.flags & URG:
            self.urgent_seen = max(self.urgent_seen, at + segment.urgent - 1)
        self._receive_text(segment, at, now)
        self._output(now)

    def _acceptable(self, at: int, length: int) -> bool:
        """RFC 9293 section 3.10.7.4, first check."""
        window = self._edge - self._rcv
        if length == 0:
            return at == self._rcv if window == 0 else self._rcv <= at < self._edge
        if window == 0:
            return False
        return self._rcv <= at < self._edge or self._rcv <= at + length - 1 < self._edge

    def _receive_reset(self, at: int) -> None:
        """RFC 5961 section 3.2: only the exact next sequence number resets."""
        if at == self._rcv:
            # In TIME-WAIT it takes nothing away from the connection (RFC 1337).
            self.was_reset = self.state is not State.TIME_WAIT
            self._close()
        elif self._rcv < at < self._edge:
            self.counters["challenge"] += 1
            self._acknowledge()
        else:
            self.counters["blind_reset"] += 1

    def _receive_ack(self, segment: Segment, at: int, now: float) -> bool:
        """False when the segment must be dropped (RFC 5961 section 5.2)."""
        ack = self._una + signed(segment.ack - self.profile.isn - self._una)
        if self.state is State.SYN_RECEIVED:
            if not 0 < ack <= self._max:
                self._violation("SYN_RECEIVED and an ack of something else", segment)
                self._refuse(segment)
                return False
            self.state = State.FIN_WAIT_1 if self._closing else State.ESTABLISHED
        if ack > self._max:
            self._violation("ack of what was never sent", segment)
            self.counters["challenge"] += 1
            self._acknowledge()
            return False
        if ack < self._una - self._max_wnd:
            self.counters["challenge"] += 1
            self._acknowledge()
            return False
        window = segment.window << self._snd_scale
        if ack > self._una:
            self._advance(ack, now)
        elif (
            ack == self._una
            and self._una < self._max
            and not segment.payload
            and not segment.flags & FIN
            and window == self._wnd
            and self._nxt > self._una
        ):
            self._dupacks += 1
            if self._dupacks == 3:
                self._fast_retransmit(now)
        if self._wl1 < at or (self._wl1 == at and self._wl2 <= ack):
            if window > self._wnd and self._wnd == 0:
                self._backoff = 0
            if window > self._wnd:
                # Otherwise it runs on: a window that stays small must not hold data up forever.
                self._persist_at = None
            self._wnd, self._wl1, self._wl2 = window, at, ack
            self._max_wnd = max(self._max_wnd, window)
        self._output(now)
        return True

    def _advance(self, ack: int, now: float) -> None:
        self._cwnd += self._mss
        self._una = ack
        self._nxt = max(self._nxt, ack)
        self._dupacks = 0
        self._backoff = 0
        self._rtx_at = None
        if self._una < self._max:
            self._arm(now)
        if self._closing and ack == self._data_end() + 1:
            if self.state is State.FIN_WAIT_1:
                self.state = State.FIN_WAIT_2
            elif self.state is State.CLOSING:
                self.state = State.TIME_WAIT
                self._gone_at = now + self.profile.time_wait
            elif self.state is State.LAST_ACK:
                self._close()

    def _fast_retransmit(self, now: float) -> None:
        """RFC 5681 section 3.2, without the recovery."""
        self.counters["fast_retransmit"] += 1
        resume = self._nxt
        self._nxt = self._una
        self._send_data(min(self._mss, self._data_end() - self._una, max(1, self._wnd)), now)
        self._nxt = max(resume, self._nxt)
        self._arm(now)

    def _receive_text(self, segment: Segment, at: int, now: float) -> None:
        payload = segment.payload
        end = at + len(payload)
        if segment.flags & FIN:
            if self._fin_at not in (-1, end):
                self._violation(f"FIN moved from {self._fin_at} to {end}", segment)
                return
            self._fin_at = end
        if payload and 0 <= self._fin_at < end:
            self._violation("data after the FIN", segment)
            return
        if not payload and not segment.flags & FIN:
            return
        overlap = bytes(self.stream[max(0, at - 1) : end - 1])
        if overlap and payload[max(0, 1 - at) :][: len(overlap)] != overlap:
            self._violation("bytes changed in a retransmission", segment)
        before = self._rcv
        filled = bool(self._parked)
        kept = payload[max(0, self._rcv - at) : max(0, self._edge - at)]
        if kept:
            self._park(max(at, self._rcv), kept, segment)
        while self._rcv in self._parked:
            chunk = self._parked.pop(self._rcv)
            self.stream += chunk
            self._rcv += len(chunk)
            for start in [s for s in self._parked if s < self._rcv]:
                rest = self._parked.pop(start)[self._rcv - start :]
                if rest:
                    self._park(self._rcv, rest, segment)
        if self._rcv == self._fin_at and not self.eof:
            self._receive_fin(now)
        in_order = self._rcv > before and not self._parked and not filled and not self.eof
        self._ack_pending += 1
        if not in_order or self.profile.delayed_ack <= 0 or self._ack_pending >= 2:
            self._acknowledge()
        elif self._delack_at is None:
            self._delack_at = now + self.profile.delayed_ack

    def _park(self, at: int, data: bytes, segment: Segment) -> None:
        """Keep out-of-order bytes, and compare where they overlap what is parked already."""
        for start, other in self._parked.items():
            low, high = max(at, start), min(at + len(data), start + len(other))
            if low < high and data[low - at : high - at] != other[low - start : high - start]:
                self._violation("bytes changed between out-of-order copies", segment)
        if len(self._parked.get(at, b"")) < len(data):
            self._parked[at] = data

    def _receive_fin(self, now: float) -> None:
        self.eof = True
        self._rcv += 1
        self._edge = max(self._edge, self._rcv)
        if self.state is State.ESTABLISHED:
            self.state = State.CLOSE_WAIT
        elif self.state is State.FIN_WAIT_1:
            self.state = State.CLOSING
        elif self.state is State.FIN_WAIT_2:
            self.state = State.TIME_WAIT
            self._gone_at = now + self.profile.time_wait


def signed(difference: int) -> int:
    """A difference of sequence numbers as a number from -2^31 to 2^31 - 1."""
    return (difference + (1 << 31)) % MODULUS - (1 << 31)
