"""The IRC inspector (RFC 1459, 2812; CTCP and DCC): one session's two directions."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import Direction, Effect, StreamGateway, StreamInspector
from ryu_alg.protocols.irc import ctcp
from ryu_alg.protocols.irc.decisions import Decisions
from ryu_alg.protocols.irc.dialogue import Dialogue, Phase
from ryu_alg.protocols.irc.offers import Offers
from ryu_alg.protocols.irc.options import IrcOptions
from ryu_alg.protocols.irc.requests import Requests
from ryu_alg.protocols.irc.responses import Responses


class IrcInspector(StreamInspector):
    """The protocol logic of one IRC session; what it remembers is in `dialogue`."""

    def __init__(self, options: IrcOptions, gateway: StreamGateway) -> None:
        self.options = options
        self.gateway = gateway
        self.dialogue = Dialogue()

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about the undecided bytes of `direction`."""
        decisions = Decisions()
        dialogue = self.dialogue
        if dialogue.phase is Phase.OPAQUE:
            decisions.forward(len(data))
            return decisions.effects
        offers = Offers(self.gateway, self.options, dialogue)
        side = Requests if direction is Direction.TO_SERVER else Responses
        side(dialogue, offers).take(data, decisions)
        return decisions.effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """`direction` has ended: a server's last line without its end still leaves, unless it
        might be somebody's offer."""
        decisions = Decisions()
        left = self.dialogue.phase is Phase.OPEN and direction is Direction.TO_CLIENT
        if self.dialogue.phase is Phase.OPAQUE or (left and ctcp.DELIMITER not in data):
            decisions.forward(len(data))
        return decisions.effects
