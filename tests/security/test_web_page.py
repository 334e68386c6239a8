"""A web page in the browser of somebody inside: what it can send, and where it can have it sent."""

from __future__ import annotations

import re

import pytest

from ryu_alg.openflow.render import render
from tests.protocols.bittorrent.http_messages import ACCEPTED, HASH, announce, answer
from tests.protocols.xmpp.session import CLIENT_HEADER
from tests.protocols.xmpp.stanzas import offer, streamhost
from tests.security.site import (
    CLIENT,
    CONFIGURATION,
    PUBLIC,
    Site,
    configured,
    default_config,
    default_plan,
    in_pieces,
)

ANNOUNCEMENTS = {
    "ftp": b"PORT 192,168,10,2,86,206\r\n",
    "sip": b"INVITE sip:a@h SIP/2.0\r\nContact: <sip:a@192.168.10.2>\r\nContent-Length: 0\r\n\r\n",
    "rtsp": (
        b"SETUP rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n"
        b"Transport: RTP/AVP;unicast;client_port=22222-22223\r\n\r\n"
    ),
    "irc": b"PRIVMSG a :\1DCC CHAT chat 3232238082 22222\1\r\n",
    "xmpp": CLIENT_HEADER + offer(streamhost(CLIENT, 22222)),
}
ANSWERS = {
    "ftp": b"200 Fine.\r\n",
    "sip": b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "rtsp": (
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 1\r\n"
        b"Transport: RTP/AVP;unicast;client_port=22222-22223;server_port=6256-6257\r\n\r\n"
    ),
    "irc": b":irc 001 a :Welcome\r\n",
    "xmpp": b"<stream:stream>",
}
REQUESTS = [
    b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 60000\r\n\r\n",
    b"GET /%0d%0a HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]


@pytest.mark.parametrize("protocol", ANNOUNCEMENTS)
@pytest.mark.parametrize("first", REQUESTS, ids=["POST", "GET", "TLS"])
@pytest.mark.parametrize("size", [1460, 9])
def test_nat_slipstreaming(protocol: str, first: bytes, size: int) -> None:
    """By any protocol: a page sends to its port, and its text begins a segment."""
    site = Site()
    page = site.connect(protocol)
    if protocol == "ftp":
        page.server_sends(b"220 Ready.\r\n")
    padding = b"x" * (2 * 1460 - len(first))
    page.client_sends(*in_pieces(first + padding, size), ANNOUNCEMENTS[protocol])
    if protocol == "xmpp" and first.startswith(b"\x16"):
        assert site.saw("xmpp.opaque")  # TLS may pass: nothing of it is inspected ever after
    else:
        assert page.reset
        assert page.server.received == b""
    page.server_sends(ANSWERS[protocol])
    assert site.shut
    assert len(site.events) >= 2, "nobody is told"


def test_nat_slipstreaming_v2() -> None:
    """H.323 is none of the protocols: what goes to port 1720 is ordinary traffic, whatever it
    says about call forwarding and third hosts."""
    assert 1720 not in {port for p in default_config().protocols for port in p.ports}
    flows = render(default_plan(), {"lan": 1, "dmz": 2, "wan": 3})
    assert any(re.search(r"\btp_dst=5060\b", flow) for flow in flows)
    assert not any(re.search(r"\b(tp|tcp|udp)_(src|dst)=(1720|1719)\b", flow) for flow in flows)


@pytest.mark.parametrize(
    "asked",
    [
        announce(port=22),
        announce(port=6881, more="&ip=192.168.10.3"),
        announce(port=6881, more=f"&ip={PUBLIC}"),
        announce(HASH, 6881, "", "User-Agent: Mozilla/5.0", "Origin: null"),
    ],
    ids=["port 22", "inside address", "public address", "a page"],
)
def test_tracker_port_22(asked: bytes) -> None:
    """tracker ip=/port=22: by default nobody inside can be reached by peers, whoever says so."""
    site = Site()
    page = site.connect("bittorrent")
    assert page.client_sends(asked) == asked
    reply = answer(ACCEPTED)
    assert page.server_sends(reply) == reply
    assert site.shut
    assert not site.listeners


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (announce(port=22), "bittorrent.http.port"),
        (announce(port=65616), "bittorrent.http.port"),
        (announce(port=3306), "bittorrent.refused.port.denied"),
        (announce(more="&ip=192.168.10.3"), "bittorrent.http.address"),
        (announce(more="&ip=198.51.100.66"), "bittorrent.http.address"),
        (announce(HASH, 6881, "", "User-Agent: Mozilla/5.0"), "bittorrent.browser"),
        (announce(HASH, 6881, "", "Origin: null"), "bittorrent.browser"),
        (announce(HASH, 6881, "", "Sec-Fetch-Mode: no-cors"), "bittorrent.browser"),
    ],
)
def test_tracker_port_22_where_peers_are_let_in(asked: bytes, code: str) -> None:
    """The same where the configuration lets them in: refused, and the next client is served."""
    peers = "bittorrent: {options: {hosts: 192.168.10.0/24}}"
    site = Site(configured(CONFIGURATION.replace("bittorrent: {}", peers)))
    page = site.connect("bittorrent")
    assert page.client_sends(asked) == b""
    assert b"failure reason" in page.client_side.received
    assert site.saw(code)
    page.server_sends(answer(ACCEPTED))
    assert site.shut
    client = site.connect("bittorrent", port=40001)
    client.client_sends(announce(port=6881))
    assert site.shut, "before the tracker has accepted"
    client.server_sends(answer(ACCEPTED))
    assert not site.shut
