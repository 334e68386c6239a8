"""One TCP connection as the engine runs it, with a gateway in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ryu_alg.inspection import (
    Abort,
    Conversation,
    Direction,
    Effect,
    Forward,
    Inject,
    Listen,
    Opaque,
    Replace,
    Report,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from tests.protocols.bittorrent.gateway import NAT, MemoryGateway, Site

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
EVERYBODY = ("0.0.0.0/0", "::/0")


def options(**values: Any) -> BitTorrentOptions:
    """As the configuration gives them; whoever is inside may be reached."""
    return BitTorrentOptions.model_validate({"hosts": EVERYBODY, **values})


class Connection:
    """Feeds an inspector, and keeps what leaves and what happens."""

    def __init__(
        self,
        make: Callable[[BitTorrentOptions, StreamGateway], StreamInspector],
        conversation: Conversation = NAT,
        configured: BitTorrentOptions | None = None,
        site: Site | None = None,
    ) -> None:
        self.site = site or Site()
        self.gateway = MemoryGateway(self.site, conversation)
        self.inspector = make(configured or options(), self.gateway)
        self.held = {TO_SERVER: b"", TO_CLIENT: b""}
        self.left = {TO_SERVER: b"", TO_CLIENT: b""}
        self.reports: list[str] = []
        self.order: list[str] = []
        """`listen` and `leave`, as they came."""
        self.opaque = False
        self.aborted = False

    def client(self, data: bytes) -> bytes:
        """The client sends; what leaves for the server because of it."""
        return self._sent(TO_SERVER, data)

    def server(self, data: bytes) -> bytes:
        return self._sent(TO_CLIENT, data)

    def _sent(self, direction: Direction, data: bytes) -> bytes:
        before = len(self.left[direction])
        self.feed(direction, data)
        return self.left[direction][before:]

    def feed(self, direction: Direction, data: bytes) -> None:
        self.held[direction] += data
        waiting = [direction]
        while waiting and not self.aborted:
            current = waiting.pop()
            held = self.held[current]
            if not held:
                continue
            if self.opaque:
                self._decide(current, len(held), held)
            elif self._carry_out(self.inspector.inspect(current, held), current):
                waiting = [current, current.opposite]

    def end(self, direction: Direction) -> None:
        """A FIN."""
        if self.aborted:
            return
        if self.opaque:
            self._decide(direction, len(self.held[direction]), self.held[direction])
        else:
            self._carry_out(self.inspector.end(direction, self.held[direction]), direction)
        self.held[direction] = b""

    def _carry_out(self, effects: Sequence[Effect], direction: Direction) -> bool:
        """Whether anything was decided."""
        before = len(self.held[direction])
        decided = False
        for effect in effects:
            match effect:
                case Forward(length):
                    assert length > 0
                    self._decide(direction, length, self.held[direction][:length])
                case Replace(length, data):
                    assert self.held[direction][:length] != data, "replaced by the same"
                    self._decide(direction, length, data)
                case Inject(towards, data):
                    assert data
                    self.left[towards] += data
                case Listen():
                    self.site.listen(effect)
                    self.order.append("listen")
                case Report(code, _):
                    self.reports.append(code)
                case Abort():
                    self.aborted = True
                case Opaque():
                    self.opaque = decided = True
                case _:
                    raise AssertionError(effect)
        return decided or len(self.held[direction]) < before

    def _decide(self, direction: Direction, length: int, data: bytes) -> None:
        assert length <= len(self.held[direction]), "decided more than was offered"
        self.held[direction] = self.held[direction][length:]
        self.left[direction] += data
        self.order.append("leave")
