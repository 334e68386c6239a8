"""How calls end: by a BYE that crosses, by the gateway itself, or because nothing came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ryu_alg.protocols.sip.b2bua.agent import DEFAULT_HOPS, Agent, Due
from ryu_alg.protocols.sip.b2bua.calls import Branch, Call, Exchange, Phase, accepted_name
from ryu_alg.protocols.sip.b2bua.holds import Holds
from ryu_alg.protocols.sip.b2bua.legs import Leg
from ryu_alg.protocols.sip.responses import Header

LINGER = 180.0
"""Seconds in which a REFER may still be reported about after its call."""


class Endings:
    """Ends calls; whatever they had goes."""

    def __init__(self, agent: Agent, holds: Holds) -> None:
        self._agent = agent
        self._holds = holds

    def close_media(self, call: Call) -> None:
        """No data moves any more."""
        if call.media is not None:
            self._agent.do(call.media.close())

    def failed(self, call: Call) -> None:
        """Nothing came of it, or nothing is left of it."""
        self._forget(call)

    def fail_branch(self, call: Call, branch: Branch) -> None:
        """One early dialogue is over."""
        if call.media is not None:
            self._agent.do(call.media.leg_failed(branch.name))
        self._drop_repeating(branch)
        self._agent.calls.drop(call, branch)

    def begin(self, call: Call) -> None:
        """A BYE crosses: what it finds out does not matter any more."""
        self._settle(call)
        call.phase = Phase.ENDING
        agent = self._agent
        agent.alarms.set((Due.END, call.number), agent.now + 2 * agent.times.patience)

    def finish(self, call: Call) -> None:
        """Its BYE is answered. It stays for a while if a REFER in it is being reported about."""
        if not call.referring or call.phase is Phase.LINGERING:
            self._forget(call)
            return
        self._settle(call)
        call.phase = Phase.LINGERING
        self._agent.alarms.set((Due.END, call.number), self._agent.now + LINGER)

    def hang_up(self, call: Call, code: str, detail: str, legs: Iterable[Leg] = ()) -> None:
        """The gateway ends a call, towards `legs`, or both if none is named."""
        agent = self._agent
        agent.report(code, detail)
        if call.phase is Phase.SETUP:
            self.give_up(call, 503)
            return
        branch = call.winner
        if call.phase is Phase.UP and branch is not None and call.method == "INVITE":
            chosen = tuple(legs) or (branch.near, branch.far)
            owing = self.owing(branch)
            for leg in chosen:
                if leg is not owing:
                    self._part(branch, leg)
            if owing in chosen:
                call.owing = owing
                self.begin(call)
                return
        self._forget(call)

    def owing(self, branch: Branch) -> Leg | None:
        """The leg whose other end has a 2xx to acknowledge. Until then it may not know of any
        dialogue, and gets no BYE (RFC 3261 section 15)."""
        exchange = branch.inviting
        if exchange is None or exchange.arrival is None:
            return None
        leg, number = branch.peer(exchange.leg), exchange.arrival.request.cseq.number
        name = accepted_name(leg.call_id, leg.local_tag, number)
        return leg if name in self._agent.repeating else None

    def part(self, call: Call) -> None:
        """What was owed has come, or never will: now the BYE leaves."""
        if call.owing is not None:
            self._agent.ask(call.owing, "BYE", ())
        self._forget(call)

    def give_up(self, call: Call, status: int) -> None:
        """A call that is being set up ends: its caller gets `status`, whoever was called CANCEL."""
        agent = self._agent
        if call.exchange is not None:
            agent.cancel(call.exchange)
        if not agent.transactions.answered(call.arrival.key):
            agent.answer(call.arrival, status)
        self.failed(call)

    def decline(self, leg: Leg, sequence: int) -> bytes:
        """A 2xx that nobody wants: acknowledged, and ended at once. Returns the ACK."""
        leg.sequence = sequence
        ack = self.acknowledge(leg, sequence)
        self._agent.ask(leg, "BYE", ())
        return ack

    def acknowledge(
        self, leg: Leg, sequence: int, headers: Sequence[Header] = (), body: bytes = b""
    ) -> bytes:
        """The ACK to a 2xx leaves (RFC 3261 section 13.2.2.4). Returns it."""
        branch = self._agent.identity.branch()
        ack = leg.request("ACK", sequence, branch, DEFAULT_HOPS, headers, body)
        self._agent.send(leg.first_hop(), ack)
        return ack

    def pay(self, branch: Branch, leg: Leg) -> None:
        """A 2xx on this leg that waits for its ACK gets one: only then may a BYE follow."""
        exchange = branch.inviting
        if exchange is None or exchange.leg is not leg or not exchange.settled:
            return
        if exchange.acknowledgement is None:
            exchange.acknowledgement = self.acknowledge(leg, exchange.sequence)

    def _part(self, branch: Branch, leg: Leg) -> None:
        self.pay(branch, leg)
        self._agent.ask(leg, "BYE", ())

    def _settle(self, call: Call) -> None:
        """Everything but its dialogues goes."""
        agent = self._agent
        self.close_media(call)
        for due in (Due.LIMIT, Due.SESSION, Due.END):
            agent.alarms.set((due, call.number), None)
        for branch in call.branches.values():
            self._drop_repeating(branch)
            if (pending := branch.inviting) is not None:
                branch.inviting = None
                self._interrupt(pending)
        agent.do(self._holds.release(call.inside, call.number, agent.now))

    def _interrupt(self, exchange: Exchange) -> None:
        """An INVITE within a call that ends is answered all the same (RFC 3261 15.1.2)."""
        agent = self._agent
        if exchange.arrival is not None and not agent.transactions.answered(exchange.arrival.key):
            agent.answer(exchange.arrival, 487)
            agent.cancel(exchange)

    def _drop_repeating(self, branch: Branch) -> None:
        """A 2xx is repeated even if its call is over: who asked waits for it."""
        for name, repeating in list(self._agent.repeating.items()):
            if repeating.branch is branch and not repeating.final:
                self._agent.confirmed(name)

    def _forget(self, call: Call) -> None:
        call.owing = None
        self._settle(call)
        self._agent.calls.forget(call)
