"""A connection with a tracker: order, answers, what opens and when."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.http_tracker import MAX_ANSWER, MAX_PENDING, HttpTracker
from tests.protocols.bittorrent.connection import TO_CLIENT, TO_SERVER, Connection, options
from tests.protocols.bittorrent.gateway import IPV6_OUT, endpoint
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

INSIDE = endpoint("192.168.10.2", 6881)
SCRAPE = request("/scrape")
DENIED = options(deny=[OTHER_HASH.hex()])
REFUSAL = b"d14:failure reason"


def announced(raw: bytes = b"", connection: Connection | None = None) -> Connection:
    """A connection with an announce that has no answer yet."""
    connection = connection or Connection(HttpTracker)
    before = connection.site.reached()
    assert connection.client(raw or announce()) != b""
    assert connection.site.reached() == before
    return connection


def reads(body: bytes, connection: Connection | None = None) -> bytes:
    """What the client reads in place of this body of an answer."""
    connection = announced(connection=connection)
    head, _, left = connection.server(answer(body)).partition(b"\r\n\r\n")
    assert head.endswith(b"Content-Length: %d" % len(left))
    return left


# -- acceptance ---------------------------------------------------------------------------------


def test_it_opens_before_the_answer_leaves() -> None:
    connection = announced()
    connection.order.clear()
    reply = answer(ACCEPTED, "Content-Type: text/plain")
    assert connection.server(reply) == reply
    assert connection.order == ["listen", "leave"]
    assert connection.site.reached() == {(INSIDE, HASH)}
    (causes,) = connection.site.causes.values()
    assert causes == {HASH: 1000.0 + 1800 + 300}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (accepted(600), 600),
        (accepted(600, min_interval=b"i300e"), 600),
        (accepted(600, min_interval=b"i900e"), 900),
        (accepted(0), 60),
        (accepted(10**15), 3 * 3600),
    ],
)
def test_for_how_long(body: bytes, seconds: int) -> None:
    connection = announced()
    connection.server(answer(body))
    (causes,) = connection.site.causes.values()
    assert causes == {HASH: 1000.0 + seconds + 300}


@pytest.mark.parametrize(
    ("raw", "reports"),
    [
        (answer(FAILED), []),
        (answer(b"", "Location: /a", status="302 Found"), []),
        (answer(ACCEPTED, status="404 Not Found"), []),
        (answer(ACCEPTED, status="206 Partial Content"), []),
        (answer(status="304 Not Modified"), []),
        (answer(ACCEPTED, "Content-Encoding: gzip"), ["unreadable"]),
        (answer(b"<html></html>"), ["unreadable"]),
        (answer(b""), ["unreadable"]),
        (answer(ACCEPTED + b"\n"), ["unreadable"]),
        (answer(b"i1800e"), ["unreadable"]),
        (answer(b"de"), ["unreadable"]),
        (answer(accepted(-1)), ["unreadable"]),
        (answer(b"d8:interval4:1800e"), ["unreadable"]),
        (answer(accepted(peers=b"5:abcde")), ["unreadable"]),
        (answer(accepted(peers=b"i1e")), ["unreadable"]),
        (answer(accepted(peers=b"l6:abcdefe")), ["unreadable"]),
        (answer(accepted(peers=b"ld2:ip7:1.2.3.4ee")), ["unreadable"]),
        (answer(accepted(peers=b"ld2:ip7:1.2.3.44:porti70000eee")), ["unreadable"]),
        (answer(accepted(peers6=b"6:abcdef")), ["unreadable"]),
        (answer(accepted(peers6=b"le")), ["unreadable"]),
        (answer(b"l" * 100 + b"e" * 100), ["unreadable"]),
        (answer(accepted(x=bencode.text(b"x" * MAX_ANSWER))), ["unreadable"]),
        (chunked(accepted(x=bencode.text(b"x" * MAX_ANSWER))), ["unreadable"]),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER + 1), ["unreadable"]),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\ne", ["syntax"]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", ["unreadable", "syntax"]),
        (b"\x00\x01\x02\r\n\r\n", ["syntax"]),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 9000, ["syntax"]),
    ],
)
def test_what_opens_nothing_leaves_as_it_came(raw: bytes, reports: list[str]) -> None:
    connection = announced()
    assert connection.server(raw) == raw
    assert connection.codes == [f"bittorrent.http.{each}" for each in reports]
    assert connection.opaque is ("syntax" in reports)
    assert connection.site.reached() == set()
    assert not connection.aborted


def test_interim_answers_are_none() -> None:
    connection = announced()
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
    assert connection.server(interim) == interim
    assert connection.site.reached() == set()
    connection.server(answer(ACCEPTED))
    assert connection.site.reached() == {(INSIDE, HASH)}


def test_another_protocol_from_here_on() -> None:
    connection = announced()
    assert connection.server(b"HTTP/1.1 101 Switching Protocols\r\n\r\n") != b""
    assert connection.opaque


def test_a_tunnel_is_not_read() -> None:
    connection = announced(request("tracker.example.com:443", method="CONNECT"))
    assert connection.opaque


# -- peers --------------------------------------------------------------------------------------


def test_compact_peers() -> None:
    connection = Connection(HttpTracker)
    public = connection.site.announce("192.168.10.9", 7000).public
    named = bencode.text(peers("198.51.100.9:6881", str(public), "203.0.113.1:22"))
    found = bencode.text(peers("198.51.100.9:6881", "192.168.10.9:7000", "203.0.113.1:22"))
    assert reads(accepted(peers=named), Connection(HttpTracker, site=connection.site)) == (
        accepted(peers=found)
    )


def test_peers_in_full() -> None:
    connection = Connection(HttpTracker)
    public = connection.site.announce("192.168.10.9", 7000).public
    name = b"d2:ip9:a.invalid4:porti1ee"
    named = b"l" + listed("198.51.100.9:6881", str(public), "[2001:db8::1]:5") + name + b"e"
    found = b"l" + listed("198.51.100.9:6881", "192.168.10.9:7000", "[2001:db8::1]:5") + name + b"e"
    assert reads(accepted(peers=named), connection) == accepted(peers=found)


def test_peers_over_ipv6() -> None:
    connection = Connection(HttpTracker, IPV6_OUT)
    body = accepted(peers6=bencode.text(peers("[2001:db8:30::9]:6881", "[2001:db8:1::9]:5")))
    assert connection.client(announce()) == announce()
    assert connection.server(answer(body)) == answer(body)
    assert connection.site.reached() == {(endpoint("2001:db8:30::2", 6881), HASH)}


def test_no_more_peers_than_the_options_say() -> None:
    four = [f"198.51.100.{number}:6881" for number in range(4)]
    six = ["[2001:db8::1]:1", "[2001:db8::2]:2"]

    def cut(number: int, body: bytes) -> bytes:
        return reads(body, Connection(HttpTracker, configured=options(peers=number)))

    def compact(number: int, number6: int) -> bytes:
        return accepted(
            peers=bencode.text(peers(*four[:number])), peers6=bencode.text(peers(*six[:number6]))
        )

    for number, left in ((1, (1, 0)), (4, (4, 0)), (5, (4, 1)), (6, (4, 2)), (7, (4, 2))):
        assert cut(number, compact(4, 2)) == compact(*left)
    in_full = accepted(peers=b"l" + listed(*four) + b"e")
    assert cut(2, in_full) == accepted(peers=b"l" + listed(*four[:2]) + b"e")


# -- framing ------------------------------------------------------------------------------------

MINE = bencode.text(peers("203.0.113.1:40001"))
FOUND = accepted(peers=bencode.text(peers("192.168.10.2:6881")))


def test_chunks_become_a_length_if_anything_changes() -> None:
    connection = announced()
    body = accepted(peers=MINE)
    left = connection.server(chunked(body[:10], body[10:], trailer=b"X: y\r\n"))
    assert left == (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nServer: a server\r\n\r\n" % len(FOUND) + FOUND
    )
    raw = chunked(ACCEPTED[:10], ACCEPTED[10:], trailer=b"X: y\r\n")
    assert announced().server(raw) == raw


def test_an_answer_that_ends_with_the_connection() -> None:
    for body, found in ((accepted(peers=MINE), FOUND), (ACCEPTED, ACCEPTED), (FAILED, FAILED)):
        connection = announced()
        head = b"HTTP/1.0 200 OK\r\n\r\n"
        assert connection.server(head + body[:20]) == b""
        assert connection.server(body[20:]) == b""
        connection.end(TO_CLIENT)
        assert connection.left[TO_CLIENT] == head + found
        assert bool(connection.site.reached()) is (found != FAILED)


@pytest.mark.parametrize(
    "raw",
    [
        answer(ACCEPTED)[:-1],
        chunked(ACCEPTED)[:-2],
        b"HTTP/1.0 200 OK\r\n\r\n" + ACCEPTED[:-1],
        b"HTTP/1.0 200 OK\r\n",
    ],
)
def test_an_answer_that_is_cut_off_leaves_and_opens_nothing(raw: bytes) -> None:
    connection = announced()
    connection.server(raw)
    connection.end(TO_CLIENT)
    assert connection.left[TO_CLIENT] == raw
    assert connection.site.reached() == set()


def test_other_bodies_do_not_wait() -> None:
    connection = Connection(HttpTracker)
    post = request("/upload", "Content-Length: 1000000", method="POST") + announce()
    assert connection.client(post) == post
    page = answer(b"x" * 100000)
    assert connection.server(page[:5000]) == page[:5000]
    assert connection.gateway.listened == []


# -- one after the other ------------------------------------------------------------------------


def test_several_torrents_in_one_connection() -> None:
    connection = Connection(HttpTracker)
    for info_hash in (HASH, OTHER_HASH, HASH):
        assert connection.client(announce(info_hash)) == announce(info_hash, 40001)
        connection.server(answer(ACCEPTED))
    assert connection.site.reached() == {(INSIDE, HASH), (INSIDE, OTHER_HASH)}


def test_answers_belong_to_requests_in_order() -> None:
    connection = Connection(HttpTracker)
    connection.client(announce() + SCRAPE + b"\r\n" + announce(OTHER_HASH))
    connection.server(answer(FAILED))
    connection.server(answer(ACCEPTED))
    assert connection.site.reached() == set(), "that was the answer to the scrape"
    connection.server(answer(ACCEPTED))
    assert connection.site.reached() == {(INSIDE, OTHER_HASH)}


def test_a_question_about_the_head_is_answered_without_a_body() -> None:
    connection = Connection(HttpTracker)
    connection.client(request("/", method="HEAD") + announce())
    connection.server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + answer(ACCEPTED))
    assert connection.site.reached() == {(INSIDE, HASH)}


def test_requests_without_answers_are_bounded() -> None:
    connection = Connection(HttpTracker)
    connection.client(announce() * 20)
    assert connection.left[TO_SERVER] == announce(port=40001) * MAX_PENDING
    connection.server(answer(ACCEPTED))
    assert connection.left[TO_SERVER] == announce(port=40001) * (MAX_PENDING + 1)
    for _ in range(19):
        connection.server(answer(ACCEPTED))
    assert connection.held == {TO_SERVER: b"", TO_CLIENT: b""}


def test_a_refusal_comes_in_its_turn() -> None:
    connection = Connection(HttpTracker, configured=DENIED)
    connection.client(SCRAPE + announce(OTHER_HASH) + announce())
    assert connection.left[TO_SERVER] == SCRAPE, "what is behind it waits, too"
    first = answer(b"x" * 100)
    connection.server(first[:-1])
    assert REFUSAL not in connection.left[TO_CLIENT]
    connection.server(first[-1:])
    assert connection.left[TO_CLIENT].startswith(first)
    assert connection.left[TO_CLIENT].count(REFUSAL) == 1
    assert connection.left[TO_SERVER] == SCRAPE + announce(port=40001)
    connection.server(answer(ACCEPTED))
    assert connection.left[TO_CLIENT].endswith(answer(ACCEPTED))
    assert connection.codes == ["bittorrent.denied.hash"]


def test_the_body_of_a_refused_announce_does_not_leave() -> None:
    for field, body in (
        ("Content-Length: 5", b"hello"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
    ):
        connection = Connection(HttpTracker, configured=DENIED)
        raw = announce(OTHER_HASH, 6881, "", field) + body
        for at in range(len(raw)):
            connection.client(raw[at : at + 1])
        assert connection.left[TO_SERVER] == b"" and REFUSAL in connection.left[TO_CLIENT]
        assert connection.client(SCRAPE) == SCRAPE


def test_an_answer_to_nothing() -> None:
    connection = Connection(HttpTracker)
    connection.client(SCRAPE)
    connection.server(answer(b"1"))
    assert connection.server(answer(ACCEPTED)) == b""
    assert connection.aborted and connection.codes == ["bittorrent.http.unasked"]


def test_nothing_is_asked_of_a_server_that_has_said_all() -> None:
    connection = Connection(HttpTracker, configured=DENIED)
    connection.client(SCRAPE)
    connection.server(answer(b"1"))
    connection.end(TO_CLIENT)
    assert connection.client(announce(OTHER_HASH) + announce()) == b""
    assert connection.left[TO_CLIENT] == answer(b"1")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /announce\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nnonsense\r\n\r\n",
        b"GET /" + b"a" * 9000,
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
def test_unclear_requests_end_the_reading(raw: bytes) -> None:
    connection = Connection(HttpTracker)
    assert connection.client(raw + announce()) == raw + announce()
    assert connection.opaque and connection.codes == ["bittorrent.http.syntax"]


# -- the last announce --------------------------------------------------------------------------

STOP = announce(more="&event=stopped")
STOPPED = announce(port=40001, more="&event=stopped")


def open_connection() -> Connection:
    connection = announced()
    connection.server(answer(ACCEPTED))
    return connection


def test_leaving() -> None:
    connection = open_connection()
    assert connection.client(STOP) == STOPPED
    assert connection.site.reached() == {(INSIDE, HASH)}
    connection.server(answer(accepted()))
    connection.site.now += 9
    other = Connection(HttpTracker, site=connection.site)
    assert other.client(STOP) == STOPPED, "its other trackers are told of the same port"
    other.server(answer(accepted()))
    assert connection.site.reached() == {(INSIDE, HASH)}
    connection.site.now += 11
    assert connection.site.reached() == set()


def test_leaving_and_the_tracker_does_not_want_to_hear_it() -> None:
    for reply in (answer(FAILED), answer(b"?"), answer(status="500 Oh")):
        connection = open_connection()
        connection.client(STOP)
        assert connection.server(reply) == reply
        assert connection.site.reached() == set()


@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_leaving_without_an_answer(direction: object) -> None:
    connection = open_connection()
    connection.client(STOP)
    connection.end(TO_SERVER if direction is TO_SERVER else TO_CLIENT)
    assert connection.site.reached() == set()


def test_leaving_without_having_come() -> None:
    connection = Connection(HttpTracker)
    assert connection.client(STOP) == STOP
    connection.server(answer(ACCEPTED))
    assert connection.gateway.listened == [] and connection.site.reached() == set()


def test_leaving_with_one_of_two_torrents() -> None:
    connection = open_connection()
    connection.client(announce(OTHER_HASH))
    connection.server(answer(ACCEPTED))
    connection.client(STOP)
    connection.server(answer(FAILED))
    assert connection.site.reached() == {(INSIDE, OTHER_HASH)}
    connection.client(STOP)
    connection.server(answer(ACCEPTED))
    assert connection.site.reached() == {(INSIDE, OTHER_HASH)}
