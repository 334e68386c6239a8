"""Responses within dialogues, and what they mean for calls: RFC 3261 12.2.1.2, RFC 5057."""

from __future__ import annotations

from ryu_alg.protocols.sip.b2bua.agent import Agent, Due
from ryu_alg.protocols.sip.b2bua.bodies import Crossed, Stopped, cross
from ryu_alg.protocols.sip.b2bua.calls import (
    Arrival,
    Branch,
    Call,
    Exchange,
    Found,
    Phase,
    accepted_name,
)
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.headers import crossing
from ryu_alg.protocols.sip.b2bua.legs import Leg
from ryu_alg.protocols.sip.b2bua.sessions import Sessions
from ryu_alg.protocols.sip.message import Message

REFRESHING = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"})
"""They, and their 2xx, name the remote target (RFC 3261 section 12.2, RFC 6665, RFC 3515)."""
DESCRIBING = frozenset({"INVITE", "UPDATE", "PRACK"})
"""Their bodies, and those of their responses, are offers and answers."""


class DialogueResponses:
    """Carries responses across."""

    def __init__(self, agent: Agent, endings: Endings, sessions: Sessions) -> None:
        self._agent = agent
        self._endings = endings
        self._sessions = sessions

    def answered(
        self, exchange: Exchange, arrival: Arrival, found: Found, response: Message
    ) -> None:
        """A response to a request within a dialogue."""
        agent, call, branch = self._agent, found.call, found.branch
        status, method = response.status, exchange.method
        if exchange.cancelled:
            self._unwanted(exchange, call, branch, response)
            return
        if method == "INVITE" and exchange.settled:
            if exchange.acknowledgement is not None and status < 300:
                agent.send(exchange.leg.first_hop(), exchange.acknowledgement)
            return
        if status == 100:
            return
        if method == "INVITE" and status < 200:
            agent.still_ringing(exchange)
        near = branch.peer(exchange.leg)
        crossed = self._response_body(exchange, call, branch, response, near)
        headers = crossing(response, near.realm, agent.hiding)
        if status < 200:
            # Within a dialogue, provisional responses cross without their reliability.
            headers = [header for header in headers if header[0] != b"Require"]
        elif status < 300 and method in REFRESHING:
            exchange.leg.learn(response)
            headers.append((b"Contact", b"<%s>" % near.contact))
        payload = agent.answer(arrival, status, [*headers, *crossed.headers], body=crossed.body)
        if status >= 200:
            exchange.settled = True
            self._settled(exchange, arrival, found, response, payload)

    def lost(self, exchange: Exchange, arrival: Arrival, found: Found, status: int) -> None:
        """Nobody answers."""
        if exchange.settled:
            return
        exchange.settled = True
        self._agent.answer(arrival, status)
        if exchange.offers:
            self.offer_failed(arrival, found.call, found.branch, described=True)
        self._over(exchange, found, status)

    def _unwanted(self, exchange: Exchange, call: Call, branch: Branch, response: Message) -> None:
        """A response to an INVITE within a call that has been cancelled."""
        if response.status < 200:
            self._agent.cancel(exchange)
            return
        first = not exchange.settled
        exchange.settled = True
        if response.status < 300:
            if exchange.acknowledgement is None:
                ack = self._endings.acknowledge(exchange.leg, exchange.sequence)
                exchange.acknowledgement = ack
            else:
                self._agent.send(exchange.leg.first_hop(), exchange.acknowledgement)
        if not first:
            return
        if branch.inviting is exchange:
            branch.inviting = None
        if response.status < 300 and call.phase is Phase.UP:
            # One side has changed its session, the other has not: nothing can be done for it.
            self._endings.hang_up(call, "sip.b2bua.race", "accepted when it was cancelled")
        elif exchange.arrival is not None:
            self.offer_failed(exchange.arrival, call, branch, described=exchange.offers)

    def _response_body(
        self, exchange: Exchange, call: Call, branch: Branch, response: Message, near: Leg
    ) -> Crossed:
        agent = self._agent
        accepts = response.status < 300
        media = call.media if exchange.method in DESCRIBING and accepts else None
        crossed = cross(
            response, near.realm, agent.hiding, media, branch.name, answer=exchange.offers
        )
        agent.do(crossed.effects)
        if isinstance(crossed, Stopped):
            # There is no way to refuse a response: it crosses without what is in it.
            agent.report(crossed.code, crossed.detail)
            return Crossed()
        return crossed

    def _settled(
        self,
        exchange: Exchange,
        arrival: Arrival,
        found: Found,
        response: Message,
        payload: bytes,
    ) -> None:
        """A final response has crossed."""
        agent, call, branch, status = self._agent, found.call, found.branch, response.status
        method = exchange.method
        if status >= 300:
            if exchange.offers:
                self.offer_failed(arrival, call, branch, described=True)
            self._over(exchange, found, status)
            return
        match method:
            case "INVITE":
                agent.alarms.set((Due.RINGING, exchange.key), None)
                near, number = branch.peer(exchange.leg), arrival.request.cseq.number
                name = accepted_name(near.call_id, near.local_tag, number)
                agent.repeat(name, call, branch, arrival.back, payload, final=True)
                self._sessions.refreshed(call, response)
            case "UPDATE" if call.phase is Phase.UP:
                self._sessions.refreshed(call, response)
            case "SUBSCRIBE":
                self._sessions.subscribed(call, response)
            case "BYE":
                self._bye_answered(call, branch)
            case "NOTIFY" if terminated(arrival.request):
                self._notified_last(call, branch)

    def _bye_answered(self, call: Call, branch: Branch) -> None:
        if call.phase is Phase.SETUP:
            self._endings.fail_branch(call, branch)
        else:
            self._endings.finish(call)

    def _notified_last(self, call: Call, branch: Branch) -> None:
        """The subscription is over (RFC 6665 section 4.1.3)."""
        call.referring = False
        if call.method != "INVITE" and len(call.branches) > 1:
            self._agent.calls.drop(call, branch)
        elif call.method != "INVITE" or call.phase is Phase.LINGERING:
            self._endings.finish(call)

    def _over(self, exchange: Exchange, found: Found, status: int) -> None:
        """A request failed: what that means for the dialogue (12.2.1.2, RFC 5057 section 5.1)."""
        call, branch = found.call, found.branch
        if exchange.method == "INVITE" and branch.inviting is exchange:
            branch.inviting = None
        if exchange.method == "REFER":
            call.referring = False
        if exchange.method == "BYE":
            if status not in (401, 407):
                self._bye_answered(call, branch)
        elif status in (408, 481) and call.phase is Phase.UP:
            if call.method == "INVITE" and exchange.method in ("INVITE", "UPDATE"):
                # 481: there is nobody to say BYE to.
                legs = (branch.peer(exchange.leg),) if status == 481 else ()
                self._endings.hang_up(call, "sip.b2bua.gone", f"{status} within a call", legs)
            elif call.method != "INVITE":
                self._endings.finish(call)

    def offer_failed(
        self, arrival: Arrival, call: Call, branch: Branch, *, described: bool
    ) -> None:
        """The offer in a request was refused, if it was `described`: all stays as it was."""
        if described and call.media is not None and call.phase in (Phase.SETUP, Phase.UP):
            self._agent.do(call.media.offer_failed(arrival.origin, branch.name))


def terminated(notify: Message) -> bool:
    """Whether a NOTIFY is the last one."""
    state = notify.value(b"subscription-state") or b""
    return state.split(b";")[0].strip().lower() == b"terminated"
