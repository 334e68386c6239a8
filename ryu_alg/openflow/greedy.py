"""Conversations that by themselves exhaust what their network may send to the controller.

A meter drops blindly: where one connection sends without end, all others of its network would lose
packets too. What takes more than half of a budget that has run out gets a meter with half of it.
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
"""Seconds for which one is held down; then it is looked at again."""

_WINDOW = 1.0
"""Seconds."""
_EXHAUSTED = 0.9
"""Part of the rate, since what a meter lets through in a second is not cut at our seconds."""
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
            f"{self.transport.name} from {self.sender} to {self.receiver} exhausts what its network"
            f" may send to the controller, and is held down for {LASTS} s"
        )

    @property
    def flow(self) -> str:
        """That counts it for a meter of its own."""
        version = self.sender.address.version
        return (
            f"table=15,cookie={cookie(Kind.BUDGET, self.network):#x},priority={_PRIORITY},"
            f"hard_timeout={LASTS},reg2={self.network},"
            f"{transport_match(self.transport, version)},"
            f"{SOURCE[version]}={self.sender.address},tp_src={self.sender.port},"
            f"{DESTINATION[version]}={self.receiver.address},tp_dst={self.receiver.port}"
            f" actions=meter:{Meter.GREEDY.of(self.network)}"
        )


@dataclass(slots=True)
class _Window:
    began: float
    left: int
    """Packets until the budget has run out."""
    senders: Counter[_Key] = field(default_factory=Counter)


@dataclass(slots=True)
class Greedy:
    """What each network has sent to the controller in the present second."""

    rate: int
    """Packets per second that a network may send."""
    _windows: dict[int, _Window] = field(default_factory=dict)

    def seen(self, network: int, packet: Segment | Datagram, now: float) -> Held | None:
        """Count a packet of `network`, at `now` in seconds. What to hold down, if it has just
        exhausted the network's budget."""
        window = self._windows.get(network)
        if window is None or now >= window.began + _WINDOW:
            window = self._windows[network] = _Window(now, max(1, int(self.rate * _EXHAUSTED)))
        transport = Transport.TCP if isinstance(packet, Segment) else Transport.UDP
        key = (transport, packet.src, packet.sport, packet.dst, packet.dport)
        window.senders[key] += 1
        window.left -= 1
        if window.left:
            return None
        (transport, src, sport, dst, dport), most = window.senders.most_common(1)[0]
        if most * 2 <= window.senders.total() or most == 1:
            return None
        sender, receiver = Endpoint(ip_address(src), sport), Endpoint(ip_address(dst), dport)
        return Held(network, transport, sender, receiver)
