"""A tracker, and a torrent that one peer outside gets from one inside."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host
from tests.bench.errors import BenchError
from tests.e2e.bittorrent.peers import TCP_ONLY, WAITING, Peer
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.bittorrent.tracker import Tracker

BYTES = 64_000_000
_PORT = 6881


class Swarm:
    """Its torrent, and where its peers are."""

    def __init__(
        self, tracker: Tracker, torrent: Torrent, client: tuple[Host, str], server: tuple[Host, str]
    ) -> None:
        """`client`, who is inside, and `server` with their addresses."""
        self.torrent = torrent
        self._url = tracker.url("http")
        self._client, self._server = client, server

    def inbound(self, directory: Path) -> dict[str, Any]:
        """The time from when somebody outside wants the torrent until it is there. The peer inside
        has announced itself, and connects to nobody. BenchError."""
        try:
            return self._inbound(directory)
        except AssertionError as error:
            raise BenchError(f"the torrent does not come: {str(error).splitlines()[0]}") from None

    def _inbound(self, directory: Path) -> dict[str, Any]:
        with ExitStack() as stack:
            peers = []
            for name, (host, address), settings in (
                ("seeder", self._client, {**TCP_ONLY, **WAITING}),
                ("leecher", self._server, TCP_ONLY),
            ):
                stack.callback(shutil.rmtree, directory / name, ignore_errors=True)
                peers.append(Peer(host, f"{address}:{_PORT}", directory / name, settings))
                stack.callback(peers[-1].stop)
            seeder, leecher = peers
            seeder.seed(self.torrent, [self._url])
            seeder.wait("tracker")
            begin = time.monotonic()
            leecher.fetch(self.torrent, [self._url])
            leecher.wait_complete(self.torrent)
            seconds = time.monotonic() - begin
            for peer in (leecher, seeder):
                peer.leave()
        return {"count": BYTES, "per_second": BYTES / seconds}


@contextmanager
def swarm(client: tuple[Host, str], server: tuple[Host, str], directory: Path) -> Iterator[Swarm]:
    """With opentracker on the server's host. BenchError."""
    torrent = Torrent.make(directory, "torrent", BYTES)
    try:
        tracker = Tracker(*server, directory / "tracker", [torrent])
    except FileNotFoundError:
        raise BenchError("opentracker is missing: apt-get install opentracker") from None
    except AssertionError as error:
        raise BenchError(f"opentracker does not start: {error}") from None
    try:
        yield Swarm(tracker, torrent, client, server)
    finally:
        tracker.stop()
