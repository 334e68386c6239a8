"""The effects of one inspection, as they are gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import Direction, Effect, Forward, Inject, Replace, Report
from ryu_alg.inspection.names import printable
from ryu_alg.protocols.irc.messages import MESSAGE_LIMIT, Span

GATEWAY = b"gateway.invalid"
"""Who speaks where the gateway does: a server's name, and nobody's (RFC 6761)."""


def notice(nick: bytes, text: str) -> bytes:
    """A line to the user."""
    head = b":%s NOTICE %s :" % (GATEWAY, nick)
    room = MESSAGE_LIMIT - 2 - len(head)
    return head + text.encode()[:room].decode(errors="ignore").encode() + b"\r\n"


@dataclass(slots=True)
class Decisions:
    """Effects for the bytes of one direction, first byte first."""

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

    def rewrite(self, line: bytes, edits: Sequence[tuple[Span, bytes]]) -> None:
        """The next line leaves with these edits, which are in order."""
        position = 0
        for (start, end), text in edits:
            was = printable(line[start:end])
            self.effects.append(Report("irc.rewritten", f"{was} -> {printable(text)}"))
        for (start, end), text in edits:
            self.forward(start - position)
            self.replace(end - start, text)
            position = end
        self.forward(len(line) - position)

    def tell(self, line: bytes) -> None:
        """The client reads this line behind what has left for it."""
        self.effects.append(Inject(Direction.TO_CLIENT, line))

    def do(self, effect: Effect) -> None:
        """Anything else."""
        self.effects.append(effect)
