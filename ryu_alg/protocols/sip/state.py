"""What is remembered of one inside host's SIP: plain data, all of it bounded and with an end."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import DatagramGateway, Transport
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.calls import Calls
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.passages import Passages
from ryu_alg.protocols.sip.registrations import Registrations
from ryu_alg.protocols.sip.translation import Translation


@dataclass(slots=True)
class State:
    """Of one host over UDP, of one connection over TCP."""

    options: SipOptions
    gateway: DatagramGateway
    translation: Translation
    passages: Passages
    calls: Calls
    registrations: Registrations

    @staticmethod
    def new(options: SipOptions, gateway: DatagramGateway, transport: Transport) -> State:
        """Nothing yet."""
        return State(
            options,
            gateway,
            Translation(gateway, transport, options.rewrite_identity),
            Passages(Expiring(options.transactions_per_host), options.ringing_limit),
            Calls(Expiring(options.calls_per_host), options.ringing_limit, options.call_limit),
            Registrations(Expiring(options.registrations_per_host)),
        )

    def next_timeout(self) -> float | None:
        """When the first of it is over."""
        tables = (self.passages.table, self.calls.table, self.registrations.table)
        times = [time for table in tables if (time := table.next_timeout()) is not None]
        return min(times, default=None)
