"""A switch that is only its OpenFlow 1.3 connection: it says yes to all, and forwards nothing.

It punts what conversations give it, one packet of each at a time, and hands them what the
controller sends on.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ryu_alg.openflow.messages import VERSION, MessageType
from tests.bench.errors import BenchError

PATIENCE = 5.0
"""Seconds that a controller has for one packet."""
QUIET = 1.0
"""Seconds without a message, at which a controller has said all that it says at first."""
PORTS = ("lan", "wan")
"""Numbers 1 and 2."""

_HEADER = struct.Struct("!BBHI")
_HELLO, _ERROR, _ECHO_REQUEST, _ECHO_REPLY, _EXPERIMENTER = 0, 1, 2, 3, 4
_FEATURES_REQUEST, _FEATURES_REPLY, _CONFIG_REQUEST, _CONFIG_REPLY = 5, 6, 7, 8
_PACKET_OUT, _BARRIER_REQUEST, _BARRIER_REPLY = 13, 20, 21
_PORT_DESCRIPTION = 13
_ACTIONS_LENGTH = struct.Struct("!H")
_ACTIONS_LENGTH_AT, _ACTIONS_AT = 16, 24
_BUNDLE_CONTROL = 2300
_SOURCE, _DESTINATION = slice(26, 30), slice(30, 34)
"""Of an Ethernet frame with IPv4."""


def packet_in(frame: bytes, cookie: int, in_port: int, registers: Mapping[int, int]) -> bytes:
    """The message that punts `frame`."""
    fields = struct.pack("!HBBI", 0x8000, 0, 4, in_port)
    fields += b"".join(
        struct.pack("!HBBI", 1, number << 1, 4, value) for number, value in registers.items()
    )
    match = struct.pack("!HH", 1, 4 + len(fields)) + fields
    match += bytes(-len(match) % 8)
    body = struct.pack("!IHBBQ", 0xFFFF_FFFF, len(frame), 1, 1, cookie) + match + b"\0\0" + frame
    return _HEADER.pack(VERSION, MessageType.PACKET_IN, 8 + len(body), 0) + body


class Conversation(Protocol):
    """Two hosts that talk through the switch, in turns."""

    @property
    def server(self) -> bytes:
        """The packed address by which its packets are told from others'."""

    @property
    def resting(self) -> bool:
        """Nobody waits for an answer."""

    @property
    def kind(self) -> str:
        """What the last packet-in was."""

    def next(self) -> bytes:
        """The packet-in that is next."""

    def came(self, frame: bytes) -> bool:
        """The controller sends this: whether it is what became of the last one."""


@dataclass
class Run:
    """What came of a time of punting."""

    punts: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    """Seconds of processor time that the switch itself took."""
    latencies: list[float] = field(default_factory=list)
    """Seconds, of each punt; only with one in flight."""
    by_kind: dict[str, list[float]] = field(default_factory=dict)
    """The same, by what it was."""

    def note(self, kind: str, latency: float) -> None:
        """Of one more punt."""
        self.latencies.append(latency)
        self.by_kind.setdefault(kind, []).append(latency)


