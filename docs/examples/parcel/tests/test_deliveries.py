"""Parcel over TCP: whole conversations, in one piece and cut at every byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest

from ryu_alg.inspection import (
    Abort,
    Conversation,
    Direction,
    Endpoint,
    Expectation,
    Forward,
    Inject,
    Open,
    Party,
    Refusal,
    Replace,
    Report,
    Transport,
)
from ryu_alg_parcel import PROTOCOL

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


@dataclass
class Gateway:
    """What the inspector asks, with a client behind NAT and one rule."""

    conversation: Conversation = Conversation(
        client=at("192.168.10.2", 40000),
        client_seen=at("203.0.113.1", 49152),
        server=at("203.0.113.2", 7117),
        server_seen=at("203.0.113.2", 7117),
    )

    def expect(self, *, listener: Party, port: int) -> Expectation | Refusal:
        if port < 1024:
            return Refusal("port.privileged", f"port {port}")
        there = Endpoint(self.conversation.actual(listener).address, port)
        seen = at("203.0.113.1", 32768) if listener is Party.CLIENT else there
        return Expectation(1, Transport.TCP, there, seen)


@dataclass
class Session:
    """Offers bytes as the gateway does, and keeps what leaves."""

    inspector: Any
    left: dict[Direction, bytes] = field(default_factory=lambda: dict.fromkeys(Direction, b""))
    held: dict[Direction, bytes] = field(default_factory=lambda: dict.fromkeys(Direction, b""))
    others: list[Any] = field(default_factory=list)
    """Effects that are not about bytes."""

    def say(self, direction: Direction, data: bytes, pieces: int = 1) -> None:
        size = max(1, len(data) // pieces)
        for start in range(0, len(data), size):
            self.held[direction] += data[start : start + size]
            for side in (direction, direction.opposite, direction):
                self.apply(side, self.inspector.inspect(side, self.held[side]))

    def apply(self, side: Direction, effects: Sequence[Any]) -> None:
        for effect in effects:
            if isinstance(effect, Forward | Replace):
                taken = self.held[side][: effect.length]
                self.held[side] = self.held[side][effect.length :]
                self.left[side] += taken if isinstance(effect, Forward) else effect.data
            elif isinstance(effect, Inject):
                self.left[effect.direction] += effect.data
            else:
                self.others.append(effect)

    @property
    def reports(self) -> list[str]:
        return [effect.code for effect in self.others if isinstance(effect, Report)]


def session(**options: Any) -> Session:
    assert PROTOCOL.stream is not None
    gateway: Any = Gateway()
    return Session(PROTOCOL.stream(PROTOCOL.options(**options), gateway))


@pytest.mark.parametrize("pieces", [1, 1000])
def test_what_the_client_gives_opens_when_the_server_takes_it(pieces: int) -> None:
    talk = session()
    talk.say(TO_SERVER, b"GIVE 192.168.10.2 5000 cake\r\nWANT tea\r\n", pieces)
    assert talk.left[TO_SERVER] == b"GIVE 203.0.113.1 32768 cake\r\n"
    assert talk.others == []
    talk.say(TO_CLIENT, b"TAKE\r\n", pieces)
    assert talk.others == [Open(1)]
    assert talk.left[TO_CLIENT] == b"TAKE\r\n"
    assert talk.left[TO_SERVER].endswith(b"WANT tea\r\n"), "which has waited"


@pytest.mark.parametrize("pieces", [1, 1000])
def test_where_the_server_says_that_a_parcel_can_be_fetched(pieces: int) -> None:
    talk = session()
    talk.say(TO_SERVER, b"WANT tea\n", pieces)
    talk.say(TO_CLIENT, b"FETCH 203.0.113.2 6000\n", pieces)
    assert talk.others == [Open(1)]
    assert talk.left[TO_CLIENT] == b"FETCH 203.0.113.2 6000\n"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"GIVE 192.168.10.66 5000 cake", "parcel.give.foreign_address"),
        (b"GIVE 1.2.3 5000 cake", "parcel.give.no_address"),
        (b"GIVE 192.168.10.2 22 cake", "parcel.give.port.privileged"),
        (b"GIVE 192.168.10.2 5000 a.EXE", "parcel.denied"),
        (b"WANT a.exe", "parcel.denied"),
        (b"POST / HTTP/1.1", "parcel.request.malformed"),
    ],
)
def test_what_is_refused_does_not_reach_the_server(line: bytes, code: str) -> None:
    talk = session(deny=["*.exe"])
    talk.say(TO_SERVER, line + b"\r\n")
    assert talk.left == {TO_SERVER: b"", TO_CLIENT: b"NO not through this gateway\r\n"}
    assert talk.reports == [code]


@pytest.mark.parametrize("line", [b"TAKE\r\n", b"FETCH 203.0.113.2 6000\r\n", b"x" * 512])
def test_an_answer_to_nothing_opens_nothing(line: bytes) -> None:
    talk = session()
    talk.say(TO_CLIENT, line)
    assert talk.left[TO_CLIENT] == b""
    assert isinstance(talk.others[-1], Abort)
    assert Open(1) not in talk.others
