"""BitTorrent clients on hosts of a lab."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host, process
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.program import Program

PATIENCE = 90
"""Seconds for a whole file."""
_PROGRAM = Path(__file__).with_name("peer.py")
TCP_ONLY = {"enable_incoming_utp": False, "enable_outgoing_utp": False}
UTP_ONLY = {"enable_incoming_tcp": False, "enable_outgoing_tcp": False}
WAITING = {"seeding_outgoing_connections": False}
"""As a seeder, it connects to nobody."""
DHT = {"enable_dht": True}


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
        directory.mkdir(parents=True)
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
    """aria2 on a host: fetches one torrent, and leaves."""

    def __init__(
        self, host: Host, directory: Path, torrent: Torrent, *options: str, port: int = 6881
    ) -> None:
        """Starts it."""
        directory.mkdir(parents=True)
        self.directory = directory
        self._log = directory / "aria2.log"
        argv = [
            *("aria2c", "--no-conf=true", f"--dir={directory}", "--file-allocation=none"),
            *("--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false"),
            *(f"--listen-port={port}", f"--dht-listen-port={port}", "--seed-time=0"),
            *(f"--dht-file-path={directory}/dht.dat", "--summary-interval=0"),
            *("--console-log-level=info", "--enable-color=false"),
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

    def wait_complete(self, torrent: Torrent) -> None:
        """Wait until it has the whole content and has left."""
        try:
            assert self._process.wait(PATIENCE) == 0, self.said()[-3000:]
        except subprocess.TimeoutExpired:
            raise AssertionError(f"aria2 has no {torrent.name}:\n{self.said()[-3000:]}") from None
        assert torrent.complete(self.directory)

    def stop(self) -> None:
        """End it."""
        process.end([self._process.pid])
        self._process.wait()
