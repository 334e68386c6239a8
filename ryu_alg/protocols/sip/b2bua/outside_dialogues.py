"""Requests outside dialogues: what they reach on the other side, and what they may begin there."""

from __future__ import annotations

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.sip.b2bua.agent import Agent
from ryu_alg.protocols.sip.b2bua.bodies import Stopped, cross
from ryu_alg.protocols.sip.b2bua.calls import Arrival, Branch, Call, Exchange, Phase
from ryu_alg.protocols.sip.b2bua.dialogues import Dialogues
from ryu_alg.protocols.sip.b2bua.endings import Endings
from ryu_alg.protocols.sip.b2bua.headers import crossing, redirections, values
from ryu_alg.protocols.sip.b2bua.invites import Invites
from ryu_alg.protocols.sip.b2bua.legs import Leg, Path
from ryu_alg.protocols.sip.b2bua.policy import Allowed
from ryu_alg.protocols.sip.b2bua.references import References
from ryu_alg.protocols.sip.b2bua.registering import Registering
from ryu_alg.protocols.sip.b2bua.registrations import Registrations
from ryu_alg.protocols.sip.b2bua.sessions import Sessions
from ryu_alg.protocols.sip.message import Message, RequestLine
from ryu_alg.protocols.sip.responses import Header
from ryu_alg.protocols.sip.uris import write_host_port

SUBSCRIBING = frozenset({"SUBSCRIBE", "REFER"})
"""They begin a dialogue that is no call."""


