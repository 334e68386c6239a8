"""Barriers that the switch has not answered yet, and which session waits for each."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.commands import Barrier


@dataclass(slots=True)
class Barriers:
    """Tokens are never used twice: an answer that comes late means nothing to anybody else."""

    waiting: dict[int, int] = field(default_factory=dict)
    """Session by token."""
    _last: int = 0

    def issue(self, session: int) -> Barrier:
        """A barrier that `session` waits for."""
        self._last += 1
        self.waiting[self._last] = session
        return Barrier(self._last)

    def done(self, token: int) -> int | None:
        """The switch has answered: the session that waits for it, if any does."""
        return self.waiting.pop(token, None)

    def cancel(self, token: int) -> None:
        """Nobody waits for it any more."""
        self.waiting.pop(token, None)

    def again(self) -> list[Barrier]:
        """All of them, for a switch that has lost the first ones."""
        return [Barrier(token) for token in self.waiting]
