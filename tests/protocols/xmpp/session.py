"""One session as the engine runs it: held bytes are offered again, effects are carried out."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

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
from ryu_alg.protocols.xmpp import XmppInspector, XmppOptions
from tests.protocols.xmpp.gateway import BEHIND_NAT, MemoryGateway

TO_SERVER = Direction.TO_SERVER
TO_CLIENT = Direction.TO_CLIENT
HELD_AT_MOST = 49_152
"""Bytes that the engine holds, where the sender scales its window most."""

CLIENT_HEADER = (
    b"<?xml version='1.0'?><stream:stream to='example.net' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)
SERVER_HEADER = (
    b"<?xml version='1.0'?><stream:stream from='example.net' id='a' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
MECHANISMS = (
    b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    b"<mechanism>PLAIN</mechanism></mechanisms>"
)
FEATURES = b"<stream:features>" + STARTTLS + MECHANISMS + b"</stream:features>"
AUTH = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"
SUCCESS = b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
LOGIN: tuple[tuple[Direction, bytes], ...] = (
    (TO_SERVER, CLIENT_HEADER),
    (TO_CLIENT, SERVER_HEADER + FEATURES),
    (TO_SERVER, AUTH),
    (TO_CLIENT, SUCCESS),
    (TO_SERVER, CLIENT_HEADER),
    (TO_CLIENT, SERVER_HEADER + b"<stream:features/>"),
)


class Session:
    """Feeds an inspector, and keeps what leaves and what happens."""

    def __init__(
        self,
        conversation: Conversation = BEHIND_NAT,
        gateway: MemoryGateway | None = None,
        **options: Any,
    ) -> None:
        self.gateway = gateway or MemoryGateway(conversation)
        self.inspector = XmppInspector(XmppOptions.model_validate(options), self.gateway)
        self.held = {TO_SERVER: b"", TO_CLIENT: b""}
        self.left = {TO_SERVER: b"", TO_CLIENT: b""}
        self.opened: list[int] = []
        self.closed: list[int] = []
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
        return set(self.opened) - set(self.closed)

    def log_in(self) -> Session:
        """As clients do; what has passed so far is forgotten."""
        for direction, data in LOGIN:
            self.feed(direction, data)
        assert self.inspector.dialogue.authenticated
        return self.forget()

    def link_local(self) -> Session:
        """Both ends have begun, and there is nobody to log in to."""
        self.client(CLIENT_HEADER)
        self.server(SERVER_HEADER + b"<stream:features/>")
        return self.forget()

    def forget(self) -> Session:
        self.left = {TO_SERVER: b"", TO_CLIENT: b""}
        self.reports.clear()
        return self

    def client(self, data: bytes) -> bytes:
        """The client sends: what has reached the server so far."""
        self.feed(TO_SERVER, data)
        return self.left[TO_SERVER]

    def server(self, data: bytes) -> bytes:
        """The server sends: what has reached the client so far."""
        self.feed(TO_CLIENT, data)
        return self.left[TO_CLIENT]

    def save_and_restore(self) -> None:
        """The state is data that can be written down."""
        self.inspector.dialogue = pickle.loads(pickle.dumps(self.inspector.dialogue))

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

    def _carry_out(self, direction: Direction, effects: Sequence[Effect]) -> bool:
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
                    self.opened.append(number)
                case Close(number):
                    assert number in self.opened
                    self.closed.append(number)
                case Report():
                    self.reports.append(effect)
                case Opaque():
                    self.opaque = True
                case Abort():
                    self.aborted = True
                case _:
                    raise AssertionError(effect)
        return len(self.held[direction]) < before

    def _decide(self, direction: Direction, length: int, data: bytes) -> None:
        assert length <= len(self.held[direction]), "decided more than was offered"
        self.held[direction] = self.held[direction][length:]
        self.left[direction] += data
