"""Rewriting by spans: what is not edited leaves as it came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ryu_alg.inspection.effects import Effect, Forward, Replace

Span = tuple[int, int]
"""Where something stands: start and end, in bytes."""
Edit = tuple[Span, bytes]
"""What takes the place of a span; an empty span is where something is inserted."""


def splice(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """`raw` with the edits made; of those that overlap, the first one counts."""
    pieces = []
    position = 0
    for (start, end), text in sorted(edits, key=lambda edit: edit[0]):
        if start < position:
            continue
        pieces += [raw[position:start], text]
        position = end
    pieces.append(raw[position:])
    return b"".join(pieces)


@dataclass(slots=True)
class Decisions:
    """The effects of one inspection, as they are gathered: first byte first."""

    effects: list[Effect] = field(default_factory=list, init=False)

    def forward(self, length: int) -> None:
        """The next `length` bytes leave as they came."""
        if length == 0:
            return
        if self.effects and isinstance(last := self.effects[-1], Forward):
            self.effects[-1] = Forward(last.length + length)
        else:
            self.effects.append(Forward(length))

    def replace(self, length: int, data: bytes) -> None:
        """The next `length` bytes leave as `data`."""
        self.effects.append(Replace(length, data))

    def edit(self, start: int, end: int, edits: Iterable[Edit]) -> None:
        """The bytes from `start` to `end`, which are next, leave with these edits; of those that
        overlap, the first one counts. Spans count from where `start` does."""
        position = start
        for (low, high), text in sorted(edits, key=lambda edit: edit[0]):
            if low < position:
                continue
            self.forward(low - position)
            self.replace(high - low, text)
            position = high
        self.forward(end - position)

    def do(self, *effects: Effect) -> None:
        """Anything else."""
        self.effects.extend(effects)
