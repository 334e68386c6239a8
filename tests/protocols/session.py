"""One session over TCP as the engine runs it: held bytes are offered again, effects carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ryu_alg.inspection import (
    Abort,
    Close,
    Direction,
    Effect,
    Forward,
    Inject,
    Opaque,
    Open,
    Replace,
    Report,
    StreamInspector,
)

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


class StreamSession:
    """Feeds an inspector, and keeps what leaves and what happens."""

    def __init__(self, inspector: StreamInspector, gateway: Any) -> None:
        self.inspector: Any = inspector
        self.gateway = gateway
        self.held = {TO_SERVER: b"", TO_CLIENT: b""}
        self.left = {TO_SERVER: b"", TO_CLIENT: b""}
        self.opened: set[int] = set()
        self.closed: set[int] = set()
        self.events: list[str] = []
        """`open N`, `close N`, `opaque`, `abort` and codes of reports, in order."""
        self.reports: list[Report] = []
        self.touched = False
        """Whether any byte was replaced, inserted or deleted."""
        self.opaque = False
        self.aborted = False

    @property
    def codes(self) -> list[str]:
        return [report.code for report in self.reports]

    @property
    def open(self) -> set[int]:
        return self.opened - self.closed

    def client(self, data: bytes) -> bytes:
        """The client sends; what leaves for the server because of it."""
        return self._sent(TO_SERVER, data)

    def server(self, data: bytes) -> bytes:
        """The server sends; what leaves for the client because of it."""
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
            if self.held[current] and self.offer(current):
                waiting = [current, current.opposite]

    def offer(self, direction: Direction) -> bool:
        """What is held is inspected: whether anything was decided."""
        return self.carry_out(self.inspector.inspect(direction, self.held[direction]), direction)

    def end(self, direction: Direction) -> None:
        """A FIN."""
        if not self.aborted:
            self.carry_out(self.inspector.end(direction, self.held[direction]), direction)
            self.held[direction] = b""

    def carry_out(self, effects: Sequence[Effect], direction: Direction) -> bool:
        """Whether anything was decided."""
        before = len(self.held[direction])
        for effect in effects:
            match effect:
                case Forward(length):
                    assert length > 0
                    self.decide(direction, length, self.held[direction][:length])
                case Replace(length, data):
                    assert self.held[direction][:length] != data, "replaced by the same"
                    self.touched = True
                    self.decide(direction, length, data)
                case Inject(towards, data):
                    assert data
                    self.touched = True
                    self.left[towards] += data
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
                    self.other(effect)
        return len(self.held[direction]) < before

    def decide(self, direction: Direction, length: int, data: bytes) -> None:
        """The next bytes leave as `data`."""
        assert length <= len(self.held[direction]), "decided more than was offered"
        self.held[direction] = self.held[direction][length:]
        self.left[direction] += data

    def other(self, effect: Effect) -> None:
        """What is neither about bytes nor about the session."""
        match effect:
            case Open(number):
                assert any(number == armed.id for armed in self.gateway.armed)
                assert number not in self.opened
                self.opened.add(number)
                self.events.append(f"open {number}")
            case Close(number):
                assert any(number == armed.id for armed in self.gateway.armed)
                self.closed.add(number)
                self.events.append(f"close {number}")
            case _:
                raise AssertionError(effect)
