"""What SETUP has made: streams, the public ports that stand for them, and sessions' time.

Whoever changes something here calls `settle`, which says what brings the gateway in line with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import (
    Address,
    Admit,
    Binding,
    Effect,
    Endpoint,
    Exchange,
    Refusal,
    StreamGateway,
    Transport,
    Unbind,
)
from ryu_alg.protocols.rtsp.messages import Session

MAX_STREAMS = 32
"""Of one connection, those that are being set up included."""
MAX_PENDING = 32
"""Requests that await their answer and matter; what comes behind them waits."""
DEFAULT_TIMEOUT = 60
"""Seconds until a session without requests is over (RFC 2326 section 12.37)."""
GRACE = 10
"""Seconds that the server is given beyond its own time-out."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One of the ways in which the client would take a stream."""

    tcp: bool
    setup: bytes
    address: Address
    """Where the client wants it, really."""
    ports: tuple[int, ...]
    """The client's, as the server is told."""
    binding: Binding | None
    """What stands for them outside."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A client's request that awaits its answer."""

    cseq: int
    method: str
    url: bytes
    session: bytes | None
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """What one SETUP has made."""

    session: bytes
    url: bytes
    interleaved: bool = False
    binding: int | None = None
    exchanges: tuple[Exchange, ...] = ()


@dataclass(slots=True)
class _Life:
    """When a session was last heard of."""

    timeout: int
    heard: float

    @property
    def end(self) -> float:
        return self.heard + self.timeout + GRACE


@dataclass(slots=True)
class Streams:
    """Those of one connection."""

    gateway: StreamGateway
    live: list[Stream] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    """Oldest first."""
    _bindings: dict[int, Binding] = field(default_factory=dict)
    _admitted: dict[int, frozenset[Exchange]] = field(default_factory=dict)
    _silent: set[int] = field(default_factory=set)
    """Bindings through which nothing moves."""
    _lives: dict[bytes, _Life] = field(default_factory=dict)
    """Of sessions that have streams."""

    @property
    def full(self) -> bool:
        """Whether there may be no more of them."""
        setups = sum(request.method == "SETUP" for request in self.pending)
        return len(self.live) + setups >= MAX_STREAMS

    @property
    def being_set_up(self) -> bool:
        """Whether a SETUP awaits its answer."""
        return any(request.method == "SETUP" for request in self.pending)

    @property
    def all_interleaved(self) -> bool:
        """Whether there are streams, all of them within this connection."""
        return bool(self.live) and all(stream.interleaved for stream in self.live)

    def take(self, inside: Sequence[Endpoint], transport: Transport) -> Binding | Refusal:
        """What stands for these endpoints: what did so before, or something new."""
        wanted = tuple(inside)
        for binding in self._bindings.values():
            if binding.transport is transport and binding.inside == wanted:
                return binding
        paired = transport is Transport.UDP
        outcome = self.gateway.bind(wanted, transport=transport, even=paired)
        if isinstance(outcome, Binding):
            self._bindings[outcome.id] = outcome
        return outcome

    def answered(self, cseq: int) -> Pending | None:
        """The request that a final response is to. Those before it will have no answer: they come
        in order (RFC 2326 section 9.1)."""
        for index, request in enumerate(self.pending):
            if request.cseq == cseq:
                del self.pending[: index + 1]
                return request
        return None

    def add(self, stream: Stream, timeout: int | None) -> None:
        """A stream is set up, in place of what the same URL was before."""
        self.live = [
            other
            for other in self.live
            if (other.session, other.url) != (stream.session, stream.url)
        ]
        self.live.append(stream)
        self._lives[stream.session] = _Life(timeout or DEFAULT_TIMEOUT, self.gateway.now)

    def heard(self, session: Session | None) -> None:
        """A message names a session: it lives."""
        life = self._lives.get(session.name) if session is not None else None
        if life is None or session is None:
            return
        life.heard = self.gateway.now
        if session.timeout is not None:
            life.timeout = session.timeout

    def resumed(self, session: bytes | None) -> None:
        """Media will move, or move again."""
        self._silent -= {
            stream.binding
            for stream in self.live
            if stream.binding is not None and session in (None, stream.session)
        }

    def torn_down(self, url: bytes, session: bytes | None) -> None:
        """One stream is over, if the URL is one's; otherwise the whole session is."""
        of_session = [stream for stream in self.live if session in (None, stream.session)]
        over = [stream for stream in of_session if _same(stream.url, url)] or of_session
        self._remove(over)

    def clear(self) -> None:
        """All of them are over."""
        self.pending.clear()
        self._remove(list(self.live))

    def fell_silent(self, binding: int) -> None:
        """Nothing moves through a binding any more."""
        if binding in self._bindings:
            self._silent.add(binding)

    def next_timeout(self) -> float | None:
        """When `expire` has something to do, at the earliest."""
        ends = (life.end for name, life in self._lives.items() if self._quiet(name))
        return min(ends, default=None)

    def expire(self) -> list[bytes]:
        """End the sessions whose time is up, and return them.

        A session of which media move is alive: many servers take RTCP for a sign of life."""
        now = self.gateway.now
        over = [name for name, life in self._lives.items() if self._quiet(name) and life.end <= now]
        self._remove([stream for stream in self.live if stream.session in over])
        return over

    def settle(self) -> Iterator[Effect]:
        """What has to be done, since the last time.

        What goes makes room first: the same inside port may be on its way to another public one."""
        used = {stream.binding for stream in self.live}
        for request in self.pending:
            used |= {offer.binding.id for offer in request.offers if offer.binding is not None}
        for number in [number for number in self._bindings if number not in used]:
            del self._bindings[number]
            self._admitted.pop(number, None)
            self._silent.discard(number)
            yield Unbind(number)
        for number in self._bindings:
            wanted = dict.fromkeys(
                exchange
                for stream in self.live
                if stream.binding == number
                for exchange in stream.exchanges
            )
            if wanted.keys() != self._admitted.get(number, frozenset()):
                self._admitted[number] = frozenset(wanted)
                self._silent.discard(number)
                yield Admit(number, tuple(wanted))

    def _quiet(self, session: bytes) -> bool:
        # What is within this connection, or not ours at all, is never seen to be silent.
        return all(
            stream.binding in self._silent for stream in self.live if stream.session == session
        )

    def _remove(self, over: list[Stream]) -> None:
        self.live = [stream for stream in self.live if stream not in over]
        names = {stream.session for stream in self.live}
        self._lives = {name: life for name, life in self._lives.items() if name in names}


def _same(one: bytes, other: bytes) -> bool:
    return one.rstrip(b"/") == other.rstrip(b"/")
