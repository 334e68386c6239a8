"""A gateway in this process: all of `ryu_alg` but Ryu, sockets and processes' own limits."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from ryu_alg.engine.commands import Command, Publish
from ryu_alg.engine.events import BarrierDone, DatagramArrived, Event, Timeout
from ryu_alg.gateway import Gateway
from ryu_alg.openflow import packet_in, punts
from ryu_alg.openflow.cookies import parse
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.switch import Cause, Switch
from tests.bench.errors import BenchError
from tests.bench.punts.controllers import COMMANDS
from tests.bench.punts.conversations import Talk
from tests.bench.punts.switch import PORTS

_HEADER = struct.Struct("!BBHI")
_PACKET_OUT, _BARRIER_REQUEST = 13, 20
_ACTIONS_LENGTH_AT, _ACTIONS_AT = 16, 24
_FOREVER = 1e6
"""Seconds: longer than anything lasts."""


class Site:
    """One gateway, and a switch that does at once what it is told."""

    def __init__(self, where: Path) -> None:
        """Its configuration is written to the directory `where`."""
        self.gateway = Gateway(Path(COMMANDS["ryu_alg"](6653, where)[-1]))
        self.sent: list[bytes] = []
        """What would have gone to the switch, in writes."""
        numbers = {name: number for number, name in enumerate(PORTS, 1)}
        self._ahead = 0.0
        """Seconds that this place is ahead of the clock."""
        xids = count(1)
        self._switch = Switch(
            self.gateway.plan, numbers, self.sent.append, lambda: next(xids), Media()
        )

    @property
    def sessions(self) -> int:
        """How many are live."""
        return len(self.gateway.engine.sessions) + len(self.gateway.engine.datagrams.sessions)

    def punt(self, message: bytes) -> None:
        """What the application does about a packet-in."""
        punt = packet_in.decode(message)
        purpose = parse(punt.cookie)
        if purpose is None or punt.realm is None:
            raise BenchError("no punt of this gateway")
        self.gateway.count_punt(purpose[1])
        event = punts.control_packet(punt.frame, punt.realm, purpose[1])
        if isinstance(event, str):
            raise BenchError(event)
        sender = None
        if isinstance(event, DatagramArrived):
            packet, sender = event.datagram, event.datagram.src
            self._switch.count(punt.network, packet, self._now())
        else:
            self._switch.count(punt.network, event.segment, self._now())
        commands = self._handle(event)
        if commands:
            self._switch.carry_out(commands, Cause(punt, sender=sender))
        self.gateway.engine.next_timeout()

    def exchange(self, talk: Talk, message: bytes) -> None:
        """Punt `message` of a conversation, which gets what becomes of it."""
        self.punt(message)
        for frame in self.frames():
            talk.came(frame)

    def frames(self) -> Iterator[bytes]:
        """All packets that were sent; the switch has then done everything before a barrier."""
        while self.sent:
            written = b"".join(self.sent)
            self.sent.clear()
            at = 0
            while at < len(written):
                _, kind, length, xid = _HEADER.unpack_from(written, at)
                if kind == _PACKET_OUT:
                    (skip,) = struct.unpack_from("!H", written, at + _ACTIONS_LENGTH_AT)
                    yield written[at + _ACTIONS_AT + skip : at + length]
                elif kind == _BARRIER_REQUEST:
                    self._barrier(xid)
                at += length

    def _barrier(self, xid: int) -> None:
        answered = self._switch.barrier_done(xid)
        if answered.token is not None:
            self._switch.carry_out(self._handle(BarrierDone(answered.token)))

    def settle(self) -> None:
        """What the application does now and then."""
        self._switch.media_settled()
        self.sent.clear()

    def wait(self, seconds: float) -> None:
        """Time passes at once, in which nobody says anything."""
        self._ahead += seconds
        self._switch.carry_out(self._handle(Timeout()))
        self.settle()

    def expire(self) -> None:
        """Wait until nothing is left. BenchError."""
        for _ in range(10):
            self.wait(_FOREVER)
            if not self.sessions:
                return
        raise BenchError(f"{self.sessions} sessions do not end")

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def _handle(self, event: Event) -> list[Command]:
        """As `Gateway.handle`, at another time."""
        left: list[Command] = []
        for command in self.gateway.engine.handle(event, self._now()):
            if isinstance(command, Publish):
                self.gateway.publish(command)
            else:
                left.append(command)
        return left
