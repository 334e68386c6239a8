"""What inspectors rewrite: each is watched from between it and the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from ryu_alg.engine.config import EngineConfig, ProtocolBinding
from ryu_alg.inspection import (
    Abort,
    Datagram,
    DatagramGateway,
    DatagramInspector,
    Direction,
    Forward,
    Inject,
    Pass,
    Replace,
    Send,
    StreamGateway,
    StreamInspector,
)

MAX_COMPARED = 400
"""Lines of a text; what is longer is shown whole."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Lines that leave as others; either side may be empty."""

    session: int | None
    protocol: str
    towards: str
    """`to_server`, `to_client`; over UDP, the realm it leaves to."""
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]


Noted = Callable[[Rewrite], None]


def observed(config: EngineConfig, noted: Noted) -> EngineConfig:
    """`config`, with `noted` called for all that its protocols rewrite."""
    return replace(config, protocols=tuple(_binding(b, noted) for b in config.protocols))


def _binding(binding: ProtocolBinding, noted: Noted) -> ProtocolBinding:
    made_stream, made_datagram = binding.stream, binding.datagram

    def stream(gateway: StreamGateway) -> StreamInspector:
        assert made_stream is not None
        return _Stream(made_stream(gateway), _number(gateway), binding.name, noted)

    def datagram(gateway: DatagramGateway) -> DatagramInspector:
        assert made_datagram is not None
        return _Datagrams(made_datagram(gateway), _number(gateway), binding.name, noted)

    return replace(
        binding,
        stream=None if made_stream is None else stream,
        datagram=None if made_datagram is None else datagram,
    )


def _number(gateway: object) -> int | None:
    """The number of the session that serves an inspector."""
    return getattr(gateway, "id", None)


class _Watched:
    """What is the same over both transports."""

    def __init__(self, inspector: Any, session: int | None, protocol: str, noted: Noted) -> None:
        self.inspector = inspector
        self._session, self._protocol, self._noted = session, protocol, noted

    def next_timeout(self) -> float | None:
        """See `Timed`."""
        due: float | None = self.inspector.next_timeout()
        return due

    def wake(self) -> Sequence[Any]:
        """See `Timed`."""
        return self._heard(self.inspector.wake())

    def binding_idle(self, binding: int) -> Sequence[Any]:
        """See `Timed`."""
        return self._heard(self.inspector.binding_idle(binding))

    def _heard(self, effects: Sequence[Any]) -> Sequence[Any]:
        return effects

    def _compare(self, towards: str, before: bytes, after: bytes) -> None:
        for old, new in changed_lines(before, after):
            self._noted(Rewrite(self._session, self._protocol, towards, old, new))


class _Stream(_Watched, StreamInspector):
    def inspect(self, direction: Direction, data: bytes) -> Sequence[Any]:
        return self._watch(direction, data, self.inspector.inspect(direction, data))

    def end(self, direction: Direction, data: bytes) -> Sequence[Any]:
        return self._watch(direction, data, self.inspector.end(direction, data))

    def _heard(self, effects: Sequence[Any]) -> Sequence[Any]:
        return self._watch(Direction.TO_SERVER, b"", effects)

    def _watch(self, direction: Direction, data: bytes, effects: Sequence[Any]) -> Sequence[Any]:
        if any(isinstance(effect, Abort) for effect in effects):
            return effects  # nothing of it leaves
        at = 0
        leaving = dict.fromkeys(Direction, b"")
        for effect in effects:
            match effect:
                case Forward(length):
                    leaving[direction] += data[at : at + length]
                    at += length
                case Replace(length, new):
                    leaving[direction] += new
                    at += length
                case Inject(towards, new):
                    leaving[towards] += new
        self._compare(direction.value, data[:at], leaving[direction])
        self._compare(direction.opposite.value, b"", leaving[direction.opposite])
        return effects


class _Datagrams(_Watched, DatagramInspector):
    def inspect(self, datagram: Datagram) -> Sequence[Any]:
        effects: Sequence[Any] = self.inspector.inspect(datagram)
        onwards = datagram.origin.other
        for effect in effects:
            match effect:
                case Send(towards, payload=payload):
                    # What goes back is the gateway's own answer, and nothing that was rewritten.
                    before = datagram.payload if towards is onwards else b""
                    self._compare(towards.value, before, payload)
                case Pass(payload):
                    self._compare(onwards.value, datagram.payload, payload)
        return effects

    def keep_alive(self) -> Sequence[Any]:
        return self._heard(self.inspector.keep_alive())

    def _heard(self, effects: Sequence[Any]) -> Sequence[Any]:
        for effect in effects:
            if isinstance(effect, Send):
                self._compare(effect.towards.value, b"", effect.payload)
        return effects

    def _compare(self, towards: str, before: bytes, after: bytes) -> None:
        if b"\0" not in after:
            super()._compare(towards, before, after)
        elif before != after:
            changed = changed_bytes(before, after)
            self._noted(Rewrite(self._session, self._protocol, towards, *changed))


def changed_bytes(before: bytes, after: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """What differs in a binary message, which has no lines, as text: in hexadecimal, from the first
    byte that differs to the last."""
    start = _alike(before, after)
    tail = _alike(before[start:][::-1], after[start:][::-1])
    old, new = (text[start : len(text) - tail].hex() for text in (before, after))
    at = f"from byte {start}: "
    return ((at + old).encode(),) if before else (), ((at + new).encode(),)


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes they begin with that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def changed_lines(
    before: bytes, after: bytes
) -> Iterator[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
    """The lines that differ, as (those before, those after)."""
    if before == after:
        return
    old, new = before.splitlines(), after.splitlines()
    if len(old) > MAX_COMPARED or len(new) > MAX_COMPARED:
        yield (before,), (after,)
        return
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield tuple(old[a:b]), tuple(new[c:d])
