"""What is a tracker's, what is the DHT's, and what is neither."""

from __future__ import annotations

import pytest

from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.host import Host
from tests.protocols.bittorrent.test_dht import FIND_NODE, announce_peer, response
from tests.protocols.bittorrent.test_udp_tracker import accepted, announce, connect, connected

UTP = [
    bytes.fromhex("4102") + bytes(18),  # ST_SYN
    bytes.fromhex("2100000100000000000000070000000000000000"),
    bytes.fromhex("0100000100000000000000070000000000000000") + b"\x13BitTorrent protocol",
]


@pytest.mark.parametrize("payload", [b"", b"x", *UTP, FIND_NODE])
def test_the_rest_passes_as_it_came(payload: bytes) -> None:
    host = Host()
    assert host.sends(payload) == ([payload], [])
    assert host.gets(payload) == [payload]
    assert host.reports == []


def test_a_tracker_inside_is_not_inspected() -> None:
    host = Host(published=True)
    for question in (connect(), announce()):
        assert host.gets(question) == [question]
    for answer in (connected(1, 1 << 32), accepted(interval=1) + bytes(78)):
        assert host.sends(answer) == ([answer], [])
    assert host.reports == []


def test_without_the_dht_nodes_at_the_ports_of_trackers_are_ordinary_traffic() -> None:
    host = Host(options(dht=False, deny=("00" * 20)))
    announcing = announce_peer(info_hash=bytes(20))
    assert host.sends(announcing) == ([announcing], [])
    assert host.gets(response()) == [response()]
