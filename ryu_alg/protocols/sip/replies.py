"""A response that arrives: it passes back to whoever sent the request."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Datagram, DatagramEffect, Realm, Report, Send
from ryu_alg.protocols.sip.answers import onward, sender
from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.media import Refused
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.negotiation import describe, negotiate, negotiates
from ryu_alg.protocols.sip.passages import Passage, digest, key_of
from ryu_alg.protocols.sip.state import State


@dataclass(slots=True)
class Replies:
    """Responses of both sides."""

    state: State

    def take(self, datagram: Datagram, response: Message) -> list[DatagramEffect]:
        """One response. What answers nothing goes no further."""
        key = key_of(response, datagram.origin.other, datagram.remote.address)
        passage = self.state.passages.table.get(key)
        if passage is None or passage.answer:
            detail = f"{response.status} from {sender(datagram)}"
            return [Report("sip.response.unmatched", detail)]
        left = passage.responses.get(digest(response.raw))
        if left is not None:
            return [_towards(datagram, passage, left)]
        edits = Edits(response)
        if datagram.origin is Realm.INSIDE:
            refusal = self.state.translation.outward(response, edits)
            if refusal is not None:
                detail = f"{refusal.code}: {refusal.detail}, from {sender(datagram)}"
                return [Report("sip.endpoint.refused", detail)]
        else:
            if passage.restored:
                edits.replace(response.vias[0].span, passage.restored)
            self.state.translation.inward(response, edits)
        effects: list[DatagramEffect] = []
        if not self._call(datagram, response, passage, edits, effects):
            return effects
        now = self.state.gateway.now
        if passage.asked is not None and 200 <= response.status < 300:
            effects.extend(self.state.registrations.granted(passage.asked, response, now))
        payload = edits.result()
        passage.remember(response.raw, payload)
        self.state.passages.answered(key, response.status, now)
        return [*effects, _towards(datagram, passage, payload)]

    def _call(
        self,
        datagram: Datagram,
        response: Message,
        passage: Passage,
        edits: Edits,
        effects: list[DatagramEffect],
    ) -> bool:
        """What the response means to a call. False: it must not pass."""
        calls, now = self.state.calls, self.state.gateway.now
        asker = datagram.origin.other
        call = calls.find(response, asker)
        if datagram.origin is Realm.INSIDE and not (negotiates(response) and call is not None):
            effects.extend(describe(self.state.gateway, response, edits))
        if call is None:
            return True
        outcome = negotiate(call, response, datagram.origin, passage, edits)
        effects.extend(outcome.effects)
        if isinstance(outcome, Refused):
            detail = f"{outcome.detail}, from {sender(datagram)}"
            effects.append(Report(outcome.code, detail))
            return False
        match response.method:
            case "INVITE" if passage.begins:
                effects.extend(calls.invited(call, response, passage.digest, now))
            case "INVITE" | "UPDATE" | "PRACK":
                effects.extend(calls.renegotiated(call, response, asker, passage.offers, now))
            case "BYE" if response.status >= 200:
                effects.extend(calls.hung_up(call, response))
        return True


def _towards(datagram: Datagram, passage: Passage, payload: bytes) -> Send:
    """Inside, to where the client listens; outside, to where the server sent it."""
    if datagram.origin is Realm.OUTSIDE:
        return Send(Realm.INSIDE, passage.answer_to, datagram.remote, payload)
    return onward(datagram, payload)
