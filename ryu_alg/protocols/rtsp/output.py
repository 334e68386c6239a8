"""What leaves in place of what came, and by how much the two are apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ryu_alg.inspection import Direction, Inject
from ryu_alg.inspection.edits import Decisions, Edit


@dataclass(slots=True)
class Output(Decisions):
    """The effects of one inspection."""

    direction: Direction
    shift: dict[Direction, int]
    """Bytes by which what left is ahead of what came, since the connection began."""

    def replace(self, length: int, data: bytes) -> None:
        """The next `length` bytes leave as `data`."""
        if length or data:
            Decisions.replace(self, length, data)
            self.shift[self.direction] += len(data) - length

    def rewrite(self, start: int, end: int, edits: Iterable[Edit], filling: int | None) -> None:
        """What stands at start..end leaves with these edits.

        A message that gets shorter by them is filled up with blanks at `filling`, where blanks
        mean nothing: a connection without shift can leave the controller. None: nowhere."""
        made = list(edits)
        shorter = sum(high - low - len(text) for (low, high), text in made)
        blanks = min(shorter, -self.shift[self.direction] + shorter)
        if filling is not None and blanks > 0:
            made.append(((filling, filling), b" " * blanks))
        self.edit(start, end, made)

    def inject(self, text: bytes) -> None:
        """`text` leaves in the other direction, behind all that was decided there."""
        self.do(Inject(self.direction.opposite, text))
        self.shift[self.direction.opposite] += len(text)
