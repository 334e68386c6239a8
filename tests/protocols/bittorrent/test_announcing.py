"""For how long peers get in, whoever was told of the torrent."""

from __future__ import annotations

from ryu_alg.inspection import Listener
from ryu_alg.protocols.bittorrent.announcing import (
    LINGER,
    MARGIN,
    MAX_INTERVAL,
    MIN_INTERVAL,
    Announcing,
)
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from tests.protocols.bittorrent.gateway import NAT, MemoryGateway

HOST = NAT.client.address
TORRENT = b"\x01" * 20


def armed() -> tuple[Announcing, MemoryGateway, Listener]:
    gateway = MemoryGateway(inside=HOST)
    announcing = Announcing(BitTorrentOptions(), gateway, HOST)
    listener = announcing.arm(6881, TORRENT)
    assert isinstance(listener, Listener)
    return announcing, gateway, listener


def test_an_interval_counts_within_bounds() -> None:
    for told, counted in ((0, MIN_INTERVAL), (1800, 1800), (10**9, MAX_INTERVAL)):
        announcing, gateway, listener = armed()
        until = announcing.accepted(listener, TORRENT, told).until
        assert until == gateway.now + counted + MARGIN


def test_of_several_trackers_the_longest_interval_counts() -> None:
    announcing, gateway, listener = armed()
    for interval in (1800, 60, 900):
        gateway.site.listen(announcing.accepted(listener, TORRENT, interval))
    assert gateway.held_until(listener.id, TORRENT) == gateway.now + 1800 + MARGIN


def test_the_last_announce_counts_whatever_other_trackers_want() -> None:
    announcing, gateway, listener = armed()
    gateway.site.listen(announcing.accepted(listener, TORRENT, 1800))
    gateway.site.listen(announcing.leaving(listener, TORRENT))
    assert gateway.held_until(listener.id, TORRENT) == gateway.now + LINGER
    assert announcing.keeps(listener, TORRENT)
    gateway.site.listen(announcing.stopped(listener, TORRENT))
    assert not announcing.keeps(listener, TORRENT)
