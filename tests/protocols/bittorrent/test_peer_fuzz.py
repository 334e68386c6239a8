"""Whatever peers say: nothing raises, nobody is let in, and nothing else changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Direction
from ryu_alg.protocols.bittorrent import pex
from ryu_alg.protocols.bittorrent.announcing import Announcing
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from ryu_alg.protocols.bittorrent.peer_wire import MAX_READ, PeerWire
from tests.protocols.bittorrent.connection import TO_CLIENT, TO_SERVER, Connection, options
from tests.protocols.bittorrent.gateway import ACROSS, IPV6_IN, IPV6_OUT, NAT, PUBLISHED
from tests.protocols.bittorrent.peers import (
    BITFIELD,
    BOTH,
    DHT,
    EXTENSIONS,
    HASH,
    KEEP_ALIVE,
    NONE,
    OTHER_HASH,
    exchange,
    extended,
    handshake,
    introduction,
    message,
    peers,
    piece,
    port,
)

Arrival = tuple[Direction, bytes]

OWN = "192.168.10.2"
HOSTS = (OWN, "192.168.20.2", "192.168.20.9", "203.0.113.1", "198.51.100.7")
numbers = st.sampled_from([0, 1, 1023, 6881, 40001, 40002, 65535])
named = st.lists(st.tuples(st.sampled_from(HOSTS), numbers), max_size=4).map(lambda p: peers(*p))
named_6 = st.lists(
    st.tuples(st.sampled_from(["2001:db8:30::2", "2001:db8:1::9"]), numbers), max_size=3
).map(lambda p: peers(*p))
flags = st.binary(max_size=5)
exchanges = st.one_of(
    st.builds(
        lambda a, f, b, d: exchange(added=a, added_f=f, added6=b, dropped=d),
        st.one_of(named, st.binary(max_size=14)),
        flags,
        named_6,
        named,
    ),
    st.binary(max_size=20),
)
introductions = st.builds(
    lambda p, identifier, v: introduction(ipv4=bytes((192, 168, 10, 2)), p=p, pex=identifier, v=v),
    st.one_of(numbers, st.integers(-1, 70000)),
    st.integers(-1, 257) | st.sampled_from([1, 2]),
    st.binary(max_size=12),
)
lengths = st.sampled_from([0, 1, MAX_READ, MAX_READ + 1, 2**21, 2**21 + 1, 2**32 - 1])
said = st.one_of(
    st.builds(
        handshake,
        st.sampled_from([BOTH, EXTENSIONS, DHT, NONE]),
        st.sampled_from([HASH, HASH, OTHER_HASH]),
    ),
    introductions,
    st.builds(extended, st.integers(0, 3), exchanges),
    numbers.map(port),
    st.sampled_from([BITFIELD, KEEP_ALIVE, piece(20), message(9), message(20)]),
    st.builds(
        lambda length, kind: length.to_bytes(4, "big") + kind, lengths, st.binary(max_size=2)
    ),
    st.binary(max_size=30),
)
arrivals = st.lists(st.tuples(st.sampled_from(Direction), said), max_size=20)
OPTIONS = (options(), options(pex=False), options(deny=OTHER_HASH.hex()), options(hosts=()))
ENDS = (NAT, NAT, PUBLISHED, IPV6_OUT, IPV6_IN, ACROSS)


@st.composite
def connections(draw: st.DrawFn) -> Connection:
    """Some endpoints have been announced by then."""
    conn = Connection(PeerWire, draw(st.sampled_from(ENDS)), draw(st.sampled_from(OPTIONS)))
    for host in (OWN, "192.168.20.9", "2001:db8:30::2"):
        if draw(st.booleans()):
            conn.site.announce(host, 6881)
    return conn


GREETED: list[Arrival] = [
    (TO_SERVER, handshake()),
    (TO_CLIENT, handshake()),
    (TO_SERVER, introduction(p=6881, pex=1)),
    (TO_CLIENT, introduction(p=6881, pex=2)),
]


def check(conn: Connection, came: list[Arrival]) -> None:
    """What holds for every connection."""
    ends = conn.gateway.conversation
    reached = conn.site.reached()
    for direction, data in came:
        conn.feed(direction, data)
        assert conn.aborted or len(conn.held[direction]) <= MAX_READ + 4
    for direction in Direction:
        conn.end(direction)
    assert conn.gateway.listened == []
    assert conn.site.reached() == reached
    if conn.aborted:
        assert any(OTHER_HASH in _whole(direction, came) for direction in Direction)
    elif ends == ACROSS:
        assert conn.left == {way: _whole(way, came) for way in Direction}


def _whole(direction: Direction, came: list[Arrival]) -> bytes:
    return b"".join(data for way, data in came if way is direction)


@given(connections(), arrivals, st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_conversation(conn: Connection, came: list[Arrival], greeted: bool) -> None:
    check(conn, GREETED + came if greeted else came)


@given(connections(), st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=80))))
@settings(max_examples=200, deadline=None)
def test_any_bytes(conn: Connection, came: list[Arrival]) -> None:
    check(conn, came)


@given(arrivals, st.integers(1, 30), st.sampled_from(OPTIONS))
@settings(max_examples=300, deadline=None)
def test_cut_anywhere(came: list[Arrival], step: int, configured: BitTorrentOptions) -> None:
    """What leaves does not depend on how it came in pieces."""
    whole, apart = (Connection(PeerWire, NAT, configured) for _ in range(2))
    for conn in (whole, apart):
        conn.site.announce(OWN, 6881)
    for direction, data in GREETED + came:
        whole.feed(direction, data)
        for at in range(0, len(data), step):
            apart.feed(direction, data[at : at + step])
    assert (apart.left, apart.opaque, apart.aborted) == (whole.left, whole.opaque, whole.aborted)


@given(st.binary(max_size=60) | exchanges)
@settings(max_examples=400, deadline=None)
def test_any_exchange(data: bytes) -> None:
    conn = Connection(PeerWire)
    conn.site.announce("192.168.20.9", 6881)
    announcing = Announcing(options(), conn.gateway, NAT.client.address)
    for found in (announcing.seen_inside, announcing.seen_outside):
        made = pex.translated(data, found)
        assert made is None or pex.translated(made, lambda peer: peer) == made
