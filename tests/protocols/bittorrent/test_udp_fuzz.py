"""Whatever comes by UDP: nothing raises, nothing opens by one side's word, nothing else changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.bittorrent import dht, udp_tracker
from ryu_alg.protocols.bittorrent.announcing import MARGIN, MAX_INTERVAL
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.gateway import endpoint
from tests.protocols.bittorrent.host import CLIENT, NODE, TRACKER, Host
from tests.protocols.bittorrent.test_dht import (
    FIND_NODE,
    GET_PEERS,
    PING,
    announce_peer,
    failed,
    response,
)
from tests.protocols.bittorrent.test_udp_tracker import (
    CONNECTION,
    STARTED,
    STOPPED,
    accepted,
    announce,
    connect,
    connected,
    scrape,
)

IN, OUT = Realm.INSIDE, Realm.OUTSIDE
HASHES = [b"\1" * 20, b"\2" * 20, b"\3" * 20]
OPTIONS = [
    options(torrents=2, peers=2),
    options(deny=HASHES[0].hex()),
    options(allow=HASHES[1].hex(), hosts=()),
    options(dht=False),
]
PORTS = [CLIENT.port, 6882, 80, 0, 65535]
REMOTES = [TRACKER, NODE, endpoint("198.51.100.7", 6970)]
CLIENTS = [CLIENT, endpoint("192.168.10.2", 6882)]
PEERS = (endpoint("198.51.100.20", 6881), endpoint("203.0.113.1", 40001))

transactions = st.integers(1, 3)
tids = st.sampled_from([b"aa", b"bb", b"c"])
hashes = st.sampled_from(HASHES)
ports = st.sampled_from(PORTS)
tracker_requests = st.one_of(
    st.builds(connect, transactions),
    st.builds(scrape, transactions),
    st.builds(
        announce,
        transactions,
        connection=st.sampled_from([CONNECTION, CONNECTION, CONNECTION, 7]),
        info_hash=hashes,
        event=st.sampled_from([STARTED, STOPPED]),
        address=st.sampled_from(["0.0.0.0", "0.0.0.0", "192.168.10.2", "192.168.10.3"]),
        num_want=st.sampled_from([-1, 0, 100]),
        port=ports,
    ),
)
tracker_answers = st.one_of(
    st.builds(connected, transactions),
    st.builds(lambda number: accepted(number, *PEERS), transactions),
    st.builds(lambda number: b"\0\0\0\3" + number.to_bytes(4, "big") + b"no", transactions),
    st.builds(lambda number: b"\0\0\0\2" + number.to_bytes(4, "big") + bytes(24), transactions),
)
dht_requests = st.one_of(
    st.sampled_from([PING, FIND_NODE, GET_PEERS]),
    st.builds(announce_peer, tids, hashes, ports),
    st.builds(
        lambda *known, implied: announce_peer(*known, implied_port=implied),
        tids,
        hashes,
        st.sampled_from([None, *PORTS]),
        implied=st.sampled_from([0, 1, 2**70]),
    ),
)
dht_answers = st.one_of(
    st.builds(response, tids), st.builds(failed, tids, st.just(203), st.just("no"))
)


@st.composite
def mutated(draw: st.DrawFn, of: st.SearchStrategy[bytes]) -> bytes:
    """Real datagrams, most of them whole."""
    payload = bytearray(draw(of))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        start = draw(st.integers(0, len(payload)))
        end = min(len(payload), start + draw(st.integers(0, 4)))
        payload[start:end] = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"e", b"i0e"])))
    return bytes(payload)


requests = mutated(st.one_of(tracker_requests, dht_requests))
answers = mutated(st.one_of(tracker_answers, dht_answers))
arrivals = st.tuples(
    st.sampled_from([IN, OUT]),
    st.booleans(),
    st.one_of(requests, answers),
    st.sampled_from(REMOTES),
    st.sampled_from(CLIENTS),
)
events = st.lists(
    st.one_of(arrivals, arrivals, arrivals, st.floats(0, 100), st.sampled_from(CLIENTS)),
    max_size=40,
)


def deliver(host: Host, arrival: tuple[Realm, bool, bytes, Endpoint, Endpoint]) -> None:
    """One datagram, and what holds for what becomes of it."""
    origin, host.watched, payload, remote, client = arrival
    before, armed = host.reached(), len(host.gateway.listened)
    if origin is IN:
        out, told = host.sends(payload, remote, client)
        assert not out or not told
        assert host.reached() <= before, "the host alone has opened something"
        if len(host.gateway.listened) == armed and not udp_tracker.asks(payload):
            assert out in ([payload], [])
    else:
        inward = host.gets(payload, remote, client)
        assert len(inward) <= 1
        assert len(host.reached() - before) <= 1
        if host.watched:
            assert inward == [payload]
    trackers, nodes = host.inspector.trackers, host.inspector.dht
    assert len(trackers.questions) <= udp_tracker.MAX_QUESTIONS
    assert len(trackers.connections) <= udp_tracker.MAX_CONNECTIONS
    assert len(nodes.questions) <= dht.MAX_QUESTIONS


def allowed(host: Host, configured: BitTorrentOptions) -> bool:
    """Whether all who are reached may be."""
    for inside, cause in host.reached():
        name = cause[:20].hex()
        if inside.port < 1024 or inside.address != CLIENT.address:
            return False
        if name in configured.deny or (configured.allow and name not in configured.allow):
            return False
    torrents = {cause[:20] for _, cause in host.reached()}
    return len(torrents) <= configured.torrents and (not torrents or bool(configured.hosts))


BEGINNINGS: list[list[object]] = [
    [],
    [
        (IN, False, connect(), TRACKER, CLIENT),
        (OUT, False, connected(), TRACKER, CLIENT),
    ],
    [
        (IN, False, connect(), TRACKER, CLIENT),
        (OUT, False, connected(), TRACKER, CLIENT),
        (IN, False, announce(2, info_hash=HASHES[1]), TRACKER, CLIENT),
    ],
    [(IN, True, announce_peer(b"aa", HASHES[1]), NODE, CLIENT)],
]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(OPTIONS), st.sampled_from(BEGINNINGS), events)
def test_nothing_opens_by_one_sides_word(
    configured: BitTorrentOptions, beginning: list[object], script: list[object]
) -> None:
    host = Host(configured)
    for event in beginning + script:
        match event:
            case float():
                host.sleep(event)
            case Endpoint():
                host.silence(event)
            case tuple():
                deliver(host, event)  # type: ignore[arg-type]
        assert allowed(host, configured)
    host.sleep(MAX_INTERVAL + MARGIN)
    assert host.reached() == set()
    assert host.inspector.next_timeout() is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.booleans(), requests, st.sampled_from(REMOTES)), max_size=30))
def test_the_host_alone_opens_nothing(script: list[tuple[bool, bytes, Endpoint]]) -> None:
    host = Host()
    for watched, payload, remote in script:
        host.watched = watched
        host.sends(payload, remote)
    assert host.reached() == set()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.booleans(), answers, st.sampled_from(REMOTES)), max_size=30))
def test_outside_alone_opens_nothing(script: list[tuple[bool, bytes, Endpoint]]) -> None:
    host = Host()
    for watched, payload, remote in script:
        host.watched = watched
        host.gets(payload, remote)
    assert host.reached() == set() and host.gateway.listened == []


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.sampled_from([IN, OUT]), st.binary(max_size=200), st.booleans())
def test_any_bytes_pass_as_they_came(
    watched: bool, origin: Realm, payload: bytes, published: bool
) -> None:
    host = Host(watched=watched, published=published)
    if origin is OUT:
        assert host.gets(payload) in ([payload], [])
    else:
        out, told = host.sends(payload)
        assert out in ([payload], []) and (told == [] or udp_tracker.answers(told[0]))
