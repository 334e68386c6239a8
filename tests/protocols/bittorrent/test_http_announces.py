"""Announces to HTTP trackers, beside BEP 3 and BEP 7: what leaves, and what is refused."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Conversation, Refusal
from ryu_alg.protocols.bittorrent.http_tracker import HttpTracker
from tests.protocols.bittorrent.connection import TO_CLIENT, TO_SERVER, Connection, options
from tests.protocols.bittorrent.gateway import IPV6_OUT, NAT, conversation, endpoint
from tests.protocols.bittorrent.http_messages import (
    ACCEPTED,
    HASH,
    OTHER_HASH,
    announce,
    answer,
    query,
    request,
)


def asked(raw: bytes, ends: Conversation = NAT, **configured: object) -> Connection:
    connection = Connection(HttpTracker, ends, options(**configured))
    connection.client(raw)
    return connection


def told(connection: Connection) -> bytes:
    """The tracker's failure reason, as the client reads it."""
    head, _, body = connection.left[TO_CLIENT].partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert body.startswith(b"d14:failure reason") and body.endswith(b"e")
    return body


# -- what leaves --------------------------------------------------------------------------------

LEAVES = [
    ("", ""),
    ("&ip=192.168.10.2", "&ip=203.0.113.1"),
    ("&ipv4=192.168.10.2", "&ipv4=203.0.113.1"),
    ("&ipv4=192.168.10.2:6881", "&ipv4=203.0.113.1:40001"),
    ("&ipv4=192.168.10.2%3A6881", "&ipv4=203.0.113.1:40001"),
    ("&%69p=192%2E168.10.2", "&%69p=203.0.113.1"),
    ("&ip=203.0.113.1", "&ip=203.0.113.1"),
    ("&ip=", "&ip="),
    ("&ipv6=2001:db8:30::2", ""),
    ("&ipv6=%5B2001:db8:30::2%5D:6881&ip=192.168.10.2", "&ip=203.0.113.1"),
    ("&ip=192.168.10.2&ipv6=::ffff:192.168.10.2", "&ip=203.0.113.1"),
    ("&numwant=200", "&numwant=200"),
    ("&numwant=201", "&numwant=200"),
    ("&numwant=0&key=a%20b", "&numwant=0&key=a%20b"),
    ("&numwant=-1", "&numwant=-1"),
    ("&event=started", "&event=started"),
    ("&supportcrypto=1&no_peer_id=1&x", "&supportcrypto=1&no_peer_id=1&x"),
]


@pytest.mark.parametrize(("came", "left"), LEAVES)
def test_what_leaves(came: str, left: str) -> None:
    connection = Connection(HttpTracker)
    assert connection.client(announce(more=came)) == announce(port=40001, more=left)
    assert connection.site.reached() == set()
    assert connection.gateway.listened == [(endpoint("192.168.10.2", 6881), HASH)]


@pytest.mark.parametrize(
    "path",
    ["/announce", "/announce.php", "/0123abcd/announce", "http://tracker.example.com:6969/announce",
     "/a?pass=key", "/"],
)  # fmt: skip
def test_wherever_the_tracker_is(path: str) -> None:
    connection = Connection(HttpTracker)
    assert connection.client(announce(path=path)) == announce(path=path, port=40001)


@pytest.mark.parametrize("separator", ["&", ";", "?"])
def test_whatever_separates(separator: str) -> None:
    connection = Connection(HttpTracker)
    raw = announce().replace(b"&", separator.encode())
    assert connection.client(raw) == raw.replace(b"port=6881", b"port=40001")


def test_the_answer_is_to_be_readable() -> None:
    connection = Connection(HttpTracker)
    left = connection.client(
        announce(HASH, 6881, "", "accept-encoding: gzip, deflate", "Accept-Encoding: br", "X: gzip")
    )
    same = announce(HASH, 40001, "", "accept-encoding: identity", "Accept-Encoding: identity")
    assert left == same.replace(b"identity\r\n\r\n", b"identity\r\nX: gzip\r\n\r\n")


def test_without_nat_nothing_is_rewritten() -> None:
    raw = announce(more="&ipv6=2001:0db8:30::0002&ip=2001:db8:30::2")
    assert asked(raw, IPV6_OUT).left[TO_SERVER] == raw


def test_an_address_of_the_other_family_is_left_out_of_ipv6_too() -> None:
    connection = asked(announce(more="&ipv4=192.168.10.2"), IPV6_OUT)
    assert connection.left[TO_SERVER] == announce()
    assert connection.codes == ["bittorrent.http.family"]


def test_left_out_at_the_end_of_the_target() -> None:
    raw = request(f"/announce?{query()}&ipv6=2001:db8:30::2")
    assert asked(raw).left[TO_SERVER] == request(f"/announce?{query(port=40001)}&")


# -- what is refused ----------------------------------------------------------------------------

REFUSED = [
    ("port", "0"),
    ("port", "1023"),
    ("port", "65536"),
    ("port", "99999999999"),
    ("port", "06881"),
    ("port", "-6881"),
    ("port", "6881x"),
    ("port", "%2B6881"),
    ("port", "6881&port=6881"),
    ("port", "6881&%70ort=7000"),
    ("port", "6881;port=22"),
    ("port", "6881?port=22"),
    ("port", "%D9%A1%D9%A1%D9%A1%D9%A1"),
    ("port", ""),
    ("address", "6881&ip=198.51.100.9"),
    ("address", "6881&ip=192.168.10.3"),
    ("address", "6881&ip=tracker.example.com"),
    ("address", "6881&ip=192.168.10.2&ip=192.168.10.2"),
    ("address", "6881&ipv4=192.168.10.2:6882"),
    ("address", "6881&ipv4=192.168.10.2:22"),
    ("address", "6881&ip=3232238082"),
    ("address", "6881&ip=192.168.010.002"),
    ("address", "6881&ip=%31%39%38.51.100.9"),
    ("address", "6881&ip=%FF%00"),
    ("hash", "6881&info_hash=abcdefghijklmnopqrst"),
    ("hash", "6881&info%5Fhash=abcdefghijklmnopqrst"),
]


