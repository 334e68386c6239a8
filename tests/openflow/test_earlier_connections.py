"""Which connections the switch forgets when a pinhole leads to where they led."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from ryu_alg.engine.commands import DestinationNat, Pinhole, SourceNat
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow.ct_flush import forget
from ryu_alg.openflow.earlier_connections import MOST, EarlierConnections

ZONE = 9


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


SERVER, ANOTHER = at("192.0.2.1", 20), at("192.0.2.2", 20)
LISTENER = DestinationNat(at("10.0.0.2", 4000))


def public(number: int) -> Endpoint:
    return at("203.0.113.1", 40_000 + number)


def pinhole(
    number: int,
    translate: DestinationNat | SourceNat | None = LISTENER,
    peer: Endpoint = SERVER,
) -> Pinhole:
    peers = (ip_network(peer.address),)
    seen, realm = public(number), Realm.OUTSIDE
    return Pinhole(number, 7, Transport.TCP, peers, seen, realm, translate, idle=30, hard=60)


def forgotten(source: Endpoint, destination: Endpoint) -> bytes:
    return forget(
        ZONE,
        Transport.TCP,
        source=source.address,
        source_port=source.port,
        destination=destination.address,
        destination_port=destination.port,
    )


def transfer(known: EarlierConnections, opened: Pinhole, source: Endpoint = SERVER) -> list[bytes]:
    """What is forgotten before a connection from `source` comes in."""
    messages = known.opened(opened, ZONE)
    known.came(opened.id, source, opened.seen)
    known.closed(opened.id)
    return messages


def test_the_connection_before_is_forgotten_and_once() -> None:
    known = EarlierConnections()
    assert transfer(known, pinhole(1)) == []
    assert transfer(known, pinhole(2)) == [forgotten(SERVER, public(1))]
    assert transfer(known, pinhole(3)) == [forgotten(SERVER, public(2))]
    assert known.opened(pinhole(4), ZONE) == [forgotten(SERVER, public(3))]
    assert known.opened(pinhole(5), ZONE) == []


def test_connections_of_others_and_to_other_ports_are_not() -> None:
    known = EarlierConnections()
    transfer(known, pinhole(1))
    assert transfer(known, pinhole(2, DestinationNat(at("10.0.0.2", 4001)))) == []
    assert transfer(known, pinhole(3, DestinationNat(at("10.0.0.3", 4000)))) == []
    assert transfer(known, pinhole(4, peer=ANOTHER), ANOTHER) == []
    assert transfer(known, pinhole(5)) == [forgotten(SERVER, public(1))]


def test_a_port_that_the_server_has_picked_does_not_matter() -> None:
    """The one before may still go on."""
    known = EarlierConnections()
    transfer(known, pinhole(1), at("192.0.2.1", 1024))
    assert transfer(known, pinhole(2)) == []


def test_what_is_not_translated_meets_nothing() -> None:
    known = EarlierConnections()
    for translate in (None, SourceNat(ip_address("203.0.113.1"), 1024, 2047)):
        transfer(known, pinhole(1, translate))
        assert transfer(known, pinhole(2, translate)) == []


def test_a_public_port_that_has_another_listener_since() -> None:
    """Its connection is not that of the earlier listener."""
    known = EarlierConnections()
    transfer(known, pinhole(1))
    transfer(known, pinhole(1, DestinationNat(at("10.0.0.3", 4000))))
    assert transfer(known, pinhole(2)) == []
    other = pinhole(3, DestinationNat(at("10.0.0.3", 4000)))
    assert transfer(known, other) == [forgotten(SERVER, public(1))]


def test_no_more_than_a_bound() -> None:
    known = EarlierConnections()
    for number in range(MOST + 1):
        transfer(known, pinhole(number, DestinationNat(at("10.0.0.2", 1024 + number))))
    assert transfer(known, pinhole(MOST + 1, DestinationNat(at("10.0.0.2", 1024)))) == []
    # Which has made another one go.
    last = pinhole(MOST + 2, DestinationNat(at("10.0.0.2", 1024 + MOST)))
    assert transfer(known, last) == [forgotten(SERVER, public(MOST))]
    assert transfer(known, pinhole(MOST + 3, DestinationNat(at("10.0.0.2", 1025)))) == []
