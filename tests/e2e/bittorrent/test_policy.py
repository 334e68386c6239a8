"""Torrents that may not be announced: their clients show why."""

from __future__ import annotations

import pytest

from tests.e2e.bittorrent.conftest import StartAria2, StartPeer, Torrents, bittorrent, tracked
from tests.e2e.bittorrent.tracker import Tracker
from tests.e2e.conftest import StartGateway
from tests.e2e.gateway import RunningGateway


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway, torrents: Torrents) -> RunningGateway:
    """It denies the small torrent."""
    return start_gateway(bittorrent(deny=[torrents.small.info_hash]))


@pytest.mark.parametrize("kind", ["http", "udp"])
def test_libtorrent(
    kind: str, gateway: RunningGateway, torrents: Torrents, tracker: Tracker, peer: StartPeer
) -> None:
    url, before = tracker.url(kind), gateway.last_event()
    client = peer("client")
    client.seed(torrents.small, [url])
    said = client.wait("tracker_error", url=url)
    assert "tracker sent a failure message" in said["message"]
    if kind == "http":  # of a UDP tracker's message, libtorrent 2.0.8 shows nothing
        assert said["reason"] == f"torrent {torrents.small.info_hash} is denied by policy"
    assert gateway.events(before, "bittorrent.denied.hash")
    client.seed(torrents.big, [url])
    client.wait("tracker", url=url)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("http", "Tracker returned failure reason: "), ("udp", "error_string=")],
    ids=["http", "udp"],
)
def test_aria2(
    kind: str, shown: str, torrents: Torrents, tracker: Tracker, aria2: StartAria2
) -> None:
    client = aria2("inserver", torrents.small, *tracked(tracker.url(kind)))
    client.wait_said(f"{shown}torrent {torrents.small.info_hash} is denied by policy")
