"""Attacks by way of IRC: web pages, other users, and hosts that name somebody else."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.security.site import CLIENT, PUBLIC, STRANGER, VICTIM, Connection, Site, in_pieces

OWN, OTHER, THIRD, SEEN = (int(ip_address(a)) for a in (CLIENT, VICTIM, STRANGER, PUBLIC))


def welcomed(site: Site, port: int = 40000) -> Connection:
    """A session of amy's."""
    irc = site.connect("irc", port=port)
    irc.client_sends(b"NICK amy\r\nUSER amy 0 * :Amy\r\n")
    irc.server_sends(b":irc.example.net 001 amy :Welcome\r\n")
    return irc


def offer(address: object, port: object) -> bytes:
    """A DCC, with its delimiters."""
    return f"\1DCC CHAT chat {address} {port}\1".encode()


def works(irc: Connection) -> None:
    """An offer as it should be."""
    before = len(irc.site.pinholes)
    irc.client_sends(b"PRIVMSG bob :" + offer(OWN, 5000) + b"\r\n")
    assert len(irc.site.pinholes) == before + 1


@pytest.mark.parametrize("size", [1460, 100, 7])
def test_nat_pinning(size: int) -> None:
    """NAT pinning (2010): a web page has its reader's browser send a form to port 6667, and the
    form's body reads as IRC."""
    site = Site()
    irc = site.connect("irc")
    body = (
        b"NICK amy\r\nUSER amy 0 * :Amy\r\nPRIVMSG bob :" + offer(OWN, 22222) + b"\r\n"
        b"PRIVMSG bob :" + offer(SEEN, 22222) + b"\r\n"
    )
    head = (
        b"POST / HTTP/1.1\r\nHost: a:6667\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    )
    assert irc.client_sends(*in_pieces(head % len(body) + body, size)) == b""
    assert irc.reset
    assert site.saw("irc.not_irc")
    irc.server_sends(b":irc.example.net 001 amy :Welcome\r\n")
    assert site.shut
    works(welcomed(site, 40001))


def test_nat_pinning_at_a_segment_start() -> None:
    """The same with the form's body at the beginning of a segment, and without any head: a
    session's first line decides, and an own server welcomes nobody it has not been asked by."""
    site = Site()
    irc = site.connect("irc")
    irc.client_sends(b"x" * 1460, b"PRIVMSG bob :" + offer(OWN, 22222) + b"\r\n")
    assert irc.server.received == b""
    assert irc.reset
    assert site.shut


@pytest.mark.parametrize(
    "line",
    [
        b"PRIVMSG bob :look: DCC CHAT chat %d 22222",
        b"TOPIC #cats :\1DCC CHAT chat %d 22222\1",
        b"USER amy 0 * :\1DCC CHAT chat %d 22222\1",
        b"JOIN \1DCC CHAT chat %d 22222\1",
        b"PONG :\1DCC CHAT chat %d 22222\1",
        b"PRIVMSG \1DCC CHAT chat %d 22222\1 :hello",
        b"QUIT :\1DCC CHAT chat %d 22222\1",
        b"@a=\1DCC\\sCHAT\\schat\\s%d\\s22222\1 PRIVMSG bob :hello",
        b"PRIVMSG bob :\1ACTION says DCC CHAT chat %d 22222\1",
    ],
)
@pytest.mark.parametrize("own", [OWN, SEEN])
def test_cve_2022_2663(line: bytes, own: int) -> None:
    """DCC text anywhere in a line: it is an offer only as a CTCP in a message's text."""
    site = Site()
    irc = welcomed(site)
    sent = line % own + b"\r\n"
    assert irc.client_sends(sent) == sent
    assert site.shut
    works(irc)


@pytest.mark.parametrize(
    "text",
    [
        b"\1PING \1" + offer(SEEN, 22222) + b"\1",
        b"\1PING \1\1DCC CHAT chat %d 22222\1\1" % SEEN,
        b"\1PING " + offer(SEEN, 22222),
        b"\1ERRMSG x\1" + offer(SEEN, 22222) + b" :unknown",
        b"\1DCC REJECT SEND a\1" + offer(SEEN, 22222),
        b"hello " + offer(OWN, 22222),
    ],
)
def test_cve_2022_2663_by_an_answer(text: bytes) -> None:
    """The way that it was done: a victim's client answers a CTCP of the attacker's with the text
    that it was sent. What stands within an answer is no offer."""
    site = Site()
    irc = welcomed(site)
    reached = irc.client_sends(b"NOTICE mallory :" + text + b"\r\n")
    assert site.shut
    assert not reached or site.events == ["session.opened"]
    assert reached or site.saw("irc.dcc.reflected")
    works(irc)


@pytest.mark.parametrize("address", [OTHER, THIRD, VICTIM, "127.0.0.1", 0, 2**32 - 1, 2**32 + OWN])
def test_a_forged_dcc_from_inside(address: object) -> None:
    """An inside user names another host."""
    site = Site()
    irc = welcomed(site)
    assert irc.client_sends(b"PRIVMSG bob :" + offer(address, 5000) + b"\r\n") == b""
    assert b" NOTICE amy :" in irc.client_side.received
    assert site.saw("irc.dcc.foreign_address") or site.saw("irc.dcc.syntax")
    assert site.shut
    works(irc)


@pytest.mark.parametrize("address", [OWN, OTHER, SEEN, THIRD])
def test_a_forged_dcc_from_outside(address: int) -> None:
    """Another user, or the server, names an inside host: what comes from there opens nothing."""
    site = Site()
    irc = welcomed(site)
    line = b":bob!b@example.net PRIVMSG amy :" + offer(address, 22222) + b"\r\n"
    assert irc.server_sends(line) == line
    assert irc.server_sends(line.replace(b":bob!b@example.net", b":amy!a@203.0.113.1"))
    assert site.shut
    works(irc)


@pytest.mark.parametrize("port", [22, 0, -1, 65616, 4294967318, "0x15b3", 3306, 6379])
def test_ports_out_of_range(port: object) -> None:
    """They open nothing, and do not wrap."""
    site = Site()
    irc = welcomed(site)
    irc.client_sends(b"PRIVMSG bob :" + offer(OWN, port) + b"\r\n")
    assert site.shut
    works(irc)
