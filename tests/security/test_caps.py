"""The bound of whatever a message may have: what is at it passes, and one more is refused in the
protocol's own terms and counted, or leaves unread. Nobody else notices: the next one is served."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from ryu_alg.inspection import Direction, headers, sdp
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent import http as bittorrent_http
from ryu_alg.protocols.bittorrent.http_tracker import MAX_ANSWER, MAX_PENDING
from ryu_alg.protocols.ftp.options import FtpOptions
from ryu_alg.protocols.ftp.responses import ADDRESS_REPLY_LINES
from ryu_alg.protocols.ftp.responses import LINE_LIMIT as REPLY_LIMIT
from ryu_alg.protocols.irc.messages import LINE_LIMIT, MESSAGE_LIMIT
from ryu_alg.protocols.irc.offers import MAX_ANNOUNCED
from ryu_alg.protocols.irc.requests import MAX_DCCS
from ryu_alg.protocols.rtsp.messages import LIMITS as RTSP_LIMITS
from ryu_alg.protocols.rtsp.streams import MAX_PENDING as MAX_PENDING_RTSP
from ryu_alg.protocols.rtsp.streams import MAX_STREAMS
from ryu_alg.protocols.sip.media.candidates import MAX_CANDIDATES
from ryu_alg.protocols.sip.message import LIMITS as SIP_LIMITS
from ryu_alg.protocols.sip.message import MAX_HOPS
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.tftp import MAX_REQUEST
from ryu_alg.protocols.xmpp import elements, offers, tokens
from ryu_alg.protocols.xmpp.options import XmppOptions
from tests.protocols.bittorrent.http_messages import ACCEPTED, announce, answer
from tests.protocols.rtsp.connection import accept, message, setup
from tests.protocols.rtsp.connection import request as rtsp_request
from tests.protocols.sip.messages import request
from tests.protocols.sip.ua import invite
from tests.protocols.sip.ua import sdp as description
from tests.protocols.tftp.site import request as tftp_request
from tests.protocols.xmpp.session import LOGIN
from tests.protocols.xmpp.stanzas import offer, streamhost
from tests.security.site import (
    CLIENT,
    CONFIGURATION,
    SERVER,
    Connection,
    Site,
    at,
    configured,
)

at_and_over = pytest.mark.parametrize("more", [0, 1], ids=["at", "over"])
"""How many more than there may be."""
PHONE, PROXY = at(CLIENT, 5060), at(SERVER, 5060)
TCP_VIA = "SIP/2.0/TCP 192.168.10.2:5060;branch=z9hG4bK-t1;rport"


def test_what_is_asked_for() -> None:
    """The numbers themselves."""
    assert FtpOptions().command_limit == 512
    assert REPLY_LIMIT == 8 * 1024
    assert (SIP_LIMITS.head, SIP_LIMITS.fields) == (16 * 1024, 128)
    assert SipOptions.model_fields["message_limit"].metadata[-1].le <= 64 * 1024
    assert sdp.MAX_SIZE <= 64 * 1024
    assert (MAX_HOPS, sdp.MAX_MEDIA, MAX_CANDIDATES) == (32, 16, 64)


# --- FTP ----------------------------------------------------------------------------------------


def ftp_session(site: Site) -> Connection:
    ftp = site.connect("ftp")
    ftp.server_sends(b"220 Ready.\r\n")
    ftp.client_sends(b"USER anna\r\n")
    ftp.server_sends(b"230 Welcome.\r\n")
    return ftp


@at_and_over
def test_ftp_command_line(more: int) -> None:
    site = Site()
    ftp = ftp_session(site)
    line = b"CWD ".ljust(512 - 2 + more, b"x") + b"\r\n"
    assert ftp.client_sends(line) == (b"" if more else line)
    assert ftp.client_side.received.endswith(b"500 Command line too long.\r\n") == bool(more)
    assert site.saw("ftp.line.overlong") == bool(more)
    assert ftp.client_sends(b"NOOP\r\n") == b"NOOP\r\n"


@at_and_over
def test_ftp_reply_line(more: int) -> None:
    site = Site()
    ftp = ftp_session(site)
    ftp.client_sends(b"NOOP\r\n")
    line = b"200 ".ljust(8192 - 2 + more, b"x") + b"\r\n"
    assert ftp.server_sends(line) == (b"" if more else line)
    assert ftp.reset == site.saw("ftp.reply.overlong") == bool(more)
    ftp_session(Site())


@at_and_over
def test_ftp_lines_of_a_reply_with_an_address(more: int) -> None:
    site = Site()
    ftp = ftp_session(site)
    ftp.client_sends(b"PASV\r\n")
    inner = b" x\r\n" * (ADDRESS_REPLY_LINES - 2 + more)
    ftp.server_sends(b"227-Entering\r\n" + inner + b"227 Passive (198,51,100,7,78,52).\r\n")
    assert len(site.opened) == 1 - more
    assert ftp.reset == site.saw("ftp.reply.overlong") == bool(more)


def test_ftp_commands_awaiting_replies() -> None:
    """The ninth waits until one of the others is answered. Nothing is refused: clients pipeline."""
    ftp = ftp_session(Site())
    assert ftp.client_sends(b"NOOP\r\n" * 9) == b"NOOP\r\n" * 8
    before = len(ftp.server.received)
    ftp.server_sends(b"200 One.\r\n")
    assert ftp.server.received[before:] == b"NOOP\r\n"


def test_ftp_commands_awaiting_replies_in_a_transfer() -> None:
    """While a transfer runs many servers answer nothing, and clients keep NAT alive by NOOPs."""
    ftp = ftp_session(Site())
    ftp.client_sends(b"RETR a\r\n")
    ftp.server_sends(b"150 Here it comes.\r\n")
    for _ in range(300):
        ftp.client_sends(b"NOOP\r\n")
    assert ftp.server.received.count(b"NOOP") == 255


# --- SIP ----------------------------------------------------------------------------------------


def sip_sends(raw: bytes, more: int, status: bytes, code: str) -> None:
    """A phone's request passes, or is answered with `status` and goes no further."""
    site = Site()
    ((_, target, text),) = site.send(PHONE, PROXY, raw, "sip")
    if more:
        assert target == PHONE
        assert text.startswith(b"SIP/2.0 " + status + b" "), text[:60]
    else:
        assert target == PROXY, text[:60]
    assert site.saw(code) == bool(more), site.events
    assert site.send(PHONE, PROXY, request("OPTIONS", "sip:b@h"), "sip")[0][1] == PROXY


