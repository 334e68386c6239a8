"""The effects of one inspection, as they are gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import Direction, Effect, Forward, Inject, Replace, Report
from ryu_alg.inspection.names import printable


@dataclass(slots=True)
class Decisions:
    """Effects for the bytes that go in `direction`, first byte first."""

    direction: Direction
    effects: list[Effect] = field(default_factory=list)

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

    def delete(self, length: int) -> None:
        """The next `length` bytes do not leave."""
        self.effects.append(Replace(length, b""))

    def rewrite(self, line: bytes, spans: Sequence[tuple[int, int]], text: bytes | None) -> None:
        """The next line leaves with `text` in place of each span; None: it leaves as it came."""
        if text is None:
            self.forward(len(line))
            return
        position = 0
        after = b""
        self.effects.append(Report("ftp.rewritten", ""))
        report = len(self.effects) - 1
        for start, end in sorted(spans):
            self.forward(start - position)
            self.replace(end - start, text)
            after += line[position:start] + text
            position = end
        self.forward(len(line) - position)
        detail = f"{printable(line.strip())} -> {printable((after + line[position:]).strip())}"
        self.effects[report] = Report("ftp.rewritten", detail)

    def answer(self, reply: bytes) -> None:
        """The client reads `reply` next."""
        if self.direction is Direction.TO_CLIENT:
            self.effects.append(Replace(0, reply))
        else:
            self.effects.append(Inject(Direction.TO_CLIENT, reply))

    def do(self, effect: Effect) -> None:
        """Anything else."""
        self.effects.append(effect)

    @property
    def decided(self) -> int:
        """How many of the offered bytes are decided."""
        return sum(e.length for e in self.effects if isinstance(e, Forward | Replace))
