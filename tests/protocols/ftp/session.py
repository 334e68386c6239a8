"""One FTP session as the engine runs it."""

from __future__ import annotations

from ryu_alg.inspection import Conversation
from ryu_alg.protocols.ftp import FtpInspector, FtpOptions
from tests.protocols.gateway import BEHIND_NAT, MemoryGateway
from tests.protocols.session import StreamSession


class Session(StreamSession):
    """With a gateway in memory."""

    def __init__(
        self,
        options: FtpOptions | None = None,
        conversation: Conversation = BEHIND_NAT,
        gateway: MemoryGateway | None = None,
    ) -> None:
        gateway = gateway or MemoryGateway(conversation)
        super().__init__(FtpInspector(options or FtpOptions(), gateway), gateway)
