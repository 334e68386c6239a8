"""Which pinholes are for a connection like one that the datapath may remember."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.engine.commands import Pinhole
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow.reopened import KEPT, MOST, Reopened


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


SERVER, ANOTHER = at("192.168.20.2", 20), at("192.168.20.3", 20)
CLIENT, ELSEWHERE = at("203.0.113.2", 40_000), at("203.0.113.2", 40_001)


def pinhole(seen: Endpoint = CLIENT, peer: Endpoint = SERVER) -> Pinhole:
    peers = (ip_network(peer.address),)
    return Pinhole(1, 7, Transport.TCP, peers, seen, Realm.INSIDE, None, idle=30, hard=60)


def test_the_first_one_is_in_effect_at_once() -> None:
    assert not Reopened().takes_effect_late(pinhole(), 0.0)


def test_the_next_one_is_not_for_a_while() -> None:
    known = Reopened()
    known.came(SERVER, CLIENT, 100.0)
    assert known.takes_effect_late(pinhole(), 100.5)
    assert not known.takes_effect_late(pinhole(), 100.0 + KEPT)


def test_each_connection_counts() -> None:
    known = Reopened()
    known.came(SERVER, CLIENT, 100.0)
    known.came(SERVER, CLIENT, 110.0)
    assert known.takes_effect_late(pinhole(), 109.0 + KEPT)


@pytest.mark.parametrize(
    ("source", "other"),
    [
        (SERVER, pinhole(seen=ELSEWHERE)),
        (SERVER, pinhole(peer=ANOTHER)),
        (at("192.168.20.2", 1024), pinhole()),
    ],
    ids=["to another port", "from another host", "from any port"],
)
def test_others_do_not(source: Endpoint, other: Pinhole) -> None:
    known = Reopened()
    known.came(source, CLIENT, 100.0)
    assert not known.takes_effect_late(other, 100.5)


def test_there_is_an_end_to_what_is_remembered() -> None:
    known = Reopened()
    for number in range(MOST + 1):
        known.came(SERVER, at("203.0.113.2", 1024 + number), 100.0)
    assert not known.takes_effect_late(pinhole(seen=at("203.0.113.2", 1024)), 100.5)
    assert known.takes_effect_late(pinhole(seen=at("203.0.113.2", 1025)), 100.5)
    assert known.takes_effect_late(pinhole(seen=at("203.0.113.2", 1024 + MOST)), 100.5)
