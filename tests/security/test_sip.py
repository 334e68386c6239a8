"""Attacks by way of SIP: web pages, hosts that speak for others, and malformed messages."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tests.protocols.sip.messages import request
from tests.protocols.sip.ua import SDP_TYPE, invite, respond, sdp
from tests.security.site import (
    CLIENT,
    PUBLIC,
    SERVER,
    STRANGER,
    VICTIM,
    Left,
    Site,
    at,
    in_pieces,
)

PHONE = at(CLIENT, 5060)
PROXY = at(SERVER, 5060)
ATTACKER = at(STRANGER, 5060)
OFFER = sdp(CLIENT, 4000)
ANSWER = sdp("198.51.100.9", 7000)
TCP_VIA = "SIP/2.0/TCP 192.168.10.2:5060;branch=z9hG4bK-t1;rport"
FORGED = (
    b"REGISTER sip:a.example SIP/2.0\r\n"
    b"Via: SIP/2.0/TCP 192.168.10.2:5060;branch=z9hG4bK-1\r\nMax-Forwards: 70\r\n"
    b"From: <sip:a@a.example>;tag=1\r\nTo: <sip:a@a.example>\r\nCall-ID: 1@a\r\n"
    b"CSeq: 1 REGISTER\r\nContact: <sip:a@192.168.10.2:22222;transport=tcp>\r\n"
    b"Expires: 600\r\nContent-Length: 0\r\n\r\n"
)
"""What the web page wants to be taken for its reader's phone."""


def out(site: Site, raw: bytes, target: object = PROXY) -> list[Left]:
    """The phone sends."""
    return site.send(PHONE, target, raw, "sip")  # type: ignore[arg-type]


def back(site: Site, raw: bytes, source: object = PROXY, to: object = None) -> list[Left]:
    """Somebody outside sends to where the phone is seen."""
    return site.send(source, to or seen(site), raw, "sip")  # type: ignore[arg-type]


def seen(site: Site) -> object:
    """The phone's public endpoint."""
    return out(site, b"\r\n\r\n")[0][0]


def works(site: Site, number: int = 99) -> None:
    """A call, from its beginning to its end."""
    before = len(site.media)
    names = {"call_id": f"good{number}"}
    ((_, _, asked),) = out(site, invite(body=OFFER, branch=f"z9hG4bK-g{number}", **names))
    assert len(site.media) == before
    assert back(site, respond(asked, 200, "Contact: <sip:b@198.51.100.9>", body=ANSWER))
    assert len(site.media) == before + 1
    bye = invite(method="BYE", cseq=2, branch=f"z9hG4bK-b{number}", to="<sip:b@h>;tag=b1", **names)
    ((_, _, asked),) = out(site, bye)
    back(site, respond(asked, 200))
    assert len(site.media) == before


def works_over_tcp(site: Site) -> None:
    """Another connection, to which a registrar answers."""
    connection = site.connect("sip", port=40099)
    raw = request("REGISTER", "sip:a.example", f"Contact: <sip:a@{CLIENT}:40099>", via=TCP_VIA)
    reached = connection.client_sends(raw)
    assert f"<sip:a@{PUBLIC}:".encode() in reached
    assert connection.server_sends(respond(reached, 200, "Expires: 60")).startswith(b"SIP/2.0 200 ")


