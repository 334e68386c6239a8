"""Ports in payloads are range-checked and never wrapped: each value that somebody might take for
another port, in each place where a protocol names one. Nothing opens, and the next one is served.

TFTP names none: its ports are those of the packets (`test_tftp.py`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ryu_alg.engine.commands import DestinationNat
from ryu_alg.protocols.bittorrent import bencode
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.host import NODE, Host
from tests.protocols.bittorrent.http_messages import ACCEPTED, HASH, answer, query
from tests.protocols.bittorrent.http_messages import request as http_request
from tests.protocols.bittorrent.test_dht import announce_peer, response
from tests.protocols.bittorrent.test_udp_tracker import accepted, announce
from tests.protocols.bittorrent.test_udp_tracker import at as asked_before
from tests.protocols.rtsp.connection import accept, setup
from tests.protocols.sip.messages import request as sip_request
from tests.protocols.sip.ua import invite, respond
from tests.protocols.tftp.site import request as tftp_request
from tests.protocols.xmpp.stanzas import candidate, jingle, offer, result, streamhost
from tests.security.site import CLIENT, PUBLIC, SERVER, Site, at
from tests.security.test_caps import ftp_session, irc_session, peer_site, xmpp_session

FITTING = 2121
NUMBERS = ["0", "21", "1023", "65536", "65616", "4294967318", "-1", "99999999999999999999"]
TEXTS = [
    "0x15b3",
    "+2121",
    " 2121",
    "2121 ",
    "2 121",
    "2121.0",
    "2_121",
    "2121e0",
    "",
    "9" * 400,
    "٢١٢١",
    "２１２１",
    "²¹²¹",
]
OWN = {FITTING, FITTING + 1, 4000, 4001}
"""What is meant where blanks are put around a port."""
HOSTILE = [*NUMBERS, *TEXTS]


def ftp_eprt(site: Site, port: str) -> None:
    ftp = ftp_session(site)
    ftp.client_sends(f"EPRT |1|{CLIENT}|{port}|\r\n".encode())
    ftp.server_sends(b"200 Fine.\r\n")


def ftp_epsv(site: Site, port: str) -> None:
    ftp = ftp_session(site)
    ftp.client_sends(b"EPSV\r\n")
    ftp.server_sends(f"229 Extended (|||{port}|)\r\n".encode())


def sip_media(site: Site, port: str, more: str = "") -> None:
    body = f"v=0\r\no=- 1 1 IN IP4 {CLIENT}\r\ns=-\r\nc=IN IP4 {CLIENT}\r\nt=0 0\r\n"
    body += f"m=audio {port} RTP/AVP 0\r\n{more}"
    phone, proxy = at(CLIENT, 5060), at(SERVER, 5060)
    answered = b"v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n"
    answered += b"m=audio 7000 RTP/AVP 0\r\n"
    for source, target, text in site.send(phone, proxy, invite(body=body.encode()), "sip"):
        if target == proxy:
            told = respond(text, 200, "Contact: <sip:b@198.51.100.9>", body=answered)
            site.send(proxy, source, told, "sip")


def sip_answer(site: Site, port: str) -> None:
    """What the other end names."""
    phone, proxy = at(CLIENT, 5060), at(SERVER, 5060)
    head = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\n"
    offered = head.format(CLIENT) + "m=audio 4000 RTP/AVP 0\r\n"
    told = head.format("198.51.100.9") + f"m=audio {port} RTP/AVP 0\r\n"
    ((source, _, text),) = site.send(phone, proxy, invite(body=offered.encode()), "sip")
    answered = respond(text, 200, "Contact: <sip:b@198.51.100.9>", body=told.encode())
    site.send(proxy, source, answered, "sip")


def rtsp_client(site: Site, port: str) -> None:
    rtsp = site.connect("rtsp")
    if rtsp.client_sends(setup(1, f"RTP/AVP;unicast;client_port={port}")):
        named = rtsp.server.received.rsplit(b"client_port=", 1)[1].split(b"\r\n")[0].decode()
        answered = f"RTP/AVP;unicast;client_port={named};server_port=6256-6257"
        rtsp.server_sends(accept(1, answered))


def rtsp_place(site: Site, port: str) -> None:
    rtsp = site.connect("rtsp")
    transport = f'RTP/AVP/UDP;unicast;dest_addr=":{port}"'
    if asked := rtsp.client_sends(setup(1, transport).replace(b"RTSP/1.0", b"RTSP/2.0")):
        transport = asked.split(b"Transport: ")[1].split(b"\r\n")[0].decode()
        rtsp.server_sends(accept(1, transport + ';src_addr=":6256"').replace(b"P/1.0", b"P/2.0"))


def irc_dcc(site: Site, port: str) -> None:
    irc = irc_session(site)
    irc.client_sends(f"PRIVMSG bob :\1DCC CHAT chat 3232238082 {port}\1\r\n".encode())


def irc_dcc_send(site: Site, port: str) -> None:
    irc = irc_session(site)
    irc.client_sends(f"PRIVMSG bob :\1DCC SEND a 3232238082 {port} 12\1\r\n".encode())


def xmpp_streamhost(site: Site, port: str) -> None:
    xmpp = xmpp_session(site)
    xmpp.client_sends(offer(streamhost(CLIENT, port)))
    xmpp.server_sends(result())


def xmpp_candidate(site: Site, port: str) -> None:
    xmpp = xmpp_session(site)
    peer = "bob@example.net/home"
    xmpp.client_sends(jingle("session-initiate", candidate(CLIENT, port), to=peer))
    xmpp.server_sends(jingle("session-accept", candidate(SERVER, 5000), sender=peer))


def bittorrent_http(site: Site, port: str) -> None:
    tracker = site.connect("bittorrent")
    tracker.client_sends(http_request(f"/announce?{query(HASH, port)}").decode().encode())
    if tracker.server_side is not None:
        tracker.server_sends(answer(ACCEPTED))


PLACES: dict[str, Callable[[Site, str], None]] = {
    place.__name__: place
    for place in (
        ftp_eprt,
        ftp_epsv,
        sip_media,
        sip_answer,
        rtsp_client,
        rtsp_place,
        irc_dcc,
        irc_dcc_send,
        xmpp_streamhost,
        xmpp_candidate,
        bittorrent_http,
    )
}


SEPARATED = {"sip_media", "sip_answer", "rtsp_client", "irc_dcc", "irc_dcc_send"}
"""Where blanks separate, and one more is not the port's (SWS of RFC 7826, words of IRC and SDP)."""


