"""What is remembered of one IRC session: plain data that can be saved and restored."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ryu_alg.inspection import Abort, Opaque, Report
from ryu_alg.protocols.irc.decisions import Decisions, notice

NOBODY = b"*"
"""What servers call a client that has no name yet."""


class Phase(Enum):
    """How far inspection goes."""

    OPEN = "open"
    OPAQUE = "opaque"
    ABORTED = "aborted"


@dataclass(slots=True)
class Dialogue:
    """The state of one session."""

    phase: Phase = Phase.OPEN
    spoken: bool = False
    """The client's first line has been taken for IRC."""
    registered: bool = False
    """The server has welcomed the client (RFC 2812 section 3.1)."""
    nick: bytes = NOBODY
    """What the server calls the client."""
    swallowing: bool = False
    """Within a line of the client that is too long."""
    starting_tls: bool = False
    """The server has not answered STARTTLS yet: what the client sends behind it waits."""
    announced: dict[int, int] = field(default_factory=dict)
    """The inside ports of offers, by the public ports that were announced in their stead."""

    def refuse(self, code: str, detail: str, text: str, decisions: Decisions) -> None:
        """Something does not pass, and the user is told why."""
        decisions.do(Report(code, detail))
        decisions.tell(notice(self.nick, text))

    def abort(self, code: str, detail: str, decisions: Decisions) -> None:
        """This is not, or no longer, IRC."""
        self.phase = Phase.ABORTED
        decisions.do(Report(code, detail))
        decisions.do(Abort(detail))

    def turn_opaque(self, decisions: Decisions) -> None:
        """From here on nothing can be read."""
        self.phase = Phase.OPAQUE
        decisions.do(Report("irc.opaque", "the session is encrypted from here on"))
        decisions.do(Opaque())
