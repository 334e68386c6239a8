"""One IRC session as the engine runs it."""

from __future__ import annotations

from typing import Any

from ryu_alg.inspection import Conversation, Expectation, Party, Refusal
from ryu_alg.protocols.irc import IrcInspector, IrcOptions
from tests.protocols.gateway import BEHIND_NAT, MemoryGateway
from tests.protocols.session import TO_CLIENT, TO_SERVER, StreamSession


class IrcGateway(MemoryGateway):
    """Knows what IRC may ask."""

    def expect(
        self,
        *,
        listener: Party,
        third_party: None = None,
        last_port: None = None,
        **asked: Any,
    ) -> Expectation | Refusal:
        assert listener is Party.CLIENT and third_party is None and last_port is None
        return super().expect(listener=listener, **asked)


class Session(StreamSession):
    """With a gateway in memory."""

    def __init__(
        self,
        options: IrcOptions | None = None,
        conversation: Conversation = BEHIND_NAT,
        gateway: IrcGateway | None = None,
    ) -> None:
        gateway = gateway or IrcGateway(conversation)
        super().__init__(IrcInspector(options or IrcOptions(), gateway), gateway)

    def talk(self) -> Session:
        """The client is welcomed as amy; what left until then is not kept."""
        self.client(b"NICK amy\r\nUSER amy 0 * :Amy\r\n")
        self.server(b":irc.example.net 001 amy :Welcome\r\n")
        self.left = {TO_SERVER: b"", TO_CLIENT: b""}
        return self

    @property
    def notices(self) -> list[bytes]:
        """What the gateway told the user."""
        lines = self.left[TO_CLIENT].split(b"\r\n")
        return [line for line in lines if line.startswith(b":gateway.invalid ")]


def options(**values: object) -> IrcOptions:
    """Options as the configuration gives them."""
    return IrcOptions.model_validate(values)
