"""A phone and its proxy that answer each other over TCP, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings

from ryu_alg.protocols.sip import SipOptions
from ryu_alg.protocols.sip.inspector import stream_inspector
from tests.engine.channel import Weather
from tests.engine.tcp_model import Profile
from tests.protocols.middlebox import (
    EngineBox,
    Peer,
    answers_after,
    network,
    profiles,
    seeds,
    weathers,
)
from tests.protocols.sip.messages import request
from tests.protocols.sip.ua import SDP_TYPE, invite, respond, sdp

PORT = 5060
OPTIONS = SipOptions()
USUAL = Profile()
MESSAGE = re.compile(rb"(?:\r\n)*(\S.*?\r\nContent-Length: ([0-9]+)\r\n\r\n)", re.DOTALL)
MEDIA = re.compile(rb"m=audio 4[0-9]{4} ")
PHONE, SEEN = "sip:alice@192.168.10.2:5060", "sip:alice@203.0.113.1:50000"
VIA = "SIP/2.0/TCP 192.168.10.2:5060;branch=z9hG4bK-{};rport"
PROXY_VIA = "SIP/2.0/TCP 198.51.100.7:5060;branch=z9hG4bK-{}"
ALICE, BOB = "<sip:alice@example.com>", "<sip:bob@example.com>"
LONG = b"Nothing in here is an address: 192.168.10.2:5060.\r\n\r\n" * 20


def of_alice(method: str, branch: str, *, cseq: int = 1, body: bytes = b"", **parts: str) -> bytes:
    """A request of the phone."""
    parts.setdefault("call_id", "from-alice@192.168.10.2")
    parts |= {"method": method, "via": VIA.format(branch), "contact": f"<{PHONE}>"}
    return invite(cseq=cseq, body=body, **parts)


def of_bob(method: str, *extra: str, branch: str, body: bytes = b"", **parts: str) -> bytes:
    """A request that comes from the proxy."""
    via = PROXY_VIA.format(branch)
    return request(method, SEEN, *extra, via=via, body=body, **parts)  # type: ignore[arg-type]


REGISTER = request(
    "REGISTER",
    "sip:example.com",
    f"Contact: <{PHONE}>",
    via=VIA.format("r1"),
    call_id="registration@192.168.10.2",
)
CALL = of_alice("INVITE", "i1", body=sdp("192.168.10.2", 4000))
FOREIGN = of_alice("INVITE", "i2", call_id="foreign").replace(
    b"<sip:alice@192.168.10.2:5060>", b"<sip:alice@192.168.10.3>"
)
TALK = request("MESSAGE", via=VIA.format("m1"), call_id="talk", body=LONG)
CALL_BACK = of_bob(
    "INVITE",
    "Contact: <sip:bob@198.51.100.9>",
    SDP_TYPE,
    branch="i3",
    body=sdp("198.51.100.9", 7002),
    sender=f"{BOB};tag=b2",
    to=ALICE,
    call_id="from-bob",
)
AGREED = (f"{ALICE};tag=a1", f"{BOB};tag=b1")
BACK = (f"{BOB};tag=b2", f"{ALICE};tag=a2")


def phone(raw: bytes) -> bytes | None:
    """What alice's phone says to a message; None: it closes."""
    if raw.startswith(b"SIP/2.0 200 "):
        if b": 1 REGISTER\r\n" in raw:
            return b"\r\n\r\n" + CALL + FOREIGN + TALK
        if b": 1 INVITE\r\n" in raw:
            return of_alice("ACK", "a1", to=AGREED[1])
        if b": 2 BYE\r\n" in raw:
            return None
    elif raw.startswith(b"BYE"):
        return respond(raw, 200)
    elif raw.startswith(b"INVITE"):
        answer = sdp("192.168.10.2", 4002)
        contact = f"Contact: <{PHONE}>"
        ringing = respond(raw, 180, contact, tag="a2")
        return ringing + respond(raw, 200, contact, tag="a2", body=answer)
    elif raw.startswith(b"ACK"):
        return of_alice("BYE", "e2", cseq=2, sender=BACK[1], to=BACK[0], call_id="from-bob")
    return b""


def proxy(raw: bytes) -> bytes:
    """What the proxy, and bob behind it, say to a message."""
    if raw.startswith(b"REGISTER"):
        return respond(raw, 200, f"Contact: <{SEEN}>;expires=3600")
    if raw.startswith(b"INVITE"):
        contact = "Contact: <sip:bob@198.51.100.9>"
        answer = sdp("198.51.100.9", 7000)
        return respond(raw, 180, contact) + respond(raw, 200, contact, body=answer)
    if raw.startswith(b"ACK"):
        bye = of_bob(
            "BYE", branch="e1", sender=AGREED[1], to=AGREED[0], call_id="from-alice@192.168.10.2"
        )
        return b"\r\n" + bye
    if raw.startswith((b"MESSAGE", b"BYE")):
        return respond(raw, 200)
    if raw.startswith(b"SIP/2.0 200 "):
        if b" BYE\r\n" in raw:
            return CALL_BACK
        return of_bob("ACK", branch="a2", sender=BACK[0], to=BACK[1], call_id="from-bob")
    return b""