class Switch:
    """One connection to a controller. BenchError for whatever goes wrong."""

    def __init__(self, port: int, patience: float = 20.0) -> None:
        """Connect to 127.0.0.1, and answer until the controller is content."""
        self._socket = _connected(port, patience)
        self._kept = b""
        self.flow_mods = 0
        self._send(_HEADER.pack(VERSION, _HELLO, 8, 0))
        self.settle(patience)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def settle(self, patience: float = PATIENCE) -> None:
        """Answer until nothing is asked any more."""
        begin = time.monotonic()
        self._socket.settimeout(QUIET)
        try:
            while time.monotonic() < begin + patience:
                try:
                    out = [self._answer(*message) for message in self._messages()]
                except TimeoutError:
                    return
                self._send(b"".join(out))
        finally:
            self._socket.settimeout(PATIENCE)

    def idle(self) -> None:
        """Answer what has been asked meanwhile."""
        self._socket.setblocking(False)
        try:
            while True:
                out = [self._answer(*message) for message in self._messages()]
                self._send(b"".join(out))
        except BlockingIOError:
            pass
        finally:
            self._socket.settimeout(PATIENCE)

    def exchange(self, conversation: Conversation) -> None:
        """Punt one packet, and wait for what becomes of it."""
        self.run([conversation], 0.0)

    def run(self, conversations: Sequence[Conversation], seconds: float) -> Run:
        """Punt one packet of each at a time, for so long, and until each is at rest."""
        by_server = {conversation.server: conversation for conversation in conversations}
        found = Run()
        timed = len(conversations) == 1
        waiting = len(conversations)
        out = [conversation.next() for conversation in conversations]
        busy, begin = time.process_time(), time.perf_counter()
        end = begin + seconds
        sent = time.perf_counter()
        self._send(b"".join(out))
        while waiting:
            out = []
            try:
                messages = list(self._messages())
            except TimeoutError:
                raise BenchError(f"{waiting} packets have not come back") from None
            goes_on = time.perf_counter() < end
            for kind, message in messages:
                if kind != _PACKET_OUT:
                    out.append(self._answer(kind, message))
                    continue
                (length,) = _ACTIONS_LENGTH.unpack_from(message, _ACTIONS_LENGTH_AT)
                frame = message[_ACTIONS_AT + length :]
                conversation = by_server.get(frame[_DESTINATION]) or by_server.get(frame[_SOURCE])
                if conversation is None:
                    continue  # of an earlier run's, which has been left alone since
                if not conversation.came(frame):
                    continue
                if timed:
                    found.note(conversation.kind, time.perf_counter() - sent)
                found.punts += 1
                if goes_on or not conversation.resting:
                    out.append(conversation.next())
                    sent = time.perf_counter()
                else:
                    waiting -= 1
            self._send(b"".join(out))
        found.seconds = time.perf_counter() - begin
        found.busy = time.process_time() - busy
        return found

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        """All whole messages that one read brings, each with its type. TimeoutError."""
        data = self._socket.recv(1 << 18)
        if not data:
            raise BenchError("the controller has hung up")
        data = self._kept + data
        at, size = 0, len(data)
        while size - at >= 8:
            _, kind, length, _ = _HEADER.unpack_from(data, at)
            if size - at < length:
                break
            yield kind, data[at : at + length]
            at += length
        self._kept = data[at:]

    def _send(self, data: bytes) -> None:
        if not data:
            return
        for_reading = self._socket.gettimeout()
        if for_reading != PATIENCE:
            self._socket.settimeout(PATIENCE)
        self._socket.sendall(data)
        if for_reading != PATIENCE:
            self._socket.settimeout(for_reading)

    def _answer(self, kind: int, message: bytes) -> bytes:
        xid, body = message[4:8], message[8:]
        if kind == _ECHO_REQUEST:
            return _reply(_ECHO_REPLY, xid, body)
        if kind == _BARRIER_REQUEST:
            return _reply(_BARRIER_REPLY, xid)
        if kind == _FEATURES_REQUEST:
            return _reply(_FEATURES_REPLY, xid, struct.pack("!QIBB2xII", 1, 0, 254, 0, 0x4F, 0))
        if kind == _CONFIG_REQUEST:
            return _reply(_CONFIG_REPLY, xid, struct.pack("!HH", 0, 0xFFFF))
        if kind == MessageType.MULTIPART_REQUEST:
            (what,) = struct.unpack_from("!H", body)
            described = b"".join(map(_port, (1, 2), PORTS)) if what == _PORT_DESCRIPTION else b""
            return _reply(
                MessageType.MULTIPART_REPLY, xid, struct.pack("!HH4x", what, 0) + described
            )
        if kind == _EXPERIMENTER:
            vendor, subtype = struct.unpack_from("!II", body)
            if subtype == _BUNDLE_CONTROL:  # each request is followed by its reply
                bundle, request, flags = struct.unpack_from("!IHH", body, 8)
                answer = struct.pack("!IIIHH", vendor, subtype, bundle, request + 1, flags)
                return _reply(_EXPERIMENTER, xid, answer)
        if kind == _ERROR:
            raise BenchError(f"the controller is not content: {body.hex()}")
        if kind == MessageType.FLOW_MOD:
            self.flow_mods += 1
        return b""


def _reply(kind: int, xid: bytes, body: bytes = b"") -> bytes:
    return struct.pack("!BBH", VERSION, kind, 8 + len(body)) + xid + body


def _port(number: int, name: str) -> bytes:
    mac = bytes((2, 0, 0, 0, 0, number))
    return struct.pack("!I4x6s2x16s8I", number, mac, name.encode(), *[0] * 8)


def _connected(port: int, patience: float) -> socket.socket:
    end = time.monotonic() + patience
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
        except OSError as error:
            if time.monotonic() > end:
                raise BenchError(f"no controller at port {port}: {error}") from None
            time.sleep(0.1)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
