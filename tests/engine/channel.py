"""A network in virtual time: two endpoints, a middlebox between them, and four bad links.

    client --> middlebox --> server        each arrow is a `Link` that splits, merges,
    client <-- middlebox <-- server        delays, repeats, drops and overlaps segments

Everything random comes from a seed, and nothing here waits: a minute of virtual time costs as
much as the events in it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Protocol

from ryu_alg.engine.segment import ACK, FIN, PSH, RST, SYN, URG, Segment
from ryu_alg.inspection.endpoints import Direction, Party
from tests.engine.tcp_model import MODULUS, Endpoint

Emission = tuple[Direction, Segment]


class Timed(Protocol):
    """Something that wants to be called at a time."""

    def next_timeout(self) -> float | None:
        """When."""

    def expire(self, now: float) -> None:
        """Now."""


class Middlebox(Timed, Protocol):
    """What stands between the endpoints."""

    def receive(self, direction: Direction, segment: Segment, now: float) -> list[Emission]:
        """A segment arrived from the sender of `direction`."""

    def collect(self, now: float) -> list[Emission]:
        """What is to be sent after `expire`."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad a link is. Chances are per cent per segment, times are seconds."""

    delay: float = 0.01
    jitter: float = 0.0
    """Each segment takes up to so much longer: more than the gap between two reorders them."""
    drop: int = 0
    drops: int = 20
    """How many may be lost altogether: after that the link loses none."""
    repeat: int = 0
    repeat_after: float = 0.2
    """A repeated segment comes again within this time, as it was."""
    split: int = 0
    merge: int = 0
    overlap: int = 0
    """Sent again together with bytes from before it."""


