"""An INVITE that begins a call: RFC 3261 section 13, forked (RFC 6228), reliable (RFC 3262)."""

from __future__ import annotations

import re

from ryu_alg.protocols.sip.b2bua.agent import Agent, Due
from ryu_alg.protocols.sip.b2bua.bodies import Crossed, Stopped, cross
from ryu_alg.protocols.sip.b2bua.calls import (
    MAX_BRANCHES,
    Arrival,
    Branch,
    Call,
    Exchange,
    Phase,
    accepted_name,
    reliable_name,
)
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.headers import crossing, option_tags, redirections
from ryu_alg.protocols.sip.b2bua.legs import Leg
from ryu_alg.protocols.sip.b2bua.policy import Allowed
from ryu_alg.protocols.sip.b2bua.sessions import Sessions
from ryu_alg.protocols.sip.media import CallMedia
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header

_NUMBER = re.compile(rb"[0-9]{1,10}")
MAX_RELIABLE = 16
"""Reliable provisional responses of a branch that wait for their PRACK."""


class Invites:
    """Sets calls up."""

    def __init__(self, agent: Agent, endings: Endings, sessions: Sessions) -> None:
        self._agent = agent
        self._endings = endings
        self._sessions = sessions

    def begin(
        self, arrival: Arrival, far: Leg, allowed: Allowed, headers: list[Header], hops: int
    ) -> None:
        """A new call: the INVITE goes on, on a leg of its own."""
        agent = self._agent
        agent.answer(arrival, 100)
        if agent.calls.opening(far) is not None:
            # Forked on its way here, and come again by another one (RFC 3261 section 8.2.2.2).
            agent.refuse(arrival, 482, "sip.b2bua.merged", "an INVITE that came before")
            return
        options = agent.options
        media = CallMedia(agent.gateway, agent.gateway.host, options.media_servers)
        crossed = cross(arrival.request, far.realm, agent.hiding, media, b"", answer=False)
        if isinstance(crossed, Stopped):
            agent.do(crossed.effects)
            agent.do(media.close())
            agent.refuse(arrival, crossed.status, crossed.code, crossed.detail)
            return
        agent.do(crossed.effects)
        call = agent.calls.add(arrival, far, media)
        call.rule, call.time_limit = allowed.rule, allowed.time_limit
        own: list[Header] = [(b"Contact", b"<%s>" % far.contact), *crossed.headers]
        call.exchange = agent.ask(
            far,
            "INVITE",
            [*headers, *own],
            crossed.body,
            arrival=arrival,
            call=call,
            hops=hops,
            offers=crossed.described,
        )
        if call.exchange is None:
            agent.refuse(arrival, 503, "sip.limit.transactions", "too many requests")
            self._endings.failed(call)

    def answered(self, exchange: Exchange, call: Call, response: Message) -> None:
        """A response to the first INVITE of a call."""
        if exchange.cancelled or (call.phase is Phase.OVER and exchange.branch is None):
            self._unwanted(exchange, call, response)
        elif response.status < 200:
            self._provisional(exchange, call, response)
        elif response.status < 300:
            self._accepted(exchange, call, response)
        else:
            self._refused(exchange, call, response)

    def lost(self, exchange: Exchange, call: Call, status: int) -> None:
        """Nobody answers it."""
        exchange.settled = True
        if call.phase is Phase.SETUP:
            self._agent.answer(call.arrival, status)
            self._endings.failed(call)

    def cancelled(self, exchange: Exchange, reason: list[Header]) -> None:
        """Its caller has given it up."""
        agent = self._agent
        if exchange.arrival is None or agent.transactions.answered(exchange.arrival.key):
            return
        agent.answer(exchange.arrival, 487)
        agent.cancel(exchange, reason)
        if exchange.call is not None and exchange.call.exchange is exchange:
            self._endings.failed(exchange.call)

    def _unwanted(self, exchange: Exchange, call: Call, response: Message) -> None:
        """A response to what has been cancelled: only that of a 2xx matters."""
        if response.status < 200:
            self._agent.cancel(exchange)
        elif response.status < 300:
            self._decline(exchange, call, response)

    def _decline(self, exchange: Exchange, call: Call, response: Message) -> None:
        """A 2xx that is not wanted: acknowledged as often as it comes, and ended (13.2.2.4)."""
        tag = response.to_tag or b""
        if tag not in exchange.declined and len(exchange.declined) < MAX_BRANCHES:
            leg = self._leg(call, response)
            exchange.declined[tag] = self._endings.decline(leg, exchange.sequence)
        elif tag in exchange.declined:
            self._agent.send(exchange.destination, exchange.declined[tag])

    def _leg(self, call: Call, response: Message) -> Leg:
        """The far leg of a branch, as the response says."""
        leg = call.far.forked(remote_tag=response.to_tag or b"")
        leg.learn(response)
        leg.learn_routes(response)
        return leg

    def _branch(self, call: Call, response: Message) -> Branch | None:
        """The branch of a response; None: it is of none, or of one too many."""
        agent = self._agent
        tag = response.to_tag
        if not tag:
            return None
        branch = call.branches.get(tag)
        if branch is None:
            if not agent.calls.may_branch(call) and response.status < 200:
                agent.report("sip.limit.branches", f"more than {MAX_BRANCHES} branches")
                return None
            far = self._leg(call, response)
            name = agent.identity.name(b"tag", call.near.call_id, far.call_id, tag)
            branch = agent.calls.branch(call, call.near.forked(local_tag=name), far)
        elif branch.early:
            branch.far.learn(response)
            branch.far.learn_routes(response)
        return branch

    def _provisional(self, exchange: Exchange, call: Call, response: Message) -> None:
        agent = self._agent
        agent.still_ringing(exchange)
        if response.status == 100:
            return
        branch = self._branch(call, response)
        if branch is None:
            if response.to_tag is None and not response.body:
                agent.answer(call.arrival, response.status)
            return
        rseq = self._far_rseq(branch, response)
        if rseq is not None and not self._in_order(branch, rseq):
            return
        crossed = self._cross(exchange, call, branch, response)
        if crossed is None:
            return
        headers = self._headers(branch.near, response, crossed)
        if rseq is None:
            # A Require of 100rel would ask for a PRACK to what has no RSeq.
            headers = [header for header in headers if header[0] != b"Require"]
        elif len(branch.reliable) < MAX_RELIABLE:
            branch.rseq += 1
            branch.reliable[branch.rseq] = rseq
            headers.append((b"RSeq", b"%d" % branch.rseq))
        tag = branch.near.local_tag
        payload = agent.answer(call.arrival, response.status, headers, body=crossed.body, tag=tag)
        if rseq is not None:
            name = reliable_name(branch, branch.rseq)
            agent.repeat(name, call, branch, call.arrival.back, payload, final=False)

    @staticmethod
    def _far_rseq(branch: Branch, response: Message) -> int | None:
        value = response.value(b"rseq")
        if value is None or not _NUMBER.fullmatch(value):
            return None
        return int(value) if b"100rel" in option_tags(response, b"Require") else None

    @staticmethod
    def _in_order(branch: Branch, rseq: int) -> bool:
        """RFC 3262 section 4: one that came before, or too early, is passed over."""
        if branch.far_rseq is not None and rseq != branch.far_rseq + 1:
            return False
        branch.far_rseq = rseq
        return True

    def _accepted(self, exchange: Exchange, call: Call, response: Message) -> None:
        agent = self._agent
        winner = exchange.branch
        if winner is not None:
            if winner.name != response.to_tag:
                # Another branch accepted, too: the caller has one call, and keeps it.
                self._decline(exchange, call, response)
            elif exchange.acknowledgement is not None:
                agent.send(winner.far.first_hop(), exchange.acknowledgement)
            return
        branch = self._branch(call, response)
        crossed = self._cross(exchange, call, branch, response) if branch else None
        exchange.settled = True
        if branch is None or crossed is None:
            self._decline(exchange, call, response)
            agent.answer(call.arrival, 500)
            self._endings.failed(call)
            return
        branch.early = False
        call.phase = Phase.UP
        branch.inviting = exchange
        exchange.branch, exchange.leg = branch, branch.far
        agent.alarms.set((Due.RINGING, exchange.key), None)
        agent.calls.close(call)
        if call.media is not None:
            agent.do(call.media.winner(branch.name))
        for other_branch in list(call.branches.values()):
            if other_branch is not branch:
                self._endings.fail_branch(call, other_branch)
        self._sessions.begin(call, response)
        headers = self._headers(branch.near, response, crossed)
        payload = agent.answer(
            call.arrival, response.status, headers, body=crossed.body, tag=branch.near.local_tag
        )
        for number in list(branch.reliable):
            agent.confirmed(reliable_name(branch, number))
        branch.reliable.clear()
        near, number = branch.near, call.arrival.request.cseq.number
        name = accepted_name(near.call_id, near.local_tag, number)
        agent.repeat(name, call, branch, call.arrival.back, payload, final=True)

    def _refused(self, exchange: Exchange, call: Call, response: Message) -> None:
        agent = self._agent
        exchange.settled = True
        headers = crossing(response, call.near.realm, agent.hiding)
        if response.status < 400:
            headers += redirections(response, call.near.realm, agent.hiding)
        agent.answer(call.arrival, response.status, headers)
        self._endings.failed(call)

    def _cross(
        self, exchange: Exchange, call: Call, branch: Branch, response: Message
    ) -> Crossed | None:
        """The body of a response; None: it does not cross, and neither does the response."""
        agent = self._agent
        name, answer = branch.name, exchange.offers
        crossed = cross(response, call.near.realm, agent.hiding, call.media, name, answer=answer)
        agent.do(crossed.effects)
        if isinstance(crossed, Stopped):
            agent.report(crossed.code, crossed.detail)
            return Crossed() if crossed.status == 415 else None
        return crossed

    def _headers(self, near: Leg, response: Message, crossed: Crossed) -> list[Header]:
        crossed_headers = crossing(response, near.realm, self._agent.hiding)
        return [*crossed_headers, (b"Contact", b"<%s>" % near.contact), *crossed.headers]
