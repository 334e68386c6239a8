"""The back-to-back user agent of one inside host: an inspector that ends the dialogues of either
side, and leads others with the other one.

Invariants: what leaves was composed here, of what is allowed to cross; every request is answered,
and ends; whatever a call had is gone when it is over; all that is remembered is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    DatagramGateway,
    Endpoint,
    Realm,
    Report,
    Send,
    Transport,
)
from ryu_alg.inspection.headers import Head
from ryu_alg.protocols.sip.b2bua.agent import DEFAULT_HOPS, RETRY_AFTER, Agent
from ryu_alg.protocols.sip.b2bua.arrivals import Arrivals, dialogue_of
from ryu_alg.protocols.sip.b2bua.calls import (
    Arrival,
    Branch,
    Found,
    Phase,
    accepted_name,
)
from ryu_alg.protocols.sip.b2bua.dialogue_responses import REFRESHING, DialogueResponses
from ryu_alg.protocols.sip.b2bua.dialogues import Dialogues
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.headers import unknown_extensions, values
from ryu_alg.protocols.sip.b2bua.holds import Holds
from ryu_alg.protocols.sip.b2bua.invites import Invites
from ryu_alg.protocols.sip.b2bua.legs import Path, contact_of, routes_of
from ryu_alg.protocols.sip.b2bua.outcomes import Outcomes
from ryu_alg.protocols.sip.b2bua.outside_dialogues import SUBSCRIBING, OutsideDialogues
from ryu_alg.protocols.sip.b2bua.phrases import phrase
from ryu_alg.protocols.sip.b2bua.policy import CallPolicy, Denied
from ryu_alg.protocols.sip.b2bua.references import References
from ryu_alg.protocols.sip.b2bua.registering import Registering
from ryu_alg.protocols.sip.b2bua.registrations import Registrations
from ryu_alg.protocols.sip.b2bua.sessions import MIN_SESSION, Sessions, too_short
from ryu_alg.protocols.sip.core import SipCore
from ryu_alg.protocols.sip.keepalive import MAX_FLOWS, PING, Flow, Pings, is_keepalive
from ryu_alg.protocols.sip.limits import Rate
from ryu_alg.protocols.sip.message import Malformed, Message, parse
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.policy import denial
from ryu_alg.protocols.sip.responses import respond, respond_raw
from ryu_alg.protocols.sip.transactions import Unmatched, server_key

_ANSWERLESS = frozenset({"ACK", "CANCEL", "BYE", "PRACK"})
"""Parts of a call that is already allowed."""


class BackToBack(SipCore):
    """SIP of one inside host; over TCP, of one connection."""

    def __init__(
        self,
        options: SipOptions,
        gateway: DatagramGateway,
        transport: Transport = Transport.UDP,
        *,
        secret: bytes | None = None,
    ) -> None:
        """`secret` makes the names that the gateway gives; None: a random one."""
        reliable = transport is Transport.TCP
        self.agent = agent = Agent(options, gateway, reliable=reliable, secret=secret)
        self._arrivals = Arrivals(agent.identity, transport.name.encode())
        self.registrations = Registrations(options.registrations_per_host)
        self.holds = Holds()
        self.pings = Pings()
        self._options = options
        self._policy = CallPolicy(options.b2bua)
        self._messages = {realm: Rate(options.messages_per_second) for realm in Realm}
        self._refusals = {realm: Rate(options.messages_per_second) for realm in Realm}
        """Of messages beyond the rate, which are answered as long as that is no burden."""
        self._references = References(agent.calls, agent.hiding)
        self._endings = Endings(agent, self.holds)
        self._sessions = Sessions(agent, self.holds)
        self._registering = Registering(agent, self.registrations, self.holds)
        self._invites = Invites(agent, self._endings, self._sessions)
        responses = DialogueResponses(agent, self._endings, self._sessions)
        self._dialogues = Dialogues(agent, self._endings, self._references, responses)
        self._outside = OutsideDialogues(
            agent,
            self._endings,
            self._sessions,
            self._references,
            self.registrations,
            self._registering,
            self._invites,
            self._dialogues,
        )
        self._outcomes = Outcomes(agent, self._endings, self._invites, responses, self._outside)

    # --- The inspector ---------------------------------------------------------------------

    def inspect(self, datagram: Datagram, head: Head | None = None) -> Sequence[DatagramEffect]:
        """Take a message; nothing passes as it is but what keeps paths alive."""
        if is_keepalive(datagram.payload):
            return self._keepalive(datagram)
        path = Path(datagram.origin, datagram.inside, datagram.remote)
        now = self.agent.now
        within_rate = self._messages[datagram.origin].take(now)
        if not within_rate and not self._refusals[datagram.origin].take(now):
            return [Report("sip.rate.dropped", f"from {path.other_end}")]
        if len(datagram.payload) > self._options.message_limit:
            return [Report("sip.message.overlong", f"from {path.other_end}")]
        message = parse(datagram.payload, head=head)
        if isinstance(message, Malformed):
            self._malformed(message, path)
        elif not within_rate:
            self._beyond_rate(message, path)
        elif message.is_request:
            self._request(message, path, datagram.public)
        else:
            self._response(message)
        return self.agent.take()

    def next_timeout(self) -> float | None:
        """When the first of all that waits is over."""
        agent = self.agent
        times = (
            agent.transactions.next_timeout(),
            agent.alarms.next(),
            self.registrations.next_timeout(),
        )
        return min((time for time in times if time is not None), default=None)

    def wake(self) -> Sequence[DatagramEffect]:
        """The time has come for something."""
        agent = self.agent
        for news in agent.carry(agent.transactions.expire(agent.now)):
            if news.exchange is not None and news.failure is not None:
                self._outcomes.lost(news.exchange, news.failure)
        for due, subject in agent.alarms.due(agent.now):
            self._outcomes.due(due, subject)
        self._registering.expire()
        return agent.take()

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        """Media have stopped: the call ends, unless it is on hold."""
        for call in self.agent.calls:
            if call.media is None or not call.media.owns(binding):
                continue
            if call.media.idle(binding) and self._options.b2bua.end_idle_calls:
                self._endings.hang_up(call, "sip.call.silent", "no media any more")
            break
        return self.agent.take()

    def keep_alive(self) -> Sequence[DatagramEffect]:
        """A ping (RFC 5626 section 4.4.1) to everyone with whom there is a call."""
        flows: dict[Flow, None] = {}
        for call in self.agent.calls:
            leg = call.far if call.far.realm is Realm.OUTSIDE else call.near
            flows[leg.path.inside, leg.path.remote] = None
        effects = []
        for flow in list(flows)[:MAX_FLOWS]:
            self.pings.sent(flow)
            effects.append(Send(Realm.OUTSIDE, *flow, PING))
        return effects

    def disconnected(self, lost: Realm) -> Sequence[DatagramEffect]:
        """The connection towards `lost` is no more: what waits for it fails, its calls end."""
        agent = self.agent
        for news in agent.carry(agent.transactions.lose(lambda to: to.realm is lost, agent.now)):
            if news.exchange is not None and news.failure is not None:
                self._outcomes.lost(news.exchange, news.failure)
        for call in agent.calls:
            branch = call.winner or Branch(call.near, call.far)
            legs = [leg for leg in (branch.near, branch.far) if leg.realm is not lost]
            self._endings.hang_up(call, "sip.call.disconnected", "the connection ended", legs)
        return agent.take()

    @property
    def empty(self) -> bool:
        """Whether nothing is left of anything."""
        return self.agent.empty and not (self.registrations or self.holds)

    # --- What comes ------------------------------------------------------------------------

    def _keepalive(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        flow = (datagram.inside, datagram.remote)
        inward = datagram.origin is Realm.OUTSIDE
        if inward and self.pings.answers(flow, datagram.payload):
            return ()
        return [Send(Realm.INSIDE if inward else Realm.OUTSIDE, *flow, datagram.payload)]

    def _beyond_rate(self, message: Message, path: Path) -> None:
        """Only what begins something is told; what is going on is sent again anyway."""
        agent, source = self.agent, path.other_end
        key = server_key(message, path.realm, source.address) if message.is_request else None
        begins = message.to_tag is None and message.method not in _ANSWERLESS
        if key is None or not begins or agent.transactions.serves(key):
            agent.report("sip.rate.dropped", f"from {source}")
            return
        agent.report("sip.rate.refused", f"from {source}")
        agent.send(path, respond(message, 503, phrase(503), [RETRY_AFTER], source=source))

    def _malformed(self, bad: Malformed, path: Path) -> None:
        agent = self.agent
        agent.report(f"sip.malformed.{bad.fault.name.lower()}", f"{bad.detail}, {path.other_end}")
        if bad.request is None:
            return
        answer = respond_raw(bad.request, bad.status, bad.fault.value, source=path.other_end)
        if answer is not None:
            agent.send(path, answer)

    def _request(self, request: Message, path: Path, public: Endpoint) -> None:
        agent = self.agent
        source = path.other_end
        matched = agent.transactions.receive_request(request, path.realm, source.address, agent.now)
        if matched is Unmatched.NEW:
            self._new(request, path, public)
        elif matched is Unmatched.OLD:
            agent.report("sip.b2bua.old", f"no branch of RFC 3261 from {source}")
            agent.send(path, respond(request, 400, "Bad Via Branch", source=source))
        elif matched is Unmatched.STRAY:
            self._acknowledge(request, path)
        else:
            agent.carry(matched)
            if request.method == "ACK":
                # Some acknowledge a 2xx as if it were a refusal.
                self._acknowledge(request, path)

    def _acknowledge(self, request: Message, path: Path) -> None:
        """An ACK to a 2xx, which is a transaction of its own."""
        agent = self.agent
        name = accepted_name(request.call_id, request.to_tag or b"", request.cseq.number)
        found = agent.calls.find(dialogue_of(request, path.realm))
        if agent.confirmed(name) and found is not None:
            self._dialogues.acknowledge(request, found)

    def _response(self, response: Message) -> None:
        agent = self.agent
        outcomes = agent.transactions.receive_response(response, agent.now)
        if isinstance(outcomes, Unmatched):
            agent.report("sip.response.stray", f"{response.status} to nothing")
            return
        for news in agent.carry(outcomes):
            if news.exchange is not None:
                self._outcomes.answered(news.exchange, response)

    def _new(self, request: Message, path: Path, public: Endpoint) -> None:
        """A request that was not here before."""
        agent = self.agent
        source = path.other_end
        key = server_key(request, path.realm, source.address)
        assert key is not None
        arrival = self._arrivals.read(request, key, path, public)
        if not agent.transactions.serve(key, arrival.back, agent.now):
            agent.report("sip.limit.transactions", f"too many requests, {source}")
            response = respond(request, 503, phrase(503), [RETRY_AFTER], source=source)
            agent.send(arrival.back, response)
            return
        if request.method == "CANCEL":
            self._cancel(arrival)
            return
        hops = self._hops(arrival)
        if hops is None or not self._understood(arrival):
            return
        found = self._found(arrival)
        if found is None and request.to_tag is not None:
            agent.refuse(arrival, 481, "sip.b2bua.no_dialogue", f"{request.method[:32]} in none")
            return
        if found is not None:
            arrival = replace(arrival, leg=found.leg)
        self._allowed(arrival, found, public, hops)

    def _allowed(self, arrival: Arrival, found: Found | None, public: Endpoint, hops: int) -> None:
        """Policy first, then it goes its way."""
        agent, request, path = self.agent, arrival.request, arrival.path
        if request.method in _ANSWERLESS and found is not None:
            self._dialogues.request(arrival, found, hops)
            return
        host, peer = path.inside.address, path.remote.address
        barred = denial(self._options, request, path.realm, host, peer)
        if barred is not None:
            agent.refuse(arrival, barred.status, barred.code, barred.detail)
            return
        decision = self._policy.decide(arrival, agent.calls, agent.now)
        if isinstance(decision, Denied):
            agent.refuse(arrival, decision.status, decision.code, decision.detail)
        elif found is not None:
            self._dialogues.request(arrival, found, hops)
        else:
            self._outside.request(arrival, public, decision, hops)

    def _cancel(self, arrival: Arrival) -> None:
        agent = self.agent
        exchange = agent.invites.get(arrival.key.cancelled)
        if exchange is None:
            agent.answer(arrival, 481)
            return
        agent.answer(arrival, 200)
        reason = [(b"Reason", value) for value in values(arrival.request, b"Reason")]
        self._invites.cancelled(exchange, reason)

    def _hops(self, arrival: Arrival) -> int | None:
        """Max-Forwards of what is made of a request; None: it has been refused."""
        hops = arrival.request.number(b"max-forwards")
        if hops == 0:
            self.agent.refuse(arrival, 483, "sip.b2bua.hops", "no hop left")
            return None
        return (DEFAULT_HOPS if hops is None else hops) - 1

    def _understood(self, arrival: Arrival) -> bool:
        """Whether a request asks for nothing that the gateway does not know, or may not do."""
        agent = self.agent
        unknown = unknown_extensions(arrival.request)
        if unknown:
            headers = [(b"Unsupported", b", ".join(unknown))]
            agent.refuse(arrival, 420, "sip.b2bua.extension", "unknown extension", headers)
            return False
        if too_short(arrival):
            headers = [(b"Min-SE", b"%d" % MIN_SESSION)]
            agent.refuse(arrival, 422, "sip.b2bua.session", "too short a session", headers)
            return False
        needs_contact = arrival.request.method in REFRESHING - {"REFER", "NOTIFY"}
        if needs_contact and contact_of(arrival.request) is None:
            agent.refuse(arrival, 400, "sip.b2bua.contact", "no Contact")
            return False
        return True

    def _found(self, arrival: Arrival) -> Found | None:
        """The dialogue of a request."""
        agent, request = self.agent, arrival.request
        if request.to_tag is None:
            return None
        found = agent.calls.find(dialogue_of(request, arrival.origin))
        if found is not None:
            return found
        leg = arrival.leg.forked(local_tag=request.to_tag)
        call = agent.calls.opening(leg)
        if call is None or call.method not in SUBSCRIBING or not request.from_tag:
            return None
        branch = self._outside.branch(call, request.from_tag)
        if branch is None:
            return None
        branch.far.routes = tuple(routes_of(request))
        call.phase = Phase.UP
        return Found(call, branch, branch.far)
