"""UDP trackers, beside BEP 15 and BEP 41."""

from __future__ import annotations

import struct

import pytest

from ryu_alg.inspection import Endpoint, Refusal
from ryu_alg.protocols.bittorrent.announcing import LINGER, MARGIN, compact
from ryu_alg.protocols.bittorrent.udp_tracker import (
    CONNECTION_LIFETIME,
    MAX_CONNECTIONS,
    MAX_QUESTIONS,
    PATIENCE,
    STOP_PATIENCE,
    error,
)
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.gateway import Site, endpoint
from tests.protocols.bittorrent.host import (
    CLIENT,
    IPV6_CLIENT,
    IPV6_TRACKER,
    PUBLIC,
    TRACKER,
    Host,
)

HASH = bytes(range(20))
OTHER_HASH = b"\xaa" * 20
PEER_ID = b"-XX0001-abcdefghijkl"
CONNECTION = 0x1122334455667788
NONE, COMPLETED, STARTED, STOPPED = range(4)
URL_DATA = b"\x02\x0c/dir?a=b&c=d\x01\x00"


def connect(transaction: int = 1) -> bytes:
    return struct.pack(">QII", 0x41727101980, 0, transaction)


def connected(transaction: int = 1, connection: int = CONNECTION) -> bytes:
    return struct.pack(">IIQ", 0, transaction, connection)


def announce(
    transaction: int = 2,
    *,
    connection: int = CONNECTION,
    info_hash: bytes = HASH,
    event: int = STARTED,
    address: str = "0.0.0.0",
    num_want: int = -1,
    port: int = CLIENT.port,
    extensions: bytes = b"",
) -> bytes:
    head = struct.pack(">QII", connection, 1, transaction)
    done = struct.pack(">QQQI", 0, 1000, 0, event)
    tail = struct.pack(">IiH", 7, num_want, port)
    return (
        head + info_hash + PEER_ID + done + endpoint(address, 0).address.packed + tail + extensions
    )


def accepted(transaction: int = 2, *peers: Endpoint, interval: int = 1800) -> bytes:
    return struct.pack(">IIIII", 1, transaction, interval, 1, 2) + b"".join(map(compact, peers))


def scrape(transaction: int = 3, connection: int = CONNECTION) -> bytes:
    return struct.pack(">QII", connection, 2, transaction) + HASH + OTHER_HASH


def failed(transaction: int, reason: str) -> bytes:
    return struct.pack(">II", 3, transaction) + reason.encode()


def port_of(payload: bytes) -> int:
    return int.from_bytes(payload[96:98], "big")


def at(host: Host) -> Host:
    """Once it has a connection id."""
    assert host.sends(connect()) == ([connect()], [])
    assert host.gets(connected()) == [connected()]
    return host


def test_an_announce_that_is_accepted_lets_peers_in() -> None:
    host = at(Host())
    asked = announce(port=CLIENT.port)
    assert host.sends(asked) == ([announce(port=PUBLIC.port)], [])
    assert host.reached() == set()
    assert host.gets(accepted(interval=900)) == [accepted(interval=900)]
    assert host.reached() == {(CLIENT, HASH)}
    assert host.reports == []
    host.sleep(900 + MARGIN)
    assert host.reached() == set()


def test_one_public_port_for_all_torrents() -> None:
    host = at(Host())
    for transaction, info_hash in ((2, HASH), (3, OTHER_HASH)):
        ((left,), _) = host.sends(announce(transaction, info_hash=info_hash))
        assert port_of(left) == PUBLIC.port
        host.gets(accepted(transaction))
    assert host.reached() == {(CLIENT, HASH), (CLIENT, OTHER_HASH)}


def test_an_error_lets_nobody_in() -> None:
    host = at(Host())
    host.sends(announce())
    assert host.gets(failed(2, "no")) == [failed(2, "no")]
    assert host.reached() == set()
    assert host.gets(accepted()) == []
    assert host.reports == ["bittorrent.udp.unasked"]
    assert host.reached() == set()


@pytest.mark.parametrize(
    ("named", "told"),
    [("0.0.0.0", "0.0.0.0"), ("192.168.10.2", "203.0.113.1"), ("203.0.113.1", "203.0.113.1")],
)
def test_its_own_address(named: str, told: str) -> None:
    host = at(Host())
    assert host.sends(announce(address=named)) == (
        [announce(address=told, port=PUBLIC.port)],
        [],
    )