# --- Web pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mss", [1460, 536, 100, 1])
def test_nat_slipstreaming_v1(mss: int) -> None:
    """A form is posted to port 5060 over TCP, padded so that a segment begins with REGISTER."""
    site = Site()
    page = site.connect("sip")
    head = b"POST /form HTTP/1.1\r\nHost: a.example:5060\r\nContent-Length: 6000\r\n\r\n"
    segments = [*in_pieces(head + b"x" * (1460 - len(head)), mss), FORGED]
    assert page.client_sends(*segments) == b""
    assert page.reset
    assert site.saw("sip.stream.not_sip")
    page.server_sends(respond(FORGED, 200))
    assert site.shut
    works_over_tcp(site)


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
        b"\x00\x01\x05\xa0\x21\x12\xa4\x42" + bytes(12),
        b"x" * 1460,
        b"\r\n\r\nPOST / HTTP/1.0\r\n",
    ],
    ids=["websocket", "TLS", "STUN over TCP", "padding", "line ends first"],
)
def test_nat_slipstreaming_v1_by_other_beginnings(first: bytes) -> None:
    """What else a page can have its browser begin a connection with, TURN over TCP not least."""
    site = Site()
    page = site.connect("sip")
    page.client_sends(first, FORGED)
    assert page.reset or first.startswith(b"x")  # "xx...xREGISTER" might be a method
    assert page.server.received == b""
    assert site.shut


def test_nat_slipstreaming_v1_over_udp() -> None:
    """What WebRTC sends to a STUN or TURN server on port 5060: the datagram is taken as a whole,
    and begins as STUN, wherever one of its fragments begins (see test_fragments.py)."""
    site = Site()
    stun = b"\x00\x01\x0b\xb8\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\x0b\x80" + b"u" * 1448
    assert out(site, stun + FORGED) == []
    assert any(code.startswith("sip.malformed.") for code in site.events)
    assert site.shut
    works(site)


# --- Hosts that speak for others ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
@pytest.mark.parametrize("contact", [VICTIM, "198.51.100.30", "127.0.0.1"])
def test_registration_for_another_host(method: str, contact: str) -> None:
    """A Contact that is not the sender's own."""
    site = Site()
    left = out(site, invite(method=method, contact=f"<sip:alice@{contact}>"))
    assert [(target, text[:12]) for _, target, text in left] == [(PHONE, b"SIP/2.0 403 ")]
    assert site.saw("sip.contact.foreign_address")
    assert site.shut
    works(site)


@pytest.mark.parametrize("address", [CLIENT, PUBLIC])
@pytest.mark.parametrize(
    ("port", "status"), [(22, 403), (3306, 403), (0, 400), (65616, 400), (4294967318, 400)]
)
def test_registration_of_another_service(address: str, port: int, status: int) -> None:
    """A Contact at a port where no phone is."""
    site = Site()
    left = out(site, invite(method="REGISTER", contact=f"<sip:alice@{address}:{port}>"))
    assert [(target, text[:12]) for _, target, text in left] == [(PHONE, b"SIP/2.0 %d " % status)]
    assert site.shut
    works(site)


def registered(site: Site) -> bytes:
    """A REGISTER that waits for its answer, as it has left."""
    raw = request("REGISTER", "sip:a.example", f"Contact: <sip:a@{CLIENT}>", "Expires: 3600")
    ((_, target, left),) = out(site, raw)
    assert target == PROXY
    return left


@pytest.mark.parametrize("changed", ["source", "branch", "call-id", "cseq", "nothing asked"])
def test_a_200_of_no_registrar(changed: str) -> None:
    """A 200 to REGISTER from somebody else, or for another one: it goes no further, and nothing
    is held for the time that it grants."""
    site = Site()
    asked = registered(site)
    answer = respond(asked, 200, f"Contact: <sip:a@{PUBLIC}>;expires=3600")
    source = PROXY
    match changed:
        case "source":
            source = ATTACKER
            out(site, b"\r\n\r\n", ATTACKER)  # or else the gateway lets nothing of his in
        case "branch":
            answer = answer.replace(b"z9hG4bK", b"z9hG4bX", 1)
        case "call-id":
            answer = answer.replace(b"Call-Id: c1", b"Call-Id: c2")
        case "cseq":
            answer = answer.replace(b"1 REGISTER", b"2 REGISTER")
        case _:
            site = Site()
            out(site, b"\r\n\r\n")
    assert back(site, answer, source) == []
    assert site.saw("sip.response.unmatched")
    site.sleep(site.engine.config.timers.datagram_idle + 60)
    assert not site.engine.datagrams.sessions, "the endpoint was held"


