"""The stream editor: segments that no TCP would send, and none may take the connection apart.

The protocol is lines; those that begin with `+` leave twice as long, with `-` not at all, with `=`
they are answered. Records: `c` the client, `s` the server; seven bytes (sequence and
acknowledgement number relative to what is due, two bytes each, flags, window) and the payload; `n`
what is due next of the client, `m` of the server, with nothing odd about it; `t` time passes. The
first may be `o`: TCP options of the SYN, and of its answer behind a zero byte.

What has left stays as it was: each position of a direction holds one byte for good, and that is
what the inspector has decided.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from ryu_alg.engine.commands import Command, Emit
from ryu_alg.engine.events import SegmentArrived
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Segment
from ryu_alg.inspection import (
    Direction,
    Effect,
    Endpoint,
    Forward,
    Inject,
    ProtocolSpec,
    Replace,
    StreamGateway,
    StreamInspector,
)
from tests.fuzz import records
from tests.fuzz.recorders import Stream
from tests.fuzz.site import Rules, Site, at, endpoint

_head = struct.Struct("!hhBBB")
LARGEST = 1460
"""Bytes of a payload."""
MOST_EMITTED = 200
"""Segments because of one event: more is a storm."""
PORT = 2100
TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


@dataclass
class Lines(StreamInspector):
    """The inspector."""

    gateway: StreamGateway

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        effects: list[Effect] = []
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            match line[:1]:
                case b"+":
                    effects.append(Replace(len(line), line * 2))
                case b"-":
                    effects.append(Replace(len(line), b""))
                case b"=":
                    effects.append(Replace(len(line), b""))
                    effects.append(Inject(direction.opposite, line))
                case _:
                    effects.append(Forward(len(line)))
        return effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        return []


class NoOptions(BaseModel):
    """There are none."""


SPEC = ProtocolSpec(
    "lines", "Lines", (PORT,), NoOptions, stream=lambda options, gateway: Lines(gateway)
)


@dataclass
class Side:
    """What one end sends from, and what has left towards it."""

    own: Endpoint
    other: Endpoint
    seq: int
    """Of its next byte."""
    ack: int = 0
    """Of the next byte of the other end."""
    first: int | None = None
    """The sequence number of the first byte that leaves towards it."""
    left: dict[int, int] = field(default_factory=dict)
    """Bytes that left towards it, by position."""
    sent: dict[int, set[int]] = field(default_factory=dict)
    """Bytes that it ever sent, by position."""
    begin: int = 0
    """The sequence number of its first byte."""


class Editor:
    """The target."""

    @staticmethod
    def seeds() -> list[bytes]:
        odd = _head.pack(-4, 0, ACK, 255, 0)
        ahead, window = _head.pack(6, 0, ACK, 255, 0), _head.pack(0, 0, ACK, 0, 0)
        options = b"\2\4\5\xb4\4\2\3\3\7\0\2\4\2\x18\3\3\2"
        scripts: list[list[records.Record]] = [
            [("o", options), ("n", b"one\n+two\n"), ("m", b"x" * 1400 + b"\n"), ("t", b"\3")],
            [("n", b"one\n+two\n"), ("m", b"=three\n-four\nfive"), ("n", b"six\n"), ("m", b"\n")],
            [("n", b"+one\n"), ("c", odd + b"ONE\ntwo\n"), ("m", b"x\n"), ("t", b"\3")],
            [("c", ahead + b"two\n"), ("n", b"+one1\n"), ("s", window), ("n", b"=a\n" * 300)],
            [("n", b"+" + b"a" * 1300 + b"\n"), ("t", b"\5"), ("m", b""), ("n", b"b\n")],
            [("n", b"-x\n"), ("c", _head.pack(0, 0, ACK | FIN, 255, 0)), ("m", b"y\n")],
            [("n", b"=x\n"), ("s", _head.pack(0, 0, RST, 255, 0)), ("n", b"z\n")],
            [("c", _head.pack(9, -30000, RST | SYN, 1, 0)), ("n", b"z\n"), ("m", b"z\n")],
        ]
        return [records.written(situation, each) for each in scripts for situation in range(3)]

    def run(self, data: bytes) -> None:
        situation, script = records.read(data)
        Wire(situation).run(script)


class Wire:
    """One connection."""

    def __init__(self, situation: int) -> None:
        client, server = at("192.168.10.2", 40000), at("198.51.100.7", PORT)
        self.inspector: Stream | None = None
        hosts = frozenset({client.address})
        self.site = Site(SPEC, NoOptions(), Rules(two_sided=True), PORT, self._recorded, hosts)
        start = (1000, 2**32 - 20, 2**31 - 5)[situation % 3]
        self.client = Side(client, server, start)
        self.server = Side(server, client, 2**32 - 1 - start)

    def _recorded(self, inspector: Any) -> Stream:
        self.inspector = Stream(inspector)
        return self.inspector

    def run(self, script: Sequence[records.Record]) -> None:
        options = script[0][1] if script and script[0][0] == "o" else b""
        asked, _, answered = (part[:40] for part in options.partition(b"\0"))
        self.client.begin, self.server.begin = self.client.seq + 1, self.server.seq + 1
        for segment in _emitted(self._arrives(self.client, SYN, b"", asked)):
            self.server.other = endpoint(segment.src, segment.sport)
            self.server.ack = self.server.first = segment.seq + 1
        for segment in _emitted(self._arrives(self.server, SYN | ACK, b"", answered)):
            self.client.ack = self.client.first = segment.seq + 1
        self._arrives(self.client, ACK, b"")
        for kind, data in script:
            self._step(kind, data)
        self.site.nothing_is_left()

    def _step(self, kind: str, data: bytes) -> None:
        match kind:
            case "n" | "m":
                side = self.client if kind == "n" else self.server
                self._leave(self._arrives(side, ACK, data[:LARGEST]))
            case "c" | "s" if len(data) >= _head.size:
                side = self.client if kind == "c" else self.server
                seq, ack, flags, window, scale = _head.unpack_from(data)
                payload = data[_head.size :][:LARGEST]
                segment = self._segment(side, flags, payload)
                segment.seq = segment.seq + seq & 0xFFFFFFFF
                segment.ack = segment.ack + ack & 0xFFFFFFFF
                segment.window = window << scale % 9
                self._leave(self._handled(side, segment))
                if 0 <= -seq <= len(payload) + 1 and flags & ACK and not flags & (RST | SYN):
                    # What reaches beyond what was due has moved it.
                    side.seq = max(side.seq, side.seq + seq + len(payload) + bool(flags & FIN))
            case "t":
                self._leave(self.site.passes(float(data[0] if data else 1)))

    def _segment(self, side: Side, flags: int, payload: bytes) -> Segment:
        own, other = side.own, side.other
        return Segment(
            own.address.packed,
            other.address.packed,
            own.port,
            other.port,
            side.seq & 0xFFFFFFFF,
            side.ack & 0xFFFFFFFF,
            flags,
            65535,
            payload,
        )

    def _arrives(
        self, side: Side, flags: int, payload: bytes, options: bytes = b""
    ) -> Sequence[Command]:
        segment = self._segment(side, flags, payload)
        segment.options = options
        side.seq += len(payload) + bool(flags & SYN)
        return self._handled(side, segment)

    def _handled(self, side: Side, segment: Segment) -> Sequence[Command]:
        realm = self.site.engine.config.realm_of(side.own.address)
        self.site.spoken.add(realm)
        for position, byte in enumerate(segment.payload, _from(side.begin, segment.seq)):
            side.sent.setdefault(position, set()).add(byte)
        return self.site.handle(SegmentArrived(segment, realm, 0))

    def _leave(self, commands: Sequence[Command]) -> None:
        inspector = self.inspector
        assert inspector is not None
        if inspector.failure is not None:
            raise inspector.failure
        for way, sender in ((TO_SERVER, self.client), (TO_CLIENT, self.server)):
            for position, byte in enumerate(inspector.came[way]):
                assert byte in sender.sent[position], "inspected is not what was sent"
        emitted = _emitted(commands)
        assert len(emitted) <= MOST_EMITTED, "a storm"
        for segment in emitted:
            towards_client = segment.dst == self.client.own.address.packed
            side = self.client if towards_client else self.server
            expected = inspector.expected[TO_CLIENT if towards_client else TO_SERVER]
            if side.first is None or not segment.payload:
                continue
            start = _from(side.first, segment.seq)
            if start < 0 and len(segment.payload) == 1:
                continue  # a probe
            assert start >= 0, "a payload before the first byte"
            for position, byte in enumerate(segment.payload, start):
                assert side.left.setdefault(position, byte) == byte, "not as the first time"
            whole = bytes(expected[start : start + len(segment.payload)])
            assert whole == segment.payload, (start, segment.payload, whole)
            side.ack = max(side.ack, side.first + start + len(segment.payload))


def _from(first: int, sequence: int) -> int:
    """The position of a sequence number."""
    return (sequence - first + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def _emitted(commands: Sequence[Command]) -> list[Segment]:
    return [command.segment for command in commands if isinstance(command, Emit)]
