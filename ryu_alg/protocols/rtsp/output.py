"""What leaves in place of what came, and by how much the two are apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ryu_alg.inspection import Direction, Effect, Forward, Inject, Replace
from ryu_alg.inspection.sdp import Edit


@dataclass(slots=True)
class Output:
    """The effects of one inspection, in order."""

    direction: Direction
    shift: dict[Direction, int]
    """Bytes by which what left is ahead of what came, since the connection began."""
    effects: list[Effect] = field(default_factory=list)

    def forward(self, length: int) -> None:
        """The next `length` bytes leave as they came."""
        if length == 0:
            return
        if self.effects and isinstance(last := self.effects[-1], Forward):
            self.effects[-1] = Forward(last.length + length)
        else:
            self.effects.append(Forward(length))

    def replace(self, length: int, text: bytes) -> None:
        """The next `length` bytes leave as `text`."""
        if length or text:
            self.effects.append(Replace(length, text))
            self.shift[self.direction] += len(text) - length

    def rewrite(self, start: int, end: int, edits: Iterable[Edit], filling: int | None) -> None:
        """What stands at start..end leaves with these edits.

        A message that gets shorter by them is filled up with blanks at `filling`, where blanks
        mean nothing: a connection without shift can leave the controller. None: nowhere."""
        made = sorted(edits, key=lambda edit: edit[0])
        shorter = sum(high - low - len(text) for (low, high), text in made)
        blanks = min(shorter, -self.shift[self.direction] + shorter)
        if filling is not None and blanks > 0:
            made = sorted([*made, ((filling, filling), b" " * blanks)], key=lambda edit: edit[0])
        position = start
        for (low, high), text in made:
            if low < position:
                continue
            self.forward(low - position)
            self.replace(high - low, text)
            position = high
        self.forward(end - position)

    def inject(self, text: bytes) -> None:
        """`text` leaves in the other direction, behind all that was decided there."""
        self.effects.append(Inject(self.direction.opposite, text))
        self.shift[self.direction.opposite] += len(text)

    def do(self, *effects: Effect) -> None:
        """Anything else."""
        self.effects.extend(effects)