def site_for(place: str) -> Site:
    return peer_site() if place.startswith("bittorrent") else Site()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("port", HOSTILE)
def test_hostile_ports(place: str, port: str) -> None:
    site = site_for(place)
    PLACES[place](site, port)
    if place in SEPARATED and port.strip() == str(FITTING):
        assert {path.inside.port for paths in site.media.values() for path in paths} <= OWN
        for pinhole in site.pinholes.values():
            assert isinstance(pinhole.translate, DestinationNat)
            assert pinhole.translate.endpoint.port == FITTING
    elif (place, port) == ("sip_answer", "1023"):
        # RTCP is at 1024, and that may be.
        assert [path.remote.port for paths in site.media.values() for path in paths] == [1024]
    else:
        assert site.shut, (place, port, site.opened)


@pytest.mark.parametrize("place", PLACES)
def test_a_fitting_port(place: str) -> None:
    """So that the test above would notice: written as it should be, it opens."""
    site = site_for(place)
    PLACES[place](site, str(FITTING))
    assert not site.shut


# --- Octets -------------------------------------------------------------------------------------

OCTETS = ["256,21", "1,256", "-1,21", "0,21", "3,255", "8,+73", "8, 73x", "0x8,73", "8", "8,73,1"]
OCTETS += ["٨,٧٣", "4294967304,73", "9" * 30 + ",73"]


