"""The two ends of an FTP control connection, byte by byte as a test wants them."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Self

from ryu_alg.lab import Host
from tests.e2e import network
from tests.e2e.network import Background

_BLOCK = 1000
"""Bytes that a throttled server sends at a time."""
Endpoint = tuple[str, int]
Announcement = Callable[[str, Endpoint], Sequence[bytes]]
"""Makes the reply to PASV or EPSV, in the pieces that are written one after the other."""


def numbers(endpoint: Endpoint) -> str:
    """As in PORT and 227."""
    return f"{endpoint[0].replace('.', ',')},{endpoint[1] >> 8},{endpoint[1] & 255}"


def port_command(endpoint: Endpoint) -> bytes:
    return f"PORT {numbers(endpoint)}\r\n".encode()


def eprt_command(endpoint: Endpoint) -> bytes:
    family = 2 if ":" in endpoint[0] else 1
    return f"EPRT |{family}|{endpoint[0]}|{endpoint[1]}|\r\n".encode()


def announcement(verb: str, endpoint: Endpoint) -> list[bytes]:
    """The reply to PASV or EPSV that most servers send."""
    if verb == "PASV":
        return [f"227 Entering Passive Mode ({numbers(endpoint)}).\r\n".encode()]
    return [f"229 Entering Extended Passive Mode (|||{endpoint[1]}|)\r\n".encode()]


@dataclass(frozen=True)
class Reply:
    """A whole reply of the server."""

    raw: bytes

    @property
    def code(self) -> int:
        return int(self.raw[:3])

    def endpoint(self, host: str) -> Endpoint:
        """What the last line of a 227 or 229 says; `host` is where a 229 belongs to."""
        line = self.raw.splitlines()[-1].decode()
        if self.code == 227:
            octets = re.findall(r"\d+(?: *, *\d+){5}", line)[-1].replace(" ", "").split(",")
            return ".".join(octets[:4]), int(octets[4]) * 256 + int(octets[5])
        return host, int(re.findall(r"\|\|\|(\d+)\|", line)[0])


class Client:
    """A client's control connection. Nagle's algorithm is on, as it is by default."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        """Connects and logs in."""
        self.host = host
        self.socket = network.connect(host, address, port)
        self.socket.settimeout(network.PATIENCE)
        self.lines = self.socket.makefile("rb")
        self.peer = address
        assert self.reply().code == 220
        assert self.ask(b"USER anonymous\r\n").code == 331
        assert self.ask(b"PASS guest@\r\n").code == 230

    @property
    def address(self) -> str:
        return str(self.socket.getsockname()[0])

    def write(self, *pieces: bytes) -> None:
        """Each piece in a write of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def reply(self) -> Reply:
        """The next reply, all its lines."""
        raw = line = self.lines.readline()
        assert line, "the control connection was closed"
        if line[3:4] == b"-":
            end = line[:3] + b" "
            while not line.startswith(end):
                line = self.lines.readline()
                assert line, "the control connection was closed"
                raw += line
        return Reply(raw)

    def ask(self, *pieces: bytes) -> Reply:
        self.write(*pieces)
        return self.reply()

    def at_end(self) -> bool:
        """Wait for the end of the control connection, whichever way it comes."""
        try:
            return self.lines.read(1) == b""
        except ConnectionResetError:
            return True

    def listen(self, port: int = 0) -> socket.socket:
        return network.listen(self.host, self.address, port)

    def fetch(self, data: socket.socket) -> bytes:
        """Everything that comes by a data connection, which is then closed."""
        data.settimeout(network.PATIENCE)
        with data, data.makefile("rb") as file:
            return file.read()

    def retrieve(self, listener: socket.socket, name: str = "small") -> bytes:
        """The file, by a data connection that was announced for `listener`."""
        assert self.ask(f"RETR {name}\r\n".encode()).code == 150
        content = self.fetch(listener.accept()[0])
        assert self.reply().code == 226
        return content

    def retrieve_from(self, endpoint: Endpoint, name: str = "small") -> bytes:
        """The file, by a data connection to the server."""
        data = network.connect(self.host, *endpoint)
        assert self.ask(f"RETR {name}\r\n".encode()).code == 150
        content = self.fetch(data)
        assert self.reply().code == 226
        return content

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Server:
    """A server that does as a test tells it; as many sessions at a time as come."""

    def __init__(self, host: Host, address: str, port: int, content: bytes) -> None:
        """`content` is the only file, whatever it is called."""
        self.host = host
        self.content = content
        self.announce: Announcement = announcement
        self.released = threading.Event()
        """While it is not set, a transfer stops half-way."""
        self.released.set()
        self.replies = {
            "USER": b"331 Any password will do.\r\n",
            "PASS": b"230 Welcome.\r\n",
            "TYPE": b"200 As you like.\r\n",
            "AUTH": b"234 Hush.\r\n",
            "NOOP": b"200 Nothing done.\r\n",
            "ABOR": b"226 Nothing to abort.\r\n",
            "QUIT": b"221 Goodbye.\r\n",
        }
        self.pause = 0.0
        """Seconds between two blocks of data; throttles it."""
        self.controls: list[socket.socket] = []
        """Of all its sessions, oldest first."""
        self.heard: list[bytes] = []
        """Every line of every client."""
        self.targets: list[Endpoint] = []
        """Where clients have told it to connect."""
        self._listener = network.listen(host, address, port)
        self._listener.settimeout(None)
        self._threads = [Background(self._accept)]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                control, _ = self._listener.accept()
                self.controls.append(control)
                self._threads.append(Background(partial(self._session, control)))

    def _session(self, control: socket.socket) -> None:
        with contextlib.suppress(OSError), network.on(self.host), control.makefile("rb") as lines:
            _Session(self, control).run(lines)

    def close(self) -> None:
        """End all sessions."""
        self.released.set()
        for connection in (self._listener, *self.controls):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Session:
    """One client of a `Server`."""

    def __init__(self, server: Server, control: socket.socket) -> None:
        self.server = server
        self.control = control
        self.target: Endpoint | None = None
        self.listener: socket.socket | None = None

    def run(self, lines: BinaryIO) -> None:
        self.control.sendall(b"220 Tell me.\r\n")
        for line in iter(lines.readline, b""):
            self.server.heard.append(line)
            verb, _, argument = line.decode().strip().partition(" ")
            self._command(verb.upper(), argument.strip())
            if verb.upper() == "QUIT":
                return

    def _command(self, verb: str, argument: str) -> None:
        match verb:
            case "PORT" | "EPRT":
                self._active(verb, argument)
            case "PASV" | "EPSV":
                self._passive(verb)
            case "RETR":
                self._retrieve()
            case _:
                self.control.sendall(self.server.replies.get(verb, b"502 What?\r\n"))

    def _active(self, verb: str, argument: str) -> None:
        if verb == "PORT":
            octets = argument.split(",")
            self.target = ".".join(octets[:4]), int(octets[4]) * 256 + int(octets[5])
        else:
            _, _, address, port, _ = argument.split(argument[0])
            self.target = address, int(port)
        self.server.targets.append(self.target)
        self.control.sendall(b"200 I shall connect there.\r\n")

    def _passive(self, verb: str) -> None:
        if self.listener is not None:
            self.listener.close()
        here = self.control.getsockname()[0]
        self.listener = network.listen(self.server.host, here)
        for piece in self.server.announce(verb, self.listener.getsockname()[:2]):
            self.control.sendall(piece)

    def _retrieve(self) -> None:
        self.control.sendall(b"150 Here it comes.\r\n")
        if self.target is not None:
            data = socket.create_connection(self.target, timeout=network.PATIENCE)
        else:
            assert self.listener is not None
            data, _ = self.listener.accept()
        with data:
            self._send(data, self.server.content)
        self.target = None
        self.control.sendall(b"226 That was it.\r\n")

    def _send(self, data: socket.socket, content: bytes) -> None:
        half = len(content) // 2
        block = _BLOCK if self.server.pause else half or 1
        for start in range(0, len(content), block):
            if start >= half:
                self.server.released.wait(60)
            data.sendall(content[start : start + block])
            time.sleep(self.server.pause)
