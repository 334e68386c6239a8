"""Announces to the DHT, beside BEP 5."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from ryu_alg.options import ANYBODY
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import MARGIN
from ryu_alg.protocols.bittorrent.dht import (
    CAUSE,
    FIRST,
    INTERVAL,
    LATER,
    MAX_OTHERS,
    MAX_QUESTIONS,
    PATIENCE,
    is_query,
    sizes,
)
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.gateway import Site, endpoint
from tests.protocols.bittorrent.host import CLIENT, IPV6_CLIENT, NODE, PUBLIC, Host

ID = b"abcdefghij0123456789"
HASH = b"mnopqrstuvwxyz123456"
BECAUSE = HASH + CAUSE
SOCKET = endpoint("192.168.10.2", 6882)
"""Of a client that has one port for the DHT, and another one for peers."""

Value = int | bytes | list[Any] | dict[str, Any]


def bencoded(value: Value) -> bytes:
    match value:
        case int():
            return bencode.number(value)
        case bytes():
            return bencode.text(value)
        case list():
            return b"l" + b"".join(map(bencoded, value)) + b"e"
        case dict():
            return bencode.dictionary({key.encode(): bencoded(v) for key, v in value.items()})


def query(
    method: str, transaction: bytes = b"aa", top: dict[str, Any] | None = None, **arguments: Any
) -> bytes:
    return bencoded(
        {
            "a": {"id": ID, **arguments},
            "q": method.encode(),
            "t": transaction,
            "y": b"q",
            **(top or {}),
        }
    )


def announce_peer(
    transaction: bytes = b"aa",
    info_hash: bytes = HASH,
    port: int | None = CLIENT.port,
    token: bytes = b"aoeusnth",
    top: dict[str, Any] | None = None,
    **more: Any,
) -> bytes:
    arguments = {"info_hash": info_hash, "token": token, **more}
    if port is not None:
        arguments["port"] = port
    return query("announce_peer", transaction, top, **arguments)


def response(transaction: bytes = b"aa", **values: Any) -> bytes:
    return bencoded({"r": {"id": ID, **values}, "t": transaction, "y": b"r"})


def failed(transaction: bytes, code: int, reason: str) -> bytes:
    return bencoded({"e": [code, reason.encode()], "t": transaction, "y": b"e"})


PING = query("ping")
FIND_NODE = query("find_node", target=HASH)
GET_PEERS = query("get_peers", info_hash=HASH)
LIBTORRENT = {"v": b"LT\x02\x08"}
TRANSMISSION = {"v": b"TR\x03\0"}
ARIA2 = {"v": b"A2\0\3"}


def watched(**values: Any) -> Host:
    return Host(options(**values), remote=NODE, watched=True)


# -- what the switch looks for ---------------------------------------------------------------------


def test_the_examples_of_bep_5() -> None:
    assert PING == b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
    assert announce_peer(implied_port=1, port=6881) == (
        b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456"
        b"4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe"
    )


@pytest.mark.parametrize("token", [4, 8, 20])
@pytest.mark.parametrize("port", [1024, 65535])
@pytest.mark.parametrize(
    ("transaction", "top", "more"),
    [
        (1, {}, {}),
        (2, LIBTORRENT, {"seed": 0, "implied_port": 1}),
        (2, LIBTORRENT, {"seed": 1}),
        (4, TRANSMISSION, {}),
        (4, ARIA2, {}),
        (8, {"v": b"UT\0\0", "ro": 1}, {"seed": 1, "implied_port": 1}),
    ],
)
def test_no_announce_escapes(
    token: int, port: int, transaction: int, top: dict[str, Any], more: dict[str, Any]
) -> None:
    payload = announce_peer(b"t" * transaction, port=port, token=b"T" * token, top=top, **more)
    assert LATER[0] <= len(payload) <= LATER[1]


def test_both_ends_of_the_window_are_needed() -> None:
    assert len(announce_peer(b"t", port=1024, token=b"T" * 4)) == LATER[0]
    most = announce_peer(
        b"t" * 8, port=65535, token=b"T" * 20, top={**LIBTORRENT, "ro": 1}, seed=1, implied_port=1
    )
    assert len(most) == LATER[1]


@pytest.mark.parametrize(
    "payload",
    [
        query("ping", b"t"),
        query("ping", b"tttt", ARIA2),
        query("find_node", b"tttt", TRANSMISSION, target=HASH, want=[b"n4", b"n6"]),
        query("get_peers", b"tt", LIBTORRENT, info_hash=HASH),
        query("get_peers", b"tt", LIBTORRENT, info_hash=HASH, bs=1),
        query("get_peers", b"tt", LIBTORRENT, info_hash=HASH, noseed=1),
        query("get_peers", b"tttt", TRANSMISSION, info_hash=HASH, want=[b"n4", b"n6"]),
    ],
)
def test_ordinary_queries_begin_and_stay_in_the_switch(payload: bytes) -> None:
    assert FIRST[0] <= len(payload) <= FIRST[1] and is_query(payload)
    assert len(payload) < LATER[0]


def test_the_longest_first_query() -> None:
    top = {**LIBTORRENT, "ro": 1}
    assert len(query("get_peers", b"tt", top, info_hash=HASH, noseed=1, want=[b"n4"])) == FIRST[1]
    assert len(query("ping", b"t")) == FIRST[0]


def test_who_is_inspected() -> None:
    some = sizes(options(hosts="192.168.10.0/24"))
    assert some is not None and some.hosts == (ip_network("192.168.10.0/24"),)
    for denying in ({"deny": "00" * 20}, {"allow": "00" * 20}):
        everybody = sizes(options(hosts=(), **denying))
        assert everybody is not None and everybody.hosts == ANYBODY
    assert sizes(options(hosts=())) is None
    assert sizes(options(dht=False, deny="00" * 20)) is None


# -- announces -------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [PING, FIND_NODE, GET_PEERS])
def test_who_asks_a_node_is_watched(payload: bytes) -> None:
    host = watched()
    assert host.sends(payload) == ([payload], [])
    assert host.site.watched == {CLIENT}
    assert not host.answered


def test_who_answers_is_not() -> None:
    host = watched()
    for payload in (response(), failed(b"aa", 201, "no"), b"\x21" + bytes(140)):
        assert host.sends(payload) == ([payload], [])
    assert host.site.watched == set()


def test_an_announce_that_is_accepted_lets_peers_in() -> None:
    host = watched()
    assert host.sends(announce_peer()) == ([announce_peer(port=PUBLIC.port)], [])
    assert host.answered and host.reached() == set()
    assert host.gets(response()) == [response()]
    assert host.reached() == {(CLIENT, BECAUSE)}
    assert not host.answered and host.reports == []
    host.sleep(INTERVAL + MARGIN)
    assert host.reached() == set()


def test_an_implied_port_is_that_of_the_datagram() -> None:
    host = watched()
    left = announce_peer(port=PUBLIC.port, implied_port=1)
    assert host.sends(announce_peer(port=1, implied_port=1)) == ([left], [])
    host.gets(response())
    assert host.reached() == {(CLIENT, BECAUSE)}


def test_an_implied_port_may_stand_alone() -> None:
    host = watched()
    asked = announce_peer(port=None, implied_port=1)
    assert host.sends(asked) == ([asked], [])
    host.gets(response())
    assert host.reached() == {(CLIENT, BECAUSE)}


def test_an_implied_port_of_zero_implies_nothing() -> None:
    host = watched()
    left = announce_peer(port=PUBLIC.port, implied_port=0)
    client = endpoint("192.168.10.2", 6999)
    host.site.of(CLIENT)
    assert host.sends(announce_peer(implied_port=0), client=client) == ([left], [])


def test_a_client_with_another_port_for_the_dht() -> None:
    host = watched()
    host.sends(GET_PEERS, client=SOCKET)
    ((left,), _) = host.sends(announce_peer(), client=SOCKET)
    assert left == announce_peer(port=host.site.of(CLIENT).public.port)
    host.gets(response(), client=SOCKET)
    assert host.reached() == {(CLIENT, BECAUSE)}
    host.silence(SOCKET)
    assert host.reached() == set()


def test_ipv6_is_not_translated() -> None:
    host = Host(client=IPV6_CLIENT, remote=endpoint("2001:db8:1::9", 7000), watched=True)
    assert host.sends(announce_peer()) == ([announce_peer()], [])
    host.gets(response())
    assert host.reached() == {(IPV6_CLIENT, BECAUSE)}


def test_what_stands_behind_a_message_leaves_with_it() -> None:
    host = watched()
    assert host.sends(announce_peer() + b"xyz") == ([announce_peer(port=PUBLIC.port) + b"xyz"], [])


# -- answers ---------------------------------------------------------------------------------------


def test_an_error_lets_nobody_in() -> None:
    host = watched()
    host.sends(announce_peer())
    wrong = failed(b"aa", 203, "bad token")
    assert host.gets(wrong) == [wrong]
    assert not host.answered
    host.gets(response())
    assert host.reached() == set()


@pytest.mark.parametrize(
    ("payload", "remote", "client"),
    [
        (response(b"ab"), NODE, CLIENT),
        (response(), endpoint("198.51.100.9", 7001), CLIENT),
        (response(), endpoint("198.51.100.10", 7000), CLIENT),
        (response(), NODE, SOCKET),
        (bencoded({"t": b"aa", "y": b"r"}), NODE, CLIENT),
        (announce_peer(), NODE, CLIENT),
    ],
)
def test_what_is_no_answer_lets_nobody_in(payload: bytes, remote: Any, client: Any) -> None:
    host = watched()
    host.sends(announce_peer())
    assert host.gets(payload, remote, client) == [payload]
    assert host.reached() == set()


def test_an_answer_counts_for_a_while() -> None:
    host = watched()
    host.sends(announce_peer())
    host.sleep(PATIENCE)
    assert host.gets(response()) == [response()]
    assert host.reached() == set() and not host.answered


def test_what_else_a_node_sends_is_looked_at_a_few_times() -> None:
    host = watched()
    host.sends(announce_peer())
    for _ in range(MAX_OTHERS):
        assert host.gets(FIND_NODE) == [FIND_NODE]
        assert host.answered
    host.gets(FIND_NODE)
    assert not host.answered
    assert host.gets(FIND_NODE, remote=endpoint("198.51.100.10", 7000)) == [FIND_NODE]


def test_two_announces_to_one_node() -> None:
    host = watched()
    other = b"\1" * 20
    host.sends(announce_peer(b"aa"))
    host.sends(announce_peer(b"bb", info_hash=other))
    host.gets(response(b"bb"))
    assert host.answered and host.reached() == {(CLIENT, other + CAUSE)}
    host.gets(response(b"aa"))
    assert not host.answered and len(host.reached()) == 2


def test_an_announce_that_is_sent_again_is_the_same() -> None:
    host = watched()
    host.sends(announce_peer())
    assert host.sends(announce_peer())[0]
    assert host.sends(announce_peer(port=7777)) == ([], [])
    assert host.sends(announce_peer(info_hash=b"\1" * 20)) == ([], [])
    assert host.reports == ["bittorrent.dht.transaction"] * 2


def test_announces_are_bounded() -> None:
    host = watched()
    for number in range(MAX_QUESTIONS):
        assert host.sends(announce_peer(b"%d" % number))[0]
    out, told = host.sends(announce_peer(b"last"))
    assert (out, told) == ([], [failed(b"last", 202, "too many announces at a time")])
    assert host.reports == ["bittorrent.dht.full"]
    host.sleep(PATIENCE)
    assert host.sends(announce_peer(b"last"))[0]


# -- what may not be announced ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"port": -1},
        {"port": 65536},
        {"port": None},
        {"port": b"6881"},
        {"implied_port": b"1"},
        {"implied_port": 1, "port": b"6881"},
    ],
)
def test_a_port_that_is_none(wrong: dict[str, Any]) -> None:
    host = watched()
    out, told = host.sends(announce_peer(**wrong))
    assert (out, told) == ([], [failed(b"aa", 203, "the port is missing or malformed")])
    assert host.reports == ["bittorrent.dht.port"]
    assert host.gateway.listened == []


def test_a_privileged_port() -> None:
    host = watched()
    out, (told,) = host.sends(announce_peer(port=80))
    assert out == [] and told.startswith(b"d1:eli202e")
    assert host.reports == ["bittorrent.refused.port.privileged"]


@pytest.mark.parametrize("info_hash", [b"", b"short", b"x" * 32, 5])
def test_a_hash_that_is_none(info_hash: Any) -> None:
    host = watched()
    out, told = host.sends(announce_peer(info_hash=info_hash))
    assert (out, told) == ([], [failed(b"aa", 203, "the info_hash is malformed")])
    assert host.reports == ["bittorrent.dht.hash"]


def test_a_denied_torrent_is_denied_for_everybody() -> None:
    for hosts in ("192.168.10.0/24", ()):
        host = watched(hosts=hosts, deny=HASH.hex())
        out, told = host.sends(announce_peer())
        reason = f"torrent {HASH.hex()} is denied by policy"
        assert (out, told) == ([], [failed(b"aa", 202, reason)])
        assert host.reports == ["bittorrent.denied.hash"]
        assert host.sends(announce_peer(b"bb", info_hash=b"\1" * 20))[0]


def test_too_many_torrents() -> None:
    host = watched(torrents=1)
    host.site.announce("192.168.10.2", CLIENT.port, HASH)  # at a tracker
    assert host.sends(announce_peer())[0]
    host.gets(response())
    out, _ = host.sends(announce_peer(info_hash=b"\1" * 20))
    assert out == [] and host.reports == ["bittorrent.denied.torrents"]


def test_a_host_that_may_not_be_reached_announces_as_it_likes() -> None:
    for values in ({"hosts": "192.168.99.0/24"}, {"hosts": (), "deny": "00" * 20}):
        host = watched(**values)
        assert host.sends(announce_peer()) == ([announce_peer()], [])
        assert not host.answered
        host.gets(response())
        assert host.gateway.listened == []


@pytest.mark.parametrize(
    "payload",
    [
        announce_peer()[:-1],
        announce_peer().replace(b"9:info_hash", b"4:porti1e9:info_hash"),
        announce_peer().replace(b"1:t2:aa", b""),
        announce_peer().replace(b"1:t2:aa", b"1:t0:"),
        announce_peer(b"t" * 33),
    ],
)
def test_an_announce_that_cannot_be_read_is_dropped(payload: bytes) -> None:
    host = watched()
    assert host.sends(payload) == ([], [])
    assert host.reports == ["bittorrent.dht.malformed"]


# -- the end ---------------------------------------------------------------------------------------


def test_silence_ends_what_the_dht_keeps_up_and_nothing_else() -> None:
    host = watched()
    host.site.announce("192.168.10.2", CLIENT.port, HASH)  # at a tracker
    host.sends(announce_peer())
    host.gets(response())
    assert host.reached() == {(CLIENT, HASH), (CLIENT, BECAUSE)}
    host.silence(SOCKET)
    assert len(host.reached()) == 2
    host.silence(CLIENT)
    assert host.reached() == {(CLIENT, HASH)}
    assert len(host.inspector.dht.opened) == 0
    host.silence(CLIENT)


def test_announced_anew_it_stays() -> None:
    host = watched()
    for _ in range(3):
        host.sends(announce_peer())
        host.gets(response())
        host.sleep(INTERVAL)
        assert host.reached() == {(CLIENT, BECAUSE)}
    assert len(host.inspector.dht.opened) == 1


# -- nodes at the protocol's ports, which are not watched ------------------------------------------


def test_nothing_stays_implied_that_leaves_from_another_port() -> None:
    host = Host(remote=NODE)
    left = announce_peer(port=PUBLIC.port, implied_port=0)
    assert host.sends(announce_peer(implied_port=1)) == ([left], [])
    assert host.gets(response()) == [response()]
    assert host.reached() == {(CLIENT, BECAUSE)}
    out, told = host.sends(announce_peer(b"bb", port=None, implied_port=1))
    assert (out, told) == ([], [failed(b"bb", 203, "the port is missing or malformed")])


def test_a_site_is_one_for_all_clients_of_a_host() -> None:
    site = Site()
    first = Host(site=site, remote=NODE, watched=True)
    first.sends(announce_peer())
    first.gets(response())
    assert site.listeners[CLIENT].public == PUBLIC