@pytest.mark.parametrize("named", ["192.168.10.3", "198.51.100.66", "255.255.255.255"])
def test_somebody_elses_address(named: str) -> None:
    host = at(Host())
    out, told = host.sends(announce(address=named))
    assert (out, told) == ([], [failed(2, f"{named} is not the address of this host")])
    assert host.reports == ["bittorrent.udp.address"]
    assert host.gateway.listened == []


@pytest.mark.parametrize("port", [0, 22, 1023])
def test_a_privileged_port(port: int) -> None:
    host = at(Host())
    out, (told,) = host.sends(announce(port=port))
    assert out == [] and told.startswith(failed(2, ""))
    assert host.reports == ["bittorrent.refused.port.privileged"]


def test_when_ports_run_out() -> None:
    site = Site(refusals={CLIENT.port: Refusal("ports.exhausted", "no data port is free")})
    host = at(Host(site=site))
    assert host.sends(announce()) == ([], [failed(2, "no data port is free")])
    assert host.reports == ["bittorrent.refused.ports.exhausted"]


@pytest.mark.parametrize(("wanted", "left"), [(-1, -1), (0, 0), (5, 5), (6, 5), (2**31 - 1, 5)])
def test_how_many_peers_are_wanted(wanted: int, left: int) -> None:
    host = at(Host(options(peers=5)))
    expected = announce(num_want=left, port=PUBLIC.port)
    assert host.sends(announce(num_want=wanted)) == ([expected], [])


def test_extensions_leave_as_they_came() -> None:
    host = at(Host())
    expected = announce(extensions=URL_DATA, port=PUBLIC.port)
    assert host.sends(announce(extensions=URL_DATA)) == ([expected], [])


def test_peers_behind_the_gateway_are_told_as_they_are_found() -> None:
    site = Site()
    other = site.announce("192.168.10.3", 6882)
    far, strange = endpoint("198.51.100.20", 6881), endpoint("203.0.113.1", 50001)
    host = at(Host(options(peers=3), site=site))
    host.sends(announce())
    peers = (far, other.public, strange, endpoint("198.51.100.21", 6881))
    assert host.gets(accepted(2, *peers)) == [accepted(2, far, other.inside, strange)]


def test_an_unreadable_answer_passes_and_opens_nothing() -> None:
    for answer in (accepted()[:19], accepted() + b"12345"):
        host = at(Host())
        host.sends(announce())
        assert host.gets(answer) == [answer]
        assert host.reports == ["bittorrent.udp.unreadable"]
        assert host.reached() == set()


def test_ipv6_is_not_translated() -> None:
    host = at(Host(client=IPV6_CLIENT, remote=IPV6_TRACKER))
    asked = announce(port=IPV6_CLIENT.port)
    assert host.sends(asked) == ([asked], [])
    answer = accepted(2, endpoint("2001:db8:1::20", 6881), endpoint("2001:db8:30::3", 6881))
    assert host.gets(answer) == [answer]
    assert host.reached() == {(IPV6_CLIENT, HASH)}


def test_ipv6_has_no_address_to_name() -> None:
    host = at(Host(client=IPV6_CLIENT, remote=IPV6_TRACKER))
    host.sends(announce(address="192.168.10.2"))
    assert host.reports == ["bittorrent.udp.address"]


def test_a_denied_torrent_is_denied_for_everybody() -> None:
    for hosts in ("192.168.10.0/24", ()):
        host = at(Host(options(hosts=hosts, deny=HASH.hex())))
        out, (told,) = host.sends(announce())
        assert (out, told) == ([], failed(2, f"torrent {HASH.hex()} is denied by policy"))
        assert host.reports == ["bittorrent.denied.hash"]
        assert host.sends(announce(info_hash=OTHER_HASH))[0]


def test_what_is_not_allowed_is_denied() -> None:
    host = at(Host(options(allow=OTHER_HASH.hex())))
    assert host.sends(announce())[0] == []
    assert host.sends(announce(info_hash=OTHER_HASH))[0]


def test_too_many_torrents() -> None:
    host = at(Host(options(torrents=1)))
    host.sends(announce())
    host.gets(accepted())
    _, told = host.sends(announce(3, info_hash=OTHER_HASH))
    assert told == [failed(3, "more than 1 torrents")]
    assert host.reports == ["bittorrent.denied.torrents"]
    assert host.sends(announce(4))[0]