def test_the_registrars_200_holds_the_endpoint() -> None:
    """The other way round: so that the test above would notice."""
    site = Site()
    answer = respond(registered(site), 200, f"Contact: <sip:a@{PUBLIC}>;expires=3600")
    assert back(site, answer)
    site.sleep(site.engine.config.timers.datagram_idle + 60)
    assert site.engine.datagrams.sessions


@pytest.mark.parametrize("changed", ["source", "branch", "cseq"])
def test_an_answer_to_nothing(changed: str) -> None:
    """A 200 with a description, from somebody else or for another call, opens nothing."""
    site = Site()
    ((_, _, asked),) = out(site, invite(body=OFFER))
    answer = respond(asked, 200, "Contact: <sip:b@198.51.100.9>", body=ANSWER)
    source = PROXY
    if changed == "source":
        source = ATTACKER
        out(site, b"\r\n\r\n", ATTACKER)
    if changed == "branch":
        answer = answer.replace(b"z9hG4bK", b"z9hG4bX", 1)
    if changed == "cseq":
        answer = answer.replace(b"1 INVITE", b"7 INVITE")
    assert back(site, answer, source) == []
    assert site.saw("sip.response.unmatched")
    assert site.shut
    works(site)


def test_who_was_never_sent_anything_is_not_heard() -> None:
    """By default an outside host reaches a phone only once that has sent to it."""
    site = Site()
    assert back(site, request("INVITE", "sip:alice@h"), ATTACKER) == []
    assert site.saw("datagram.unsolicited")
    assert site.shut


# --- Session descriptions -----------------------------------------------------------------------

NOBODY = ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "ff02::1"]


def reachable(site: Site) -> list[str]:
    """Remote addresses to which media may go."""
    return [str(path.remote.address) for paths in site.media.values() for path in paths]


@pytest.mark.parametrize("address", [VICTIM, "192.168.20.2", "10.0.0.1", STRANGER, *NOBODY[:1]])
def test_sdp_of_the_inside_that_names_others(address: str) -> None:
    """An offer of an inside host whose media are to come to somebody else."""
    site = Site()
    left = out(site, invite(body=sdp(address, 4000)))
    for _, target, text in left:
        if target == PROXY:
            back(site, respond(text, 200, "Contact: <sip:b@198.51.100.9>", body=ANSWER))
        else:
            assert text.startswith((b"SIP/2.0 403 ", b"SIP/2.0 488 "))
    assert site.shut
    works(site)


@pytest.mark.parametrize("address", [VICTIM, "192.168.20.2", PUBLIC, *NOBODY])
def test_sdp_of_the_outside_with_no_address_of_its_own(address: str) -> None:
    """An answer from outside with an inside, loopback, multicast address, or none: whatever is
    made of it, media go to nobody who is not outside."""
    site = Site()
    ((_, _, asked),) = out(site, invite(body=OFFER))
    back(site, respond(asked, 200, "Contact: <sip:b@198.51.100.9>", body=sdp(address, 7000)))
    assert reachable(site) == []
    assert site.shut
    works(site)


@pytest.mark.parametrize(
    "media",
    [
        b"m=audio 22 RTP/AVP 0\r\n",
        b"m=audio 65616 RTP/AVP 0\r\n",
        b"m=audio 4294967318 RTP/AVP 0\r\n",
        b"m=audio -1 RTP/AVP 0\r\n",
        b"m=audio 0x15b3 RTP/AVP 0\r\n",
        b"m=audio 3306 RTP/AVP 0\r\n",
        b"m=audio 65535 RTP/AVP 0\r\n",
        b"m=audio 4000/30000 RTP/AVP 0\r\n",
        b"m=audio 4000 RTP/AVP 0\r\na=rtcp:22\r\n",
        b"m=audio 4000 RTP/AVP 0\r\na=rtcp:65616\r\n",
        b"m=audio 4000 RTP/AVP 0\r\n" * 17,
    ],
)
def test_ports_out_of_range(media: bytes) -> None:
    """Privileged and denied ports, and those that would wrap; too many media."""
    site = Site()
    body = OFFER[: OFFER.index(b"m=")] + media
    for _, target, text in out(site, invite(body=body)):
        if target == PROXY:
            back(site, respond(text, 200, "Contact: <sip:b@198.51.100.9>", body=ANSWER))
        else:
            assert text.startswith(b"SIP/2.0 4")
    inside = [path.inside.port for paths in site.media.values() for path in paths]
    assert set(inside) <= {4000, 4001}
    assert b"a=rtcp" in media or not inside
    works(site)


