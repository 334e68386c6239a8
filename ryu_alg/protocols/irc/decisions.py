"""The effects of one inspection, as they are gathered."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import Direction, Inject, Report, edits
from ryu_alg.inspection.edits import Edit
from ryu_alg.inspection.names import printable
from ryu_alg.protocols.irc.messages import MESSAGE_LIMIT

GATEWAY = b"gateway.invalid"
"""Who speaks where the gateway does: a server's name, and nobody's (RFC 6761)."""


def notice(nick: bytes, text: str) -> bytes:
    """A line to the user."""
    head = b":%s NOTICE %s :" % (GATEWAY, nick)
    room = MESSAGE_LIMIT - 2 - len(head)
    return head + text.encode()[:room].decode(errors="ignore").encode() + b"\r\n"


class Decisions(edits.Decisions):
    """Effects for the bytes of one direction, and lines of the gateway's own."""

    __slots__ = ()

    def rewrite(self, line: bytes, made: Sequence[Edit]) -> None:
        """The next line leaves with these edits, which are in order."""
        for (start, end), text in made:
            was = printable(line[start:end])
            self.do(Report("irc.rewritten", f"{was} -> {printable(text)}"))
        self.edit(0, len(line), made)

    def tell(self, line: bytes) -> None:
        """The client reads this line behind what has left for it."""
        self.do(Inject(Direction.TO_CLIENT, line))
