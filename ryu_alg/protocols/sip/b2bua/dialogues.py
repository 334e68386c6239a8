"""Requests within dialogues, and their responses: RFC 3261 12.2 and 14, RFC 3262, 3311, 3515."""

from __future__ import annotations

import re

from ryu_alg.protocols.sip.b2bua.agent import RETRY_AFTER, Agent, Due
from ryu_alg.protocols.sip.b2bua.bodies import Crossed, Stopped, cross
from ryu_alg.protocols.sip.b2bua.calls import (
    Arrival,
    Branch,
    Call,
    Exchange,
    Found,
    Phase,
    accepted_name,
    reliable_name,
)
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.headers import crossing, values
from ryu_alg.protocols.sip.b2bua.legs import Leg
from ryu_alg.protocols.sip.b2bua.references import References
from ryu_alg.protocols.sip.b2bua.sessions import Sessions
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header

REFRESHING = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"})
"""They, and their 2xx, name the remote target (RFC 3261 section 12.2, RFC 6665, RFC 3515)."""
_DESCRIBING = frozenset({"INVITE", "UPDATE", "PRACK"})
"""Their bodies, and those of their responses, are offers and answers."""
_RACK = re.compile(rb"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+([A-Za-z]+)")


class Dialogues:
    """Carries what happens within a call or subscription across."""

    def __init__(
        self, agent: Agent, endings: Endings, sessions: Sessions, references: References
    ) -> None:
        self._agent = agent
        self._endings = endings
        self._sessions = sessions
        self._references = references

    def request(self, arrival: Arrival, found: Found, hops: int) -> None:
        """A request that names a dialogue."""
        agent, request, leg = self._agent, arrival.request, found.leg
        method = request.method
        if request.cseq.number <= leg.remote_sequence:
            agent.refuse(arrival, 500, "sip.b2bua.sequence", "CSeq does not rise", [RETRY_AFTER])
            return
        leg.remote_sequence = request.cseq.number
        if found.call.phase is not Phase.UP and self._past(arrival, found):
            return
        if method == "BYE" and self._endings.owing(found.branch) is found.branch.peer(leg):
            agent.answer(arrival, 200)
            peer = (found.branch.peer(leg),)
            self._endings.hang_up(found.call, "sip.b2bua.early_bye", "a BYE before its ACK", peer)
            return
        headers = crossing(request, found.branch.peer(leg).realm, agent.hiding)
        if method == "PRACK":
            rack = self._rack(arrival, found)
            if rack is None:
                agent.refuse(arrival, 481, "sip.b2bua.prack", "a PRACK to nothing")
                return
            headers.append((b"RAck", rack))
        elif method == "REFER":
            refer_to = self.refer_to(arrival)
            if refer_to is None:
                agent.refuse(arrival, 400, "sip.b2bua.refer", "Refer-To means nothing outside")
                return
            headers.append((b"Refer-To", refer_to))
        if method == "INVITE" and (pending := found.branch.inviting) is not None:
            self._pending(arrival, pending.leg is leg)
            return
        self._cross(arrival, found, headers, hops)

    def refer_to(self, arrival: Arrival) -> bytes | None:
        """Refer-To as the other side understands it."""
        addresses = arrival.request.addresses.get(b"refer-to", ())
        if len(addresses) != 1:
            return None
        return self._references.refer_to(arrival.request, addresses[0], arrival.origin)

    def _past(self, arrival: Arrival, found: Found) -> bool:
        """Whether a request comes when its call is over; it is answered then."""
        agent, method, call = self._agent, arrival.request.method, found.call
        if call.phase is Phase.SETUP:
            return False
        if method == "BYE" and call.phase is Phase.ENDING and call.ended_by is arrival.origin:
            # The first one was refused for want of credentials.
            return False
        if method == "BYE":
            agent.answer(arrival, 200)
            if call.owing is found.leg:
                self._endings.failed(call)
            return True
        if method == "NOTIFY":
            return False
        agent.answer(arrival, 481)
        return True

    def _rack(self, arrival: Arrival, found: Found) -> bytes | None:
        """RAck as far knows it; what is confirmed is not repeated any more."""
        match = _RACK.fullmatch(arrival.request.value(b"rack") or b"")
        branch, invite = found.branch, found.call.exchange
        if match is None or found.leg is not branch.near or invite is None:
            return None
        rseq = branch.reliable.pop(int(match[1]), None)
        if rseq is None:
            return None
        self._agent.confirmed(reliable_name(branch, int(match[1])))
        return b"%d %d INVITE" % (rseq, invite.sequence)

    def _pending(self, arrival: Arrival, other_side: bool) -> None:
        """One INVITE at a time (RFC 3261 section 14.2). `other_side`: the one that waits came
        from there."""
        if other_side:
            self._agent.answer(arrival, 491)
        else:
            self._agent.answer(arrival, 500, [RETRY_AFTER])

    def _cross(self, arrival: Arrival, found: Found, headers: list[Header], hops: int) -> None:
        agent, call, branch = self._agent, found.call, found.branch
        method, leg, peer = arrival.request.method, found.leg, found.branch.peer(found.leg)
        media = call.media if method in _DESCRIBING else None
        answer = False
        if media is not None and arrival.request.body:
            waits = media.offered(peer.realm, branch.name)
            answer = waits and method == "PRACK"
            if (waits and not answer) or media.offered(leg.realm, branch.name):
                # RFC 3311 section 5.2, RFC 6337 section 2.3.
                self._pending(arrival, waits)
                return
        crossed = cross(arrival.request, peer.realm, media, branch.name, answer=answer)
        agent.do(crossed.effects)
        if isinstance(crossed, Stopped):
            agent.refuse(arrival, crossed.status, crossed.code, crossed.detail)
            return
        if method in REFRESHING:
            leg.learn(arrival.request)
            headers.append((b"Contact", b"<%s>" % peer.contact))
        if method == "INVITE":
            agent.answer(arrival, 100)
        if method == "BYE":
            self._endings.pay(branch, peer)
        exchange = agent.ask(
            peer,
            method,
            [*headers, *crossed.headers],
            crossed.body,
            arrival=arrival,
            call=call,
            branch=branch,
            hops=hops,
            offers=crossed.described and not answer,
        )
        if exchange is None:
            self._offer_failed(arrival, call, branch, described=crossed.described)
            agent.refuse(arrival, 503, "sip.limit.transactions", "too many requests")
        elif method == "INVITE":
            branch.inviting = exchange
        elif method == "REFER":
            call.referring = True
        elif method == "BYE" and not branch.early:
            call.ended_by = arrival.origin
            self._endings.begin(call)

    # --- Responses -------------------------------------------------------------------------

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
            self._offer_failed(arrival, found.call, found.branch, described=True)
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
            self._offer_failed(exchange.arrival, call, branch, described=exchange.offers)

    def _response_body(
        self, exchange: Exchange, call: Call, branch: Branch, response: Message, near: Leg
    ) -> Crossed:
        agent = self._agent
        accepts = response.status < 300
        media = call.media if exchange.method in _DESCRIBING and accepts else None
        crossed = cross(response, near.realm, media, branch.name, answer=exchange.offers)
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
                self._offer_failed(arrival, call, branch, described=True)
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

    def _offer_failed(
        self, arrival: Arrival, call: Call, branch: Branch, *, described: bool
    ) -> None:
        if described and call.media is not None and call.phase in (Phase.SETUP, Phase.UP):
            self._agent.do(call.media.offer_failed(arrival.origin, branch.name))

    # --- ACK -------------------------------------------------------------------------------

    def acknowledge(self, request: Message, found: Found) -> None:
        """The first ACK to a 2xx: the other leg gets one, too."""
        agent, branch = self._agent, found.branch
        if found.call.owing is found.leg:
            self._endings.part(found.call)
            return
        exchange = branch.inviting
        if exchange is None:
            return
        branch.inviting = None
        peer = exchange.leg
        media = found.call.media
        answer = media is not None and media.offered(peer.realm, branch.name)
        crossed = cross(request, peer.realm, media, branch.name, answer=answer)
        agent.do(crossed.effects)
        if isinstance(crossed, Stopped):
            agent.report(crossed.code, crossed.detail)
            branch.inviting = exchange
            self._endings.hang_up(found.call, crossed.code, "no answer to an offer")
            return
        headers = [
            (name, value)
            for name in (b"Authorization", b"Proxy-Authorization")
            for value in values(request, name)
        ]
        exchange.acknowledgement = self._endings.acknowledge(
            peer, exchange.sequence, [*headers, *crossed.headers], crossed.body
        )


def terminated(notify: Message) -> bool:
    """Whether a NOTIFY is the last one."""
    state = notify.value(b"subscription-state") or b""
    return state.split(b";")[0].strip().lower() == b"terminated"