def padded(length: int, *more: str) -> bytes:
    """A request whose head has so many bytes."""
    lines = [*more, *(f"X-{number}: {'x' * 4000}" for number in range(3))]
    without = len(request("OPTIONS", "sip:b@h", *lines, "X-Z: "))
    return request("OPTIONS", "sip:b@h", *lines, "X-Z: " + "x" * (length - without))


@at_and_over
def test_sip_header_block(more: int) -> None:
    raw = padded(16_384 + more)
    assert len(raw) == 16_384 + more
    sip_sends(raw, more, b"513", "sip.malformed.overlong")


@at_and_over
def test_sip_headers(more: int) -> None:
    there = request().split(b"\r\n\r\n")[0].count(b"\r\n")
    raw = request("OPTIONS", "sip:b@h", *("X: y" for _ in range(128 - there + more)))
    assert raw.count(b"\r\n") == 128 + more + 2
    sip_sends(raw, more, b"513", "sip.malformed.overlong")


@at_and_over
def test_sip_header_line(more: int) -> None:
    raw = request("OPTIONS", "sip:b@h", "X: ".ljust(SIP_LIMITS.line - 2 + more, "x"))
    sip_sends(raw, more, b"513", "sip.malformed.overlong")


@at_and_over
@pytest.mark.parametrize("separator", [", ", "\r\nVia: "], ids=["listed", "one by one"])
def test_sip_vias(more: int, separator: str) -> None:
    hops = [f"SIP/2.0/UDP h{number};branch=z9hG4bK-{number}" for number in range(32 + more)]
    hops[0] = "SIP/2.0/UDP 192.168.10.2:5060;branch=z9hG4bK-1;rport"
    raw = request("OPTIONS", "sip:b@h", via=separator.join(hops))
    sip_sends(raw, more, b"400", "sip.malformed.via")


