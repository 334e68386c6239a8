"""URIs, addresses and Via: what they say, and where."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.sip.addresses import parse_addresses, parse_only_address
from ryu_alg.protocols.sip.grammar import SipSyntaxError
from ryu_alg.protocols.sip.uris import parse_uri, write_host_port
from ryu_alg.protocols.sip.via import parse_vias


def endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    return Endpoint(ip_address(host.strip("[]")), int(port))


@pytest.mark.parametrize(
    ("text", "user", "where", "leads"),
    [
        ("sip:192.0.2.1", None, "192.0.2.1", "192.0.2.1:5060"),
        ("sip:alice@192.0.2.1:5070", "alice", "192.0.2.1:5070", "192.0.2.1:5070"),
        ("SIP:alice:secret@192.0.2.1", "alice:secret", "192.0.2.1", "192.0.2.1:5060"),
        ("sips:192.0.2.1;lr", None, "192.0.2.1", "192.0.2.1:5061"),
        ("sip:alice@example.com;transport=tcp?subject=x", "alice", "example.com", None),
        ("sip:[2001:db8::10]", None, "[2001:db8::10]", "[2001:db8::10]:5060"),
        ("sip:user@[2001:DB8::10]:5070;lr", "user", "[2001:DB8::10]:5070", "[2001:db8::10]:5070"),
        (
            "sip:user;par=u%40example.net@example.com",
            "user;par=u%40example.net",
            "example.com",
            None,
        ),
        ("sip:a,b?c;/&=+$-_.!~*'()@h.example", "a,b?c;/&=+$-_.!~*'()", "h.example", None),
    ],
)
def test_a_uri(text: str, user: str | None, where: str, leads: str | None) -> None:
    raw = f"<{text}>".encode()
    uri = parse_uri(raw, 1, len(raw) - 1)

    assert uri.user == (user.encode() if user else None)
    assert uri.where is not None
    assert raw[slice(*uri.where.span)] == where.encode()
    assert uri.endpoint == (endpoint(leads) if leads else None)


@pytest.mark.parametrize("text", ["tel:+358-555-1234567", "http://example.com/x", "soap.beep:x"])
def test_other_schemes_are_not_read(text: str) -> None:
    assert parse_uri(text.encode(), 0, len(text)).where is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "sip:", "sip:@", "alice@192.0.2.1", "sip:alice@", "sip:a@192.0.2.1:", "sip:a@h:x"),
        *("sip:192.0.2.1:0", "sip:192.0.2.1:65536", "sip:[2001:db8::10", "sip:[2001:db8:::10]"),
        *("sip:2001:db8::10", "sip:a@b c", "sip:a@b@c", "sip:[1.2.3]", "sip:h,x"),
    ],
)
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_uri(text.encode(), 0, len(text))


def test_parameters_of_a_uri() -> None:
    raw = b"sip:a@h;LR;maddr=192.0.2.9;transport=udp?x=y;z=1"
    uri = parse_uri(raw, 0, len(raw))

    assert [p.name for p in uri.parameters] == [b"lr", b"maddr", b"transport"]
    maddr = uri.parameter(b"maddr")
    assert maddr is not None
    assert raw[slice(*maddr.value_span)] == b"192.0.2.9"


def test_a_list_of_addresses() -> None:
    raw = (
        b'"Mr. Watson, \\"W\\"" <sip:watson@192.0.2.4;x=1>;q=0.7; expires=3600,\r\n'
        b' sip:w@h;EXPIRES = 60 , Foo Bar <tel:+1>;a;b="c;d,e", <mailto:w@h>'
    )
    first, second, third, fourth = parse_addresses(raw, 0, len(raw))

    assert first.display == b'"Mr. Watson, \\"W\\""'
    assert [p.name for p in first.parameters] == [b"q", b"expires"]
    expires = second.parameter(b"expires")
    assert expires is not None and expires.value == b"60"
    assert second.uri.parameters == ()  # without brackets they are the header's (20.10)
    assert [p.value for p in third.parameters] == [None, b'"c;d,e"']
    assert fourth.uri.scheme == b"mailto"
    assert raw[slice(*second.span)] == b"sip:w@h;EXPIRES = 60"


@pytest.mark.parametrize(
    "text",
    [
        *("", "<sip:a@h", "sip:a@h>", '"unbalanced <sip:a@h>', "<sip:a@h> x", "<sip:a@h>,", ","),
        *("Bell, Alexander <sip:a@h>", "sip:a@h?Route=x", "<sip:a@h>;=x", "<sip:a\r\n @h>"),
    ],
)
def test_what_is_no_list_of_addresses(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_addresses(text.encode(), 0, len(text))


def test_one_address_alone() -> None:
    raw = b"sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n"
    assert parse_only_address(raw, 0, len(raw)).tag == b"1918181833n"
    raw = b"<sip:a@h>;\r\n ;tag=1"
    with pytest.raises(SipSyntaxError):
        parse_only_address(b"<sip:a@h>, <sip:b@h>", 0, 20)
    assert parse_only_address(b"<sip:a@h>;", 0, 10).tag is None


def test_vias() -> None:
    raw = (
        b"SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport, SIP / 2.0 / tcp\r\n"
        b"  spindle.example.com   ;\r\n branch  =   z9hG4bK9ikj8  ,"
        b" SIP/2.0/UDP [2001:db8::9:1] : 6050;received=[2001:db8::9:255];maddr=::1;ttl=16"
    )
    first, second, third = parse_vias(raw, 0, len(raw))

    assert (first.transport, first.branch, first.wants_rport) == (b"UDP", b"z9hG4bK1", True)
    assert first.listens == endpoint("192.0.2.1:5070")
    assert raw[slice(*first.sent_by.span)] == b"192.0.2.1:5070"
    assert (second.transport, second.branch) == (b"TCP", b"z9hG4bK9ikj8")
    assert second.listens is None
    assert third.listens == endpoint("[2001:db8::9:1]:6050")
    received = third.parameter(b"received")
    assert received is not None and received.value == b"[2001:db8::9:255]"


@pytest.mark.parametrize(
    "text",
    [
        *("", "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=x", "SIP/7.0/UDP h", "SIP/2.0/UDP h;;,;,,"),
        *("SIP/2.0/UDP h x", "SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP h:0", "SIP/2.0/UDP [::zz]:1"),
    ],
)
def test_what_is_no_via(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_vias(text.encode(), 0, len(text))


@pytest.mark.parametrize("text", ["192.0.2.1:5060", "[2001:db8::1]:5060"])
def test_written_endpoints_are_read_again(text: str) -> None:
    raw = b"sip:" + write_host_port(endpoint(text))
    assert parse_uri(raw, 0, len(raw)).endpoint == endpoint(text)


@given(st.text(alphabet=' \t;,<>"\\=:@[]sip.a1\r\n%?', max_size=60))
def test_whatever_stands_there(text: str) -> None:
    raw = text.encode()
    for parse in (parse_addresses, parse_vias, parse_uri, parse_only_address):
        with suppress(SipSyntaxError):
            parse(raw, 0, len(raw))


@pytest.mark.parametrize("text", ['"' * 8000, " " * 8000, "a " * 4000, "<" * 8000, ";" * 8000])
def test_nothing_takes_long_to_be_refused(text: str) -> None:
    raw = text.encode()
    with pytest.raises(SipSyntaxError):
        parse_addresses(raw, 0, len(raw))
    with pytest.raises(SipSyntaxError):
        parse_vias(b"SIP/2.0/UDP " + raw, 0, len(raw) + 12)
