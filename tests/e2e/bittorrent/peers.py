"""BitTorrent clients on hosts of a lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host, process
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.program import Program
from tests.e2e.waiting import wait_for

PATIENCE = 90
"""Seconds for a whole file."""
ARIA2_PORT = 6882
"""Where it waits for peers."""
_PROGRAM = Path(__file__).with_name("peer.py")
TCP_ONLY = {"enable_incoming_utp": False, "enable_outgoing_utp": False}
UTP_ONLY = {"enable_incoming_tcp": False, "enable_outgoing_tcp": False}
WAITING = {"seeding_outgoing_connections": False}
"""As a seeder, it connects to nobody."""
DHT = {"enable_dht": True}
ENCRYPTED = {"in_enc_policy": 0, "out_enc_policy": 0, "allowed_enc_level": 2}
"""By RC4, or not at all."""


class Peer(Program):
    """libtorrent on a host. What else finds peers than what a test tells it is off."""

    def __init__(
        self,
        host: Host,
        endpoint: str,
        directory: Path,
        settings: dict[str, Any],
    ) -> None:
        """Starts it; returns when it listens."""
        self.endpoint = endpoint
        self.port = int(endpoint.rpartition(":")[2])
        directory.mkdir()
        self.directory = directory
        argv = ["/usr/bin/python3", str(_PROGRAM), endpoint, json.dumps(settings)]
        super().__init__(host, argv, directory / f"{host.name}.log")
        self.wait("listening", endpoint=endpoint)

    def seed(self, torrent: Torrent, trackers: Sequence[str] = (), *flags: str) -> None:
        """Offer a torrent's content."""
        self._add(torrent, torrent.content, trackers, seed=True, flags=flags)

    def fetch(self, torrent: Torrent, trackers: Sequence[str] = (), *flags: str) -> None:
        """Want a torrent's content."""
        self._add(torrent, self.directory, trackers, seed=False, flags=flags)

    def _add(
        self,
        torrent: Torrent,
        content: Path,
        trackers: Sequence[str],
        *,
        seed: bool,
        flags: Sequence[str],
    ) -> None:
        self.tell(
            "add",
            torrent=str(torrent.file),
            directory=str(content),
            trackers=list(trackers),
            seed=seed,
            flags=["disable_pex", *flags],
        )

    def peers(self, torrent: Torrent) -> list[dict[str, Any]]:
        """Who is connected to it, whichever way."""
        self.tell("peers", name=torrent.name)
        peers: list[dict[str, Any]] = self.wait("peers", name=torrent.name)["peers"]
        return peers

    def wait_complete(self, torrent: Torrent) -> None:
        """Wait until it has the whole content, and compare that."""
        self.wait("finished", PATIENCE, name=torrent.name)
        assert torrent.complete(self.directory), f"{self.name}: {torrent.name} is another file"


class Aria2:
    """aria2 on a host: fetches one torrent, and leaves; or offers it."""

    def __init__(
        self, host: Host, directory: Path, torrent: Torrent, *options: str, seed: bool = False
    ) -> None:
        """Starts it."""
        directory.mkdir()
        self.directory = directory
        self._log = directory / "aria2.log"
        content = torrent.content if seed else directory
        how = ("--seed-ratio=0", "--bt-seed-unverified=true") if seed else ("--seed-time=0",)
        argv = [
            *("aria2c", "--no-conf=true", f"--dir={content}", "--file-allocation=none", *how),
            *("--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false"),
            *(f"--listen-port={ARIA2_PORT}", f"--dht-listen-port={ARIA2_PORT}"),
            *(f"--dht-file-path={directory}/dht.dat", "--bt-tracker-timeout=10"),
            *("--console-log-level=info", "--enable-color=false", "--summary-interval=0"),
            *options,
            str(torrent.file),
        ]
        with self._log.open("w") as log:
            self._process = host.popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(directory)},
            )

    def said(self) -> str:
        """What it has shown."""
        return self._log.read_text()

    def wait_said(self, text: str) -> None:
        """Wait until it shows that. AssertionError."""
        try:
            wait_for(lambda: text in self.said(), text)
        except AssertionError:
            raise AssertionError(f"aria2 has not said {text!r}:\n{self.said()[-3000:]}") from None

    def wait_complete(self, torrent: Torrent) -> None:
        """Wait until it has the whole content and has left."""
        try:
            assert self._process.wait(PATIENCE) == 0, self.said()[-3000:]
        except subprocess.TimeoutExpired:
            raise AssertionError(f"aria2 has no {torrent.name}:\n{self.said()[-3000:]}") from None
        assert torrent.complete(self.directory)

    def say_goodbye(self) -> None:
        """Have it say goodbye and end."""
        self._process.send_signal(signal.SIGINT)

    def leave(self, timeout: float = 40) -> None:
        """The same, and wait for its end. AssertionError after `timeout` s."""
        self.say_goodbye()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"aria2 does not end:\n{self.said()[-3000:]}") from None

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            process.end([self._process.pid])
            self._process.wait()
