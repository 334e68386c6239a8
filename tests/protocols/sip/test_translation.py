"""Every position in which an address can stand is translated both ways."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Realm, Refusal
from ryu_alg.protocols.sip import SipOptions
from tests.protocols.sip.gateway import HOST_IPV6, PLAIN_HOST, endpoint
from tests.protocols.sip.messages import message, request
from tests.protocols.sip.site import PHONE, PROXY, PUBLIC_PHONE, Site, only, read
from tests.protocols.sip.ua import respond

IN, OUT = Realm.INSIDE, Realm.OUTSIDE

POSITIONS = {
    "contact": "Contact: <sip:alice@{}>",
    "contact, compact": "m: <sip:alice@{}>",
    "contact without brackets": "Contact: sip:alice@{};q=0.5",
    "contact with everything": 'Contact: "A, B" <sips:alice:pw@{};ob?x=y>;q=0.5;expires=60',
    "contacts in one header": "Contact: <sip:a@{0}>, <sip:b@h.example>,\r\n <sip:c@{0}>",
    "contacts in many headers": "Contact: <sip:a@{0}>\r\nX: y\r\nm: <sip:b@{0}>",
    "contact, folded": "Contact:\r\n <sip:alice@{}>\r\n ;q=1",
    "route": "Route: <sip:{0};lr>, <sip:p.example;lr>",
    "record-route": "Record-Route: <sip:{0};lr>\r\nRecord-Route: <sip:p.example;lr>",
    "path": "Path: <sip:{};lr>",
    "service-route": "Service-Route: <sip:{};lr>",
    "refer-to": "Refer-To: <sip:alice@{}?Replaces=c1%40192.168.10.2>",
    "refer-to, compact": "r: sip:alice@{}",
    "referred-by": "Referred-By: <sip:alice@{}>;cid=x",
    "referred-by, compact": "b: <sip:alice@{}>",
    "p-asserted-identity": 'P-Asserted-Identity: "A" <sip:a@{}>, <tel:+1>',
    "p-preferred-identity": "P-Preferred-Identity: <sip:alice@{}>",
    "remote-party-id": "Remote-Party-ID: <sip:alice@{}>;party=calling",
    "diversion": "Diversion: <sip:alice@{}>;reason=busy",
    "history-info": "History-Info: <sip:alice@{}>;index=1",
    "reply-to": "Reply-To: <sip:alice@{}>",
}
UNTOUCHED = [
    "Contact: <sip:alice@h.example>",
    "Contact: <sip:alice@198.51.100.7:5060>",
    "Contact: <tel:+1>",
    "Subject: sip:alice@192.168.10.2:5060",
    "Call-Info: see 192.168.10.2",
    "X-Contact: <sip:alice@192.168.10.2:5060>",
    'Authorization: Digest uri="sip:192.168.10.2:5060", response="00"',
    "Refer-To: <sip:bob@192.168.10.3>",
]
SPELLINGS = {"192.168.10.2:5060": 5060, "192.168.10.2": 5060, "192.168.10.2:5062": 5062}


def echo(line: str) -> bytes:
    """A request of the other side in which a header comes back."""
    return request(
        "INFO",
        "sip:x@h.example",
        line,
        via="SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-o1",
        call_id="c2",
    )


@pytest.mark.parametrize("position", POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize("written", SPELLINGS)
def test_a_header_both_ways(position: str, written: str) -> None:
    site = Site()
    line = position.format(written)
    raw = request("INFO", "sip:bob@example.com", line, via="SIP/2.0/UDP h;branch=z9hG4bK-1")
    left = only(site.inside(raw), OUT)
    port = SPELLINGS[written]
    default = 5061 if "sips:" in line and written == "192.168.10.2" else port
    public = str(site.public(endpoint("192.168.10.2", default)))
    translated = position.format(public)

    assert left == raw.replace(line.encode(), translated.encode())
    back = echo(translated)
    assert only(site.outside(back), IN) == back.replace(translated.encode(), line.encode())
    assert read(left).raw == left


@pytest.mark.parametrize("position", POSITIONS.values(), ids=POSITIONS)
def test_a_header_of_a_response_both_ways(position: str) -> None:
    site = Site()
    line = position.format("192.168.10.2:5060")
    translated = position.format("203.0.113.1:49152")
    asked = echo("X: y")
    site.outside(asked)
    answer = respond(asked, 200, line)
    assert only(site.inside(answer), OUT) == answer.replace(line.encode(), translated.encode())

    raw = request("INFO", "sip:b@h", via="SIP/2.0/UDP 192.168.10.2:5060;branch=z9hG4bK-2")
    left = only(site.inside(raw), OUT)
    answer = respond(left, 200, translated)
    restored = answer.replace(translated.encode(), line.encode())
    restored = restored.replace(b"UDP 203.0.113.1:49152", b"UDP 192.168.10.2:5060")
    assert only(site.outside(answer), IN) == restored


@pytest.mark.parametrize("line", UNTOUCHED)
def test_what_is_not_the_hosts_own_leaves_as_it_came(line: str) -> None:
    site = Site()
    raw = request("INFO", "sip:bob@example.com", line, via="SIP/2.0/UDP h;branch=z9hG4bK-1")
    assert only(site.inside(raw), OUT) == raw
    back = echo(line)
    assert only(site.outside(back), IN) == back


def test_the_request_uri_both_ways() -> None:
    site = Site()
    raw = request("OPTIONS", "sip:alice@192.168.10.2", via="SIP/2.0/UDP h;branch=z9hG4bK-1")
    left = only(site.inside(raw), OUT)
    assert left.startswith(b"OPTIONS sip:alice@203.0.113.1:49152 SIP/2.0\r\n")

    back = request("OPTIONS", "sip:alice@203.0.113.1:49152;x=y", via="SIP/2.0/UDP h;branch=z9hG4b")
    assert only(site.outside(back), IN).startswith(b"OPTIONS sip:alice@192.168.10.2;x=y SIP/2.0")
    back = request("OPTIONS", "sip:other@203.0.113.1:49152", via="SIP/2.0/UDP h;branch=z9hG4c")
    assert only(site.outside(back), IN).startswith(b"OPTIONS sip:other@192.168.10.2:5060 SIP/2.0")


def test_maddr_leads_to_the_host() -> None:
    site = Site()
    cases = [
        ("sip:a@h.example;maddr=192.168.10.2;lr", "sip:a@h.example:49152;maddr=203.0.113.1;lr"),
        ("sip:192.168.10.2:5060;maddr=192.168.10.2", "sip:203.0.113.1:49152;maddr=203.0.113.1"),
        ("sip:192.168.10.2;maddr=198.51.100.7", "sip:192.168.10.2;maddr=198.51.100.7"),
    ]
    for number, (written, expected) in enumerate(cases):
        raw = request("INFO", "sip:b@h", f"Route: <{written}>", via="SIP/2.0/UDP h", cseq=number)
        assert only(site.inside(raw), OUT) == raw.replace(written.encode(), expected.encode())
        back = echo(f"Route: <{expected}>").replace(b"c2", b"c%d" % number)
        assert only(site.outside(back), IN) == back.replace(expected.encode(), written.encode())


def test_identities_on_demand() -> None:
    sender, to = '"A" <sip:alice@192.168.10.2>;tag=a1', "<sip:alice@192.168.10.2>"
    raw = request("INFO", "sip:b@h", via="SIP/2.0/UDP 192.168.10.2", sender=sender, to=to)
    via = raw.replace(b"UDP 192.168.10.2", b"UDP 203.0.113.1:49152")
    assert only(Site().inside(raw), OUT) == via

    site = Site(SipOptions(rewrite_identity=True))
    left = only(site.inside(raw), OUT)
    assert left == via.replace(b"alice@192.168.10.2", b"alice@203.0.113.1:49152")
    answer = respond(left, 200)
    restored = answer.replace(b"203.0.113.1:49152", b"192.168.10.2")
    assert only(site.outside(answer), IN) == restored


@pytest.mark.parametrize("host", [PLAIN_HOST, HOST_IPV6])
def test_without_nat_nothing_changes(host: object) -> None:
    phone = endpoint(str(host), 5060)
    site = Site(phone=phone)
    lines = [position.format(phone) for position in POSITIONS.values()]
    raw = request("INFO", f"sip:alice@{phone}", *lines, via=f"SIP/2.0/UDP {phone}")
    assert only(site.inside(raw), OUT) == raw
    assert only(site.outside(raw.replace(b"1 INFO", b"2 INFO")), IN) == raw.replace(
        b"1 INFO", b"2 INFO"
    )


# --- Via --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("via", "leaves", "comes_back", "answer_to"),
    [
        (
            "SIP/2.0/UDP 192.168.10.2:5060;branch=b1;rport",
            "SIP/2.0/UDP 203.0.113.1:49152;branch=b1;rport",
            "SIP/2.0/UDP 192.168.10.2:5060;branch=b1;received=192.168.10.2;rport=40000",
            40000,
        ),
        (
            "SIP/2.0/UDP 192.168.10.2:5070;branch=b1",
            "SIP/2.0/UDP 203.0.113.1:49154;branch=b1",
            "SIP/2.0/UDP 192.168.10.2:5070;branch=b1",
            5070,
        ),
        (
            "SIP/2.0/UDP 192.168.10.2;branch=b1",
            "SIP/2.0/UDP 203.0.113.1:49152;branch=b1",
            "SIP/2.0/UDP 192.168.10.2;branch=b1",
            5060,
        ),
        (
            "SIP/2.0/UDP phone.local:5070;rport;branch=b1",
            "SIP/2.0/UDP phone.local:5070;rport;branch=b1",
            "SIP/2.0/UDP phone.local:5070;branch=b1;received=192.168.10.2;rport=40000",
            40000,
        ),
        (
            "SIP / 2.0 / UDP\r\n 192.168.10.2 : 5060 ;branch = b1",
            "SIP / 2.0 / UDP\r\n 203.0.113.1:49152 ;branch = b1",
            "SIP / 2.0 / UDP\r\n 192.168.10.2 : 5060 ;branch = b1",
            5060,
        ),
    ],
)
def test_the_client_gets_back_the_via_that_it_sent(
    via: str, leaves: str, comes_back: str, answer_to: int
) -> None:
    site = Site()
    source = endpoint("192.168.10.2", 40000)
    raw = request("OPTIONS", "sip:b@h", via=via)
    left = only(site.inside(raw, source=source), OUT)
    assert left == raw.replace(via.encode(), leaves.encode())

    stamped = f"{leaves};received=203.0.113.1".encode()
    answer = respond(left, 200).replace(leaves.encode(), stamped)
    sends = site.outside(answer, to=source)
    assert only(sends, IN) == answer.replace(stamped, comes_back.encode())
    assert sends[0].inside == endpoint("192.168.10.2", answer_to)
    assert sends[0].remote == PROXY


def test_vias_below_the_topmost() -> None:
    site = Site()
    lower = "SIP/2.0/UDP 192.168.10.2:5062;branch=b0;received=192.168.10.2"
    outer = "SIP/2.0/UDP 203.0.113.1:49153;branch=b0;received=203.0.113.1"
    raw = request("OPTIONS", "sip:b@h", f"Via: {lower}", via="SIP/2.0/UDP 192.168.10.2;branch=b1")
    left = only(site.inside(raw), OUT)
    assert outer.encode() in left and b"192.168.10.2:5062" not in left
    assert lower.encode() in only(site.outside(respond(left, 200)), IN)


@pytest.mark.parametrize("rport", ["", "0", "99999", "9" * 5000, "x"])
def test_odd_ports_in_a_via(rport: str) -> None:
    site = Site()
    lower = f"Via: SIP/2.0/UDP h;received=192.168.10.2;rport={rport}"
    assert site.inside(request("OPTIONS", "sip:b@h", lower))[0].towards is OUT


def test_a_request_from_outside_keeps_its_vias() -> None:
    site = Site()
    raw = request(
        "OPTIONS",
        "sip:alice@203.0.113.1:49152",
        "Via: SIP/2.0/UDP 10.0.0.1;branch=b0;received=198.51.100.9",
        via="SIP/2.0/UDP 198.51.100.7;branch=b1;rport",
    )
    sends = site.outside(raw)
    left = only(sends, IN)
    assert left == raw.replace(b"203.0.113.1:49152", b"192.168.10.2:5060")
    assert (sends[0].inside, sends[0].remote) == (PHONE, PROXY)
    answer = respond(left, 200, "Contact: <sip:alice@192.168.10.2>")
    sends = site.inside(answer)
    assert only(sends, OUT) == answer.replace(b"alice@192.168.10.2>", b"alice@203.0.113.1:49152>")
    assert (sends[0].inside, sends[0].remote) == (PHONE, PROXY)


def test_the_public_endpoint_of_another_host_stays() -> None:
    site = Site()
    other = site.world.gateway(endpoint("192.168.10.3", 1).address)
    public = other.signalling(endpoint("192.168.10.3", 5060))
    raw = request("INVITE", "sip:alice@203.0.113.1:49152", f"Contact: <sip:carol@{public}>")
    left = only(site.outside(raw), IN)
    assert f"Contact: <sip:carol@{public}>".encode() in left


def test_no_endpoint_to_be_had() -> None:
    site = Site()
    site.world.refusals[22] = Refusal("port.privileged", "port 22")
    site.world.refusals[5099] = Refusal("ports.exhausted", "none left")
    for port, status in ((22, 403), (5099, 503)):
        raw = request("OPTIONS", "sip:b@h", f"Contact: <sip:a@192.168.10.2:{port}>", cseq=port)
        assert read(only(site.inside(raw), IN)).status == status
    assert site.reports == ["sip.endpoint.refused"] * 2


def test_a_spelling_that_is_forgotten_is_written_in_full() -> None:
    site = Site()
    for number in range(600):
        line = f"Contact: <sip:u{number}@192.168.10.2>"
        site.inside(request("INFO", "sip:b@h", line, via="SIP/2.0/UDP h", cseq=number + 1))
    for number, written in ((0, "192.168.10.2:5060"), (599, "192.168.10.2")):
        back = echo(f"Contact: <sip:u{number}@{PUBLIC_PHONE}>").replace(b"c2", b"c%d" % number)
        assert f"<sip:u{number}@{written}>".encode() in only(site.outside(back), IN)


def test_malformed_messages_never_pass() -> None:
    site = Site()
    bad = request("OPTIONS", "sip:b@h", "Contact: <sip:a@192.168.10.2:99999>")
    answer = read(only(site.inside(bad), IN))
    assert answer.status == 400
    assert site.outside(message("SIP/2.0 200 OK", ["Via: x"])) == []
    assert site.reports == ["sip.malformed.address", "sip.malformed.missing"]
