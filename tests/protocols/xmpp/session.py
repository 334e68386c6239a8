"""One XMPP session as the engine runs it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from ryu_alg.inspection import Close, Conversation, Direction, Effect, Expectation, Refusal
from ryu_alg.protocols.xmpp import XmppInspector, XmppOptions
from tests.protocols.gateway import BEHIND_NAT, Asked, MemoryGateway
from tests.protocols.session import TO_CLIENT, TO_SERVER, StreamSession

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


@dataclass
class XmppGateway(MemoryGateway):
    """Knows what XMPP may ask, and refuses what the engine does."""

    room: int = 1000
    """How many may be armed."""

    def expect(self, *, last_port: None = None, **asked: Any) -> Expectation | Refusal:
        assert last_port is None
        return super().expect(**asked)

    def refusal(self, asked: Asked) -> Refusal | None:
        if asked.port < 1024:
            return Refusal("port.privileged", f"port {asked.port} is not from 1024 to 65535")
        if len(self.armed) >= self.room:
            return Refusal("quota.session", f"{self.room} are announced already")
        return None


class Session(StreamSession):
    """With a gateway in memory."""

    def __init__(
        self,
        conversation: Conversation = BEHIND_NAT,
        gateway: XmppGateway | None = None,
        **options: Any,
    ) -> None:
        gateway = gateway or XmppGateway(conversation)
        super().__init__(XmppInspector(XmppOptions.model_validate(options), gateway), gateway)

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

    def save_and_restore(self) -> None:
        """The state is data that can be written down."""
        self.inspector.dialogue = pickle.loads(pickle.dumps(self.inspector.dialogue))

    def other(self, effect: Effect) -> None:
        if isinstance(effect, Close):
            assert effect.expectation in self.opened
        super().other(effect)