@at_and_over
def test_sip_message(more: int) -> None:
    limit = SipOptions().message_limit
    raw = request("OPTIONS", "sip:b@h", body=b"x" * 10_000)
    raw = request("OPTIONS", "sip:b@h", body=b"x" * (10_000 + limit - len(raw) + more))
    assert len(raw) == limit + more
    sip_sends(raw, more, b"513", "sip.message.too_large")


@at_and_over
def test_sip_body_over_tcp(more: int) -> None:
    """The largest that can be configured: three quarters of what a stream holds undecided."""
    large = "sip: {options: {message_limit: 49152}}"
    site = Site(configured(CONFIGURATION.replace("sip: {}", large)))
    connection = site.connect("sip")
    raw = request("OPTIONS", "sip:b@h", via=TCP_VIA)
    raw = raw.replace(b"Content-Length: 0", b"Content-Length: %d" % (49_152 + more))
    connection.client_sends(raw)
    assert connection.reset == site.saw("sip.stream.overlong") == bool(more)


@at_and_over
def test_sip_media(more: int) -> None:
    body = description(CLIENT, 4000) + b"".join(
        b"m=audio %d RTP/AVP 0\r\n" % (4002 + 2 * number) for number in range(15 + more)
    )
    sip_sends(invite(body=body), more, b"400", "sip.media.malformed")


@at_and_over
def test_sip_candidates(more: int) -> None:
    body = description(CLIENT, 4000) + b"".join(
        b"a=candidate:%d 1 UDP 1 192.168.10.2 4000 typ host\r\n" % number
        for number in range(64 + more)
    )
    sip_sends(invite(body=body), more, b"488", "sip.media.too_many")


# --- RTSP ---------------------------------------------------------------------------------------


def rtsp_sends(raw: bytes, more: int) -> None:
    site = Site()
    rtsp = site.connect("rtsp")
    assert rtsp.client_sends(raw) == (b"" if more else raw)
    assert rtsp.reset == site.saw("rtsp.head.overlong") == bool(more)
    raw = rtsp_request("OPTIONS", 1)
    assert site.connect("rtsp", port=40001).client_sends(raw) == raw


@at_and_over
def test_rtsp_headers(more: int) -> None:
    assert RTSP_LIMITS.fields <= 128
    fields = RTSP_LIMITS.fields - 1 + more
    rtsp_sends(rtsp_request("OPTIONS", 1, *("X: y" for _ in range(fields))), more)


@at_and_over
def test_rtsp_head(more: int) -> None:
    def padded(length: int) -> bytes:
        lines = (*("X: " + "x" * 4000 for _ in range(3)), "Y: " + "y" * length)
        return rtsp_request("OPTIONS", 1, *lines)

    raw = padded(16_384 - len(padded(0)) + more)
    assert len(raw) == RTSP_LIMITS.head + more == 16_384 + more
    rtsp_sends(raw, more)


@at_and_over
def test_rtsp_line(more: int) -> None:
    line = "X: ".ljust(RTSP_LIMITS.line - 2 + more, "x")
    rtsp_sends(rtsp_request("OPTIONS", 1, line), more)


def test_rtsp_streams() -> None:
    site = Site()
    rtsp = site.connect("rtsp")
    for number in range(MAX_STREAMS + 1):
        ports = f"{4000 + 2 * number}-{4001 + 2 * number}"
        raw = setup(number, f"RTP/AVP;unicast;client_port={ports}", url=f"rtsp://h/{number}")
        if not rtsp.client_sends(raw):
            break
        public = rtsp.server.received.rsplit(b"client_port=", 1)[1].split(b"\r\n")[0].decode()
        told = f"RTP/AVP;unicast;client_port={public};server_port=6256-6257"
        rtsp.server_sends(accept(number, told))
    assert number == len(site.media) <= MAX_STREAMS
    assert rtsp.client_side.received.rsplit(b"RTSP/1.0 ", 1)[1][:3] in (b"461", b"503")
    assert rtsp.client_sends(rtsp_request("OPTIONS", 99))


