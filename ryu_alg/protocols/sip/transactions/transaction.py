"""One transaction: a figure, where in it we are, and what leaves when it is to be sent again."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.protocols.sip.transactions.figures import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Action,
    Figure,
    Happening,
    State,
    Trigger,
)
from ryu_alg.protocols.sip.transactions.timers import Timer, Times


@dataclass(frozen=True, slots=True)
class Transmit:
    """These bytes leave."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """The transaction user gets the message that was received."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The transaction user learns that nothing will come of it."""

    timeout: bool
    """64*T1 are over; otherwise the transport failed."""


Output = Transmit | Deliver | Failed


@dataclass(slots=True)
class _Running:
    """A timer that runs."""

    deadline: float
    interval: float


@dataclass(slots=True)
class Transaction:
    """A transaction of any of the four kinds; `now` is in seconds, of any clock."""

    figure: Figure
    times: Times
    reliable: bool
    """The transport delivers: nothing is sent twice."""
    payload: bytes = b""
    """A client's request, a server's last response."""
    acknowledgement: bytes = b""
    """An INVITE client's ACK to the final response that is not 2xx."""
    state: State = field(init=False)
    _running: dict[Timer, _Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.figure.first

    @property
    def over(self) -> bool:
        """Whether it may be forgotten."""
        return self.state is State.TERMINATED

    def start(self, now: float) -> list[Output]:
        """It begins: a client's request leaves, a server's user gets the request elsewhere."""
        outputs: list[Output] = []
        self._enter(self.figure.first, now)
        if self.figure in (INVITE_CLIENT, NON_INVITE_CLIENT):
            outputs.append(Transmit(self.payload))
        return outputs

    def receive(self, happening: Happening, now: float) -> list[Output]:
        """Something came from the wire, or the transport failed."""
        return self._move(happening, now)

    def send(self, status: int, response: bytes, now: float) -> list[Output]:
        """A server's user responds; what comes too late is dropped."""
        happening = Happening.of(status)
        if (self.state, happening) not in self.figure.arrows:
            return []
        self.payload = response
        return self._move(happening, now)

    def next_timeout(self) -> float | None:
        """When `expire` is to be called."""
        return min((running.deadline for running in self._running.values()), default=None)

    def expire(self, now: float) -> list[Output]:
        """Timers whose time has come fire, the earliest first, each once."""
        outputs: list[Output] = []
        due = [timer for timer, running in self._running.items() if running.deadline <= now]
        for timer in sorted(due, key=lambda timer: self._running[timer].deadline):
            if timer in self._running:
                outputs += self._fire(timer, now)
        return outputs

    def _fire(self, timer: Timer, now: float) -> list[Output]:
        running = self._running.pop(timer)
        before = self.state
        outputs = self._move(timer, now)
        if self.state is before:
            # The only timers that leave the state as it is are those that repeat.
            answered = self.state is State.PROCEEDING
            interval = self.times.next(timer, running.interval, answered=answered)
            self._running[timer] = _Running(now + interval, interval)
        return outputs

    def _move(self, trigger: Trigger, now: float) -> list[Output]:
        arrow = self.figure.arrows.get((self.state, trigger))
        if arrow is None:
            return []
        if arrow.to is not self.state:
            self._enter(arrow.to, now)
        return [output for action in arrow.actions for output in self._perform(action)]

    def _enter(self, state: State, now: float) -> None:
        self.state = state
        before, self._running = self._running, {}
        for timer in self.figure.timers.get(state, ()):
            if timer in before:
                self._running[timer] = before[timer]
            elif (first := self.times.first(timer, reliable=self.reliable)) is not None:
                self._running[timer] = _Running(now + first, first)

    def _perform(self, action: Action) -> list[Output]:
        match action:
            case Action.SEND:
                return [Transmit(self.payload)] if self.payload else []
            case Action.ACKNOWLEDGE:
                return [Transmit(self.acknowledgement)]
            case Action.DELIVER:
                return [Deliver()]
            case Action.TIMEOUT:
                return [Failed(timeout=True)]
            case Action.ERROR:
                return [Failed(timeout=False)]


def client_figure(method: str) -> Figure:
    """The machine of who asks."""
    return INVITE_CLIENT if method == "INVITE" else NON_INVITE_CLIENT


def server_figure(method: str) -> Figure:
    """The machine of who is asked."""
    return INVITE_SERVER if method == "INVITE" else NON_INVITE_SERVER
