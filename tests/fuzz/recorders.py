"""Inspectors that are watched: what they raise is not lost, and what they decide is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ryu_alg.inspection import (
    Datagram,
    Direction,
    Forward,
    Inject,
    Opaque,
    Pass,
    Replace,
    Send,
    StreamInspector,
)


@dataclass
class Stream:
    """An inspector of one connection, and what it lets through."""

    inner: StreamInspector
    expected: dict[Direction, bytearray] = field(
        default_factory=lambda: {way: bytearray() for way in Direction}
    )
    """What has to leave."""
    came: dict[Direction, bytearray] = field(
        default_factory=lambda: {way: bytearray() for way in Direction}
    )
    """What it was offered."""
    decided: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(Direction, 0))
    """Bytes that came, and were decided or dropped."""
    opaque: bool = False
    failure: BaseException | None = None

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Any]:
        return self._kept(self._asked(self.inner.inspect, direction, data), direction, data)

    def end(self, direction: Direction, data: bytes) -> Sequence[Any]:
        before = self.decided[direction]
        effects = self._kept(self._asked(self.inner.end, direction, data), direction, data)
        if not self.opaque:
            self.decided[direction] = before + len(data)
        return effects

    def wake(self) -> Sequence[Any]:
        return self._kept(self._asked(self.inner.wake), None, b"")

    def binding_idle(self, binding: int) -> Sequence[Any]:
        return self._kept(self._asked(self.inner.binding_idle, binding), None, b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _asked(self, question: Any, *arguments: Any) -> Sequence[Any]:
        try:
            return tuple(question(*arguments))
        except BaseException as failure:
            self.failure = failure
            raise

    def _kept(
        self, effects: Sequence[Any], direction: Direction | None, data: bytes
    ) -> Sequence[Any]:
        at = 0
        for effect in effects:
            match effect:
                case Forward(length):
                    assert direction is not None
                    assert length > 0 and at + length <= len(data)
                    self.expected[direction] += data[at : at + length]
                    at += length
                case Replace(length, new):
                    assert direction is not None
                    assert length >= 0 and at + length <= len(data)
                    self.expected[direction] += new
                    at += length
                case Inject(way, new):
                    self.expected[way] += new
                case Opaque():
                    self.opaque = True
                case _:
                    pass
        if direction is not None:
            self.came[direction][self.decided[direction] :] = data
            self.decided[direction] += at
        return effects


@dataclass
class Datagrams:
    """An inspector of one host's datagrams, and what it sends."""

    inner: Any
    sent: set[bytes] = field(default_factory=set)
    failure: BaseException | None = None

    def inspect(self, datagram: Datagram) -> Sequence[Any]:
        return self._kept(self.inner.inspect, datagram)

    def wake(self) -> Sequence[Any]:
        return self._kept(self.inner.wake)

    def binding_idle(self, binding: int) -> Sequence[Any]:
        return self._kept(self.inner.binding_idle, binding)

    def keep_alive(self) -> Sequence[Any]:
        return self._kept(self.inner.keep_alive)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _kept(self, question: Any, *arguments: Any) -> Sequence[Any]:
        try:
            effects = tuple(question(*arguments))
        except BaseException as failure:
            self.failure = failure
            raise
        for effect in effects:
            match effect:
                case Send(payload=payload) | Pass(payload):
                    self.sent.add(payload)
                case _:
                    pass
        return effects
