"""The gateway's own responses, and how they reach whoever sent the request."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Datagram, Endpoint, Realm, Send
from ryu_alg.protocols.sip.message import Malformed, Message
from ryu_alg.protocols.sip.passages import Passage
from ryu_alg.protocols.sip.policy import Denial
from ryu_alg.protocols.sip.responses import respond, respond_raw

_REASONS = {505: "Version Not Supported", 513: "Message Too Large"}


def sender(datagram: Datagram) -> Endpoint:
    """Who sent it."""
    return datagram.inside if datagram.origin is Realm.INSIDE else datagram.remote


def back(datagram: Datagram, to: Endpoint, payload: bytes) -> Send:
    """Sends a response to `to`, on the side where the datagram came from."""
    if datagram.origin is Realm.INSIDE:
        return Send(Realm.INSIDE, to, datagram.remote, payload)
    return Send(Realm.OUTSIDE, datagram.inside, to, payload)


def onward(datagram: Datagram, payload: bytes) -> Send:
    """Sends what the datagram became to where it was going."""
    towards = datagram.origin.other
    return Send(towards, datagram.inside, datagram.remote, payload)


@dataclass(frozen=True, slots=True)
class Refusing:
    """Makes responses to requests that do not pass."""

    datagram: Datagram

    def malformed(self, bad: Malformed) -> Send | None:
        """None if it cannot be answered."""
        if bad.request is None:
            return None
        source = sender(self.datagram)
        phrase = bad.fault.value if bad.status == 400 else _REASONS[bad.status]
        payload = respond_raw(bad.request, bad.status, phrase, source=source)
        return back(self.datagram, source, payload) if payload else None

    def denied(self, request: Message, passage: Passage, denial: Denial) -> Send:
        """What the passage remembers as its answer, too."""
        headers = []
        if denial.retry_after is not None:
            headers.append((b"Retry-After", b"%d" % denial.retry_after))
        passage.answer = respond(
            request, denial.status, denial.reason, headers, source=passage.source
        )
        return back(self.datagram, passage.answer_to, passage.answer)
