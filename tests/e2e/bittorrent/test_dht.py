"""Peers that are found by the DHT, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.bittorrent.conftest import (
    IPV6,
    PORT,
    StartAria2,
    StartPeer,
    Torrents,
    is_public,
    punts,
)
from tests.e2e.bittorrent.peers import DHT, TCP_ONLY, UTP_ONLY, WAITING, Peer
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.gateway import PUBLIC, RunningGateway

NODE_PORT = 7000


def knowing(node: Peer) -> dict[str, Any]:
    return {**DHT, "dht_bootstrap_nodes": node.endpoint}


def announce(peer: Peer, torrent: Torrent, node: Peer) -> str:
    """Where the node is told that `peer` is."""
    peer.wait("bootstrapped")
    peer.seed(torrent)
    peer.tell("announce_dht", name=torrent.name)
    return str(node.wait("dht_announce", hash=torrent.info_hash)["endpoint"])


def find(peer: Peer, torrent: Torrent) -> None:
    """It asks the DHT, and fetches the torrent."""
    peer.wait("bootstrapped")
    peer.fetch(torrent)
    peer.tell("announce_dht", name=torrent.name)
    peer.wait_complete(torrent)


@pytest.mark.parametrize("only", [TCP_ONLY, UTP_ONLY], ids=["tcp", "utp"])
def test_a_seeder_inside(
    only: dict[str, Any], gateway: RunningGateway, torrents: Torrents, peer: StartPeer
) -> None:
    torrent = torrents.small
    node = peer("server", DHT, port=NODE_PORT)
    seeder = peer("client", knowing(node), only, WAITING)
    announced = announce(seeder, torrent, node)
    assert is_public(announced)
    leecher = peer("outsider", knowing(node), only)
    before = punts(gateway)
    find(leecher, torrent)
    # Of some 6,000 packets with data: what nodes say that is new to each other, and what is by
    # chance as long as an announce.
    assert punts(gateway) - before < 50
    (here,) = leecher.peers(torrent)
    assert here["endpoint"] == announced and here["outgoing"]
    (there,) = seeder.peers(torrent)
    assert not there["outgoing"]


def test_another_program(torrents: Torrents, peer: StartPeer, aria2: StartAria2) -> None:
    node = peer("server", DHT, port=NODE_PORT)
    seeder = peer("client", knowing(node), TCP_ONLY, WAITING)
    announce(seeder, torrents.small, node)
    entry = f"--dht-entry-point={node.endpoint}"
    aria2("outsider", torrents.small, "--enable-dht=true", entry).wait_complete(torrents.small)
    assert not seeder.wait("connected")["outgoing"]


def test_without_nat_over_ipv6(torrents: Torrents, peer: StartPeer) -> None:
    node = peer("server", DHT, port=NODE_PORT, ipv6=True)
    seeder = peer("plain", knowing(node), TCP_ONLY, WAITING, ipv6=True)
    assert announce(seeder, torrents.small, node) == f"[{IPV6['plain']}]:{PORT}"
    find(peer("outsider", knowing(node), TCP_ONLY, ipv6=True), torrents.small)
    assert not seeder.wait("connected")["outgoing"]


@pytest.mark.parametrize("only", [TCP_ONLY, UTP_ONLY], ids=["tcp", "utp"])
def test_two_clients_behind_the_same_nat(
    only: dict[str, Any], torrents: Torrents, peer: StartPeer
) -> None:
    """Nodes tell one of them of the other's public endpoint, and by that it gets there."""
    node = peer("server", DHT, port=NODE_PORT)
    seeder = peer("client", knowing(node), only, WAITING)
    announced = announce(seeder, torrents.small, node)
    assert is_public(announced)
    second = peer("inserver", knowing(node), only)
    find(second, torrents.small)
    (here,) = second.peers(torrents.small)
    assert here["endpoint"] == announced
    (there,) = seeder.peers(torrents.small)
    assert there["endpoint"].startswith(PUBLIC) and not there["outgoing"]
