"""Whatever comes: nothing raises, nothing opens that was not announced and accepted, and how it is
cut does not matter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Conversation, Direction
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import Announcing
from ryu_alg.protocols.bittorrent.bencode import BencodeError
from ryu_alg.protocols.bittorrent.http_answers import read_answer
from ryu_alg.protocols.bittorrent.http_tracker import MAX_ANSWER, MAX_PENDING, HttpTracker
from tests.protocols.bittorrent.connection import TO_CLIENT, TO_SERVER, Connection, options
from tests.protocols.bittorrent.gateway import ACROSS, IPV6_OUT, NAT, PUBLISHED, MemoryGateway, Site
from tests.protocols.bittorrent.http_messages import (
    ACCEPTED,
    FAILED,
    HASH,
    OTHER_HASH,
    accepted,
    announce,
    answer,
    chunked,
    listed,
    peers,
    request,
)

Arrival = tuple[Direction, bytes]

PORTS = ["6881", "6881", "7000", "22", "0", "65536", "x", "%36881", "6881&port=7000", ""]
MORE = [
    *("", "", "&event=stopped", "&event=started", "&ip=192.168.10.2", "&ip=1.2.3.4", "&ip=x"),
    *("&ipv6=::1", "&numwant=999", "&ipv4=192.168.10.2:6881", ";?&=%", "&ipv6=2001:db8:30::2"),
]
FIELDS = [
    *("Accept-Encoding: gzip", "User-Agent: Mozilla/5.0", "Connection: close", "A: b"),
    *("Content-Length: 3", "Transfer-Encoding: chunked", "Expect: 100-continue"),
]
BODIES = [
    *(ACCEPTED, FAILED, accepted(), b"", b"<html>", b"d8:interval"),
    accepted(peers=bencode.text(peers("203.0.113.1:40001", "198.51.100.9:6881"))),
    accepted(peers=b"l" + listed("203.0.113.1:40001", "[2001:db8::1]:5") + b"e"),
    accepted(peers6=bencode.text(peers("[2001:db8::1]:5"))),
]
STATUS = ["200 OK", "200 OK", "200 OK", "302 Found", "404 No", "100 Go on", "204 None", "101 Else"]
requests = st.one_of(
    st.just(announce()),
    st.sampled_from([announce(OTHER_HASH, 7000), announce(more="&event=stopped")]),
    st.builds(
        lambda info_hash, port, more, fields: announce(info_hash, port, more, *fields),
        st.sampled_from([HASH, OTHER_HASH]),
        st.sampled_from(PORTS),
        st.sampled_from(MORE),
        st.lists(st.sampled_from(FIELDS), max_size=2),
    ),
    st.sampled_from(
        [request("/scrape"), request("/", method="HEAD"), b"\r\n", b"abc", b"0\r\n\r\n"]
    ),
)
bodies = st.sampled_from(BODIES)
answers = st.one_of(
    st.just(answer(ACCEPTED)),
    st.builds(lambda body, status: answer(body, status=status), bodies, st.sampled_from(STATUS)),
    st.builds(
        lambda body, at: chunked(body[:at] or b"x", body[at:] or b"y"), bodies, st.integers(1, 9)
    ),
    st.builds(lambda body: b"HTTP/1.0 200 OK\r\n\r\n" + body, bodies),
    st.sampled_from([b"HTTP/1.1 103 Early\r\n\r\n", b"\r\n", b"HTTP/1.1 "]),
)
exchanges = st.lists(st.tuples(requests, answers), min_size=1, max_size=8)
"""Requests, each with an answer."""


def arrivals(pairs: list[tuple[bytes, bytes]]) -> list[Arrival]:
    return [each for pair in pairs for each in zip((TO_SERVER, TO_CLIENT), pair, strict=True)]


ends = st.sampled_from([NAT, NAT, NAT, IPV6_OUT, PUBLISHED, ACROSS])
configured = st.sampled_from(
    [
        options(),
        options(),
        options(deny=[OTHER_HASH.hex()], peers=1),
        options(hosts=(), deny=[HASH.hex()]),
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> list[Arrival]:
    """Whole conversations with some of their bytes, pieces or arrivals changed."""
    found = arrivals(draw(exchanges))
    for _ in range(draw(st.integers(1, 5))):
        index = draw(st.integers(0, len(found) - 1))
        direction, data = found[index]
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 4)):
            case 0:
                data = data[:at] + draw(st.binary(max_size=5)) + data[at:]
            case 1:
                data = data[:at] + data[at + draw(st.integers(1, 20)) :]
            case 2:
                data = data[:at] + draw(st.sampled_from([b"\r\n", b"&", b"?", b"%", b":", b"e"]))
            case 3:
                found.insert(draw(st.integers(0, len(found))), (direction, data))
            case 4:
                direction = direction.opposite
        found[index] = (direction, data)
    return found


def play(
    conversation: Conversation, arrived: list[Arrival], size: int = 0, **values: object
) -> Connection:
    """All of it, in pieces of a size if there is one."""
    connection = Connection(HttpTracker, conversation, **values)  # type: ignore[arg-type]
    for direction, data in arrived:
        step = size or len(data) or 1
        for start in range(0, len(data), step):
            connection.feed(direction, data[start : start + step])
            check(connection)
    return connection


def check(connection: Connection) -> None:
    """What holds at any time."""
    inspector = connection.inspector
    assert isinstance(inspector, HttpTracker)
    assert len(inspector.pending) <= MAX_PENDING
    host = connection.gateway.conversation.client.address
    for inside, cause in connection.site.reached():
        assert inside.address == host and 1024 <= inside.port <= 65535
        assert len(cause) == 20
        assert b" 200 " in connection.left[TO_CLIENT] + connection.held[TO_CLIENT]
        assert b"port=" in connection.left[TO_SERVER] and inspector.opens
    if not connection.aborted and not connection.opaque:
        assert len(connection.held[TO_CLIENT]) <= MAX_ANSWER + 1024


def result(connection: Connection) -> tuple[object, ...]:
    return (
        connection.left,
        connection.held,
        connection.codes,
        connection.opaque,
        connection.aborted,
        connection.site.reached(),
    )


@given(ends, configured, exchanges, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_conversation(
    conversation: Conversation, chosen: object, pairs: list[tuple[bytes, bytes]], pipelined: bool
) -> None:
    arrived = arrivals(pairs)
    if pipelined:
        arrived.sort(key=lambda arrival: arrival[0] is TO_CLIENT)
    connection = play(conversation, arrived, configured=chosen)
    for direction in (TO_CLIENT, TO_SERVER):
        connection.end(direction)
        check(connection)


@given(ends, configured, mangled(), st.integers(1, 60))
@settings(max_examples=300, deadline=None)
def test_mangled_and_cut_anywhere(
    conversation: Conversation, chosen: object, arrived: list[Arrival], size: int
) -> None:
    whole = play(conversation, arrived, configured=chosen)
    pieces = play(conversation, arrived, size, configured=chosen)
    if not whole.aborted:
        assert result(pieces) == result(whole)


@given(ends, configured, st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=200))))
@settings(max_examples=200, deadline=None)
def test_any_bytes(conversation: Conversation, chosen: object, arrived: list[Arrival]) -> None:
    connection = play(conversation, arrived, configured=chosen)
    assert connection.gateway.listened == []


@given(ends, st.lists(requests, max_size=12))
@settings(max_examples=100, deadline=None)
def test_a_client_alone_opens_nothing(conversation: Conversation, sent: list[bytes]) -> None:
    connection = play(conversation, [(TO_SERVER, data) for data in sent])
    assert connection.site.reached() == set()


@given(st.one_of(st.binary(max_size=60), bodies), st.integers(0, 100), st.binary(max_size=4))
@settings(max_examples=300, deadline=None)
def test_answers_of_any_kind(body: bytes, at: int, put: bytes) -> None:
    """They are read or not, and what is read is bencoding again."""
    body = body[:at] + put + body[at + len(put) :]
    announcing = Announcing(options(), MemoryGateway(Site(), NAT), NAT.client.address)
    try:
        found = read_answer(body, announcing)
    except BencodeError:
        return
    if found is not None:
        bencode.parse(found.body)
