"""The FTP inspector (RFC 959, 1123, 2389, 2428, 2640, 7151): one session's two directions."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import Direction, Effect, StreamGateway, StreamInspector
from ryu_alg.protocols.ftp.decisions import Decisions
from ryu_alg.protocols.ftp.dialogue import Dialogue, Phase
from ryu_alg.protocols.ftp.negotiation import Negotiator
from ryu_alg.protocols.ftp.options import FtpOptions
from ryu_alg.protocols.ftp.requests import Requests
from ryu_alg.protocols.ftp.responses import Responses


class FtpInspector(StreamInspector):
    """The protocol logic of one FTP session; what it remembers is in `dialogue`."""

    def __init__(self, options: FtpOptions, gateway: StreamGateway) -> None:
        self.dialogue = Dialogue()
        self.negotiator = Negotiator(gateway, options)

    @property
    def user(self) -> str | None:
        """As given in the last USER that the server did not reject."""
        return self.dialogue.user

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about the undecided bytes of `direction`."""
        decisions = Decisions(direction)
        self._take(data, decisions)
        return decisions.effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """`direction` has ended: what was announced and is not used goes.

        A last reply line without its end still leaves, unless it might be an address. A
        transfer that goes on although the client has ended its direction may still begin.
        """
        decisions = Decisions(direction)
        self._take(data, decisions, last=True)
        dialogue = self.dialogue
        if dialogue.phase is not Phase.OPEN:
            return decisions.effects
        if direction is Direction.TO_CLIENT:
            dialogue.withdraw_all(decisions)
            if not dialogue.announcing:
                decisions.forward(len(data) - decisions.decided)
        elif not dialogue.pending:
            dialogue.withdraw(decisions)
        return decisions.effects

    def _take(self, data: bytes, decisions: Decisions, last: bool = False) -> None:
        if self.dialogue.phase is Phase.OPAQUE:
            decisions.forward(len(data))
            return
        if decisions.direction is Direction.TO_SERVER:
            Requests(self.dialogue, self.negotiator).take(data, decisions, last)
        else:
            Responses(self.dialogue, self.negotiator).take(data, decisions)
