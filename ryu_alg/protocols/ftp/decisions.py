"""The effects of one inspection, as they are gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ryu_alg.inspection import Direction, Forward, Inject, Replace, Report, edits
from ryu_alg.inspection.edits import Span, splice
from ryu_alg.inspection.names import printable


@dataclass(slots=True)
class Decisions(edits.Decisions):
    """Effects for the bytes that go in `direction`."""

    direction: Direction

    def delete(self, length: int) -> None:
        """The next `length` bytes do not leave."""
        self.replace(length, b"")

    def rewrite(self, line: bytes, spans: Sequence[Span], text: bytes | None) -> None:
        """The next line leaves with `text` in place of each span; None: it leaves as it came."""
        made = [] if text is None else [(span, text) for span in spans]
        if made:
            detail = f"{printable(line.strip())} -> {printable(splice(line, made).strip())}"
            self.do(Report("ftp.rewritten", detail))
        self.edit(0, len(line), made)

    def answer(self, reply: bytes) -> None:
        """The client reads `reply` next."""
        if self.direction is Direction.TO_CLIENT:
            self.replace(0, reply)
        else:
            self.do(Inject(Direction.TO_CLIENT, reply))

    @property
    def decided(self) -> int:
        """How many of the offered bytes are decided."""
        return sum(e.length for e in self.effects if isinstance(e, Forward | Replace))
