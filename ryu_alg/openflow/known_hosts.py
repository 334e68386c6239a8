"""Hosts that the gateway knows: their datagrams have a meter apart from what anybody may send.

Known are both ends of a control datagram that the gateway let out. The source address of a datagram
proves nothing, but whoever wants to use a known one has to know who talks with whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ryu_alg.inspection import Address, Realm, Transport
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.datagrams import SOURCE
from ryu_alg.openflow.plan import NumberedNetwork
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

    networks: Sequence[NumberedNetwork]
    _until: dict[bytes, float] = field(default_factory=dict)
    """By packed address, in the order in which they end, in seconds."""

    def met(self, address: bytes, now: float) -> list[str]:
        """The flows to add for a host (its address packed), at `now` in seconds. None if it is
        known for a while yet, or if there are too many."""
        if self._until.get(address, now) > now + LASTS - RENEWED:
            return []
        while self._until and next(iter(self._until.values())) <= now:
            del self._until[next(iter(self._until))]
        self._until.pop(address, None)
        if len(self._until) >= MOST:
            return []
        self._until[address] = now + LASTS
        sender = ip_address(address)
        return [_flow(network, sender) for network in self._of(sender)]

    def _of(self, sender: Address) -> list[int]:
        """The networks that an address may come by: its own inside one, or all outside ones."""
        own = [
            network.number
            for network in self.networks
            if network.realm is Realm.INSIDE
            and any(sender in prefix for prefix in network.prefixes(sender.version))
        ]
        outside = [it.number for it in self.networks if it.realm is Realm.OUTSIDE]
        return own or outside


def _flow(network: int, sender: Address) -> str:
    version = sender.version
    return (
        f"table=15,cookie={cookie(Kind.BUDGET, network):#x},priority={_PRIORITY},"
        f"hard_timeout={LASTS},reg2={network},{transport_match(Transport.UDP, version)},"
        f"{SOURCE[version]}={sender} actions=meter:{Meter.KNOWN.of(network)}"
    )
