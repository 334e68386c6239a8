"""TCP sessions whose handshake is not complete: anybody makes one, by a SYN with whatever source.

Each network has room for some; over it the oldest makes way for the newest (RFC 4987 section
3.4). A handshake takes a round trip: whoever means it is through long before a flood has filled the
room, and what a flood fills is no more than that.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from ryu_alg.engine.config import EngineConfig

OUTSIDE = ""
"""What stands for all networks outside, where inside ones have their names."""
TELL_AGAIN = 60.0
"""Seconds after which it is told again that a network's room is full."""


@dataclass(slots=True)
class HalfOpen:
    """The sessions that wait, by where their client is."""

    config: EngineConfig
    _waiting: defaultdict[str, dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    """Session ids by network, oldest first."""
    _told: dict[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def enter(self, network: str, session: int) -> int | None:
        """One more waits: the session that has to make way, if one has to."""
        waiting = self._waiting[network]
        waiting[session] = None
        return next(iter(waiting)) if len(waiting) > self.config.quotas.half_open else None

    def leave(self, network: str, session: int) -> None:
        """Its handshake is complete, or it has ended."""
        self._waiting[network].pop(session, None)

    def worth_telling(self, network: str, now: float) -> bool:
        """Whether nobody was told lately that there is no room left."""
        if now < self._told.get(network, float("-inf")) + TELL_AGAIN:
            return False
        self._told[network] = now
        return True