@pytest.mark.parametrize("octets", OCTETS)
def test_octets_of_an_ftp_client(octets: str) -> None:
    site = Site()
    ftp = ftp_session(site)
    address = CLIENT.replace(".", ",")
    assert ftp.client_sends(f"PORT {address},{octets}\r\n".encode()) == b""
    assert ftp.client_side.received.splitlines()[-1].startswith(b"501")
    ftp.server_sends(b"200 Fine.\r\n")
    assert site.shut


@pytest.mark.parametrize("octets", [each for each in OCTETS if each not in ("8,73,1", "8, 73x")])
def test_octets_of_an_ftp_server(octets: str) -> None:
    site = Site()
    ftp = ftp_session(site)
    ftp.client_sends(b"PASV\r\n")
    address = SERVER.replace(".", ",")
    reply = ftp.server_sends(f"227 Entering ({address},{octets}).\r\n".encode())
    assert reply.startswith(b"425")
    assert site.shut


@pytest.mark.parametrize("host", ["192,168,10,258", "192,168,10,-2", "192,168,266,2", "192,168,2"])
def test_octets_of_an_ftp_address(host: str) -> None:
    site = Site()
    ftp = ftp_session(site)
    assert ftp.client_sends(f"PORT {host},8,73\r\n".encode()) == b""
    ftp.server_sends(b"200 Fine.\r\n")
    assert site.shut


# --- Numbers that are not written in digits ------------------------------------------------------


@pytest.mark.parametrize("port", [0, 21, 1023])
def test_ports_for_a_udp_tracker(port: int) -> None:
    host = asked_before(Host())
    asked = announce(port=port)
    host.sends(asked)
    host.gets(accepted())
    assert not host.site.reached()


@pytest.mark.parametrize("port", [int(number) for number in NUMBERS])
def test_ports_for_the_dht(port: int) -> None:
    host = Host(options(), remote=NODE, watched=True)
    host.sends(announce_peer(port=port))
    host.gets(response())
    assert not host.site.reached()


@pytest.mark.parametrize("port", ["i0x15b3e", "i+2121e", "i 2121e", "i02121e", "4:2121", "i-0e"])
def test_what_is_no_number_for_the_dht(port: str) -> None:
    host = Host(options(), remote=NODE, watched=True)
    asked = announce_peer()
    host.sends(asked.replace(b"4:port" + bencode.number(6881), b"4:port" + port.encode()))
    host.gets(response())
    assert not host.site.reached()


def test_fitting_ports_for_both() -> None:
    """So that these tests would notice."""
    host = asked_before(Host())
    host.sends(announce(port=6881))
    host.gets(accepted())
    assert host.site.reached()
    host = Host(options(), remote=NODE, watched=True)
    host.sends(announce_peer(port=6881))
    host.gets(response())
    assert host.site.reached()
    assert PUBLIC not in CLIENT


# --- Numbers without an end ----------------------------------------------------------------------

LONG = "9" * 5000
"""More digits than Python converts (`sys.set_int_max_str_digits`): it would raise."""


def sip(site: Site, *headers: str, **parts: str) -> None:
    raw = sip_request("OPTIONS", "sip:b@h", *headers, **parts)  # type: ignore[arg-type]
    site.send(at(CLIENT, 5060), at(SERVER, 5060), raw, "sip")


def sip_body(site: Site, line: str) -> None:
    body = f"v=0\r\no=- 1 1 IN IP4 {CLIENT}\r\ns=-\r\nc=IN IP4 {CLIENT}\r\nt=0 0\r\n"
    body += f"m=audio 4000 RTP/AVP 0\r\n{line}\r\n"
    site.send(at(CLIENT, 5060), at(SERVER, 5060), invite(body=body.encode()), "sip")


