"""FTP clients that put a file and get one, and say what they sent on the control connection."""

from __future__ import annotations

import ftplib
import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ryu_alg.lab import Host
from tests.e2e import network
from tests.e2e.situations import Mode, Situation

_SECONDS = 60


@dataclass(frozen=True)
class Job:
    """What a client shall do: put `upload` into incoming/NAME, get `source` into `download`."""

    host: Host
    situation: Situation
    port: int
    mode: Mode
    upload: Path
    name: str
    source: str
    download: Path


@dataclass
class Conversation:
    """What a client has said."""

    transcript: str

    @property
    def modes(self) -> set[str]:
        """The announcing commands that it sent."""
        return set(re.findall(r"^(?:> |---> )(PORT|EPRT|PASV|EPSV)\b", self.transcript, re.M))


def curl(job: Job) -> Conversation:
    """Both transfers in one run, and on one control connection."""
    url = f"ftp://{job.situation.url_host}:{job.port}"
    options = {
        Mode.PORT: ["--ftp-port", "-", "--disable-eprt"],
        Mode.EPRT: ["--ftp-port", "-"],
        Mode.PASV: ["--disable-epsv"],
        Mode.EPSV: [],
    }[job.mode]
    common = ["--silent", "--show-error", "--verbose", "--globoff", "--no-progress-meter"]
    common += ["--connect-timeout", "15", "--max-time", str(_SECONDS), *options]
    put = [*common, "--upload-file", str(job.upload), f"{url}/incoming/{job.name}"]
    get = [*common, "--output", str(job.download), f"{url}/{job.source}"]
    return _run(job, ["curl", *put, "--next", *get])


def lftp(job: Job) -> Conversation:
    """It tries AUTH TLS first, as it does by default. It has no EPRT over IPv4."""
    commands = [
        "set cmd:fail-exit yes",
        "set net:timeout 15",
        "set net:max-retries 1",
        f"set ftp:passive-mode {_on(not job.mode.active)}",
        f"set ftp:prefer-epsv {_on(job.mode is Mode.EPSV)}",
        f"open -u anonymous,guest@ -p {job.port} ftp://{job.situation.url_host}",
        f"put {job.upload} -o incoming/{job.name}",
        f"get {job.source} -o {job.download}",
        "quit",
    ]
    return _run(job, ["lftp", "-d", "-c", "; ".join(commands)])


def tnftp(job: Job) -> Conversation:
    """Driven by its prompt."""
    commands = [
        f"passive {_on(not job.mode.active)}",
        *([] if job.mode.extended else ["epsv4"]),
        f"open {job.situation.address} {job.port}",
        "user anonymous guest@",
        "binary",
        f"put {job.upload} incoming/{job.name}",
        f"get {job.source} {job.download}",
        "quit",
    ]
    return _run(job, ["tnftp", "-dinv"], "".join(f"{command}\n" for command in commands))


def _on(wanted: bool) -> str:
    return "on" if wanted else "off"


def _run(job: Job, argv: list[str], stdin: str = "") -> Conversation:
    home = {"HOME": str(job.download.parent), "LC_ALL": "C"}
    done = job.host.run(
        argv,
        env=home,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        capture_output=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return Conversation(done.stdout)


@dataclass
class Moments:
    """What a test wants to do in the course of a transfer."""

    announced: Callable[[], None] = lambda: None
    """The data connection is announced, and not made yet."""
    moving: Callable[[], None] = lambda: None
    """Some of the data has come, more is still to come."""


class Ftplib(ftplib.FTP):
    """The standard library's client, on a host of the lab, with any of the four commands."""

    def __init__(self, host: Host, situation: Situation, port: int, mode: Mode) -> None:
        """Connects and logs in."""
        super().__init__(timeout=network.PATIENCE)
        self.lab_host = host
        self.mode = mode
        self.sent: list[str] = []
        self.moments = Moments()
        with network.on(host):
            self.connect(situation.address, port)
        self.login()

    def putline(self, line: str) -> None:
        self.sent.append(line)
        super().putline(line)

    def announce(self, listener: socket.socket) -> str:
        """PORT or EPRT; the reply to it."""
        address, port = listener.getsockname()[:2]
        if self.mode is Mode.PORT:
            return self.sendport(address, port)
        return self.sendeprt(address, port)

    def passive_endpoint(self) -> tuple[str, int]:
        """PASV or EPSV; where the reply says that the server listens."""
        assert self.sock is not None
        if self.mode is Mode.PASV:
            return ftplib.parse227(self.sendcmd("PASV"))
        endpoint = ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())
        return endpoint[0], endpoint[1]

    def open_data(self, command: str) -> socket.socket:
        """Start a transfer; its data connection."""
        assert self.sock is not None
        if self.mode.active:
            listener = network.listen(self.lab_host, self.sock.getsockname()[0])
            with listener:
                self.announce(listener)
                self.moments.announced()
                self._begin(command)
                data, _ = listener.accept()
        else:
            endpoint = self.passive_endpoint()
            self.moments.announced()
            data = network.connect(self.lab_host, *endpoint)
            self._begin(command)
        data.settimeout(network.PATIENCE)
        return data

    def _begin(self, command: str) -> None:
        reply = self.sendcmd(command)
        assert reply.startswith("1"), reply

    def put(self, content: bytes, name: str) -> None:
        """STOR."""
        with self.open_data(f"STOR {name}") as data:
            data.sendall(content[: len(content) // 2])
            self.moments.moving()
            data.sendall(content[len(content) // 2 :])
        self.voidresp()

    def get(self, name: str) -> bytes:
        """RETR."""
        received = bytearray()
        with self.open_data(f"RETR {name}") as data:
            received += data.recv(65536)
            self.moments.moving()
            while block := data.recv(65536):
                received += block
        self.voidresp()
        return bytes(received)


@dataclass
class LongLived:
    """Keeps one `Ftplib` per server and mode, for one transfer after the other."""

    open: dict[tuple[str, int, Mode], Ftplib] = field(default_factory=dict)

    def client(self, host: Host, situation: Situation, port: int, mode: Mode) -> Ftplib:
        key = (situation.name, port, mode)
        if key not in self.open:
            self.open[key] = Ftplib(host, situation, port, mode)
            self.open[key].voidcmd("TYPE I")
        return self.open[key]

    def close(self) -> None:
        for client in self.open.values():
            client.close()
        self.open.clear()