def test_a_host_that_may_not_be_reached_announces_as_it_likes() -> None:
    host = at(Host(options(hosts="192.168.99.0/24")))
    asked = announce(address="192.168.10.77", num_want=10_000)
    assert host.sends(asked) == ([asked], [])
    answer = accepted(2, endpoint("203.0.113.1", 40001))
    assert host.gets(answer) == [answer]
    assert host.gateway.listened == []


# -- connection ids and transactions ---------------------------------------------------------------


def test_the_host_is_remembered_for_as_long_as_its_connection_id() -> None:
    host = at(Host())
    assert host.held_until == host.site.now + CONNECTION_LIFETIME


def test_a_connection_id_that_nobody_gave() -> None:
    host = at(Host())
    unknown = "the connection id is not known; connect again"
    refused = ([], [error((2).to_bytes(4, "big"), unknown)])
    assert host.sends(announce(connection=1)) == refused
    assert host.sends(announce(), to=endpoint("198.51.100.8", 6969)) == refused
    out, (answer,) = host.sends(scrape(connection=1))
    assert not out and answer.endswith(unknown.encode())
    assert host.reports == ["bittorrent.udp.connection"] * 3
    assert host.gateway.listened == []


def test_a_connection_id_is_for_all_trackers_of_an_address() -> None:
    host = at(Host())
    assert host.sends(announce(), to=endpoint("198.51.100.7", 6970))[0]


def test_a_connection_id_becomes_old() -> None:
    host = at(Host())
    host.sleep(CONNECTION_LIFETIME - 1)
    assert host.sends(announce())[0]
    host.sleep(1)
    out, answers = host.sends(announce(3))
    assert not out and answers
    assert host.reports == ["bittorrent.udp.connection"]


def test_an_answer_counts_once_from_who_was_asked_and_for_a_while() -> None:
    host = at(Host())
    host.sends(announce())
    assert host.gets(accepted(), remote=endpoint("198.51.100.8", 6969)) == []
    assert host.gets(accepted(), remote=endpoint("198.51.100.7", 6970)) == []
    assert host.gets(accepted(), client=endpoint("192.168.10.2", 6882)) == []
    assert host.gets(accepted(9)) == []
    assert host.gets(connected(2)) == []
    assert host.reports == ["bittorrent.udp.unasked"] * 5
    host.sleep(PATIENCE - 1)
    assert host.gets(accepted())
    assert host.gets(accepted()) == []
    host.sends(announce(3))
    host.sleep(PATIENCE)
    assert host.gets(accepted(3)) == []


def test_a_request_that_is_sent_again_is_the_same() -> None:
    host = at(Host())
    for _ in range(3):
        assert host.sends(announce()) == ([announce(port=PUBLIC.port)], [])
        host.sleep(15)
    assert len(host.inspector.trackers.questions) == 1
    host.gets(accepted())
    assert host.reached() == {(CLIENT, HASH)}


def test_a_transaction_is_one_request() -> None:
    host = at(Host())
    host.sends(announce())
    assert host.sends(announce(info_hash=OTHER_HASH)) == ([], [])
    assert host.sends(announce(port=7777)) == ([], [])
    assert host.sends(scrape(2)) == ([], [])
    assert host.reports == ["bittorrent.udp.transaction"] * 3
    host.gets(accepted())
    assert host.reached() == {(CLIENT, HASH)}


def test_scrape_passes_when_asked() -> None:
    host = at(Host())
    assert host.sends(scrape()) == ([scrape()], [])
    answer = struct.pack(">II", 2, 3) + bytes(24)
    assert host.gets(answer) == [answer]
    assert host.gets(answer) == []


def test_requests_are_bounded() -> None:
    host = at(Host())
    for transaction in range(MAX_QUESTIONS):
        assert host.sends(connect(transaction + 100))[0]
    out, told = host.sends(connect(1000))
    assert (out, told) == ([], [failed(1000, "too many requests at a time")])
    assert host.reports == ["bittorrent.udp.full"]
    host.sleep(PATIENCE)
    assert host.sends(connect(1000))[0]


def test_connection_ids_are_bounded() -> None:
    host = Host()
    for number in range(MAX_CONNECTIONS + 1):
        host.sends(connect())
        told = host.gets(connected(1, number))
        assert bool(told) == (number < MAX_CONNECTIONS)
    assert host.reports == ["bittorrent.udp.full"]
    host.sleep(CONNECTION_LIFETIME)
    at(host)


