"""ngircd and WeeChat on hosts of a lab."""

from __future__ import annotations

import contextlib
import os
import subprocess
from functools import partial
from pathlib import Path

from ryu_alg.lab import Host, process
from tests.e2e import network
from tests.e2e.waiting import wait_for

PORT = 6667
_NGIRCD = """\
[Global]
Name = irc.example.net
Info = lab
AdminEMail = nobody@example.net
MotdPhrase = Welcome
Ports = {port}
Listen = {listen}
ServerUID = nobody
ServerGID = nogroup
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
"""
_WEECHAT = (
    "/set logger.file.flush_delay 0",
    "/set fifo.file.path ${weechat_runtime_dir}/fifo",
    "/set xfer.file.auto_accept_files on",
    "/set xfer.file.auto_resume on",
    "/set xfer.file.use_nick_in_filename off",
    "/set xfer.file.download_path ${weechat_data_dir}/downloads",
    "/set xfer.look.auto_open_buffer off",
)


class Ircd:
    """ngircd, listening on one address."""

    def __init__(self, host: Host, directory: Path, addresses: tuple[str, ...]) -> None:
        directory.mkdir()
        config = directory / "ngircd.conf"
        config.write_text(_NGIRCD.format(port=PORT, listen=",".join(addresses)))
        self.log = directory / "ngircd.log"
        with self.log.open("w") as log:
            self._process = host.popen(
                ["ngircd", "--nodaemon", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for address in addresses:
            wait_for(partial(self._listens, host, address), "ngircd")

    def _listens(self, host: Host, address: str) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            network.connect(host, address, PORT).close()
            return True
        return False

    def stop(self) -> None:
        """End it."""
        process.end([self._process.pid])
        self._process.wait()


class WeeChat:
    """A client that accepts every file, and goes on with those that it has a part of."""

    def __init__(self, host: Host, directory: Path, nick: str, server: str) -> None:
        """Starts it, and returns when the server has welcomed it."""
        self.directory = directory
        self.downloads = directory / "downloads"
        self.downloads.mkdir(parents=True)
        commands = [
            *_WEECHAT,
            f"/server add lab {server}/{PORT} -nicks={nick} -username={nick}",
            "/connect lab",
        ]
        argv = ["weechat-headless", "--dir", str(directory)]
        for command in commands:
            argv += ["--run-command", command]
        self.output = directory / "weechat.out"
        with self.output.open("w") as log:
            self._process = host.popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(directory), "LC_ALL": "C.UTF-8"},
            )
        wait_for(lambda: "Welcome to the" in self._said("irc.server.lab"), f"{nick} to be welcomed")
        wait_for((directory / "fifo").exists, "WeeChat's ear")

    def run(self, command: str) -> None:
        """A command that a user would type."""
        with (self.directory / "fifo").open("w") as fifo:
            fifo.write(f"irc.server.lab *{command}\n")

    def send(self, nick: str, file: Path) -> None:
        """Offer a file."""
        self.run(f"/dcc send {nick} {file}")

    def received(self, name: str, timeout: float = 30) -> bytes:
        """The content of a file that comes; AssertionError if it does not."""
        file = self.downloads / name
        try:
            wait_for(file.exists, f"{name}", timeout)
        except AssertionError:
            said = "".join(log.read_text() for log in self.directory.glob("logs/*"))
            raise AssertionError(f"{name} has not come:\n{said[-3000:]}") from None
        return file.read_bytes()

    def said(self) -> str:
        """What it has shown about transfers and otherwise."""
        return self._said("core.weechat") + self._said("irc.server.lab")

    def _said(self, buffer: str) -> str:
        assert self._process.poll() is None, self.output.read_text()
        log = self.directory / "logs" / f"{buffer}.weechatlog"
        return log.read_text() if log.exists() else ""

    def stop(self) -> None:
        """End it."""
        process.end([self._process.pid])
        self._process.wait()