@pytest.mark.parametrize(("what", "port"), REFUSED)
def test_what_is_refused(what: str, port: str) -> None:
    connection = asked(announce(port=port))
    assert connection.codes == [f"bittorrent.http.{what}"]
    assert told(connection)
    assert connection.left[TO_SERVER] == b""
    assert connection.gateway.listened == []


@pytest.mark.parametrize(
    "info_hash", ["", "abc", "a" * 19, "a" * 21, "a" * 19 + "+", "a" * 19 + "%", "a" * 19 + "%4"]
)
def test_what_is_no_hash(info_hash: str) -> None:
    connection = asked(request(f"/announce?info_hash={info_hash}&peer_id=x&port=6881"))
    assert connection.codes == ["bittorrent.http.hash"]
    assert connection.gateway.listened == []


def test_without_a_port() -> None:
    connection = asked(request(f"/announce?{query().replace('&port=6881', '')}"))
    assert connection.codes == ["bittorrent.http.port"]


@pytest.mark.parametrize(
    "field",
    [
        *("User-Agent: Mozilla/5.0 (X11)", "user-agent: mozilla/4.0", "Origin: null", "Referer: "),
        *("Cookie: a=b", "Accept-Language: *", "Sec-Fetch-Mode: no-cors", "sec-ch-ua: x"),
    ],
)
def test_a_web_page_opens_nothing(field: str) -> None:
    connection = asked(announce(HASH, 6881, "", field))
    assert connection.codes == ["bittorrent.browser"]
    assert connection.left[TO_CLIENT].startswith(b"HTTP/1.1 403 ")
    assert told(connection)
    assert connection.left[TO_SERVER] == b"" and connection.gateway.listened == []


def test_the_engine_refuses() -> None:
    connection = Connection(HttpTracker)
    connection.site.refusals[6881] = Refusal("port.denied", "port 6881 is on the deny list")
    connection.client(announce())
    assert connection.codes == ["bittorrent.refused.port.denied"]
    assert b"on the deny list" in told(connection)


# -- policy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("hosts", [["0.0.0.0/0"], []])
def test_denied_torrents_are_denied_for_all(hosts: list[str]) -> None:
    for configured in ({"deny": [HASH.hex()]}, {"allow": [OTHER_HASH.hex()]}):
        connection = asked(announce(), hosts=hosts, **configured)
        assert connection.codes == ["bittorrent.denied.hash"]
        assert HASH.hex().encode() in told(connection)
        assert connection.left[TO_SERVER] == b""


def test_other_torrents_of_whoever_is_not_reachable_pass() -> None:
    raw = announce(more="&ip=1.2.3.4&port=x&numwant=900", path="/a?x")
    connection = asked(raw, hosts=["192.168.99.0/24"], deny=[OTHER_HASH.hex()])
    assert connection.left[TO_SERVER] == raw
    reply = answer(ACCEPTED)
    assert connection.server(reply) == reply
    assert connection.gateway.listened == [] and not connection.opaque


def test_a_denied_torrent_behind_another_one() -> None:
    raw = announce(more="&info_hash=" + "".join(f"%{byte:02x}" for byte in OTHER_HASH))
    connection = asked(raw, hosts=[], deny=[OTHER_HASH.hex()])
    assert connection.codes == ["bittorrent.denied.hash"]


def test_too_many_torrents() -> None:
    connection = Connection(HttpTracker, configured=options(torrents=1))
    connection.client(announce(OTHER_HASH))
    connection.server(answer(ACCEPTED))
    assert connection.client(announce()) == b""
    assert connection.codes == ["bittorrent.denied.torrents"]
    assert connection.client(announce(OTHER_HASH)) == announce(OTHER_HASH, 40001)


# -- what is none -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        request(f"/scrape?info_hash={'a' * 20}&info_hash={'b' * 20}"),
        request("/"),
        request("/announce"),
        request("/announce?port=22&ip=1.2.3.4"),
        request(f"/announce?{query()}", method="HEAD"),
        request("/stats?x=info_hash&y=port"),
        request("/page", "Accept-Encoding: gzip", "User-Agent: Mozilla/5.0"),
    ],
)
def test_what_is_no_announce_leaves_as_it_came(raw: bytes) -> None:
    connection = asked(raw, deny=[OTHER_HASH.hex()])
    assert connection.left[TO_SERVER] == raw
    assert connection.codes == [] and connection.gateway.listened == []


@pytest.mark.parametrize(
    "ends",
    [
        conversation("198.51.100.9", "192.168.20.2", server_seen="203.0.113.1"),
        conversation("2001:db8:1::9", "2001:db8:30::2"),
        conversation("192.168.10.2", "192.168.20.2"),
    ],
)
def test_trackers_inside(ends: Conversation) -> None:
    raw = announce()
    connection = asked(raw, ends)
    assert connection.left[TO_SERVER] == raw and connection.opaque


def test_with_nothing_to_read_for_the_connection_is_opaque() -> None:
    assert asked(announce(), hosts=[]).opaque
    assert not asked(announce(), hosts=[], deny=[HASH.hex()]).opaque
