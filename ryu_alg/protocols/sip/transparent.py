"""The transparent mode: messages pass, with the addresses of the inside host translated.

Invariants: the inside host sees what there would be without NAT; what is not rewritten leaves
byte-identical; a response passes only if its request did; whatever a call opened is closed when
it is over; all that is remembered is bounded and has an end.
"""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    DatagramGateway,
    Realm,
    Report,
    Send,
    Transport,
)
from ryu_alg.inspection.headers import Head
from ryu_alg.protocols.sip.answers import Refusing, onward, sender
from ryu_alg.protocols.sip.core import SipCore
from ryu_alg.protocols.sip.keepalive import MAX_FLOWS, PING, Flow, Pings, is_keepalive
from ryu_alg.protocols.sip.limits import Rates
from ryu_alg.protocols.sip.message import Malformed, parse
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.replies import Replies
from ryu_alg.protocols.sip.requests import Requests
from ryu_alg.protocols.sip.state import State


class TransparentInspector(SipCore):
    """SIP of one inside host; over TCP, of one connection."""

    def __init__(
        self,
        options: SipOptions,
        gateway: DatagramGateway,
        transport: Transport = Transport.UDP,
    ) -> None:
        self.gateway = gateway
        self.state = State.new(options, gateway, transport)
        self.pings = Pings()
        self.messages = Rates(options.messages_per_second)
        self.refusals = Rates(options.messages_per_second)
        """Of messages beyond the rate, which are answered as long as that is no burden."""

    def inspect(self, datagram: Datagram, head: Head | None = None) -> Sequence[DatagramEffect]:
        """Pass a message on, or answer it, or drop it."""
        if is_keepalive(datagram.payload):
            return self._keepalive(datagram)
        now = self.gateway.now
        within_rate = self.messages.take(datagram.origin, now)
        if not within_rate and not self.refusals.take(datagram.origin, now):
            return [Report("sip.rate.dropped", f"from {sender(datagram)}")]
        message = parse(datagram.payload, head=head)
        if isinstance(message, Malformed):
            return self._malformed(datagram, message)
        if message.is_request and message.method != "ACK":
            return Requests(self.state).take(datagram, message, within_rate)
        if not within_rate:
            return [Report("sip.rate.dropped", f"from {sender(datagram)}")]
        if message.is_request:
            return Requests(self.state).acknowledge(datagram, message)
        return Replies(self.state).take(datagram, message)

    def _keepalive(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        flow = (datagram.inside, datagram.remote)
        if datagram.origin is Realm.OUTSIDE and self.pings.answers(flow, datagram.payload):
            return ()
        return [onward(datagram, datagram.payload)]

    def _malformed(self, datagram: Datagram, bad: Malformed) -> Sequence[DatagramEffect]:
        code = f"sip.malformed.{bad.fault.name.lower()}"
        effects: list[DatagramEffect] = [Report(code, f"{bad.detail}, from {sender(datagram)}")]
        answer = Refusing(datagram).malformed(bad)
        return [*effects, answer] if answer else effects

    def keep_alive(self) -> Sequence[DatagramEffect]:
        """A ping (RFC 5626 section 4.4.1) to everyone with whom there is a call, or where the
        host is registered."""
        flows: dict[Flow, None] = {call.flow: None for call in self.state.calls.table.values()}
        flows.update(dict.fromkeys(self.state.registrations.table.values()))
        effects = []
        for flow in list(flows)[:MAX_FLOWS]:
            self.pings.sent(flow)
            effects.append(Send(Realm.OUTSIDE, *flow, PING))
        return effects

    def next_timeout(self) -> float | None:
        """When something remembered is over."""
        return self.state.next_timeout()

    def wake(self) -> Sequence[DatagramEffect]:
        """Forget what is over."""
        state, now = self.state, self.gateway.now
        state.passages.table.expired(now)
        state.registrations.expired(now)
        effects: list[DatagramEffect] = []
        for call in state.calls.expired(now):
            effects.extend(call.media.close())
            effects.append(Report("sip.call.expired", f"with {call.flow[1]}"))
        return effects

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        """Media have stopped: the call is over, unless it is on hold."""
        call = self.state.calls.of_binding(binding)
        if call is None or not call.media.idle(binding):
            return ()
        effects: list[DatagramEffect] = list(self.state.calls.over(call))
        return [*effects, Report("sip.call.silent", f"with {call.flow[1]}")]
