"""Pinholes for a connection between the same two ports as one a moment ago: they take effect late.

The datapath looks at the flows for the first packet of a kind, and keeps what it has found for ten
seconds after the last. That nobody may connect any more is soon among it. It is found out anew when
flows change, but some milliseconds after that, which a barrier does not wait for: a first SYN that
comes at once is dropped, as the one before would have been by now.

Behind NAT, the public port is another one each time. It is the servers in a network of public
addresses, or published, that connect from port 20 (RFC 959 section 3.2) to a client that listens on
a port again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.commands import Pinhole
from ryu_alg.inspection import Address, Endpoint

REVALIDATED = 0.05
"""Seconds after a barrier. Three thousandths are enough where the machine has little else to do."""
KEPT = 15.0
"""Seconds for which a datapath may remember."""
MOST = 4096
"""Connections; the oldest is given up first."""
_FIRST_ANY_PORT = 1024
"""From here on, a port is one that the system of the connecting host has picked: another."""


@dataclass(slots=True)
class Reopened:
    """The connections of late that came in through pinholes from ports under 1024."""

    _came: dict[tuple[Endpoint, Address], float] = field(default_factory=dict)
    """When, by where it went and who connected; oldest first."""

    def came(self, source: Endpoint, destination: Endpoint, now: float) -> None:
        """A pinhole has let in a connection, at `now` in seconds."""
        if source.port >= _FIRST_ANY_PORT:
            return
        place = destination, source.address
        self._came.pop(place, None)
        if len(self._came) >= MOST:
            del self._came[next(iter(self._came))]
        self._came[place] = now

    def takes_effect_late(self, pinhole: Pinhole, now: float) -> bool:
        """Whether the datapath may still remember a connection like the pinhole's."""
        return any(
            now < self._came.get((pinhole.seen, peer.network_address), -KEPT) + KEPT
            for peer in pinhole.peers
        )
