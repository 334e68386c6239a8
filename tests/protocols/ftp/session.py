"""One session as the engine runs it: held bytes are offered again, effects are carried out."""

from __future__ import annotations

from typing import assert_never

from ryu_alg.inspection import (
    Abort,
    Close,
    Conversation,
    Direction,
    Effect,
    Forward,
    Inject,
    Opaque,
    Open,
    Replace,
    Report,
)
from ryu_alg.protocols.ftp import FtpInspector, FtpOptions
from tests.protocols.ftp.gateway import BEHIND_NAT, MemoryGateway

TO_SERVER = Direction.TO_SERVER
TO_CLIENT = Direction.TO_CLIENT


class Session:
    """Feeds an inspector, and keeps what leaves and what happens."""

    def __init__(
        self,
        options: FtpOptions | None = None,
        conversation: Conversation = BEHIND_NAT,
        gateway: MemoryGateway | None = None,
    ) -> None:
        self.gateway = gateway or MemoryGateway(conversation)
        self.inspector = FtpInspector(options or FtpOptions(), self.gateway)
        self.held = {TO_SERVER: b"", TO_CLIENT: b""}
        self.left = {TO_SERVER: b"", TO_CLIENT: b""}
        self.opened: set[int] = set()
        self.events: list[str] = []
        self.reports: list[Report] = []
        self.touched = False
        """Whether any byte was replaced, inserted or deleted."""
        self.opaque = False
        self.aborted = False

    def client(self, data: bytes) -> None:
        """The client sends."""
        self.feed(TO_SERVER, data)

    def server(self, data: bytes) -> None:
        """The server sends."""
        self.feed(TO_CLIENT, data)

    def feed(self, direction: Direction, data: bytes) -> None:
        self.held[direction] += data
        waiting = [direction]
        while waiting and not self.aborted:
            current = waiting.pop()
            if not self.held[current]:
                continue
            effects = self.inspector.inspect(current, self.held[current])
            if self._carry_out(current, effects):
                waiting = [current, current.opposite]

    def end(self, direction: Direction) -> None:
        """A FIN."""
        if not self.aborted:
            self._carry_out(direction, self.inspector.end(direction, self.held[direction]))
            self.held[direction] = b""

    def _carry_out(self, direction: Direction, effects: list[Effect]) -> bool:
        """Whether anything was decided."""
        before = len(self.held[direction])
        for effect in effects:
            match effect:
                case Forward(length):
                    assert length > 0
                    self._decide(direction, length, self.held[direction][:length])
                case Replace(length, data):
                    assert self.held[direction][:length] != data, "replaced by the same"
                    self.touched = True
                    self._decide(direction, length, data)
                case Inject(towards, data):
                    assert data
                    self.touched = True
                    self.left[towards] += data
                case Open(number):
                    assert any(number == armed.id for armed in self.gateway.armed)
                    assert number not in self.opened
                    self.opened.add(number)
                    self.events.append(f"open {number}")
                case Close(number):
                    assert any(number == armed.id for armed in self.gateway.armed)
                    self.events.append(f"close {number}")
                case Report(code, _):
                    self.reports.append(effect)
                    self.events.append(code)
                case Opaque():
                    self.opaque = True
                    self.events.append("opaque")
                case Abort():
                    self.aborted = True
                    self.events.append("abort")
                case _:
                    assert_never(effect)
        return len(self.held[direction]) < before

    def _decide(self, direction: Direction, length: int, data: bytes) -> None:
        assert length <= len(self.held[direction]), "decided more than was offered"
        self.held[direction] = self.held[direction][length:]
        self.left[direction] += data
