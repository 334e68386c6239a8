"""opentracker: the tracker of the tests, over HTTP and UDP."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ryu_alg.lab import Host, process
from tests.e2e import network
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.waiting import wait_for

PORT = 6969


class Tracker:
    """On one address, IPv4 only as Debian builds it, and for torrents that it knows only."""

    def __init__(
        self, host: Host, address: str, directory: Path, torrents: Sequence[Torrent]
    ) -> None:
        """Starts it; returns when it listens."""
        directory.mkdir()
        directory.chmod(0o755)
        whitelist = directory / "whitelist"
        whitelist.write_text("".join(f"{torrent.info_hash}\n" for torrent in torrents))
        self._host, self._address = host, address
        self._log = directory / "log"
        # It changes its root to its folder, and its user.
        argv = ["opentracker", "-i", address, "-p", str(PORT), "-P", str(PORT)]
        argv += ["-d", str(directory), "-w", "whitelist", "-u", "nobody"]
        with self._log.open("w") as log:
            self._process = host.popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self._listens, "opentracker")

    def url(self, scheme: str) -> str:
        """Where to announce, over `http` or `udp`."""
        return f"{scheme}://{self._address}:{PORT}/announce"

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with contextlib.suppress(OSError):
            network.connect(self._host, self._address, PORT).close()
            return True
        return False

    def stop(self) -> None:
        """End it."""
        process.end([self._process.pid])
        self._process.wait()
