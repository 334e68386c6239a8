"""Conversations that by themselves would exhaust what their network may send to the controller.

A meter drops blindly: where one connection sends without end, all others of its network would lose
packets too. So what takes more than half of the budget gets a meter of its own, with half of it,
while there is still some left for the others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address

from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.datagrams import DESTINATION, SOURCE
from ryu_alg.openflow.render import Meter, transport_match

LASTS = 10
"""Seconds for which one is held down after its last packet."""

_WINDOW = 1.0
"""Seconds."""
_REMEMBERED = LASTS / 2
"""Seconds after its last packet. Less than the switch has it: it had better be told twice."""
_PRIORITY = 350

_Key = tuple[Transport, bytes, int, bytes, int]
"""Addresses are packed."""


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation that is held down."""

    network: int
    transport: Transport
    sender: Endpoint
    receiver: Endpoint

    def __str__(self) -> str:
        return (
            f"{self.transport.name} from {self.sender} to {self.receiver} takes more than half of"
            " what its network may send to the controller, and is held down until it rests for"
            f" {LASTS} s"
        )

    @property
    def flow(self) -> str:
        """That counts it for a meter of its own."""
        version = self.sender.address.version
        return (
            f"table=15,cookie={cookie(Kind.BUDGET, self.network):#x},priority={_PRIORITY},"
            f"idle_timeout={LASTS},reg2={self.network},"
            f"{transport_match(self.transport, version)},"
            f"{SOURCE[version]}={self.sender.address},tp_src={self.sender.port},"
            f"{DESTINATION[version]}={self.receiver.address},tp_dst={self.receiver.port}"
            f" actions=meter:{Meter.GREEDY.of(self.network)}"
        )


@dataclass(slots=True)
class _Window:
    """What one network sends."""

    began: float
    seen: Counter[_Key] = field(default_factory=Counter)
    """Packets, since then."""
    held: dict[_Key, float] = field(default_factory=dict)
    """When there was last something of what is held down, in seconds."""

    def end(self, now: float) -> None:
        """Another one begins."""
        over = min(now, self.began + _WINDOW)
        held = {key: over if self.seen[key] else last for key, last in self.held.items()}
        self.held = {key: last for key, last in held.items() if now < last + _REMEMBERED}
        self.seen.clear()
        self.began = now


@dataclass(slots=True)
class Greedy:
    """What each network has sent to the controller in the present second."""

    rate: int
    """Packets per second that a network may send."""
    _windows: dict[int, _Window] = field(default_factory=dict)

    def seen(self, network: int, packet: Segment | Datagram, now: float) -> Held | None:
        """Count a packet of `network`, at `now` in seconds. The conversation that it is of, if that
        has just taken more than half of the network's budget and is not held down yet."""
        window = self._windows.get(network)
        if window is None:
            window = self._windows[network] = _Window(now)
        elif now >= window.began + _WINDOW:
            window.end(now)
        transport = Transport.TCP if isinstance(packet, Segment) else Transport.UDP
        key = (transport, packet.src, packet.sport, packet.dst, packet.dport)
        window.seen[key] += 1
        if window.seen[key] != self.rate // 2 + 1 or key in window.held:
            return None
        window.held[key] = now
        return Held(
            network,
            transport,
            Endpoint(ip_address(packet.src), packet.sport),
            Endpoint(ip_address(packet.dst), packet.dport),
        )
