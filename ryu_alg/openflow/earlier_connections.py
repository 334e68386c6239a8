"""Connections that came in through pinholes from one and the same port: conntrack forgets them.

FTP servers open data connections from port 20 (RFC 959 section 3.2). A client that listens on a
port again, for another transfer, is connected to from where it was before. For server and gateway
the two connections differ by the client's public port. Between gateway and client they do not, and
for a while after its end conntrack keeps the earlier one: the later one it would translate to port
21, whose packets are punted as control, or drop.

When the client has the port announced again, the earlier connection is over: without a gateway,
too, there could not be two between the same two ports. Where a server connects from any port, there
may well be two; they do not meet in conntrack, and nothing of these is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.commands import DestinationNat, Pinhole
from ryu_alg.inspection import Address, Endpoint, Transport
from ryu_alg.openflow.ct_flush import forget

MOST = 4096
"""Connections; the oldest is given up first."""
_FIRST_ANY_PORT = 1024
"""From here on, a port is one that the system of the connecting host has picked."""

_Place = tuple[Endpoint, Address]
"""An inside endpoint, and who connects to it."""
_Connection = tuple[Endpoint, Endpoint]
"""From where to which public endpoint."""


@dataclass(slots=True)
class EarlierConnections:
    """Those that conntrack may still have."""

    _open: dict[int, Endpoint] = field(default_factory=dict)
    """Where the pinholes lead to that are open, by their id."""
    _latest: dict[_Place, _Connection] = field(default_factory=dict)
    _places: dict[_Connection, _Place] = field(default_factory=dict)
    """The other way round, in the order of time."""

    def opened(self, pinhole: Pinhole, zone: int) -> list[bytes]:
        """The messages that have the switch forget what the pinhole's connection would meet."""
        if not isinstance(pinhole.translate, DestinationNat) or pinhole.last_port is not None:
            return []
        listener = pinhole.translate.endpoint
        self._open[pinhole.id] = listener
        messages = []
        for peer in pinhole.peers:
            connection = self._latest.pop((listener, peer.network_address), None)
            if connection is not None:
                del self._places[connection]
                messages.append(_forget(connection, zone))
        return messages

    def closed(self, pinhole: int) -> None:
        """It lets nothing in any more."""
        self._open.pop(pinhole, None)

    def came(self, pinhole: int, source: Endpoint, public: Endpoint) -> None:
        """A connection, from where to which public endpoint, has come in through the pinhole."""
        listener = self._open.get(pinhole)
        if listener is None or source.port >= _FIRST_ANY_PORT:
            return
        connection = source, public
        # The public port may have stood for another listener, longer ago than conntrack remembers.
        self._drop(connection)
        place = listener, source.address
        if place in self._latest:
            self._drop(self._latest[place])
        if len(self._places) >= MOST:
            self._drop(next(iter(self._places)))
        self._places[connection] = place
        self._latest[place] = connection

    def _drop(self, connection: _Connection) -> None:
        place = self._places.pop(connection, None)
        if place is not None:
            del self._latest[place]


def _forget(connection: _Connection, zone: int) -> bytes:
    source, public = connection
    return forget(
        zone,
        Transport.TCP,
        source=source.address,
        source_port=source.port,
        destination=public.address,
        destination_port=public.port,
    )
