"""Hosts that the gateway knows: their datagrams have a meter apart from what anybody may send.

Known are both ends of a control datagram that the gateway let out. The source address of a datagram
proves nothing, but whoever wants to use a known one has to know who talks with whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ryu_alg.inspection import Transport
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.datagrams import SOURCE
from ryu_alg.openflow.render import Meter, transport_match

LASTS = 600
"""Seconds for which a host stays known."""
RENEWED = 300
"""Seconds before the end of which it is known anew, if it still talks."""
MOST = 1000
"""Hosts; others are unknown until some of these are forgotten."""

_PRIORITY = 250


@dataclass(slots=True)
class KnownHosts:
    """Who is known, and until when."""

    _until: dict[tuple[int, bytes], float] = field(default_factory=dict)
    """By network and address, in the order in which they end, in seconds."""

    def met(self, networks: Sequence[int], address: bytes, now: float) -> list[str]:
        """The flows to add for a host (its address packed) that sends from any of `networks`; now
        in seconds. None if it is known for a while yet, or if there are too many."""
        if self._until.get((networks[0], address), now) > now + LASTS - RENEWED:
            return []
        while self._until and next(iter(self._until.values())) <= now:
            del self._until[next(iter(self._until))]
        flows = []
        for network in networks:
            self._until.pop((network, address), None)
            if len(self._until) < MOST:
                self._until[network, address] = now + LASTS
                flows.append(_flow(network, address))
        return flows


def _flow(network: int, address: bytes) -> str:
    sender = ip_address(address)
    version = sender.version
    return (
        f"table=15,cookie={cookie(Kind.BUDGET, network):#x},priority={_PRIORITY},"
        f"hard_timeout={LASTS},reg2={network},{transport_match(Transport.UDP, version)},"
        f"{SOURCE[version]}={sender} actions=meter:{Meter.KNOWN.of(network)}"
    )