class Link:
    """One way from one machine to the next."""

    def __init__(self, weather: Weather, seed: str, deliver: Callable[[float, Segment], None]):
        self._weather = weather
        self._random = Random(seed)
        self._deliver = deliver
        self._dropped = 0
        self._last: Segment | None = None
        """The last segment with data: what an overlap repeats and a merge extends."""
        self._waiting: Segment | None = None

    def send(self, segment: Segment, now: float) -> None:
        """Whatever becomes of it is handed to `deliver` with its time of arrival."""
        weather = self._weather
        for piece in self._shape(segment):
            if self._chance(weather.drop) and self._dropped < weather.drops:
                self._dropped += 1
                continue
            self._deliver(now + self._delay(), piece)
            if self._chance(weather.repeat):
                again = self._random.random() * weather.repeat_after
                self._deliver(now + self._delay() + again, replace(piece))

    def _chance(self, per_cent: int) -> bool:
        return per_cent > 0 and self._random.random() * 100 < per_cent

    def _delay(self) -> float:
        return self._weather.delay + self._random.random() * self._weather.jitter

    def _shape(self, segment: Segment) -> list[Segment]:
        """The same bytes in other segments."""
        if segment.flags & (SYN | RST) or not segment.payload:
            return [segment]
        last, self._last = self._last, segment
        if last is not None and (last.seq + len(last.payload)) % MODULUS == segment.seq:
            if self._chance(self._weather.merge):
                segment = join(last, segment)
            elif self._chance(self._weather.overlap):
                segment = join(cut(last, self._random.randrange(len(last.payload)), None), segment)
        if self._chance(self._weather.split):
            return self._split(segment)
        return [segment]

    def _split(self, segment: Segment) -> list[Segment]:
        size = self._random.choice((1, 2, 3, 7, 40, 200))
        most = 12
        size = max(size, -(-len(segment.payload) // most))
        return [cut(segment, at, at + size) for at in range(0, max(1, len(segment.payload)), size)]


def cut(segment: Segment, start: int, end: int | None) -> Segment:
    """The part of a data segment with payload[start:end]."""
    payload = segment.payload[start:end]
    flags = segment.flags
    if start + len(payload) < len(segment.payload):
        flags &= ~(FIN | PSH)
    urgent = segment.urgent - start
    if flags & URG and urgent <= 0:
        flags &= ~URG
    return replace(
        segment,
        seq=(segment.seq + start) % MODULUS,
        flags=flags,
        payload=payload,
        urgent=urgent if flags & URG else 0,
    )


def join(first: Segment, second: Segment) -> Segment:
    """Two adjacent data segments as one, with what the second one says."""
    flags = second.flags
    urgent = second.urgent + len(first.payload)
    if not flags & URG and first.flags & URG:
        flags |= URG
        urgent = first.urgent
    return replace(
        second,
        seq=first.seq,
        flags=flags,
        payload=first.payload + second.payload,
        urgent=urgent if flags & URG else 0,
    )


class StormError(Exception):
    """More happened than can be right: a storm of packets, or a timer without progress."""


@dataclass
class Network:
    """Both endpoints, their applications, the middlebox and the four links."""

    client: Endpoint
    server: Endpoint
    box: Middlebox
    weather: dict[str, Weather] = field(default_factory=dict)
    """By link: "client-box", "box-server", "server-box", "box-client"."""
    seed: str = ""
    timed: list[Timed] = field(default_factory=list)
    """Applications and whatever else lives in this time."""
    now: float = 0.0
    most_events: int = 20_000
    fate: Callable[[str, Segment], bool] | None = None
    """Asked for each segment as it is put on a link: False loses it."""
    log: list[tuple[float, str, Segment]] = field(default_factory=list)
    """Everything that was put on a link, lost or not: (time, link, segment)."""
    counters: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._queue: list[tuple[float, int, str, Segment]] = []
        self._order = count()
        self._links: dict[str, Link] = {}
        for name in ("client-box", "box-server", "server-box", "box-client"):
            weather = self.weather.get(name, Weather())
            self._links[name] = Link(weather, f"{self.seed}/{name}", self._deliverer(name))

    def _deliverer(self, name: str) -> Callable[[float, Segment], None]:
        def deliver(at: float, segment: Segment) -> None:
            heapq.heappush(self._queue, (at, next(self._order), name, segment))

        return deliver

    def endpoint(self, party: Party) -> Endpoint:
        """The endpoint that is `party`."""
        return self.client if party is Party.CLIENT else self.server

    def send(self, name: str, segment: Segment) -> None:
        """Put a segment on a link."""
        self.counters[name] += 1
        self.log.append((self.now, name, segment))
        if self.fate is not None and not self.fate(name, segment):
            return
        self._links[name].send(segment, self.now)

    def emit(self, emissions: list[Emission]) -> None:
        """Send what the middlebox wants sent."""
        for direction, segment in emissions:
            self.send("box-server" if direction is Direction.TO_SERVER else "box-client", segment)

    def drain(self) -> None:
        """Send what the endpoints want sent."""
        for endpoint, name in ((self.client, "client-box"), (self.server, "server-box")):
            if endpoint.outbox:
                segments, endpoint.outbox = endpoint.outbox, []
                for segment in segments:
                    self.send(name, segment)

    def start(self) -> None:
        """The server listens and the client connects."""
        self.server.listen()
        self.client.open(self.now)
        self.drain()

    def run(self, until: Callable[[], bool] | None = None, *, deadline: float = 900.0) -> bool:
        """Let time pass until `until()`; False when the deadline came, or nothing is left."""
        events = 0
        while until is None or not until():
            at = self._next_event()
            if at is None or at > deadline:
                self.now = deadline
                return False
            self.now = max(self.now, at)
            events += 1
            if events > self.most_events:
                raise StormError(f"{events} events by {self.now:.3f} s: {dict(self.counters)}")
            if self._queue and self._queue[0][0] <= self.now:
                self._arrive()
            else:
                self._expire()
            self.drain()
        return True

    def pause(self, seconds: float) -> None:
        """Let this much time pass."""
        self.run(deadline=self.now + seconds)

    def _next_event(self) -> float | None:
        due = [self._queue[0][0]] if self._queue else []
        for timed in (self.client, self.server, self.box, *self.timed):
            at = timed.next_timeout()
            if at is not None:
                due.append(at)
        return min(due) if due else None

    def _arrive(self) -> None:
        _, _, name, segment = heapq.heappop(self._queue)
        match name:
            case "client-box":
                self.emit(self.box.receive(Direction.TO_SERVER, segment, self.now))
            case "server-box":
                self.emit(self.box.receive(Direction.TO_CLIENT, segment, self.now))
            case "box-client":
                self.client.receive(segment, self.now)
            case "box-server":
                self.server.receive(segment, self.now)

    def _expire(self) -> None:
        for timed in (self.client, self.server, *self.timed):
            at = timed.next_timeout()
            if at is not None and at <= self.now:
                timed.expire(self.now)
        at = self.box.next_timeout()
        if at is not None and at <= self.now:
            self.box.expire(self.now)
        self.emit(self.box.collect(self.now))


@dataclass
class Application:
    """Writes what it was given to write, reads at its own pace, and closes."""

    endpoint: Endpoint
    script: list[tuple[float, bytes]]
    """(seconds to wait, bytes to write) in turn."""
    close_after_eof: bool = False
    """Close only when the other end has closed, else as soon as all is written."""
    pace: tuple[float, int] | None = None
    """Read so many bytes each so many seconds; None reads at once."""
    received: bytearray = field(default_factory=bytearray)
    _at: float | None = None
    _read_at: float | None = None

    def __post_init__(self) -> None:
        self.script = list(self.script)
        self._at = self.script[0][0] if self.script else 0.0

    def next_timeout(self) -> float | None:
        """When there is something to write or to read."""
        due = []
        if self._at is not None and not (self._waits_for_eof() and not self.endpoint.eof):
            due.append(self._at)
        if self.endpoint.unread:
            due.append(self._read_at or 0.0)
        return min(due) if due else None

    def _waits_for_eof(self) -> bool:
        return not self.script and self.close_after_eof

    def expire(self, now: float) -> None:
        """Read and write."""
        if self.endpoint.unread and (self._read_at or 0.0) <= now:
            pace, amount = self.pace or (0.0, 1 << 30)
            self.received += self.endpoint.read(amount, now)
            self._read_at = now + pace
        if self._at is None or self._at > now:
            return
        if self.script:
            _, data = self.script.pop(0)
            self.endpoint.write(data, now)
            self._at = now + self.script[0][0] if self.script else now
        elif not self.close_after_eof or self.endpoint.eof:
            self.endpoint.close(now)
            self._at = None


def acknowledges(segment: Segment) -> bool:
    """It is a bare acknowledgement."""
    return segment.flags & (SYN | FIN | RST | ACK) == ACK and not segment.payload
