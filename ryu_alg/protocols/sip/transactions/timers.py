"""The timers of SIP transactions: RFC 3261 section 17 and table 4, RFC 6026 section 8."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Timer(Enum):
    """What makes a transaction go on by itself."""

    A = "A"
    """INVITE client: the request is sent again."""
    B = "B"
    """INVITE client: nobody answers."""
    D = "D"
    """INVITE client: no final response is repeated any more."""
    E = "E"
    """Non-INVITE client: the request is sent again."""
    F = "F"
    """Non-INVITE client: nobody answers finally."""
    G = "G"
    """INVITE server: the final response is sent again."""
    H = "H"
    """INVITE server: nobody acknowledges."""
    I = "I"  # noqa: E741 -- its name in the RFC
    """INVITE server: no ACK is repeated any more."""
    J = "J"
    """Non-INVITE server: no request is repeated any more."""
    K = "K"
    """Non-INVITE client: no response is repeated any more."""
    L = "L"
    """INVITE server: no accepted INVITE is repeated any more."""
    M = "M"
    """INVITE client: no further 2xx comes."""


_REPEATING = frozenset({Timer.A, Timer.E, Timer.G})
"""Over a reliable transport these don't run."""
_LINGERING = frozenset({Timer.D, Timer.I, Timer.J, Timer.K})
"""Over a reliable transport nothing is repeated, and these are over at once."""


@dataclass(frozen=True, slots=True)
class Times:
    """The three times that all others are made of, in seconds."""

    t1: float = 0.5
    """Estimate of the round trip."""
    t2: float = 4.0
    """The longest interval at which anything but an INVITE is repeated."""
    t4: float = 5.0
    """How long a message may stay in the network."""

    @property
    def patience(self) -> float:
        """64*T1: how long an answer is waited for."""
        return 64 * self.t1

    def first(self, timer: Timer, *, reliable: bool) -> float | None:
        """After how many seconds a timer that starts fires; None: it does not run."""
        if reliable and timer in _REPEATING:
            return None
        if reliable and timer in _LINGERING:
            return 0.0
        match timer:
            case Timer.A | Timer.E | Timer.G:
                return self.t1
            case Timer.I | Timer.K:
                return self.t4
            case Timer.D:
                return max(32.0, self.patience)
            case _:
                return self.patience

    def next(self, timer: Timer, interval: float, *, answered: bool) -> float:
        """The interval after `interval`, of a timer that repeats.

        `answered`: the other side works on it, so E does not hurry any more (17.1.2.2)."""
        if timer is Timer.A:
            return 2 * interval
        return self.t2 if answered else min(2 * interval, self.t2)