@pytest.mark.parametrize(
    "payload",
    [announce()[:97], scrape()[:35], announce()[:16]],
)
def test_what_is_cut_short(payload: bytes) -> None:
    host = at(Host())
    out, (told,) = host.sends(payload)
    assert out == [] and told[:4] == b"\0\0\0\3"
    assert host.reports == ["bittorrent.udp.malformed"]


def test_a_connect_request_that_is_none() -> None:
    host = Host()
    assert host.sends(connect()[:15]) == ([], [])
    assert host.sends(connect()[:8] + announce()[8:]) == ([], [])
    assert host.reports == ["bittorrent.udp.malformed"] * 2
    host.sends(connect())
    assert host.gets(connected()[:15]) == []


# -- stopped ---------------------------------------------------------------------------------------


def announced(host: Host) -> Host:
    at(host).sends(announce())
    host.gets(accepted())
    assert host.reached() == {(CLIENT, HASH)}
    return host


def test_stopped_ends_it_when_the_tracker_has_taken_it() -> None:
    host = announced(Host())
    stop = announce(3, event=STOPPED, num_want=0)
    expected = announce(3, event=STOPPED, num_want=0, port=PUBLIC.port)
    assert host.sends(stop) == ([expected], [])
    answer = accepted(3)
    assert host.gets(answer) == [answer]
    host.sleep(LINGER)
    assert host.reached() == set()
    assert host.site.live(host.site.of(CLIENT)) == {}


def test_stopped_ends_it_at_once_when_the_tracker_will_not_have_it() -> None:
    host = announced(Host())
    host.sends(announce(3, event=STOPPED))
    host.gets(failed(3, "no"))
    assert host.reached() == set()


def test_stopped_ends_it_when_the_tracker_is_silent() -> None:
    host = announced(Host())
    host.sends(announce(3, event=STOPPED))
    host.sleep(STOP_PATIENCE - 1)
    assert host.reached() == {(CLIENT, HASH)}
    host.sleep(1)
    assert host.reached() == set()


def test_all_trackers_are_told_the_same_port() -> None:
    host = announced(Host())
    others = [endpoint("198.51.100.7", port) for port in (6970, 6971)]
    for remote in (TRACKER, *others):
        ((left,), _) = host.sends(announce(3, event=STOPPED), to=remote)
        assert port_of(left) == PUBLIC.port
        host.gets(accepted(3), remote=remote)
    host.sleep(LINGER)
    ((left,), _) = host.sends(announce(4, event=STOPPED))
    assert port_of(left) == CLIENT.port  # nothing stands for it any more


def test_stopped_sent_again_names_the_same_port() -> None:
    host = announced(Host())
    host.sends(announce(3, event=STOPPED))
    host.sends(announce(4, event=STOPPED), to=endpoint("198.51.100.7", 6970))
    host.gets(failed(4, "no"), remote=endpoint("198.51.100.7", 6970))
    assert host.reached() == set()
    ((left,), _) = host.sends(announce(3, event=STOPPED))
    assert port_of(left) == PUBLIC.port
    assert host.gets(accepted(3))
    assert host.reached() == set()


def test_one_torrent_that_is_stopped_leaves_the_other() -> None:
    host = announced(Host())
    host.sends(announce(3, info_hash=OTHER_HASH))
    host.gets(accepted(3))
    host.sends(announce(4, event=STOPPED))
    host.gets(accepted(4))
    host.sleep(LINGER)
    assert host.reached() == {(CLIENT, OTHER_HASH)}


def test_begun_again_it_is_not_stopped_by_what_comes_late() -> None:
    host = announced(Host())
    host.sends(announce(3, event=STOPPED))
    host.sends(announce(4))
    host.gets(accepted(4))
    assert host.gets(accepted(3))
    host.sleep(STOP_PATIENCE)
    assert host.reached() == {(CLIENT, HASH)}


def test_stopped_opens_nothing() -> None:
    host = at(Host())
    stop = announce(3, event=STOPPED)
    assert host.sends(stop) == ([stop], [])
    host.gets(accepted(3))
    assert host.reached() == set() and host.gateway.listened == []


def test_stopped_by_one_of_two_clients_of_a_host() -> None:
    host = announced(Host())
    host.sends(announce(3, port=7777))
    host.gets(accepted(3))
    for transaction in (4, 5):
        host.sends(announce(transaction, port=7777, event=STOPPED))
        host.gets(accepted(transaction))
        host.sleep(LINGER)
    assert host.reached() == {(CLIENT, HASH)}
