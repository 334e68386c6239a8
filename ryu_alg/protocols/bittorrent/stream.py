"""What a TCP connection to or from the protocol's ports is: its first bytes tell.

GET_                         a tracker, or a proxy on the way to one
19 "BitTorrent protocol"     peers
all else                     not ours to read: encrypted peers, TLS, other uses of the port
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ryu_alg.inspection import (
    Direction,
    Effect,
    Forward,
    Opaque,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.protocols.bittorrent.http_tracker import HttpTracker
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from ryu_alg.protocols.bittorrent.peer_wire import GREETING, PeerWire

_KINDS: dict[bytes, Callable[[BitTorrentOptions, StreamGateway], StreamInspector]] = {
    b"GET ": HttpTracker,
    GREETING: PeerWire,
}


class BitTorrentStream(StreamInspector):
    """One connection."""

    def __init__(self, options: BitTorrentOptions, gateway: StreamGateway) -> None:
        self.options = options
        self.gateway = gateway
        self.conversation: StreamInspector | None = None
        """What it is, once that is known."""

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Find out, and have it decided there."""
        if self.conversation is None:
            if direction is Direction.TO_CLIENT:
                return [Opaque()]  # In both of them, the client is the first to speak.
            found = next((kind for kind in _KINDS if data.startswith(kind)), None)
            if found is None:
                waits = any(kind.startswith(data) for kind in _KINDS)
                return () if waits else [Opaque()]
            self.conversation = _KINDS[found](self.options, self.gateway)
        return self.conversation.inspect(direction, data)

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Nobody will say what it would have been."""
        if self.conversation is None:
            return [Forward(len(data))] if data else ()
        return self.conversation.end(direction, data)