class OutsideDialogues:
    """Carries across what belongs to nothing yet."""

    def __init__(
        self,
        agent: Agent,
        endings: Endings,
        sessions: Sessions,
        references: References,
        registrations: Registrations,
        registering: Registering,
        invites: Invites,
        dialogues: Dialogues,
    ) -> None:
        self._agent = agent
        self._endings = endings
        self._sessions = sessions
        self._references = references
        self._registrations = registrations
        self._registering = registering
        self._invites = invites
        self._dialogues = dialogues

    def request(self, arrival: Arrival, public: Endpoint, allowed: Allowed, hops: int) -> None:
        """A request without a To tag. `public` stands for the inside endpoint outside."""
        agent, method = self._agent, arrival.request.method
        far = self._leg(arrival, public)
        headers = crossing(arrival.request, far.realm, agent.hiding)
        replaces = next(values(arrival.request, b"Replaces"), None)
        if replaces is not None and method == "INVITE":
            translated = self._references.replaces(replaces, arrival.origin)
            if translated is None:
                agent.refuse(arrival, 481, "sip.b2bua.replaces", "Replaces names no dialogue")
                return
            headers.append((b"Replaces", translated))
        if method == "INVITE":
            self._invites.begin(arrival, far, allowed, headers, hops)
        elif method == "REGISTER" and arrival.origin is Realm.INSIDE:
            self._registering.request(arrival, far, headers, hops)
        else:
            self._plain(arrival, far, headers, hops)

    def _plain(self, arrival: Arrival, far: Leg, headers: list[Header], hops: int) -> None:
        agent, method = self._agent, arrival.request.method
        if method == "REFER":
            refer_to = self._dialogues.refer_to(arrival)
            if refer_to is None:
                agent.refuse(arrival, 400, "sip.b2bua.refer", "Refer-To means nothing outside")
                return
            headers.append((b"Refer-To", refer_to))
        crossed = cross(arrival.request, far.realm, agent.hiding, None, b"", answer=False)
        if isinstance(crossed, Stopped):
            agent.refuse(arrival, crossed.status, crossed.code, crossed.detail)
            return
        call = None
        if method in SUBSCRIBING:
            if agent.calls.full(method) or agent.calls.opening(far) is not None:
                agent.refuse(arrival, 503, "sip.limit.subscriptions", "too many subscriptions")
                return
            call = agent.calls.add(arrival, far, None)
            self._sessions.subscribed(call, arrival.request)
            headers.append((b"Contact", b"<%s>" % far.contact))
        exchange = agent.ask(
            far,
            method,
            [*headers, *crossed.headers],
            crossed.body,
            arrival=arrival,
            call=call,
            hops=hops,
        )
        if exchange is None:
            agent.refuse(arrival, 503, "sip.limit.transactions", "too many requests")
            if call is not None:
                self._endings.failed(call)

    def answered(self, exchange: Exchange, arrival: Arrival, response: Message) -> None:
        """A response to what is neither an INVITE nor within a dialogue."""
        if response.status == 100:
            return
        if exchange.method == "REGISTER" and arrival.origin is Realm.INSIDE:
            self._registering.answered(exchange, arrival, response)
            return
        agent, call, near = self._agent, exchange.call, arrival.leg
        headers = crossing(response, near.realm, agent.hiding)
        if call is not None and 200 <= response.status < 300 and response.to_tag:
            branch = self.branch(call, response.to_tag)
            if branch is not None:
                branch.far.learn(response)
                branch.far.learn_routes(response)
                near = branch.near
                call.phase = Phase.UP
                self._sessions.subscribed(call, response)
            headers.append((b"Contact", b"<%s>" % near.contact))
        elif 300 <= response.status < 400:
            headers += redirections(response, near.realm, agent.hiding)
        crossed = cross(response, near.realm, agent.hiding, None, b"", answer=False)
        if isinstance(crossed, Stopped):
            agent.report(crossed.code, crossed.detail)
            agent.answer(arrival, response.status, headers, tag=near.local_tag)
        else:
            agent.answer(
                arrival,
                response.status,
                [*headers, *crossed.headers],
                body=crossed.body,
                tag=near.local_tag,
            )
        if call is not None and response.status >= 300:
            self._endings.failed(call)

    def lost(self, exchange: Exchange, arrival: Arrival, status: int) -> None:
        """Nobody answers."""
        self._agent.answer(arrival, status)
        if exchange.call is not None:
            self._endings.failed(exchange.call)

    def branch(self, call: Call, tag: bytes) -> Branch | None:
        """The dialogue of a subscription with the notifier of this tag: there may be several,
        and a NOTIFY may come before the 2xx (RFC 6665 section 4.4.1). None: one too many."""
        agent = self._agent
        branch = call.branches.get(tag)
        if branch is None and call.phase is not Phase.OVER and agent.calls.may_branch(call):
            far = call.far.forked(remote_tag=tag)
            name = agent.identity.name(b"tag", far.call_id, tag)
            branch = agent.calls.branch(call, call.near.forked(local_tag=name), far)
            branch.early = False
        return branch

    def _leg(self, arrival: Arrival, public: Endpoint) -> Leg:
        """The leg on which a request goes on."""
        agent, request = self._agent, arrival.request
        realm = arrival.origin.other
        target, inside = self._target(arrival, public)
        path = Path(realm, inside, arrival.path.remote)
        return Leg(
            realm=realm,
            path=path,
            here=public if realm is Realm.OUTSIDE else path.remote,
            transport=arrival.leg.transport,
            call_id=agent.identity.name(b"call", realm.value.encode(), request.call_id),
            local=agent.hiding.identity(request, request.sender, realm),
            local_tag=agent.identity.name(
                b"from", realm.value.encode(), request.call_id, request.from_tag or b""
            ),
            remote=agent.hiding.identity(request, request.recipient, realm),
            remote_tag=b"",
            target=target,
            routes=(),
            sequence=agent.next_sequence() - 1,
        )

    def _target(self, arrival: Arrival, public: Endpoint) -> tuple[bytes, Endpoint]:
        """The Request-URI on the other side, and the inside endpoint that is spoken to or for.

        What names a host of the outside stays as it is, to the byte: credentials are computed
        with it (RFC 3261 section 22.4)."""
        agent, request, inside = self._agent, arrival.request, arrival.path.inside
        assert isinstance(request.line, RequestLine)
        uri = request.line.uri
        written = request.raw[slice(*uri.span)]
        own = self._references.target(uri, arrival.origin)
        if own is not None:
            return own, inside
        if arrival.origin is Realm.INSIDE:
            inner = uri.where is not None and agent.hiding.is_inside(uri.where)
            hidden = inner or agent.hiding.betrays(written)
            return agent.hiding.uri(request.raw, uri, Realm.OUTSIDE) if hidden else written, inside
        contact = self._registrations.find(uri.user or b"", inside)
        if contact is not None:
            return contact, inside
        if uri.endpoint is not None and uri.endpoint.address == public.address:
            user = uri.user + b"@" if uri.user else b""
            return b"sip:%s%s" % (user, write_host_port(inside)), inside
        return written, inside
