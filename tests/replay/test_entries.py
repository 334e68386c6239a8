"""How entries are shown."""

from __future__ import annotations

import json

import pytest

from ryu_alg.replay.entries import Entry


def test_nothing_steers_the_terminal() -> None:
    entry = Entry(1.5, "rewrite", "to\x1b[2J", before=(b"\x1b]0;x\x07\xff", "é".encode()))
    assert entry.text().splitlines() == [
        "    1.500000  rewrite  to\\x1b[2J",
        "              - \\x1b]0;x\\x07\\xff",
        "              - é",
    ]
    assert json.loads(entry.json())["before"] == ["\\x1b]0;x\\x07\\xff", "é"]


def test_secrets_are_not_shown() -> None:
    for secret in (
        'Authorization: Digest username="alice", response="5ec4e7"',
        "proxy-authorization : Basic 5ec4e7",
        "WWW-Authenticate: Digest nonce=5ec4e7",
        "Proxy-Authenticate: Digest nonce=5ec4e7",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:5ec4e7",
        "a=ice-pwd:5ec4e7",
        "<iq/><auth mechanism='PLAIN'>5ec4e7</auth>",
        "PASS 5ec4e7",
        "AUTHENTICATE 5ec4e7",
    ):
        line = secret.encode()
        shown = Entry(0, "rewrite", "outside", before=(line,), after=(line,))
        assert "5ec4e7" not in shown.text() + shown.json()
        assert "(not shown)" in shown.text()


def test_json_has_only_what_there_is() -> None:
    assert json.loads(Entry(0.25, "packet.refused", "why").json()) == {
        "time": 0.25,
        "code": "packet.refused",
        "detail": "why",
    }


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            b"GET /announce?info_hash=%fa&port=6881&key=S3CRET&event= HTTP/1.1",
            "GET /announce?info_hash=%fa&port=6881&key=(not shown)&event= HTTP/1.1",
        ),
        (
            b"GET /S3CRET/x/announce.php?port=1&passkey=S3CRET&S3CRET HTTP/1.0",
            "GET /(not shown)/announce.php?port=1&passkey=(not shown)&=(not shown) HTTP/1.0",
        ),
        (
            b"GET http://tracker:6969/S3CRET/announce?ip=192.168.10.2 HTTP/1.1",
            "GET http://tracker:6969/(not shown)/announce?ip=192.168.10.2 HTTP/1.1",
        ),
        (b"GET /announce HTTP/1.1", "GET /announce HTTP/1.1"),
        (b"GET nothing that is a path", "GET nothing that is a path"),
    ],
)
def test_keys_of_trackers_are_not_shown(line: bytes, shown: str) -> None:
    entry = Entry(0.0, "rewrite", "to_server", after=(line,))
    assert json.loads(entry.json())["after"] == [shown]
    assert shown in entry.text()
