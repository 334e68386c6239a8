"""Connections between peers: what of them is translated, and when they are left alone."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from ryu_alg.inspection import Conversation
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from ryu_alg.protocols.bittorrent.peer_wire import MAX_LENGTH, MAX_READ, PeerWire
from tests.protocols.bittorrent.connection import TO_CLIENT, TO_SERVER, Connection, options
from tests.protocols.bittorrent.gateway import (
    ACROSS,
    IPV6_OUT,
    NAT,
    PUBLISHED,
    endpoint,
)
from tests.protocols.bittorrent.peers import (
    BITFIELD,
    BOTH,
    DHT,
    EXTENSIONS,
    HASH,
    HAVE,
    INTERESTED,
    KEEP_ALIVE,
    NONE,
    OTHER_HASH,
    REQUEST,
    UNCHOKE,
    exchange,
    extended,
    handshake,
    introduction,
    message,
    peers,
    piece,
    port,
)

HOST = "192.168.10.2"
LISTENS = (HOST, 6881)
PUBLIC_PORT = 40001


def begun(
    conversation: Conversation = NAT,
    configured: BitTorrentOptions | None = None,
    reserved: bytes = BOTH,
    listens: tuple[str, int] | None = LISTENS,
) -> Connection:
    """Both handshakes are through, and an inside peer has announced itself."""
    conn = Connection(PeerWire, conversation, configured)
    if listens is not None:
        assert conn.site.announce(*listens).id == 1
    for direction in (TO_SERVER, TO_CLIENT):
        conn.feed(direction, handshake(reserved))
        assert conn.left[direction] == handshake(reserved)
    return conn


def plain(**values: object) -> BitTorrentOptions:
    return options(pex=False, **values)


# -- handshake ----------------------------------------------------------------------------------


def test_a_denied_torrent_is_reset_before_its_hash_leaves() -> None:
    conn = Connection(PeerWire, configured=options(deny=HASH.hex()))
    conn.client(handshake()[:48])
    assert conn.aborted
    assert conn.codes == ["bittorrent.denied.hash"]
    assert conn.left[TO_SERVER] == b""


def test_a_denied_torrent_of_an_outside_peer_and_of_hosts_that_are_not_reachable() -> None:
    for values in ({"deny": OTHER_HASH.hex()}, {"allow": HASH.hex(), "hosts": ()}):
        conn = Connection(PeerWire, configured=options(**values))
        assert conn.client(handshake()) == handshake()
        conn.server(handshake(info_hash=OTHER_HASH))
        assert conn.aborted
        assert conn.left[TO_CLIENT] == b""


def test_hash_leaves_before_the_id() -> None:
    conn = Connection(PeerWire)
    assert conn.client(handshake()[:47]) == b""
    assert conn.client(handshake()[47:48]) == handshake()[:48]
    assert conn.client(handshake()[48:60]) == handshake()[48:60]


@pytest.mark.parametrize("said", [b"\x13BitTorrent protocoL", b"HTTP/1.1 200 OK\r\n", b"\0"])
def test_anything_else_is_left_alone(said: bytes) -> None:
    conn = Connection(PeerWire)
    conn.client(handshake())
    assert conn.server(said) == said
    assert conn.opaque
    assert conn.codes == ["bittorrent.peer.greeting"]


# -- when it is left alone ----------------------------------------------------------------------


def test_without_extensions_and_dht_after_the_handshake() -> None:
    assert begun(reserved=NONE).opaque


def test_nobody_may_be_reached() -> None:
    assert begun(configured=options(hosts=()), listens=None).opaque


def test_both_are_inside() -> None:
    assert begun(ACROSS).opaque


def test_until_both_extension_handshakes() -> None:
    conn = begun(configured=plain(), reserved=EXTENSIONS)
    conn.client(BITFIELD + introduction(pex=1, v=b"x"))
    assert not conn.opaque
    conn.server(HAVE + introduction(pex=1))
    assert conn.opaque


def test_until_the_port_of_the_inside_peer() -> None:
    conn = begun(configured=plain(), reserved=BOTH)
    conn.client(introduction())
    conn.server(introduction() + port(6881))
    assert not conn.opaque
    conn.client(BITFIELD + port(6881))
    assert conn.opaque
    conn = begun(PUBLISHED, plain(), DHT, listens=None)
    conn.client(port(7000))
    assert not conn.opaque
    conn.server(port(7000))
    assert conn.opaque


def test_once_pieces_come_nobody_is_waited_for() -> None:
    conn = begun(configured=plain())
    conn.server(UNCHOKE)
    conn.client(INTERESTED + REQUEST)
    assert not conn.opaque
    conn.server(piece()[:10])
    assert conn.opaque


def test_not_while_peers_are_exchanged() -> None:
    for inside, outside in ((1, 1), (1, 0), (0, 1)):
        conn = begun(reserved=EXTENSIONS)
        conn.client(introduction(pex=inside))
        conn.server(introduction(pex=outside) + piece())
        assert not conn.opaque
    conn.client(introduction(pex=0))
    assert not conn.opaque
    conn.server(introduction(pex=0))
    assert conn.opaque


# -- messages -----------------------------------------------------------------------------------


def test_messages_pass_as_they_come() -> None:
    conn = begun()
    said = KEEP_ALIVE + BITFIELD + HAVE + extended(7, b"d1:ae") + message(200) + message(20)
    assert conn.client(said) == said
    assert conn.server(said) == said


def test_a_piece_is_not_waited_for() -> None:
    conn = begun()
    conn.client(introduction(pex=1))
    whole = piece(100_000)
    assert conn.server(whole[:5]) == b""
    assert conn.server(whole[5:6]) == whole[:6]
    for at in range(6, len(whole), 1400):
        assert conn.server(whole[at : at + 1400]) == whole[at : at + 1400]
    assert conn.server(KEEP_ALIVE) == KEEP_ALIVE


def test_no_length() -> None:
    conn = begun()
    bitfield = message(5, bytes(MAX_LENGTH - 1))
    assert conn.client(bitfield) == bitfield
    assert not conn.opaque
    said = (MAX_LENGTH + 1).to_bytes(4, "big") + b"\x07" + b"x" * 10
    assert conn.client(said) == said
    assert conn.opaque
    assert conn.codes == ["bittorrent.peer.length"]


def test_what_is_left_of_a_message_leaves_at_the_end() -> None:
    conn = begun()
    conn.client(introduction(p=6881)[:-1])
    conn.end(TO_SERVER)
    assert conn.left[TO_SERVER] == handshake() + introduction(p=6881)[:-1]


# -- extension handshake ------------------------------------------------------------------------


OWN_4 = bytes((192, 168, 10, 2))
PUBLIC_4 = bytes((203, 0, 113, 1))
OTHER_4 = bytes((192, 168, 10, 3))
INTRODUCTIONS: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("port", {"p": 6881, "pex": 1}, {"p": PUBLIC_PORT, "pex": 1}),
    ("port of nothing", {"p": 6882}, {"p": 6882}),
    ("no port", {"p": 0}, {"p": 0}),
    ("port that is too large", {"p": 65536}, {"p": 65536}),
    ("port below zero", {"p": -6881}, {"p": -6881}),
    ("port in words", {"p": b"6881"}, {"p": b"6881"}),
    ("own address", {"ipv4": OWN_4, "v": b"x"}, {"ipv4": PUBLIC_4, "v": b"x"}),
    ("another's", {"ipv4": OTHER_4}, {"ipv4": OTHER_4}),
    ("address of 5 bytes", {"ipv4": OWN_4 + b"\0"}, {"ipv4": OWN_4 + b"\0"}),
    ("address as the other one's", {"yourip": OWN_4}, {"yourip": OWN_4}),
    (
        "all at once",
        {"e": 0, "ipv4": OWN_4, "p": 6881, "pex": 3, "v": b"Tool 1.0", "yourip": OTHER_4},
        {"e": 0, "ipv4": PUBLIC_4, "p": PUBLIC_PORT, "pex": 3, "v": b"Tool 1.0", "yourip": OTHER_4},
    ),
]


@pytest.mark.parametrize(
    ("said", "left"), [case[1:] for case in INTRODUCTIONS], ids=[case[0] for case in INTRODUCTIONS]
)
def test_what_an_inside_peer_says_of_itself(
    said: dict[str, object], left: dict[str, object]
) -> None:
    conn = begun()
    assert conn.client(introduction(**said)) == introduction(**left)
    assert conn.codes == []


def test_what_an_outside_peer_says_of_itself_stays() -> None:
    conn = begun()
    said = introduction(p=6881, ipv4=bytes((198, 51, 100, 7)), yourip=PUBLIC_4, pex=1)
    assert conn.server(said) == said


def test_over_ipv6_nothing_changes() -> None:
    conn = begun(IPV6_OUT, listens=("2001:db8:30::2", 6881))
    own = IPV6_OUT.client.address.packed
    said = introduction(p=6881, ipv6=own, ipv4=OWN_4, pex=1)
    assert conn.client(said) == said
    conn.server(introduction(pex=1))
    lists = extended(1, exchange(added6=peers(("2001:db8:30::9", 6881))))
    assert conn.client(lists) == lists


def test_published_peer() -> None:
    """Outside, it is found where it is published, unless it has announced itself."""
    conn = begun(PUBLISHED, listens=None)
    assert conn.server(introduction(p=6881, pex=1)) == introduction(p=7881, pex=1)
    conn.site.announce("192.168.20.2", 6881)
    assert conn.server(introduction(p=6881)) == introduction(p=PUBLIC_PORT)


LENGTHS = [
    ("longer by one", 6881, 40001, b"Tool 1.0", b"Tool 1."),
    ("as long", 51413, 40001, b"Tool 1.0", b"Tool 1.0"),
    ("shorter by one", 20000, 9000, b"Tool 1.0", b"Tool 1.0 "),
    ("a digit of the length goes, too", 6881, 40001, b"Tool 1.0.12", b"Tool 1.0.1"),
    ("no name has this length", 6881, 40001, b"Tool 1.0.1", b"Tool 1.0.1"),
    ("nor this", 20000, 9000, b"Tool 1.01", b"Tool 1.01"),
    ("nothing to spare", 6881, 40001, b"x", b"x"),
    ("nothing at all", 6881, 40001, b"", b""),
]


@pytest.mark.parametrize(
    ("inside", "public", "said", "left"),
    [case[1:] for case in LENGTHS],
    ids=[case[0] for case in LENGTHS],
)
def test_a_connection_that_could_leave_keeps_its_length(
    inside: int, public: int, said: bytes, left: bytes
) -> None:
    conversation = replace(
        PUBLISHED,
        server=endpoint("192.168.20.2", inside),
        server_seen=endpoint("203.0.113.1", public),
    )
    conn = begun(conversation, listens=None)
    assert conn.server(introduction(p=inside, v=said)) == introduction(p=public, v=left)
    kept = begun(conversation, listens=None)
    kept.client(introduction(pex=1))
    assert kept.server(introduction(p=inside, v=said)) == introduction(p=public, v=said)


def test_a_later_handshake_counts() -> None:
    conn = begun(listens=("192.168.20.9", 6881))
    lists = exchange(added=peers(("192.168.20.9", 6881)))
    conn.server(introduction(pex=4))
    conn.server(introduction(v=b"nothing of peers"))
    assert conn.client(extended(4, lists)) != extended(4, lists)
    conn.server(introduction(pex=5))
    assert conn.client(extended(4, lists)) == extended(4, lists)
    assert conn.client(extended(5, lists)) != extended(5, lists)


def test_none_that_can_be_read() -> None:
    for said in (b"", b"d", b"le", b"d1:pi1e1:pi1ee"):
        conn = begun()
        assert conn.client(extended(0, said)) == extended(0, said)
        assert conn.codes == ["bittorrent.peer.extensions"]
    for identifier in (-1, 256, 10**15):
        conn = begun(configured=options(), reserved=EXTENSIONS)
        conn.client(introduction(pex=identifier))
        conn.server(introduction())
        assert conn.opaque


def test_one_that_is_too_long() -> None:
    conn = begun(reserved=EXTENSIONS)
    said = introduction(p=6881, x=bytes(MAX_READ))
    assert conn.client(said[:100]) == said[:100]
    assert conn.client(said[100:]) == said[100:]
    assert conn.codes == ["bittorrent.peer.overlong"]
    conn.server(introduction())
    assert conn.opaque


# -- PORT ---------------------------------------------------------------------------------------


def test_port_of_the_dht() -> None:
    conn = begun()
    assert conn.client(port(6881) + port(6882)) == port(PUBLIC_PORT) + port(6882)
    assert conn.server(port(6881)) == port(6881)
    for said in (message(9), message(9, b"\x1a"), message(9, b"\x1a\xe1\0"), port(0)):
        assert conn.client(said) == said


# -- peer exchange ------------------------------------------------------------------------------


def test_peers_are_translated_by_the_receivers_id() -> None:
    conn = begun()
    inside = conn.site.announce("192.168.20.9", 6881)
    there = exchange(added=peers(("192.168.20.9", 6881), (HOST, 9)), added_f=b"\1\2")
    back = exchange(added=peers(("203.0.113.1", inside.public.port)), added_f=b"\1")
    assert conn.client(extended(1, there)) == extended(1, there), "nobody wants it"
    conn.client(introduction(pex=1))
    conn.server(introduction(pex=2))
    assert conn.client(extended(2, there) + UNCHOKE) == extended(2, back) + UNCHOKE
    assert conn.client(extended(1, there)) == extended(1, there)
    seen = exchange(added=peers(("192.168.20.9", 6881)), added_f=b"\1")
    assert conn.server(extended(1, back)) == extended(1, seen)


def test_peers_that_cannot_be_read() -> None:
    conn = begun()
    conn.server(introduction(pex=2))
    said = extended(2, b"d5:added5:aaaaae")
    assert conn.client(said) == said
    assert conn.codes == ["bittorrent.peer.pex"]
    assert not conn.opaque


# -- cut and saved ------------------------------------------------------------------------------

SAID = (
    (TO_SERVER, handshake() + BITFIELD + introduction(p=6881, pex=1) + port(6881)),
    (TO_CLIENT, handshake() + introduction(p=6881, pex=2) + KEEP_ALIVE),
    (TO_CLIENT, extended(1, exchange(added=peers(("203.0.113.1", PUBLIC_PORT)), dropped=b""))),
    (TO_SERVER, extended(2, exchange(added=peers(LISTENS, (HOST, 9)), added_f=b"\1\2"))),
    (TO_CLIENT, piece(40)),
    (TO_SERVER, piece(40) + HAVE),
)


def conversed(step: int, *, again: bool = False) -> Connection:
    """All that both say, `step` bytes at a time."""
    conn = Connection(PeerWire)
    conn.site.announce(*LISTENS)
    for direction, said in SAID:
        for at in range(0, len(said), step):
            conn.feed(direction, said[at : at + step])
            if again:
                conn.inspector = pickle.loads(pickle.dumps(conn.inspector))
    return conn


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 64, 100])
def test_cut_anywhere(step: int) -> None:
    whole = conversed(10**6)
    assert not any(whole.held.values())
    for direction in (TO_SERVER, TO_CLIENT):
        said = b"".join(said for way, said in SAID if way is direction)
        assert whole.left[direction] != said
        assert whole.left[direction].endswith(said[-50:])
    assert conversed(step).left == whole.left


def test_saved_and_restored() -> None:
    assert conversed(9, again=True).left == conversed(10**6).left
