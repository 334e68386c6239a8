"""An IRC user that does as a test tells it."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from ryu_alg.lab import Host
from tests.e2e import network


class User:
    """One connection to a server."""

    def __init__(self, host: Host, nick: str, server: str, port: int) -> None:
        """Connects, and returns when the server has welcomed it."""
        self.host = host
        self.nick = nick
        self.socket = network.connect(host, server, port)
        self.socket.settimeout(15)
        self.address = self.socket.getsockname()[0]
        self._received = b""
        self.write(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n")
        self.wait(" 001 ")

    def write(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def line(self) -> str:
        """The next line; pings are answered."""
        while b"\r\n" not in self._received:
            data = self.socket.recv(4096)
            assert data, "the server has closed"
            self._received += data
        line, _, self._received = self._received.partition(b"\r\n")
        text = line.decode()
        if text.startswith("PING"):
            self.write(f"PONG{text[4:]}\r\n")
        return text

    def wait(self, part: str) -> str:
        """The next line with `part` in it."""
        while part not in (line := self.line()):
            pass
        return line

    def dcc(self, nick: str, text: str, command: str = "PRIVMSG") -> None:
        """Send a DCC."""
        self.write(f"{command} {nick} :\1DCC {text}\1\r\n")

    def heard(self) -> list[str]:
        """The words of the next DCC, without that one."""
        return self.wait("\1DCC ").split("\1")[1].split()[1:]

    def listen(self) -> socket.socket:
        return network.listen(self.host, self.address)

    @property
    def number(self) -> str:
        """Its address, as DCC has it."""
        address = ip_address(self.address)
        return str(int(address)) if address.version == 4 else str(address)

    def close(self) -> None:
        self.socket.close()


def endpoint(address: str, port: str) -> tuple[str, int]:
    """Where a DCC says that one is."""
    named = ip_address(int(address) if address.isdigit() else address)
    return str(named), int(port)