@at_and_over
@pytest.mark.parametrize("what", ["alternatives", "ports"])
def test_rtsp_transport(what: str, more: int) -> None:
    """Alternatives of a request, ports of one of them."""
    wide = "quotas: {pinholes_per_session: 100}\nprotocols:\n"
    site = Site(configured(CONFIGURATION.replace("protocols:\n", wide)))
    rtsp = site.connect("rtsp")
    pairs = [(4200 + 2 * number, 4201 + 2 * number) for number in range(16 + more)]
    if what == "ports":
        pairs = [(4200, 4215 + more)]
    transport = ",".join(f"RTP/AVP;unicast;client_port={low}-{high}" for low, high in pairs)
    left = rtsp.client_sends(setup(1, transport))
    assert bool(left) == (not more)
    assert rtsp.client_side.received.startswith(b"RTSP/1.0 400 ") == bool(more)
    assert site.saw("rtsp.transport.syntax") == bool(more)
    assert site.shut


def test_rtsp_requests_awaiting_answers() -> None:
    """Those that matter; the next one waits."""
    rtsp = Site().connect("rtsp")
    for number in range(MAX_PENDING_RTSP + 1):
        rtsp.client_sends(rtsp_request("TEARDOWN", number, "Session: 1"))
    assert rtsp.server.received.count(b"TEARDOWN") == MAX_PENDING_RTSP == 32
    rtsp.server_sends(message("RTSP/1.0 200 OK", "CSeq: 0", "Session: 1"))
    assert rtsp.server.received.count(b"TEARDOWN") == MAX_PENDING_RTSP + 1


@at_and_over
def test_rtsp_description(more: int) -> None:
    """One that is longer passes unread, as it comes."""
    site = Site()
    rtsp = site.connect("rtsp")
    rtsp.client_sends(rtsp_request("DESCRIBE", 1))
    body = b"v=0\r\nc=IN IP4 198.51.100.7\r\ns=".ljust(32_768 - 2 + more, b"x") + b"\r\n"
    raw = message("RTSP/1.0 200 OK", "CSeq: 1", "Content-Type: application/sdp", body=body)
    assert rtsp.server_sends(raw[:40_000]) == raw
    assert site.saw("rtsp.description.overlong") == bool(more)


# --- IRC ----------------------------------------------------------------------------------------


def irc_session(site: Site) -> Connection:
    irc = site.connect("irc")
    irc.client_sends(b"NICK amy\r\nUSER amy 0 * :Amy\r\n")
    irc.server_sends(b":irc.example.net 001 amy :Welcome\r\n")
    return irc


def dcc(port: int) -> bytes:
    return b"\1DCC CHAT chat %d %d\1" % (int(ip_address(CLIENT)), port)


@at_and_over
def test_irc_line(more: int) -> None:
    site = Site()
    irc = irc_session(site)
    line = b"@a=".ljust(8191, b"x")[:-1] + b" PRIVMSG bob :"
    line = line.ljust(LINE_LIMIT - 2 + more, b"y") + b"\r\n"
    assert irc.client_sends(line) == (b"" if more else line)
    assert (b" 417 amy " in irc.client_side.received) == bool(more)
    assert site.saw("irc.line.overlong") == bool(more)
    assert irc.client_sends(b"PING a\r\n") == b"PING a\r\n"


@at_and_over
def test_irc_line_of_the_server(more: int) -> None:
    site = Site()
    irc = irc_session(site)
    line = b":a NOTICE amy :".ljust(LINE_LIMIT - 2 + more, b"y") + b"\r\n"
    assert irc.server_sends(line) == (b"" if more else line)
    assert irc.reset == site.saw("irc.line.overlong") == bool(more)


@at_and_over
def test_irc_dccs_of_a_message(more: int) -> None:
    site = Site()
    irc = irc_session(site)
    offers = b"".join(dcc(5000 + number) for number in range(MAX_DCCS + more))
    left = irc.client_sends(b"PRIVMSG bob :" + offers + b"\r\n")
    assert bool(left) == (not more)
    assert len(site.pinholes) == (0 if more else MAX_DCCS)
    assert site.saw("irc.dcc.too_many") == bool(more)


@at_and_over
def test_irc_message_with_a_longer_address(more: int) -> None:
    """The public address may be longer than the own one: 512 bytes are all that a server takes."""
    site = Site()
    irc = irc_session(site)
    start, rest = b"PRIVMSG bob :\1DCC SEND ", b" 3232238082 5000\1\r\n"
    raw = start.ljust(MESSAGE_LIMIT - len(rest) - 1 + more, b"x") + rest
    left = irc.client_sends(raw)
    assert bool(left) == (not more)
    assert len(left) <= MESSAGE_LIMIT
    assert site.saw("irc.dcc.overlong") == bool(more)


