"""Parcel over UDP. An inside host calls a server, and they talk from the ports that they name.

    CALL address port           the caller receives there
        HERE address port       the server there, and may send now

Datagrams get lost and come twice: a call that is repeated leaves with the same port.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ryu_alg.inspection import (
    Admit,
    Datagram,
    DatagramEffect,
    DatagramGateway,
    DatagramInspector,
    Endpoint,
    Exchange,
    Realm,
    Refusal,
    Report,
    Send,
    Unbind,
)
from ryu_alg.inspection.names import printable
from ryu_alg_parcel.options import ParcelOptions

MAX_CALLS = 16
"""Of one host."""
_MESSAGE = re.compile(rb"(?P<verb>CALL|HERE) (?P<address>\S{2,45}) (?P<port>[0-9]{1,5})\r?\n?")


@dataclass(slots=True)
class Call:
    """Between one endpoint of the host and one server."""

    binding: int
    public: Endpoint
    port: int
    until: float | None
    """When it is given up; None: it was answered."""


class Calls(DatagramInspector):
    """All calls of one inside host."""

    def __init__(self, options: ParcelOptions, gateway: DatagramGateway) -> None:
        self.options = options
        self.gateway = gateway
        self.calls: dict[tuple[Endpoint, Endpoint], Call] = {}

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        """What is not sent on is dropped."""
        message = _MESSAGE.fullmatch(datagram.payload)
        sender = datagram.remote if datagram.origin is Realm.OUTSIDE else datagram.inside
        if message is None or message["address"].decode("latin-1") != str(sender.address):
            return [Report("parcel.datagram.malformed", printable(datagram.payload))]
        if datagram.origin is Realm.INSIDE and message["verb"] == b"CALL":
            return self._call(datagram, int(message["port"]))
        if datagram.origin is Realm.OUTSIDE and message["verb"] == b"HERE":
            return self._here(datagram, int(message["port"]))
        return [Report("parcel.datagram.unasked", printable(datagram.payload))]

    def _call(self, datagram: Datagram, port: int) -> Sequence[DatagramEffect]:
        key = datagram.inside, datagram.remote
        effects: list[DatagramEffect] = []
        if key in self.calls and self.calls[key].port != port:
            effects.append(Unbind(self.calls.pop(key).binding))
        if key not in self.calls:
            if len(self.calls) >= MAX_CALLS:
                return [*effects, Report("parcel.calls.limit", f"{MAX_CALLS} calls")]
            bound = self.gateway.bind([Endpoint(datagram.inside.address, port)])
            if isinstance(bound, Refusal):
                return [*effects, Report(f"parcel.call.{bound.code}", bound.detail)]
            until = self.gateway.now + self.options.answer_wait
            self.calls[key] = Call(bound.id, bound.public[0], port, until)
        public = self.calls[key].public
        message = f"CALL {public.address} {public.port}\r\n".encode()
        return [*effects, Send(Realm.OUTSIDE, datagram.inside, datagram.remote, message)]

    def _here(self, datagram: Datagram, port: int) -> Sequence[DatagramEffect]:
        call = self.calls.get((datagram.inside, datagram.remote))
        if call is None:
            return [Report("parcel.datagram.unasked", str(datagram.remote))]
        call.until = None
        talks = Exchange(0, Endpoint(datagram.remote.address, port))
        on = Send(Realm.INSIDE, datagram.inside, datagram.remote, datagram.payload)
        return [Admit(call.binding, (talks,)), on]

    def next_timeout(self) -> float | None:
        """When the next call is given up."""
        return min((call.until for call in self.calls.values() if call.until), default=None)

    def wake(self) -> Sequence[DatagramEffect]:
        """Give up what has waited long enough."""
        now = self.gateway.now
        return self._end(*(c.binding for c in self.calls.values() if c.until and c.until <= now))

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        """Nobody talks any more."""
        return self._end(binding)

    def _end(self, *bindings: int) -> Sequence[DatagramEffect]:
        self.calls = {key: c for key, c in self.calls.items() if c.binding not in bindings}
        return [Unbind(binding) for binding in bindings]
