"""What becomes of what left: responses come, or none, or the time is up."""

from __future__ import annotations

from ryu_alg.protocols.sip.b2bua.agent import Agent, Due, Repeating
from ryu_alg.protocols.sip.b2bua.calls import Call, Exchange, Found, Phase
from ryu_alg.protocols.sip.b2bua.dialogue_responses import DialogueResponses
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.invites import Invites
from ryu_alg.protocols.sip.b2bua.outside_dialogues import OutsideDialogues
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.transactions import ClientKey


class Outcomes:
    """Tells whoever has asked."""

    def __init__(
        self,
        agent: Agent,
        endings: Endings,
        invites: Invites,
        responses: DialogueResponses,
        outside: OutsideDialogues,
    ) -> None:
        self._agent = agent
        self._endings = endings
        self._invites = invites
        self._responses = responses
        self._outside = outside

    def answered(self, exchange: Exchange, response: Message) -> None:
        """A response has come."""
        arrival, call, branch = exchange.arrival, exchange.call, exchange.branch
        if arrival is None:
            return  # The gateway's own BYE: whatever it is told, the call is over.
        if call is not None and call.exchange is exchange:
            self._invites.answered(exchange, call, response)
        elif call is not None and branch is not None:
            self._responses.answered(exchange, arrival, Found(call, branch, exchange.leg), response)
        else:
            self._outside.answered(exchange, arrival, response)

    def lost(self, exchange: Exchange, status: int) -> None:
        """None will come; `status` stands for it."""
        arrival, call, branch = exchange.arrival, exchange.call, exchange.branch
        if arrival is None:
            return
        self._agent.report(
            "sip.b2bua.lost", f"{exchange.method[:32]} to {exchange.destination.other_end}"
        )
        if call is not None and call.exchange is exchange:
            self._invites.lost(exchange, call, status)
        elif call is not None and branch is not None:
            self._responses.lost(exchange, arrival, Found(call, branch, exchange.leg), status)
        else:
            self._outside.lost(exchange, arrival, status)

    def due(self, due: Due, subject: int | ClientKey | bytes) -> None:
        """The time of an alarm has come."""
        agent = self._agent
        if isinstance(subject, ClientKey):
            self._exchange_due(due, subject)
        elif isinstance(subject, bytes):
            late = agent.repeat_again(subject)
            if late is not None:
                self._unconfirmed(late)
        elif (call := agent.calls.get(subject)) is not None:
            self._call_due(due, call)

    def _unconfirmed(self, late: Repeating) -> None:
        """Nobody has confirmed a response (RFC 3261 13.3.1.4, RFC 3262 section 3)."""
        if late.call.owing is not None:
            self._endings.part(late.call)
        elif late.call.phase in (Phase.SETUP, Phase.UP):
            missing = "no ACK" if late.final else "no PRACK"
            self._endings.hang_up(late.call, "sip.call.unconfirmed", missing)

    def _exchange_due(self, due: Due, key: ClientKey) -> None:
        agent = self._agent
        exchange = agent.exchanges.get(key)
        if exchange is None:
            return
        if due is Due.ABANDON:
            agent.transactions.abandon(key)
            agent.forget_exchange(key)
            if exchange.branch is not None and exchange.branch.inviting is exchange:
                exchange.branch.inviting = None
            return
        agent.cancel(exchange)
        self.lost(exchange, 408)

    def _call_due(self, due: Due, call: Call) -> None:
        match due:
            case Due.LIMIT:
                self._endings.hang_up(call, "sip.call.limit", "as long as it may be")
            case Due.SESSION if call.method == "INVITE":
                self._endings.hang_up(call, "sip.call.expired", "nobody has refreshed it")
            case _:
                self._endings.failed(call)