# --- XMPP ---------------------------------------------------------------------------------------


def xmpp_session(site: Site) -> Connection:
    xmpp = site.connect("xmpp")
    for direction, data in LOGIN:
        data = data.replace(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b"")
        (xmpp.client_sends if direction is Direction.TO_SERVER else xmpp.server_sends)(data)
    return xmpp


def xmpp_sends(raw: bytes, more: int, code: str) -> None:
    site = Site()
    xmpp = xmpp_session(site)
    left = xmpp.client_sends(raw)
    assert (raw in left) == (not more)
    assert site.saw(code) == bool(more)
    assert (b"</stream:stream>" in xmpp.client_side.received or xmpp.reset) == bool(more)
    assert site.shut


@at_and_over
def test_xmpp_tag(more: int) -> None:
    tag = b"<message a='".ljust(tokens.TAG_LIMIT - 3 + more, b"x") + b"'/>"
    xmpp_sends(tag, more, "xmpp.stream.overlong")


@at_and_over
def test_xmpp_negotiating_stanza(more: int) -> None:
    def stanza(text: bytes) -> bytes:
        return offer(b"<x>" + text + b"</x>")

    length = XmppOptions().stanza_limit - len(stanza(b"")) + more
    xmpp_sends(stanza(b"x" * length), more, "xmpp.stream.overlong")


@at_and_over
def test_xmpp_depth_of_a_negotiating_stanza(more: int) -> None:
    depth = elements.MAX_DEPTH - 2 + more  # the iq, the query
    raw = offer(b"<x>" * depth + b"</x>" * depth)
    xmpp_sends(raw, more, "xmpp.stream.malformed")


@at_and_over
def test_xmpp_elements_of_a_negotiating_stanza(more: int) -> None:
    raw = offer(b"<x/>" * (elements.MAX_ELEMENTS - 3 + more))
    xmpp_sends(raw, more, "xmpp.stream.malformed")


# --- TFTP ---------------------------------------------------------------------------------------


@at_and_over
def test_tftp_request(more: int) -> None:
    site = Site()
    name = "x" * (512 - len(tftp_request(name="")) + more)
    ((_, target, text),) = site.send(
        at(CLIENT, 4000), at(SERVER, 69), tftp_request(name=name), "tftp"
    )
    assert len(tftp_request(name=name)) == MAX_REQUEST + more
    assert (target == at(CLIENT, 4000) and text[:4] == b"\0\5\0\4") == bool(more)
    assert site.saw("tftp.malformed") == bool(more)
    assert len(site.media) == 1 - more


@pytest.mark.parametrize(
    ("option", "most"),
    [("blksize", 65464), ("timeout", 255), ("windowsize", 65535), ("tsize", 2**63 - 1)],
)
@at_and_over
def test_tftp_options(option: str, most: int, more: int) -> None:
    site = Site()
    raw = tftp_request(option, str(most + more))
    ((_, target, text),) = site.send(at(CLIENT, 4000), at(SERVER, 69), raw, "tftp")
    assert (target == at(CLIENT, 4000) and text[:4] == b"\0\5\0\x08") == bool(more)
    assert site.saw("tftp.option") == bool(more)
    assert len(site.media) == 1 - more


# --- BitTorrent ---------------------------------------------------------------------------------


def peer_site() -> Site:
    """Where peers are let in."""
    peers = "bittorrent: {options: {hosts: 192.168.10.0/24}}"
    return Site(configured(CONFIGURATION.replace("bittorrent: {}", peers)))


def nested(depth: int) -> bytes:
    return b"l" * depth + b"i1e" + b"e" * depth


BENCODED: dict[str, Callable[[int], bytes]] = {
    "depth": lambda more: nested(bencode.MAX_DEPTH + more),
    "values": lambda more: b"l" + b"i1e" * (bencode.MAX_VALUES - 1 + more) + b"e",
    "digits": lambda more: b"i" + b"9" * (bencode.MAX_DIGITS + more) + b"e",
}