@pytest.mark.parametrize(
    "body",
    [
        b"v=0\r\no=- 1 1 IN IP4 192.168.10.2\r\ns=-\r\nc=IN IP4 192.168.10.2\r\nt=0 0\r\n",
        b"v=0\r\nc=IN IP4 192.168.10.2\r\n",
        b"v=0\r\nc=IN IP4 192.168.10.2",
        b"v=0\r\no=- 1 1 IN IP4 192.168.10.2\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
    ],
    ids=["c= and no m=", "only c=", "without end", "m= and no c="],
)
def test_cve_2026_31427(body: bytes) -> None:
    """c= with no media: the kernel's helper wrote an address there that it had never set."""
    site = Site()
    raw = invite(SDP_TYPE, body=b"").replace(
        b"Content-Length: 0", b"Content-Length: %d" % len(body)
    )
    for _, target, text in out(site, raw + body):
        if target == PROXY:
            told = text.partition(b"\r\n\r\n")[2]
            assert told in (body, body.replace(CLIENT.encode(), PUBLIC.encode()))
            back(site, respond(text, 200, "Contact: <sip:b@198.51.100.9>", body=ANSWER))
    assert site.shut
    works(site)


# --- Framing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2**32 + 32, 2**64 + 32, -1, "0x20", "32, 0", "9" * 5000])
def test_cve_2026_23457(length: object) -> None:
    """A Content-Length of 2^32+32 hides a second message behind 32 bytes of body."""
    hidden = FORGED.replace(b"REGISTER sip", b"INVITE sip")
    site = Site()
    carrier = site.connect("sip")
    raw = request("OPTIONS", "sip:b@h", via=TCP_VIA)
    raw = raw.replace(b"Content-Length: 0", f"Content-Length: {length}".encode())
    carrier.client_sends(raw + b"x" * 32 + hidden)
    assert carrier.server.received == b""
    assert carrier.reset
    assert any(code.startswith("sip.stream.") for code in site.events)
    works_over_tcp(site)


@pytest.mark.parametrize("length", [2**32 + 32, 2**64 + 32, -1, "0x20"])
def test_cve_2026_23457_over_udp(length: object) -> None:
    """The same in a datagram, which is one message or none."""
    site = Site()
    raw = request("OPTIONS", "sip:b@h")
    raw = raw.replace(b"Content-Length: 0", f"Content-Length: {length}".encode())
    left = out(site, raw + b"x" * 32 + FORGED)
    assert all(target == PHONE and text.startswith(b"SIP/2.0 400 ") for _, target, text in left)
    assert any(code.startswith("sip.malformed.") for code in site.events)
    works(site)


@pytest.mark.parametrize("size", [None, 1460, 7])
def test_cve_2026_21905(size: int | None) -> None:
    """SIP over TCP with several messages in a segment, which made a gateway's process die: each
    one is taken for itself, and what follows the good ones is refused for what it is."""
    site = Site()
    connection = site.connect("sip")
    messages = [
        request("OPTIONS", "sip:b@h", via=TCP_VIA.replace("t1", f"m{number}"), cseq=number + 1)
        for number in range(50)
    ]
    stream = b"".join(messages)
    reached = connection.client_sends(*([stream] if size is None else in_pieces(stream, size)))
    assert reached.count(b"OPTIONS sip:b@h SIP/2.0\r\n") == 50
    assert CLIENT.encode() + b":5060;branch" not in reached
    assert not connection.reset
    connection.client_sends(messages[0] + b"\x00" * 40 + messages[1])
    assert connection.reset
    assert site.shut
    works_over_tcp(site)


