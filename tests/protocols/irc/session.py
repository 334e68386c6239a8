"""One IRC session as the engine runs it."""

from __future__ import annotations

from ryu_alg.inspection import Conversation
from ryu_alg.protocols.irc import IrcInspector, IrcOptions
from tests.protocols.ftp import session
from tests.protocols.ftp.session import TO_CLIENT, TO_SERVER
from tests.protocols.irc.gateway import BEHIND_NAT, IrcGateway


class Session(session.Session):
    """The same with another inspector."""

    def __init__(
        self,
        options: IrcOptions | None = None,
        conversation: Conversation = BEHIND_NAT,
        gateway: IrcGateway | None = None,
    ) -> None:
        super().__init__(conversation=conversation)
        self.gateway = gateway or IrcGateway(conversation)
        self.inspector = IrcInspector(options or IrcOptions(), self.gateway)

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


__all__ = ["TO_CLIENT", "TO_SERVER", "Session", "options"]
