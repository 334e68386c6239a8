"""A host that nobody expects, and its attempts to get in."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field

from ryu_alg.lab import Host
from tests.e2e import network
from tests.e2e.network import TcpState


@dataclass
class Outsider:
    """Its attempts go on, and repeat their SYN, until `close`."""

    host: Host
    doorbell: tuple[str, int]
    """A published service behind the gateway: that it answers shows that attempts arrive."""
    _attempts: list[tuple[str, socket.socket]] = field(default_factory=list)

    def attempt(self, address: str, port: int, when: str) -> None:
        """Begin to connect."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with network.on(self.host):
            knocking = socket.socket(family, socket.SOCK_STREAM)
        knocking.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            knocking.connect((address, port))
        self._attempts.append((f"{when}: {address} port {port}", knocking))

    @property
    def attempts(self) -> int:
        return len(self._attempts)

    def answers(self) -> list[str]:
        """The attempts that got anything since the last time: a connection, a reset, an error."""
        # Whatever was sent before this was handled before it.
        network.connect(self.host, *self.doorbell).close()
        answered = [it for it in self._attempts if network.state(it[1]) != TcpState.SYN_SENT]
        found = []
        for what, knocking in answered:
            error = knocking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found.append(f"{what}: state {network.state(knocking)}, error {error}")
            knocking.close()
            self._attempts.remove((what, knocking))
        return found

    def close(self) -> None:
        for _, knocking in self._attempts:
            knocking.close()
        self._attempts.clear()
