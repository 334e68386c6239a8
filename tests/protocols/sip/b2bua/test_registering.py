"""Registrations through the B2BUA, and the calls that find their way by them."""

from __future__ import annotations

from ryu_alg.inspection import Datagram, Endpoint, Hold, Realm, Transport
from tests.protocols.sip.b2bua.desk import INSIDE, Desk, request_uri, sdp, text, texts, with_options
from tests.protocols.sip.gateway import HOST


def register(desk: Desk, *contacts: str, expires: int | None = 3600) -> tuple[list[str], list[str]]:
    """alice registers, and the registrar grants what it was asked.

    Returns the contacts as the registrar saw them, and as alice was told."""
    headers = [f"Contact: {contact}" for contact in contacts]
    if expires is not None:
        headers.append(f"Expires: {expires}")
    out = desk.give(desk.alice, desk.alice.request("REGISTER", headers=headers))
    assert [m.method for m in out] == ["REGISTER"], out[0].raw
    seen = texts(out[0], b"contact")
    granted = [f"Contact: {contact};expires={expires}" for contact in seen if contact != "*"]
    if expires == 0:
        granted = []
    (ok,) = desk.give(desk.bob, desk.bob.reply(out[0], 200, headers=granted, contact=False))
    assert ok.status == 200
    return seen, texts(ok, b"contact")


def called(desk: Desk, uri: str) -> str:
    """The Request-URI with which a call to `uri` reaches the inside."""
    desk.bob.target = uri
    invite = desk.give(desk.bob, desk.bob.request("INVITE", sdp("198.51.100.7", 6000)))[1]
    return request_uri(invite)


def test_the_registrar_knows_the_gateways_contact_and_the_phone_its_own() -> None:
    desk = Desk()
    seen, told = register(desk, "<sip:alice@192.168.10.2:5060;transport=udp;ob>;q=0.5")
    assert seen == [f"<sip:alice@{desk.public}>;q=0.5"]
    assert told == ["<sip:alice@192.168.10.2:5060;transport=udp;ob>;q=0.5;expires=3600"]
    assert called(desk, f"sip:alice@{desk.public}") == (
        "sip:alice@192.168.10.2:5060;transport=udp;ob"
    )
    assert desk.sent[-1].inside == INSIDE


def test_the_contact_is_held_as_long_as_it_is_granted() -> None:
    desk = Desk()
    out = desk.give(desk.alice, desk.alice.request("REGISTER"))
    contact = texts(out[0], b"contact")[0]
    headers = [f"Contact: {contact};expires=90", "Expires: 3600"]
    raw = desk.bob.reply(out[0], 200, headers=headers, contact=False)
    effects = desk.core.inspect(Datagram(Realm.OUTSIDE, INSIDE, desk.public, desk.bob.where, raw))
    assert Hold(INSIDE, desk.world.now + 90) in effects
    desk.rest()
    assert len(desk.core.registrations) == 0


def test_a_registration_that_is_renewed_is_the_same_to_the_registrar() -> None:
    desk = Desk()
    first = desk.give(desk.alice, desk.alice.request("REGISTER"))[0]
    second = desk.give(desk.alice, desk.alice.request("REGISTER"))[0]
    assert first.call_id == second.call_id
    assert first.from_tag == second.from_tag
    assert second.cseq.number > first.cseq.number


def test_unregistering_releases() -> None:
    desk = Desk()
    register(desk, "<sip:alice@192.168.10.2:5060>")
    assert len(desk.core.registrations) == 1
    register(desk, "<sip:alice@192.168.10.2:5060>", expires=0)
    assert len(desk.core.registrations) == 0
    register(desk, "<sip:alice@192.168.10.2:5060>", "<sip:alice@192.168.10.2:5062>")
    assert len(desk.core.registrations) == 2
    assert register(desk, "*", expires=0) == (["*"], [])
    assert len(desk.core.registrations) == 0
    desk.rest()


def test_only_the_own_address_may_be_registered() -> None:
    desk = Desk()
    raw = desk.alice.request("REGISTER", headers=["Contact: <sip:alice@192.168.10.99>"])
    (refused,) = desk.give(desk.alice, raw)
    assert refused.status == 403
    assert "sip.contact.foreign" in desk.codes


def test_a_host_name_in_a_contact_is_the_senders() -> None:
    desk = Desk()
    seen, _ = register(desk, "<sip:alice@pc5.corp.example.com:5062>")
    public = desk.public_of(Endpoint(HOST, 5062))
    assert seen == [f"<sip:alice@{public}>"]


def test_a_user_part_with_the_address_in_it_is_hidden() -> None:
    desk = Desk()
    (seen,), _ = register(desk, "<sip:192.168.10.2-x@192.168.10.2:5060>")
    uri = seen.strip("<>")
    assert called(desk, uri) == "sip:192.168.10.2-x@192.168.10.2:5060"


def test_there_is_a_limit() -> None:
    desk = Desk(with_options({"registrations_per_host": 1}))
    register(desk, "<sip:alice@192.168.10.2:5060>")
    raw = desk.alice.request("REGISTER", headers=["Contact: <sip:bea@192.168.10.2:5060>"])
    assert [m.status for m in desk.give(desk.alice, raw)] == [503]
    register(desk, "<sip:alice@192.168.10.2:5060>")


def test_contacts_of_others_are_shown_as_they_are() -> None:
    desk = Desk()
    out = desk.give(desk.alice, desk.alice.request("REGISTER"))
    headers = ["Contact: <sip:alice@198.51.100.77>;expires=5"]
    (ok,) = desk.give(desk.bob, desk.bob.reply(out[0], 200, headers=headers, contact=False))
    assert texts(ok, b"contact") == ["<sip:alice@198.51.100.77>;expires=5"]
    assert len(desk.core.registrations) == 0


def test_over_a_connection_its_own_end_is_registered() -> None:
    desk = Desk(transport=Transport.TCP)
    raw = desk.alice.request("REGISTER", headers=["Contact: <sip:alice@192.168.10.2:5062>"])
    (crossed,) = desk.give(desk.alice, raw.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
    assert text(crossed, b"contact") == f"<sip:alice@{desk.public};transport=tcp>"
    assert crossed.vias[0].transport == b"TCP"
    assert desk.wait(30) == []


def test_a_call_to_nobody_known_is_made_to_the_host() -> None:
    desk = Desk()
    assert called(desk, f"sip:echo@{desk.public}") == "sip:echo@192.168.10.2:5060"


def test_a_call_by_name_stays_as_it_is() -> None:
    desk = Desk()
    assert called(desk, "sip:echo@pbx.example.net") == "sip:echo@pbx.example.net"
