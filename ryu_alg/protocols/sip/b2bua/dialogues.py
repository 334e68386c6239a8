"""Requests within dialogues, and their responses: RFC 3261 12.2 and 14, RFC 3262, 3311, 3515."""

from __future__ import annotations

import re

from ryu_alg.protocols.sip.b2bua.agent import RETRY_AFTER, Agent
from ryu_alg.protocols.sip.b2bua.bodies import Stopped, cross
from ryu_alg.protocols.sip.b2bua.calls import (
    Arrival,
    Found,
    Phase,
    reliable_name,
)
from ryu_alg.protocols.sip.b2bua.dialogue_responses import (
    DESCRIBING,
    REFRESHING,
    DialogueResponses,
)
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.headers import crossing, values
from ryu_alg.protocols.sip.b2bua.references import References
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header

_RACK = re.compile(rb"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+([A-Za-z]+)")


class Dialogues:
    """Carries what happens within a call or subscription across."""

    def __init__(
        self,
        agent: Agent,
        endings: Endings,
        references: References,
        responses: DialogueResponses,
    ) -> None:
        self._agent = agent
        self._endings = endings
        self._references = references
        self._responses = responses

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
        media = call.media if method in DESCRIBING else None
        answer = False
        if media is not None and arrival.request.body:
            waits = media.offered(peer.realm, branch.name)
            answer = waits and method == "PRACK"
            if (waits and not answer) or media.offered(leg.realm, branch.name):
                # RFC 3311 section 5.2, RFC 6337 section 2.3.
                self._pending(arrival, waits)
                return
        crossed = cross(
            arrival.request, peer.realm, agent.hiding, media, branch.name, answer=answer
        )
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
            self._responses.offer_failed(arrival, call, branch, described=crossed.described)
            agent.refuse(arrival, 503, "sip.limit.transactions", "too many requests")
        elif method == "INVITE":
            branch.inviting = exchange
        elif method == "REFER":
            call.referring = True
        elif method == "BYE" and not branch.early:
            call.ended_by = arrival.origin
            self._endings.begin(call)

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
        crossed = cross(request, peer.realm, agent.hiding, media, branch.name, answer=answer)
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