def rtsp(site: Site, *headers: str) -> None:
    connection = site.connect("rtsp")
    connection.client_sends(setup(1, "RTP/AVP;unicast;client_port=4588-4589", *headers))
    connection.server_sends(
        accept(1, "RTP/AVP;unicast;client_port=4588-4589", f"1;timeout={LONG}"),
        f"RTSP/1.0 {LONG} OK\r\nCSeq: {LONG}\r\n\r\n".encode(),
    )


def tracker_says(site: Site, said: bytes) -> None:
    tracker = site.connect("bittorrent")
    tracker.client_sends(http_request(f"/announce?{query(HASH, 6881)}"))
    tracker.server_sends(said)


LONG_NUMBERS: dict[str, Callable[[Site], object]] = {
    "SIP Content-Length": lambda site: sip(site, f"Content-Length: {LONG}"),
    "SIP CSeq": lambda site: sip(site, cseq=LONG),
    "SIP Expires": lambda site: sip(site, f"Expires: {LONG}", f"Contact: <sip:a@h>;expires={LONG}"),
    "SIP Session-Expires": lambda site: sip(site, f"Session-Expires: {LONG}", f"Min-SE: {LONG}"),
    "SIP Max-Forwards": lambda site: sip(site, f"Max-Forwards: {LONG}"),
    "SIP RSeq": lambda site: sip(site, f"RSeq: {LONG}", f"RAck: {LONG} {LONG} INVITE"),
    "SIP version": lambda site: sip(site, via=f"SIP/{LONG}/UDP h:{LONG};rport={LONG};ttl={LONG}"),
    "SIP port of a URI": lambda site: sip(site, f"Contact: <sip:a@{CLIENT}:{LONG}>"),
    "SDP count": lambda site: sip_body(site, f"m=audio 4000/{LONG} RTP/AVP 0"),
    "SDP TTL": lambda site: sip_body(site, f"c=IN IP4 224.2.1.1/{LONG}"),
    "SDP RTCP": lambda site: sip_body(site, f"a=rtcp:{LONG}"),
    "SDP candidate": lambda site: sip_body(
        site, f"a=candidate:1 {LONG} UDP {LONG} {CLIENT} {LONG} typ host rport {LONG}"
    ),
    "RTSP": lambda site: rtsp(site, f"Session: 1;timeout={LONG}", f"Content-Length: {LONG}"),
    "IRC address": lambda site: irc_dcc(site, f"{LONG} {LONG}"),
    "IRC numeric": lambda site: irc_session(site).server_sends(f":a {LONG} b\r\n".encode()),
    "FTP code": lambda site: ftp_session(site).server_sends(f"{LONG} OK\r\n".encode()),
    "FTP family": lambda site: ftp_session(site).client_sends(b"EPRT |9999|1|1|\r\n"),
    "HTTP status": lambda site: tracker_says(site, f"HTTP/1.1 {LONG} OK\r\n\r\n".encode()),
    "HTTP length": lambda site: tracker_says(
        site, f"HTTP/1.1 200 OK\r\nContent-Length: {LONG}\r\n\r\n".encode()
    ),
    "HTTP chunk": lambda site: tracker_says(
        site, f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{LONG}\r\n".encode()
    ),
    "bencoded number": lambda site: tracker_says(site, answer(f"d8:intervali{LONG}ee".encode())),
    "bencoded length": lambda site: tracker_says(site, answer(f"d{LONG}:e".encode())),
    "TFTP": lambda site: site.send(
        at(CLIENT, 4000), at(SERVER, 69), tftp_request("tsize", "9" * 400), "tftp"
    ),
}


@pytest.mark.parametrize("number", LONG_NUMBERS)
def test_numbers_without_an_end(number: str) -> None:
    """They are compared, or cut, before they are converted: nothing raises."""
    site = peer_site()
    LONG_NUMBERS[number](site)
    assert not site.saw("inspector.failed"), site.events
    assert number == "RTSP" or site.shut