def take_message(received: bytearray, start: int) -> tuple[bytes, int] | None:
    match = MESSAGE.match(received, start)
    if match is None:
        return None
    end = match.end() + int(match[2])
    return None if end > len(received) else (bytes(received[match.start(1) : end]), end)


@dataclass(frozen=True)
class Read:
    """All that both ends have read, and what media there were."""

    client: bytes
    """Without `refused`: when that comes among the proxy's messages is a matter of time."""
    refused: list[bytes]
    server: bytes
    media: tuple[int, int, int]
    """How many were opened, at most open at a time, and left open."""


def converse(
    weather: Weather, seed: int = 0, profile: Profile = USUAL, answer_after: float = 0.01
) -> Read:
    """The whole conversation."""
    box = EngineBox(PORT, lambda gateway: stream_inspector(OPTIONS, gateway), answer_after)
    # Sends again soon: a transaction that takes 32 s is over, and its response goes nowhere.
    net = network(box, PORT, weather, seed, replace(profile, rto_max=0.6))
    client, server = Peer(net.client, phone, take_message), Peer(net.server, proxy, take_message)
    net.timed = [client, server]
    net.start()
    net.client.write(REGISTER, net.now)
    net.drain()
    done = net.run(lambda: net.server.eof, deadline=600.0)
    assert done, (bytes(client.received), bytes(server.received))
    assert not net.client.violations + net.server.violations
    refused = [raw for raw in client.messages if raw.startswith(b"SIP/2.0 403 ")]
    told = bytes(client.received)
    for raw in refused:
        told = told.replace(raw, b"")
    return Read(
        told,
        refused,
        MEDIA.sub(b"m=audio (public) ", bytes(server.received)),
        (box.media_opened, box.most_media, len(box.media)),
    )


GOOD = converse(Weather())


def first_lines(told: bytes) -> list[bytes]:
    """Of all messages."""
    return re.findall(rb"(?:[A-Z]+ sip:\S+ SIP/2\.0|SIP/2\.0 [0-9]{3})", told)


def test_what_the_proxy_reads() -> None:
    assert first_lines(GOOD.server) == [
        b"REGISTER sip:example.com SIP/2.0",
        b"INVITE sip:bob@example.com SIP/2.0",
        b"MESSAGE sip:bob@example.com SIP/2.0",
        b"ACK sip:bob@example.com SIP/2.0",
        b"SIP/2.0 200",
        b"SIP/2.0 180",
        b"SIP/2.0 200",
        b"BYE sip:bob@example.com SIP/2.0",
    ]
    assert GOOD.server.count(b"Via: SIP/2.0/TCP 203.0.113.1:50000;") == 5
    assert GOOD.server.count(f"Contact: <{SEEN}>\r\n".encode()) == 6
    described = sdp("203.0.113.1", 1).replace(b"audio 1", b"audio (public)")
    assert GOOD.server.count(described) == 2
    assert b"\r\n\r\n" + LONG in GOOD.server
    assert b"\r\n\r\n" + b"\r\n\r\n" + b"INVITE" in GOOD.server
    own = GOOD.server.replace(LONG, b"").replace(b"@192.168.10.2\r\n", b"")
    assert b"192.168." not in own


def test_what_the_phone_reads() -> None:
    assert first_lines(GOOD.client) == [
        b"SIP/2.0 200",
        b"SIP/2.0 180",
        b"SIP/2.0 200",
        b"SIP/2.0 200",
        f"BYE {PHONE} SIP/2.0".encode(),
        f"INVITE {PHONE} SIP/2.0".encode(),
        f"ACK {PHONE} SIP/2.0".encode(),
        b"SIP/2.0 200",
    ]
    assert f"Contact: <{PHONE}>;expires=3600\r\n".encode() in GOOD.client
    assert GOOD.client.count(b"Via: SIP/2.0/TCP 192.168.10.2:5060;") == 5
    for port in (7000, 7002):
        assert sdp("198.51.100.9", port) in GOOD.client
    assert b"203.0.113.1" not in GOOD.client
    (refused,) = GOOD.refused
    assert b"Call-ID: foreign\r\n" in refused


def test_media_of_one_call_after_the_other() -> None:
    assert GOOD.media == (2, 1, 0)


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(weather, seed, profile, answer_after) == GOOD
