"""Attacks by way of FTP: from outside, by hostile servers, and by who controls a client's words."""

from __future__ import annotations

import pytest

from tests.security.site import (
    CLIENT,
    INSIDE_SERVER,
    PUBLIC,
    SERVER,
    STRANGER,
    Connection,
    Site,
    in_pieces,
)

GREETING = b"220 Ready.\r\n"
MSS = 88
"""Of the smallest that a host may ask for, what is left of a segment for text."""


def logged_in(site: Site, **where: object) -> Connection:
    """A session whose user has been let in."""
    ftp = site.connect("ftp", **where)  # type: ignore[arg-type]
    ftp.server_sends(GREETING)
    ftp.client_sends(b"USER anna\r\n")
    ftp.server_sends(b"230 Welcome.\r\n")
    return ftp


def works(ftp: Connection) -> None:
    """A passive transfer in this very session."""
    before = len(ftp.site.pinholes)
    assert ftp.client_sends(b"PASV\r\n") == b"PASV\r\n"
    reply = ftp.server_sends(b"227 Entering Passive Mode (198,51,100,7,78,52).\r\n")
    assert reply.startswith(b"227 ")
    assert len(ftp.site.pinholes) == before + 1
    number, pinhole = list(ftp.site.pinholes.items())[-1]
    assert str(pinhole.seen) == f"{SERVER}:20020"
    ftp.site.used(number)


@pytest.mark.parametrize(
    "command",
    [
        b"PORT 192,168,10,3,19,136\r\n",
        b"PORT 198,51,100,66,19,136\r\n",
        b"PORT 127,0,0,1,19,136\r\n",
        b"EPRT |1|192.168.10.3|5000|\r\n",
        b"EPRT |1|198.51.100.66|5000|\r\n",
        b"EPRT |2|::1|5000|\r\n",
    ],
)
def test_ftp_bounce(command: bytes) -> None:
    """CVE-1999-0017: the server is to connect to a third host."""
    site = Site()
    ftp = logged_in(site)
    assert ftp.client_sends(command) == b""
    assert ftp.client_side.received.endswith(b"\r\n")
    assert ftp.client_side.received.splitlines()[-1][:3] in (b"501", b"522")
    assert site.shut
    assert any(code.startswith("ftp.") for code in site.events)
    works(ftp)


@pytest.mark.parametrize(
    "command", [b"PORT 198,51,100,66,19,136\r\n", b"PORT 192,168,10,3,0,80\r\n"]
)
def test_ftp_bounce_off_a_published_server(command: bytes) -> None:
    """CVE-1999-0017 again, with an outside client and an inside server."""
    site = Site()
    ftp = logged_in(site, client=SERVER, server=PUBLIC)
    assert str(ftp.server.own.address) == INSIDE_SERVER
    assert ftp.client_sends(command) == b""
    assert ftp.client_side.received.splitlines()[-1].startswith(b"501")
    assert site.shut


@pytest.mark.parametrize(
    "port",
    [
        b"PORT 192,168,10,2,0,22\r\n",
        b"PORT 192,168,10,2,256,22\r\n",
        b"PORT 192,168,10,2,1,-1\r\n",
        b"PORT 192,168,10,2,12,234\r\n",
        b"PORT 192,168,10,258,19,136\r\n",
        b"PORT 192,168,10,2,4294967315,136\r\n",
        b"PORT 192,168,10,2,0x13,136\r\n",
        b"EPRT |1|192.168.10.2|65616|\r\n",
        b"EPRT |1|192.168.10.2|4294967318|\r\n",
        b"EPRT |1|192.168.10.2|-1|\r\n",
        b"EPRT |1|192.168.10.2|0x15b3|\r\n",
        b"EPRT |1|192.168.10.2|22|\r\n",
        b"EPRT |1|192.168.10.2|3306|\r\n",
        b"EPRT |1|192.168.10.2|6653|\r\n",
        b"EPRT |1|192.168.10.2|" + b"9" * 400 + b"|\r\n",
    ],
)
def test_ports_out_of_range(port: bytes) -> None:
    """Ports that wrap, privileged ones, and those of databases and of the gateway itself."""
    site = Site()
    ftp = logged_in(site)
    assert ftp.client_sends(port) == b""
    assert ftp.client_side.received.splitlines()[-1].startswith(b"501")
    ftp.server_sends(b"200 PORT command successful.\r\n")
    assert site.shut
    works(ftp)


@pytest.mark.parametrize(
    "reply",
    [
        b"227 Entering Passive Mode (192,168,10,3,19,136).\r\n",
        b"227 Entering Passive Mode (198,51,100,66,19,136).\r\n",
        b"227 Entering Passive Mode (127,0,0,1,19,136).\r\n",
        b"227 Entering Passive Mode (198,51,100,7,0,22).\r\n",
        b"227 Entering Passive Mode (198,51,100,7,256,22).\r\n",
        b"227 Entering Passive Mode (192,168,10,2,19,136).\r\n",
    ],
)
def test_pasv_steering(reply: bytes) -> None:
    """A hostile server names a third host, or a port that is none for data."""
    site = Site()
    ftp = logged_in(site)
    ftp.client_sends(b"PASV\r\n")
    answer = ftp.server_sends(reply)
    assert answer.startswith(b"425 ")
    assert site.shut
    assert any(code.startswith("ftp.") for code in site.events)
    works(ftp)


