"""Users of XMPP on hosts of a lab: each is a process with slixmpp in it."""

from __future__ import annotations

import sys
from pathlib import Path

from ryu_alg.lab import Host
from tests.e2e.program import Program
from tests.e2e.xmpp.prosody import DOMAIN, PASSWORD, PORT, Prosody

_PROGRAM = Path(__file__).with_name("user.py")


class User(Program):
    """`name@example.net/lab`, on a host."""

    def __init__(
        self,
        host: Host,
        directory: Path,
        name: str,
        server: Prosody,
        address: str,
        *,
        port: int = PORT,
        starttls: bool = False,
    ) -> None:
        """It begins to log in."""
        self.jid = f"{name}@{DOMAIN}/lab"
        options = ["--starttls"] if starttls else []
        arguments = [self.jid, PASSWORD, str(server.certificate), address, str(port), *options]
        super().__init__(
            host, [sys.executable, str(_PROGRAM), *arguments], directory / f"{name}.log"
        )