@pytest.mark.parametrize("what", BENCODED)
@at_and_over
def test_bittorrent_bencode(what: str, more: int) -> None:
    """An answer that has more is none: it passes as it is, and opens nothing."""
    raw = BENCODED[what](more)
    if more:
        with pytest.raises(bencode.BencodeError):
            bencode.parse(raw)
    else:
        bencode.parse(raw)
    if what == "values":
        return  # there are some besides, in an answer
    site = peer_site()
    tracker = site.connect("bittorrent")
    tracker.client_sends(announce())
    extra = b"1:a" + (nested(bencode.MAX_DEPTH - 1 + more) if what == "depth" else raw)
    reply = answer(b"d" + extra + ACCEPTED[1:])
    assert len(tracker.server_sends(reply)) > 0
    assert site.saw("bittorrent.http.unreadable") == bool(more)
    assert site.shut == bool(more)


@at_and_over
def test_bittorrent_answer(more: int) -> None:
    site = peer_site()
    tracker = site.connect("bittorrent")
    tracker.client_sends(announce())
    filling = MAX_ANSWER - len(answer(b"d1:a40000:" + b"x" * 40_000 + ACCEPTED[1:])) + 40_000 + more
    body = b"d1:a%d:" % filling + b"x" * filling + ACCEPTED[1:]
    assert len(answer(body)) == MAX_ANSWER + more
    for start in range(0, len(raw := answer(body)), 20_000):
        tracker.server_sends(raw[start : start + 20_000])
    assert site.saw("bittorrent.http.unreadable") == bool(more)
    assert site.shut == bool(more)


@pytest.mark.parametrize("what", ["fields", "head"])
@at_and_over
def test_bittorrent_head(what: str, more: int) -> None:
    """More is no head: nothing of the connection is read any more, and nothing opens."""
    assert bittorrent_http.LIMITS.fields <= headers.HeadLimits().fields
    site = peer_site()
    tracker = site.connect("bittorrent")
    if what == "fields":
        fields = [f"X-{number}: y" for number in range(bittorrent_http.LIMITS.fields - 1 + more)]
    else:
        fields = ["X: " + "x" * 4000] * 3
        length = bittorrent_http.LIMITS.head - len(announce(b"x" * 20, 6881, "", *fields, "Y: "))
        fields.append("Y: " + "y" * (length + more))
    tracker.client_sends(announce(b"x" * 20, 6881, "", *fields))
    tracker.server_sends(answer(ACCEPTED))
    assert site.saw("bittorrent.http.syntax") == bool(more)
    assert site.shut == bool(more)


def test_bittorrent_requests_awaiting_answers() -> None:
    """The ninth waits."""
    site = peer_site()
    tracker = site.connect("bittorrent")
    tracker.client_sends(*(announce(bytes([number]) * 20) for number in range(MAX_PENDING + 1)))
    assert tracker.server.received.count(b"GET /announce?") == MAX_PENDING == 8
    tracker.server_sends(answer(ACCEPTED))
    assert tracker.server.received.count(b"GET /announce?") == MAX_PENDING + 1


@at_and_over
def test_irc_announced_ports(more: int) -> None:
    quotas = "protocols:\n"
    wide = "quotas: {pinholes_per_session: 100}\nprotocols:\n"
    site = Site(configured(CONFIGURATION.replace(quotas, wide)))
    irc = irc_session(site)
    for number in range(MAX_ANNOUNCED + more):
        irc.client_sends(b"PRIVMSG bob :" + dcc(5000 + number) + b"\r\n")
    assert len(site.opened) == MAX_ANNOUNCED
    assert site.saw("irc.dcc.too_many") == bool(more)


@at_and_over
def test_xmpp_candidates(more: int) -> None:
    wide = "quotas: {pinholes_per_session: 100}\nprotocols:\n"
    site = Site(configured(CONFIGURATION.replace("protocols:\n", wide)))
    xmpp = xmpp_session(site)
    hosts = (streamhost(CLIENT, 5100 + number) for number in range(offers.MAX_CANDIDATES + more))
    left = xmpp.client_sends(offer(*hosts))
    assert left.count(b"<streamhost ") == offers.MAX_CANDIDATES
    assert site.saw("xmpp.candidate.too_many") == bool(more)