@pytest.mark.parametrize("size", [None, MSS, 36, 1])
@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            b"RETR " + b"x" * 64 + b"227 (192,168,10,2,0,22)\r\n",
            b"550 " + b"x" * 64 + b"227 (192,168,10,2,0,22): no such file\r\n",
        ),
        (
            b"HELP 227 Entering Passive Mode (192,168,10,2,19,136)\r\n",
            b"214-This:\r\n227 Entering Passive Mode (192,168,10,2,19,136)\r\n214 Enjoy.\r\n",
        ),
        (
            b"CWD 227 (198,51,100,7,19,136)\r\n",
            b"550 227 (198,51,100,7,19,136): No such directory.\r\n",
        ),
    ],
    ids=["error text", "multi-line reply", "beginning of an error text"],
)
def test_the_echoed_227(sent: bytes, text: bytes, size: int | None) -> None:
    """VU#328867: the server is made to repeat text that looks like its answer to PASV, so that
    with the right segment size a segment begins with it."""
    site = Site()
    ftp = logged_in(site)
    assert ftp.client_sends(sent) == sent
    assert ftp.server_sends(*([text] if size is None else in_pieces(text, size))) == text
    assert site.shut
    works(ftp)


def test_the_echoed_227_of_a_published_server() -> None:
    """VU#328867 as it was meant: an attacker outside, and the victim's server behind the
    firewall, which is to be opened at another port."""
    site = Site()
    ftp = logged_in(site, client=STRANGER, server=PUBLIC)
    padding = b"A" * (MSS - 4)
    ftp.client_sends(padding + b"227 (192,168,20,2,128,7)\r\n")
    text = b"500 " + padding + b"227 (192,168,20,2,128,7)\r\n"
    assert ftp.server_sends(*in_pieces(text, MSS)) == text
    assert site.shut


def test_the_227_in_the_banner() -> None:
    """VU#328867: a greeting that looks like the answer to PASV."""
    site = Site()
    ftp = site.connect("ftp")
    greeting = b"220-Hello\r\n227 Entering Passive Mode (198,51,100,7,19,136)\r\n220 Ready.\r\n"
    assert ftp.server_sends(*in_pieces(greeting, 11)) == greeting
    assert site.shut
    other = site.connect("ftp", port=40001)
    other.server_sends(b"227 Entering Passive Mode (198,51,100,7,19,136)\r\n")
    assert other.reset
    assert site.saw("ftp.not_ftp")
    assert site.shut


def test_a_227_that_nobody_asked_for() -> None:
    """An answer to nothing opens nothing."""
    site = Site()
    ftp = logged_in(site)
    ftp.server_sends(b"227 Entering Passive Mode (198,51,100,7,19,136)\r\n")
    ftp.client_sends(b"NOOP\r\n")
    ftp.server_sends(b"227 Entering Passive Mode (198,51,100,7,19,136)\r\n")
    assert site.shut
    assert site.saw("ftp.reply.unasked")
    works(ftp)


@pytest.mark.parametrize("verb", [b"USER", b"CWD"])
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_crlf_injection(verb: bytes, end: bytes) -> None:
    """A user name or path from elsewhere (a URL, most often) that brings commands along: whatever
    ends a line for a server ends it here, and what follows is read as what it is."""
    site = Site()
    ftp = logged_in(site)
    smuggled = b"PORT 198,51,100,66,0,22"
    reached = ftp.client_sends(verb + b" anna" + end + smuggled + b"\r\n")
    ftp.server_sends(b"250 Done.\r\n")
    assert smuggled not in ftp.server.received
    assert b"PORT" not in reached
    assert site.shut
    assert site.saw("ftp.line.bare_cr" if end == b"\r" else "ftp.port.foreign_address")


def test_500_ports_without_data() -> None:
    """What is announced and never used is replaced, and dies by itself; quotas hold."""
    site = Site()
    ftp = logged_in(site)
    most = 0
    for number in range(500):
        port = 5000 + number
        ftp.client_sends(b"PORT 192,168,10,2,%d,%d\r\n" % divmod(port, 256))
        ftp.server_sends(b"200 Fine.\r\n")
        most = max(most, len(site.pinholes))
    assert most == 1
    assert len(site.engine.expectations.live) <= 1
    (last,) = site.pinholes
    assert site.pinholes[last].idle == 30
    site.unused(last)
    assert not site.engine.expectations.live
    works(ftp)


def test_an_http_post_to_port_21() -> None:
    """NAT slipstreaming by way of FTP: a web page's form, whose body has an announcement."""
    site = Site()
    ftp = site.connect("ftp")
    ftp.server_sends(GREETING)
    body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n" + b"x" * 1000
    reached = ftp.client_sends(*in_pieces(body, 500), b"PORT 192,168,10,2,19,136\r\n")
    assert reached == b""
    assert ftp.reset
    assert site.saw("ftp.not_ftp")
    ftp.server_sends(b"200 Fine.\r\n")
    assert site.shut
    works(logged_in(site, port=40001))


def test_used_by_another_host() -> None:
    """A pinhole names the session's own two hosts and no other (whether a switch keeps to that:
    tests/openflow/test_sessions.py)."""
    site = Site()
    ftp = logged_in(site)
    ftp.client_sends(b"PORT 192,168,10,2,19,136\r\n")
    ftp.server_sends(b"200 Fine.\r\n")
    (pinhole,) = site.pinholes.values()
    assert [str(peer) for peer in pinhole.peers] == [f"{SERVER}/32"]
    assert str(pinhole.seen.address) == PUBLIC
    assert pinhole.seen.port != 5000
    assert 32768 <= pinhole.seen.port <= 49151
    assert str(ftp.client_at.address) == CLIENT
