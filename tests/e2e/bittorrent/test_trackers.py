"""Peers that a tracker tells of, and nobody else: who is outside gets the file by connecting in, or
not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.bittorrent.conftest import (
    ADDRESSES,
    DOORBELL,
    DOORBELL_INSIDE,
    PORT,
    StartAria2,
    StartPeer,
    Torrents,
    is_public,
    punts,
    tracked,
)
from tests.e2e.bittorrent.peers import ENCRYPTED, TCP_ONLY, UTP_ONLY, WAITING, Peer
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.bittorrent.tracker import Tracker
from tests.e2e.gateway import PUBLIC, RunningGateway
from tests.e2e.outsider import Outsider
from tests.e2e.waiting import wait_for


@dataclass(frozen=True)
class Case:
    """Who seeds where, what is fetched, and how."""

    name: str
    tracker: str = "http"
    seeder: str = "client"
    torrent: str = "small"
    transport: str = "tcp"
    encrypted: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        only = TCP_ONLY if self.transport == "tcp" else UTP_ONLY
        return {**only, **ENCRYPTED} if self.encrypted else only


@pytest.mark.parametrize(
    "case",
    [
        Case("http", torrent="big"),
        Case("udp", tracker="udp", torrent="big"),
        Case("utp", transport="utp"),
        Case("encrypted", encrypted=True),
        Case("without-nat", seeder="plain"),
        Case("without-nat-udp", seeder="plain", tracker="udp", transport="utp"),
    ],
    ids=lambda case: case.name,
)
def test_a_seeder_inside(
    case: Case, gateway: RunningGateway, torrents: Torrents, tracker: Tracker, peer: StartPeer
) -> None:
    torrent: Torrent = getattr(torrents, case.torrent)
    url = tracker.url(case.tracker)
    seeder = peer(case.seeder, case.settings, WAITING)
    seeder.seed(torrent, [url])
    assert seeder.wait("tracker")["url"] == url
    # A connection to the tracker is over.
    wait_for(lambda: all(it["transport"] == "udp" for it in gateway.sessions()), "the last ACK")
    before = punts(gateway)
    leecher = peer("outsider", case.settings)
    leecher.fetch(torrent, [url])
    leecher.wait_complete(torrent)
    assert punts(gateway) == before

    (there,) = seeder.peers(torrent)
    assert there["endpoint"].startswith(ADDRESSES["outsider"])
    assert (there["outgoing"], there["transport"]) == (False, case.transport)
    assert there["encrypted"] == case.encrypted
    assert there["sent"] >= torrent.size
    (here,) = leecher.peers(torrent)
    if case.seeder == "plain":
        assert here["endpoint"] == f"{ADDRESSES['plain']}:{PORT}"
    else:
        assert is_public(here["endpoint"])


@pytest.mark.parametrize("kind", ["http", "udp"])
def test_another_program_fetches(
    kind: str, torrents: Torrents, tracker: Tracker, peer: StartPeer, aria2: StartAria2
) -> None:
    url = tracker.url(kind)
    seeder = peer("client", WAITING)
    seeder.seed(torrents.small, [url])
    seeder.wait("tracker")
    aria2("outsider", torrents.small, *tracked(url)).wait_complete(torrents.small)
    assert not seeder.wait("connected")["outgoing"]


@pytest.mark.parametrize("kind", ["http", "udp"])
def test_another_program_seeds(
    kind: str, torrents: Torrents, tracker: Tracker, peer: StartPeer, aria2: StartAria2
) -> None:
    url = tracker.url(kind)
    seeder = aria2("client", torrents.small, *tracked(url), seed=True)
    seeder.wait_said({"http": "Response received:", "udp": "UDPT received ANNOUNCE reply"}[kind])
    leecher = peer("outsider", TCP_ONLY)
    leecher.fetch(torrents.small, [url])
    leecher.wait_complete(torrents.small)
    assert any(is_public(met["endpoint"]) and met["outgoing"] for met in leecher.said("connected"))


@pytest.mark.parametrize("kind", ["http", "udp"])
def test_two_clients_behind_the_same_nat(
    kind: str, torrents: Torrents, tracker: Tracker, peer: StartPeer
) -> None:
    """One inside seeds, the other fetches it from there, and one outside from either."""
    torrent, url = torrents.small, tracker.url(kind)
    seeder, second = peer("client", TCP_ONLY, WAITING), peer("inserver", TCP_ONLY, WAITING)
    seeder.seed(torrent, [url])
    seeder.wait("tracker")
    second.fetch(torrent, [url])
    second.wait_complete(torrent)
    (inside,) = second.peers(torrent)
    assert inside["endpoint"] == seeder.endpoint
    (met,) = seeder.peers(torrent)
    assert met["endpoint"].startswith(ADDRESSES["inserver"])

    outside = peer("outsider", TCP_ONLY)
    outside.fetch(torrent, [url])
    outside.wait_complete(torrent)
    endpoints = wait_for(lambda: _two(outside, torrent), "both inside to be found")
    assert all(map(is_public, endpoints))


def _two(peer: Peer, torrent: Torrent) -> set[str] | None:
    """The endpoints of its peers, when there are two."""
    endpoints = {there["endpoint"] for there in peer.peers(torrent)}
    return endpoints if len(endpoints) == 2 else None


@pytest.mark.parametrize("kind", ["http", "udp"])
def test_until_it_leaves(
    kind: str,
    lab: Lab,
    gateway: RunningGateway,
    torrents: Torrents,
    tracker: Tracker,
    peer: StartPeer,
) -> None:
    """Anybody gets in at its port, and nowhere else; when it has left, nobody does."""
    before = gateway.last_event()
    # Another port than the others' clients have, which may be known for a while yet.
    seeder = peer("client", TCP_ONLY, WAITING, port=PORT + 2)
    seeder.seed(torrents.small, [tracker.url(kind)])
    public = gateway.wait_event("listener.opened", before)["detail"].split()[0]
    assert is_public(public)
    port = int(public.rpartition(":")[2])
    stranger = Outsider(lab.host("outsider"), (PUBLIC, DOORBELL))
    with network.listen(lab.host("inserver"), ADDRESSES["inserver"], DOORBELL_INSIDE):
        for wrong in (port - 1, port + 1):
            stranger.attempt(PUBLIC, wrong, "beside it")
        with network.connect(lab.host("outsider"), PUBLIC, port) as connection:
            assert network.state(connection) == network.TcpState.ESTABLISHED
        seeder.leave()
        wait_for(
            lambda: f"tp_dst={port}" not in lab.ovs_ofctl("dump-flows", "br-alg"),
            "its port to be closed",
        )
        # The datapath may still let in what is like the connection before.
        lab.appctl("revalidator/wait")
        stranger.attempt(PUBLIC, port, "when it has left")
        assert stranger.answers() == []
        stranger.close()
