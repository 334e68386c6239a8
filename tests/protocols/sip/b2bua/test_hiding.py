"""What is not seen outside."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip.addresses import parse_only_address
from ryu_alg.protocols.sip.b2bua.headers import CROSSING, IDENTITIES
from ryu_alg.protocols.sip.b2bua.hiding import Hiding
from ryu_alg.protocols.sip.b2bua.identity import Identity
from tests.protocols.sip.b2bua.desk import Desk, read, sdp, text, texts
from tests.protocols.sip.gateway import HOST, PLAIN_HOST, World


def hiding(names: tuple[str, ...] = ("*.corp.example.com",)) -> Hiding:
    return Hiding(World().gateway(), HOST, names)


def outward(value: str, which: Hiding | None = None) -> str:
    raw = (
        f"OPTIONS sip:x@example.net SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: {value}"
        "\r\nTo: <sip:x@example.net>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
    ).encode()
    message = read(raw)
    return (which or hiding()).identity(message, message.sender, Realm.OUTSIDE).decode()


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("<sip:a@192.168.10.2>;tag=x", "<sip:a@203.0.113.1>"),
        ("<sip:a@192.168.10.2:5070;transport=udp>", "<sip:a@203.0.113.1;transport=udp>"),
        ("<sip:a@192.168.10.77>", "<sip:a@203.0.113.1>"),
        ("<sip:a@PC5.corp.example.com.>", "<sip:a@203.0.113.1>"),
        ("<sip:a@pc5>", "<sip:a@203.0.113.1>"),
        ("<sip:a@pc5.local>", "<sip:a@203.0.113.1>"),
        ("<sip:a@pbx.home.arpa>", "<sip:a@203.0.113.1>"),
        ("<sip:a@example.com>;tag=x", "<sip:a@example.com>"),
        ("<sip:a@example.com:5070;maddr=192.168.10.2>", "<sip:a@example.com:5070>"),
        ("<sip:a@198.51.100.7>", "<sip:a@198.51.100.7>"),
        ("sip:a@192.168.10.2", "<sip:a@203.0.113.1>"),
        ('"Al" <sip:a@192.168.10.2>', '"Al" <sip:a@203.0.113.1>'),
        ('"at 192.168.10.2" <sip:a@example.com>', "<sip:a@example.com>"),
        ("<sip:192.168.10.2@example.com>", "<sip:anonymous@example.com>"),
        ("<tel:+49301234567>", "<tel:+49301234567>"),
        ("<sips:a@192.168.10.2>", "<sips:a@203.0.113.1>"),
    ],
)
def test_hosts_of_the_inside_are_hidden_and_users_are_not(written: str, seen: str) -> None:
    assert outward(written) == seen


def test_a_host_without_nat_has_nothing_to_hide() -> None:
    plain = Hiding(World().gateway(PLAIN_HOST), PLAIN_HOST, ())
    assert outward(f"<sip:a@{PLAIN_HOST}>", plain) == f"<sip:a@{PLAIN_HOST}>"
    assert not plain.betrays(str(PLAIN_HOST).encode())


def test_towards_inside_nothing_is_hidden() -> None:
    raw = b"<sip:a@example.com:5080;maddr=192.0.2.1>"
    address = parse_only_address(raw, 0, len(raw))
    assert hiding().uri(raw, address.uri, Realm.INSIDE) == raw[1:-1]


def test_what_is_not_in_the_list_does_not_cross() -> None:
    desk = Desk()
    (crossed,) = desk.give(
        desk.alice,
        desk.alice.request(
            "OPTIONS",
            headers=[
                "Organization: Corp",
                "Warning: 399 pc5 x",
                "Call-Info: <http://192.168.10.2/a.png>",
                "History-Info: <sip:a@192.168.10.2>;index=1",
                "Path: <sip:192.168.10.2;lr>",
                "X-Anything: 192.168.10.2",
                "Subject: lunch",
                "Reason: Q.850;text=192.168.10.2",
            ],
        ),
    )
    assert text(crossed, b"subject") == "lunch"
    known = {b"via", b"max-forwards", b"from", b"to", b"call-id", b"cseq", b"content-length"}
    assert set(crossed.fields) == known | {b"subject"}


@pytest.mark.parametrize("name", [name.decode() for name in CROSSING])
@pytest.mark.parametrize("inward", [True, False])
def test_what_is_in_the_list_crosses(name: str, inward: bool) -> None:
    desk = Desk()
    value = "1800;refresher=uac" if name == "Session-Expires" else "600"
    phone = desk.bob if inward else desk.alice
    (crossed,) = desk.give(phone, phone.request("OPTIONS", headers=[f"{name}: {value}"]))
    assert texts(crossed, name.lower().encode()) == [value]


@pytest.mark.parametrize("name", [name.decode() for name in IDENTITIES])
def test_identities_cross_without_their_hosts(name: str) -> None:
    desk = Desk()
    header = f'{name}: "Al" <sip:al@192.168.10.2:5060>'
    (crossed,) = desk.give(desk.alice, desk.alice.request("OPTIONS", headers=[header]))
    assert texts(crossed, name.lower().encode()) == ['"Al" <sip:al@203.0.113.1>']


def test_extensions_cross_as_far_as_they_are_known() -> None:
    desk = Desk()
    header = "Supported: outbound, 100rel, path, timer"
    (crossed,) = desk.give(desk.alice, desk.alice.request("OPTIONS", headers=[header]))
    assert text(crossed, b"supported") == "100rel, timer"


def test_names_are_the_same_each_time_and_nobody_elses() -> None:
    mine, other = Identity(b"a"), Identity(b"b")
    assert mine.name(b"call", b"x") == mine.name(b"call", b"x")
    assert mine.name(b"call", b"x") != other.name(b"call", b"x")
    assert mine.name(b"ab", b"c") != mine.name(b"a", b"bc")
    assert Identity().name(b"call", b"x") != Identity().name(b"call", b"x")
    assert len({mine.branch() for _ in range(100)}) == 100


def test_nothing_in_a_description_shows_the_address() -> None:
    desk = Desk()
    body = sdp("192.168.10.2", 4000).replace(b"s=-", b"s=call from 192.168.10.2")
    invite = desk.give(desk.alice, desk.alice.request("INVITE", body + b"a=x:192.168.10.2\r\n"))[1]
    assert b"s=call from 203.0.113.1\r\n" in invite.body
    assert b"a=x:203.0.113.1\r\n" in invite.body
