"""Responses of the gateway's own."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.sip.message import Malformed, Message, parse
from ryu_alg.protocols.sip.responses import respond, respond_raw
from tests.protocols.sip.messages import TORTURE_INVALID, TORTURE_VALID, request

SOURCE = Endpoint(ip_address("192.168.10.2"), 40000)


def read(raw: bytes) -> Message:
    found = parse(raw)
    assert isinstance(found, Message), found
    return found


def test_it_belongs_to_its_request() -> None:
    asked = read(request("INVITE", "sip:b@h", "Via: SIP/2.0/TCP i;branch=x", "Subject: secret"))
    raw = respond(asked, 503, "Service Unavailable", [(b"Retry-After", b"10")])
    answer = read(raw)

    assert (answer.status, answer.method) == (503, "INVITE")
    assert answer.call_id == asked.call_id and answer.cseq == asked.cseq
    assert [via.branch for via in answer.vias] == [via.branch for via in asked.vias]
    assert answer.from_tag == asked.from_tag
    assert answer.to_tag
    assert answer.value(b"retry-after") == b"10"
    assert b"Subject" not in raw
    assert respond(asked, 503, "Service Unavailable", [(b"Retry-After", b"10")]) == raw


def test_tags() -> None:
    outside = read(request())
    assert read(respond(outside, 100, "Trying")).to_tag is None
    assert read(respond(outside, 200, "OK", tag=b"mine")).to_tag == b"mine"
    within = read(request(to="<sip:b@h>;tag=theirs"))
    assert read(respond(within, 403, "Forbidden")).to_tag == b"theirs"


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        ("SIP/2.0/UDP 192.168.10.2;branch=b", "SIP/2.0/UDP 192.168.10.2;branch=b"),
        ("SIP/2.0/UDP phone;branch=b", "SIP/2.0/UDP phone;branch=b;received=192.168.10.2"),
        (
            "SIP/2.0/UDP 192.168.10.2;rport;branch=b",
            "SIP/2.0/UDP 192.168.10.2;branch=b;received=192.168.10.2;rport=40000",
        ),
        (
            "SIP/2.0/UDP phone;received=10.0.0.1;branch=b;rport=1, SIP/2.0/UDP x;rport",
            "SIP/2.0/UDP phone;branch=b;received=192.168.10.2;rport=40000, SIP/2.0/UDP x;rport",
        ),
    ],
)
def test_received_and_rport(via: str, expected: str) -> None:
    answer = respond(read(request(via=via)), 403, "Forbidden", source=SOURCE)
    assert b"Via: " + expected.encode() + b"\r\n" in answer


@pytest.mark.parametrize("raw", TORTURE_VALID.values(), ids=TORTURE_VALID)
def test_answers_can_be_read(raw: bytes) -> None:
    asked = read(raw)
    answer = read(respond(asked, 488, "Not Acceptable Here", source=SOURCE))
    assert answer.cseq == asked.cseq


@pytest.mark.parametrize(("raw", "expected"), TORTURE_INVALID.values(), ids=TORTURE_INVALID)
def test_bad_requests_are_answered(raw: bytes, expected: tuple[int, str]) -> None:
    bad = parse(raw)
    assert isinstance(bad, Malformed) and bad.request is not None
    answer = respond_raw(bad.request, bad.status, bad.fault.value, source=SOURCE)
    assert answer is not None
    assert answer.startswith(b"SIP/2.0 %d " % expected[0])
    assert answer.count(b"Call-ID:") == 1
