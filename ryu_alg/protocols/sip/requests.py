"""A request that arrives: it passes on, or is answered by the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Datagram, DatagramEffect, Endpoint, Realm, Refusal, Report
from ryu_alg.inspection.addresses import within
from ryu_alg.protocols.sip.answers import Refusing, back, onward, sender
from ryu_alg.protocols.sip.calls import Call
from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.media import CallMedia, Refused
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.negotiation import describe, negotiate, negotiates
from ryu_alg.protocols.sip.passages import Passage, digest, key_of, passage_of
from ryu_alg.protocols.sip.policy import Denial, denial
from ryu_alg.protocols.sip.registrations import Asked, Contact, requested
from ryu_alg.protocols.sip.state import State

_ANNOUNCING = frozenset({"REGISTER", "INVITE"})
"""Requests that make others send to the addresses in them."""
_REASONS = {
    "sip.body.malformed": (400, "Bad Body"),
    "sip.media.malformed": (400, "Bad Session Description"),
    "sip.media.foreign_address": (403, "Forbidden"),
}
"""What the sender of a session description is told; of others, 488."""


@dataclass(slots=True)
class Requests:
    """Requests of both sides."""

    state: State

    def take(self, datagram: Datagram, request: Message, within_rate: bool) -> list[DatagramEffect]:
        """Any but ACK."""
        passages = self.state.passages
        key = key_of(request, datagram.origin, datagram.remote.address)
        known = passages.table.get(key)
        if known is not None and known.digest == digest(request.raw):
            if known.answer:
                return [back(datagram, known.answer_to, known.answer)]
            return [onward(datagram, known.sent)]
        passage = passage_of(request, datagram)
        effects: list[DatagramEffect] = []
        refused = self._objection(datagram, request, within_rate)
        if refused is None and known is None and not passages.room_for(key):
            refused = Denial.overload("sip.transactions.limit", "too many requests under way")
        if refused is None:
            refused = self._pass(datagram, request, passage, effects)
        if refused is not None:
            effects.append(_report(refused, datagram))
            effects.append(Refusing(datagram).denied(request, passage, refused))
        elif request.method == "CANCEL":
            passages.cancelled(key._replace(method="INVITE"), self.state.gateway.now)
        passages.begun(key, passage, self.state.gateway.now)
        return effects

    def acknowledge(self, datagram: Datagram, ack: Message) -> list[DatagramEffect]:
        """An ACK passes, unless it is about a response of the gateway's own."""
        key = key_of(ack, datagram.origin, datagram.remote.address)
        known = self.state.passages.table.get(key)
        effects: list[DatagramEffect] = []
        if known is None or not known.answer:
            refused = self._pass(datagram, ack, passage_of(ack, datagram), effects)
            if refused is not None:
                effects.append(_report(refused, datagram))
        return effects

    # --- Whether ----------------------------------------------------------------------------

    def _objection(self, datagram: Datagram, request: Message, within_rate: bool) -> Denial | None:
        options = self.state.options
        if not within_rate:
            return Denial.overload("sip.rate.exceeded", "too many messages")
        if len(request.raw) > options.message_limit:
            detail = f"{len(request.raw)} bytes"
            return Denial(513, "Message Too Large", "sip.message.too_large", detail)
        host, peer = self.state.gateway.host, datagram.remote.address
        if (objection := denial(options, request, datagram.origin, host, peer)) is not None:
            return objection
        if request.method == "CANCEL" and self._answered_here(datagram, request):
            return Denial(481, "Call/Transaction Does Not Exist", "sip.cancel.late", "refused")
        if datagram.origin is Realm.INSIDE and request.method in _ANNOUNCING:
            return self._foreign(request)
        return None

    def _answered_here(self, datagram: Datagram, cancel: Message) -> bool:
        """Whether the gateway has answered the INVITE that is to be cancelled."""
        key = key_of(cancel, datagram.origin, datagram.remote.address)
        invite = self.state.passages.table.get(key._replace(method="INVITE"))
        return invite is not None and bool(invite.answer)

    def _foreign(self, request: Message) -> Denial | None:
        """Whether an inside host announces somebody else's address as its own."""
        for contact in request.addresses.get(b"contact", ()):
            endpoint = contact.uri.endpoint
            if endpoint is None or self.state.translation.own(endpoint) is not None:
                continue
            if request.method == "REGISTER" and requested(contact, request) == 0:
                continue
            if not within(endpoint.address, self.state.options.media_servers):
                return Denial.forbidden("sip.contact.foreign_address", f"Contact {endpoint}")
        return None

    # --- How --------------------------------------------------------------------------------

    def _pass(
        self,
        datagram: Datagram,
        request: Message,
        passage: Passage,
        effects: list[DatagramEffect],
    ) -> Denial | None:
        edits = Edits(request)
        if datagram.origin is Realm.INSIDE:
            refusal = self.state.translation.outward(request, edits)
            if refusal is not None:
                return _no_endpoint(refusal)
        else:
            self.state.translation.inward(request, edits)
        if request.method == "REGISTER" and datagram.origin is Realm.INSIDE:
            passage.asked = self._asked(datagram, request)
            if not self.state.registrations.room_for(passage.asked):
                return Denial.overload("sip.registrations.limit", "too many registrations")
        refused = self._negotiate(datagram, request, passage, edits, effects)
        if refused is not None:
            return refused
        passage.sent = edits.result()
        effects.append(onward(datagram, passage.sent))
        return None

    def _negotiate(
        self,
        datagram: Datagram,
        request: Message,
        passage: Passage,
        edits: Edits,
        effects: list[DatagramEffect],
    ) -> Denial | None:
        """What the request means to a call, its session description too."""
        calls, now = self.state.calls, self.state.gateway.now
        call = calls.find(request, datagram.origin)
        known = call is not None
        if datagram.origin is Realm.INSIDE and not (
            negotiates(request) and (known or _begins(request))
        ):
            effects.extend(describe(self.state.gateway, request, edits))
        if call is None:
            if not _begins(request):
                return None
            call = self._call(datagram, request)
            crowded = datagram.origin is Realm.OUTSIDE and calls.table.crowded
            if crowded or not calls.begin(call, now):
                return Denial.overload("sip.calls.limit", "too many calls")
        outcome = negotiate(call, request, datagram.origin, None, edits)
        effects.extend(outcome.effects)
        if isinstance(outcome, Refused):
            if not known:
                effects.extend(calls.over(call))
            return _no_media(outcome)
        call.flow = (datagram.inside, datagram.remote)
        passage.offers = outcome.offers
        match request.method:
            case "INVITE" if call.winner is None:
                passage.begins = True
                calls.rings(call, passage.digest, now)
            case "BYE" if call.leg(request) == call.winner:
                calls.ending(call, now)
            case "CANCEL" if call.winner is None:
                calls.ending(call, now)
        return None

    def _call(self, datagram: Datagram, invite: Message) -> Call:
        gateway = self.state.gateway
        key = (datagram.origin, invite.call_id, invite.from_tag or b"")
        servers, owners = self.state.options.media_servers, self.state.calls.owners
        return Call(
            key=key,
            media=CallMedia(gateway, gateway.host, servers, key, owners),
            flow=(datagram.inside, datagram.remote),
            winner=invite.to_tag,
        )

    def _asked(self, datagram: Datagram, register: Message) -> Asked:
        """The host's own contacts; their endpoints have public ones by now."""
        contacts = []
        translation = self.state.translation
        for contact in register.addresses.get(b"contact", ()):
            written = contact.uri.endpoint
            if written is None:
                continue
            inside = translation.own(written)
            public = translation.public(inside) if inside is not None else None
            if inside is None or not isinstance(public, Endpoint):
                continue
            expires = requested(contact, register)
            contacts.append(Contact(inside, public, contact.uri.user, expires))
        start, end = register.recipient.uri.span
        flow = (datagram.inside, datagram.remote)
        return Asked(register.raw[start:end], tuple(contacts), flow, register.contact_is_star)


def _begins(request: Message) -> bool:
    """Whether it begins a call, or may take one up that is not known here (any more)."""
    if request.method == "UPDATE":
        return request.to_tag is not None and request.value(b"content-type") is not None
    return request.method == "INVITE"


def _no_endpoint(refusal: Refusal) -> Denial:
    """There is no public endpoint to be had."""
    return _no_port("sip.endpoint.refused", f"{refusal.code}: {refusal.detail}")


def _no_port(code: str, detail: str) -> Denial:
    """Some ports (`port.privileged`, `port.denied`) never are to be had, others not now."""
    never = detail.startswith("port.")
    return Denial.forbidden(code, detail) if never else Denial.overload(code, detail)


def _no_media(refused: Refused) -> Denial:
    """The session description cannot be passed on."""
    if refused.code == "sip.media.refused":
        return _no_port(refused.code, refused.detail)
    status, reason = _REASONS.get(refused.code, (488, "Not Acceptable Here"))
    return Denial(status, reason, refused.code, refused.detail)


def _report(refused: Denial, datagram: Datagram) -> Report:
    return Report(refused.code, f"{refused.detail}, from {sender(datagram)}")
