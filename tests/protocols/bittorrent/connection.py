"""One TCP connection as the engine runs it, with a gateway in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ryu_alg.inspection import (
    Conversation,
    Direction,
    Effect,
    Listen,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from tests.protocols.bittorrent.gateway import NAT, MemoryGateway, Site
from tests.protocols.session import TO_CLIENT, TO_SERVER, StreamSession

__all__ = ["EVERYBODY", "TO_CLIENT", "TO_SERVER", "Connection", "options"]

EVERYBODY = ("0.0.0.0/0", "::/0")


def options(**values: Any) -> BitTorrentOptions:
    """As the configuration gives them; whoever is inside may be reached."""
    return BitTorrentOptions.model_validate({"hosts": EVERYBODY, **values})


class Connection(StreamSession):
    """Also what it opens, and that this comes before what leaves."""

    def __init__(
        self,
        make: Callable[[BitTorrentOptions, StreamGateway], StreamInspector],
        conversation: Conversation = NAT,
        configured: BitTorrentOptions | None = None,
        site: Site | None = None,
    ) -> None:
        self.site = site or Site()
        gateway = MemoryGateway(self.site, conversation)
        super().__init__(make(configured or options(), gateway), gateway)
        self.order: list[str] = []
        """`listen` and `leave`, as they came."""

    def offer(self, direction: Direction) -> bool:
        """What has become opaque is not inspected any more; what was held then leaves."""
        if self.opaque:
            self._pass(direction)
            return False
        return super().offer(direction) or self.opaque

    def end(self, direction: Direction) -> None:
        """A FIN."""
        if self.opaque and not self.aborted:
            self._pass(direction)
        else:
            super().end(direction)

    def decide(self, direction: Direction, length: int, data: bytes) -> None:
        """The next bytes leave as `data`."""
        super().decide(direction, length, data)
        self.order.append("leave")

    def other(self, effect: Effect) -> None:
        """What is neither about bytes nor about the session."""
        match effect:
            case Listen():
                self.site.listen(effect)
                self.order.append("listen")
            case _:
                raise AssertionError(effect)

    def _pass(self, direction: Direction) -> None:
        held = self.held[direction]
        self.decide(direction, len(held), held)