# --- Floods and leaks ---------------------------------------------------------------------------


@pytest.mark.parametrize("sent_by", ["0.0.0.0", "0.0.0.0:0", "0.0.0.0:5060", "255.255.255.255"])
def test_cve_2018_15454(sent_by: str) -> None:
    """A flood of requests whose Via is 0.0.0.0: nothing is sent there, what is remembered is
    bounded, and the phone goes on working."""
    site = Site()
    public = seen(site)
    out(site, b"\r\n\r\n", ATTACKER)
    for number in range(3000):
        raw = request(
            "INVITE",
            "sip:alice@h",
            via=f"SIP/2.0/UDP {sent_by};branch=z9hG4bK-f{number}",
            call_id=f"f{number}",
        )
        for _, target, _ in back(site, raw, ATTACKER, public):
            assert target in (PHONE, ATTACKER)
    assert len(site.engine.datagrams.sessions) == 1
    assert site.saw("sip.rate.exceeded") or site.saw("sip.malformed.via")
    site.now += 60
    works(site)


def leaked(site: Site) -> int:
    """Data ports that are in use."""
    return len(site.engine.tables.bindings.live)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("CSeq: 1 INVITE", OFFER.replace(b"4000", b"99999")),
        ("CSeq: x INVITE", OFFER),
        ("CSeq: 1 INVITE", OFFER + b"m=video 22 RTP/AVP 31\r\n"),
        ("CSeq: 1 INVITE", OFFER + b"m=video 5000 RTP/AVP 31\r\nc=IN IP4 192.168.10.3\r\n"),
        ("CSeq: 1 INVITE", OFFER + b"m=video 5000\r\n"),
        ("CSeq: 1 INVITE\r\nCall-ID: again", OFFER),
    ],
    ids=["port", "CSeq", "second medium", "its address", "its line", "two Call-IDs"],
)
def test_cve_2024_21616(head: str, body: bytes) -> None:
    """Malformed calls leak their ports, until there are none: here they have none."""
    site = Site()
    for number in range(200):
        raw = invite(body=body, branch=f"z9hG4bK-l{number}", call_id=f"l{number}")
        for _, target, text in out(site, raw.replace(b"CSeq: 1 INVITE", head.encode())):
            assert target == PHONE
            assert text.startswith(b"SIP/2.0 4")
    assert leaked(site) == 0
    assert site.shut
    works(site)


def test_cve_2024_21616_of_calls_that_nobody_answers() -> None:
    """Calls that end in every way but the good one give their ports back."""
    site = Site()
    for number in range(60):
        names = {"branch": f"z9hG4bK-n{number}", "call_id": f"n{number}"}
        ((_, _, asked),) = out(site, invite(body=OFFER, **names))
        match number % 3:
            case 0:
                back(site, respond(asked, 486))
            case 1:
                back(site, respond(asked, 183, body=b"v=0\r\nnonsense"))
    assert leaked(site) > 0
    site.sleep(1000)
    assert leaked(site) == 0
    assert site.shut
    works(site)


def test_media_are_for_the_two_ends_only() -> None:
    """Use of media ports by another host: a path names both ends."""
    site = Site()
    ((_, _, asked),) = out(site, invite(body=OFFER))
    back(site, respond(asked, 200, "Contact: <sip:b@198.51.100.9>", body=ANSWER))
    assert {str(path.inside.address) for paths in site.media.values() for path in paths} == {CLIENT}
    assert set(reachable(site)) == {"198.51.100.9"}
    data = ip_network(f"{PUBLIC}/32")
    for paths in site.media.values():
        for path in paths:
            assert path.public.address in data
            assert 32768 <= path.public.port <= 49151
