"""BitTorrent over UDP: which of it is a tracker's, which is the DHT's, and which is neither.

uTP (BEP 29) shares the port of the DHT, and some trackers and nodes share theirs: what comes to the
ports of the protocol is told apart by how it begins. What is neither passes as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    DatagramGateway,
    DatagramInspector,
    Realm,
    Send,
)
from ryu_alg.protocols.bittorrent import dht, udp_tracker
from ryu_alg.protocols.bittorrent.announcing import Announcing
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions


@dataclass(slots=True)
class BitTorrentDatagrams(DatagramInspector):
    """All UDP control traffic of one inside host."""

    options: BitTorrentOptions
    gateway: DatagramGateway
    trackers: udp_tracker.UdpTracker = field(init=False)
    dht: dht.Dht = field(init=False)

    def __post_init__(self) -> None:
        announcing = Announcing(self.options, self.gateway, self.gateway.host)
        self.trackers = udp_tracker.UdpTracker(announcing, self.gateway)
        self.dht = dht.Dht(announcing, self.gateway)

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        """See `DatagramInspector`."""
        payload = datagram.payload
        if datagram.watched or (self.options.dht and dht.is_krpc(payload)):
            return self.dht.inspect(datagram)
        if datagram.origin is Realm.INSIDE:
            answers = datagram.published and udp_tracker.answers(payload)
            if udp_tracker.asks(payload) and not answers:
                return self.trackers.ask(datagram)
        elif udp_tracker.answers(payload):
            return self.trackers.answer(datagram)
        onward = datagram.origin.other
        return [Send(onward, datagram.inside, datagram.remote, payload)]

    def next_timeout(self) -> float | None:
        """See `Timed`."""
        return self.trackers.next_timeout()

    def wake(self) -> Sequence[DatagramEffect]:
        """See `Timed`."""
        return self.trackers.wake()

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        """See `Timed`."""
        return self.dht.silent(binding)
