"""Calls and registrations through the transparent inspector."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Datagram, Endpoint, Realm, Send
from ryu_alg.protocols.sip import SipOptions
from ryu_alg.protocols.sip.keepalive import PING, PONG
from tests.protocols.sip.gateway import HOST, OTHER_HOST, World, endpoint
from tests.protocols.sip.messages import request
from tests.protocols.sip.site import (
    PHONE,
    PROXY,
    PUBLIC_PHONE,
    Site,
    only,
    read,
    status_of,
)
from tests.protocols.sip.ua import SDP_TYPE, invite, respond, sdp

IN, OUT = Realm.INSIDE, Realm.OUTSIDE
RTP = endpoint(HOST, 4000)
RTCP = endpoint(HOST, 4001)
THERE = endpoint("198.51.100.9", 7000)
OFFER = sdp("192.168.10.2", 4000)
ANSWER = sdp("198.51.100.9", 7000)
BOTH_WAYS = {(RTP, THERE), (RTCP, endpoint("198.51.100.9", 7001))}


def within(
    method: str, tag: str | None = "b1", cseq: int = 2, body: bytes = b"", *extra: str
) -> bytes:
    """A request of alice within the dialogue with the tag of whoever she called."""
    to = "<sip:bob@example.com>" + (f";tag={tag}" if tag else "")
    return invite(
        *extra,
        method=method,
        to=to,
        cseq=cseq,
        branch=f"z9hG4bK-{method}-{cseq}-{tag}",
        body=body,
    )


def from_bob(method: str, cseq: int = 1, body: bytes = b"", tag: str = "b1") -> bytes:
    """A request of bob within the dialogue."""
    return request(
        method,
        "sip:alice@203.0.113.1:49152",
        *([SDP_TYPE] if body else []),
        via=f"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-bob-{method}-{cseq}",
        sender=f"<sip:bob@example.com>;tag={tag}",
        to="<sip:alice@example.com>;tag=a1",
        cseq=cseq,
        body=body,
    )


def call(site: Site, *extra: str) -> None:
    """Alice calls, bob answers."""
    left = only(site.inside(invite(body=OFFER)), OUT)
    assert site.world.open() == set()
    assert status_of(site.outside(respond(left, 180)), IN) == 180
    assert status_of(site.outside(respond(left, 200, *extra, body=ANSWER)), IN) == 200
    assert only(site.inside(within("ACK", cseq=1)), OUT)
    assert site.world.open() == BOTH_WAYS


def hang_up(site: Site) -> None:
    left = only(site.inside(within("BYE", cseq=9)), OUT)
    assert status_of(site.outside(respond(left, 200)), IN) == 200


def ended(site: Site) -> bool:
    """Whether nothing is open, and soon nothing is remembered."""
    if site.world.bindings or site.world.admitted:
        return False
    site.sleep(400)
    return site.remembers == 0 and site.inspector.next_timeout() is None


# --- Calls --------------------------------------------------------------------------------------


def test_a_call_to_the_outside() -> None:
    site = Site()
    call(site)
    binding = next(iter(site.world.bindings.values()))
    assert binding.inside == (RTP, RTCP)
    assert binding.public[0].port % 2 == 0
    hang_up(site)
    assert ended(site)
    assert site.reports == []


def test_descriptions_are_rewritten_and_their_length_is_right() -> None:
    site = Site()
    left = read(only(site.inside(invite(body=OFFER)), OUT))
    assert b"192.168.10.2" not in left.body
    assert b"c=IN IP4 203.0.113.1\r\n" in left.body
    assert b"m=audio 32768 " in left.body
    assert left.value(b"content-length") == b"%d" % len(left.body)


def test_a_call_from_outside() -> None:
    site = Site()
    raw = request(
        "INVITE",
        "sip:alice@203.0.113.1:49152",
        "Contact: <sip:bob@198.51.100.9>",
        SDP_TYPE,
        via="SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-o1",
        sender="<sip:bob@example.com>;tag=b1",
        to="<sip:alice@example.com>",
        body=ANSWER,
    )
    left = only(site.outside(raw), IN)
    assert read(left).body == ANSWER
    assert site.world.bindings == {}
    site.inside(respond(left, 183, tag="a1", body=OFFER))
    assert site.world.open() == BOTH_WAYS
    sends = site.inside(
        respond(left, 200, "Contact: <sip:alice@192.168.10.2>", tag="a1", body=OFFER)
    )
    assert f"<sip:alice@{PUBLIC_PHONE}>".encode() in only(sends, OUT)
    bye = request(
        "BYE",
        "sip:bob@198.51.100.9",
        sender="<sip:alice@example.com>;tag=a1",
        to="<sip:bob@example.com>;tag=b1",
    )
    left = only(site.inside(bye), OUT)
    site.outside(respond(left, 200))
    assert ended(site)


def test_the_other_side_hangs_up() -> None:
    site = Site()
    call(site)
    left = only(site.outside(from_bob("BYE")), IN)
    assert site.world.open() == BOTH_WAYS
    assert status_of(site.inside(respond(left, 200)), OUT) == 200
    assert ended(site)


def test_a_bye_that_nobody_answers_ends_the_call_all_the_same() -> None:
    site = Site()
    call(site)
    site.inside(within("BYE"))
    site.sleep(33)
    assert ended(site)
    assert site.reports == ["sip.call.expired"]


def test_a_bye_that_is_challenged_is_tried_again() -> None:
    site = Site()
    call(site)
    left = only(site.inside(within("BYE")), OUT)
    site.outside(respond(left, 407))
    assert site.world.open() == BOTH_WAYS
    hang_up(site)
    assert ended(site)


def test_cancelled() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    site.outside(respond(left, 183, body=ANSWER))
    assert site.world.open() == BOTH_WAYS
    cancel = invite(method="CANCEL")
    gone = only(site.inside(cancel), OUT)
    site.outside(respond(gone, 200))
    site.outside(respond(left, 487))
    site.inside(invite(method="ACK", to="<sip:bob@example.com>;tag=b1"))
    assert ended(site)


def test_a_cancel_that_nobody_answers() -> None:
    site = Site()
    site.inside(invite(body=OFFER))
    site.inside(invite(method="CANCEL"))
    site.sleep(33)
    assert ended(site)


def test_a_cancel_that_comes_too_late() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    site.inside(invite(method="CANCEL"))
    site.outside(respond(left, 200, body=ANSWER))
    site.sleep(100)
    assert site.world.open() == BOTH_WAYS
    hang_up(site)
    assert ended(site)


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
def test_a_call_that_fails(status: int) -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    site.outside(respond(left, 183, body=ANSWER))
    site.outside(respond(left, status))
    assert ended(site)


def test_a_challenge_does_not_cost_ports() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    site.outside(respond(left, 407, tag="p1"))
    left = only(site.inside(invite(body=OFFER, cseq=2, branch="z9hG4bK-i2")), OUT)
    assert site.world.bound == 1
    site.outside(respond(left, 200, body=ANSWER))
    site.sleep(100)
    assert site.world.open() == BOTH_WAYS
    hang_up(site)
    assert ended(site)


def test_a_challenge_that_is_not_answered() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    site.outside(respond(left, 401))
    site.sleep(33)
    assert ended(site)


def test_nobody_ever_answers() -> None:
    site = Site()
    site.inside(invite(body=OFFER))
    site.sleep(301)
    assert ended(site)


def test_whoever_rings_on_is_waited_for() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    for _ in range(5):
        site.sleep(200)
        site.outside(respond(left, 180, f"X: {site.world.now}"))
    site.outside(respond(left, 200, body=ANSWER))
    assert site.world.open() == BOTH_WAYS


def test_the_offer_in_the_answer_and_the_answer_in_the_ack() -> None:
    site = Site()
    left = only(site.inside(invite()), OUT)
    site.outside(respond(left, 200, body=ANSWER))
    assert site.world.open() == set()
    site.inside(within("ACK", cseq=1, body=OFFER))
    assert site.world.open() == BOTH_WAYS


def test_the_answer_in_a_prack_and_another_offer_in_an_update() -> None:
    site = Site()
    left = only(site.inside(invite()), OUT)
    site.outside(respond(left, 183, "Require: 100rel", "RSeq: 1", body=ANSWER))
    prack = only(site.inside(within("PRACK", cseq=2, body=OFFER)), OUT)
    site.outside(respond(prack, 200))
    assert site.world.open() == BOTH_WAYS
    moved = sdp("198.51.100.9", 8000)
    update = only(site.outside(from_bob("UPDATE", body=moved)), IN)
    site.inside(respond(update, 200, body=OFFER))
    assert (RTP, endpoint("198.51.100.9", 8000)) in site.world.open()
    assert (RTP, THERE) not in site.world.open()


def test_a_reinvite_holds_and_another_resumes() -> None:
    site = Site()
    call(site)
    held = sdp("192.168.10.2", 4000, "a=inactive")
    left = only(site.inside(within("INVITE", cseq=3, body=held)), OUT)
    site.outside(respond(left, 200, body=sdp("198.51.100.9", 7000, "a=inactive")))
    assert site.world.open() & {(RTP, THERE)} == set()
    left = only(site.inside(within("INVITE", cseq=4, body=OFFER)), OUT)
    site.outside(respond(left, 200, body=ANSWER))
    assert site.world.open() == BOTH_WAYS
    assert site.world.bound == 1


def test_a_reinvite_that_fails_leaves_everything_as_it_was() -> None:
    site = Site()
    call(site)
    moved = sdp("192.168.10.2", 4100)
    left = only(site.inside(within("INVITE", cseq=3, body=moved)), OUT)
    assert len(site.world.bindings) == 2
    site.outside(respond(left, 488))
    assert site.world.open() == BOTH_WAYS
    assert len(site.world.bindings) == 1


@pytest.mark.parametrize("status", [408, 481])
def test_a_reinvite_to_somebody_who_has_gone(status: int) -> None:
    site = Site()
    call(site)
    left = only(site.inside(within("INVITE", cseq=3, body=OFFER)), OUT)
    site.outside(respond(left, status))
    assert ended(site)


def test_a_fork_keeps_every_branch_until_one_wins() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    site.outside(respond(left, 183, tag="b1", body=ANSWER))
    other = sdp("198.51.100.20", 9000)
    site.outside(respond(left, 183, tag="b2", body=other))
    assert {remote.port for _, remote in site.world.open()} == {7000, 7001, 9000, 9001}
    site.outside(respond(left, 200, tag="b2", body=other))
    assert {remote.port for _, remote in site.world.open()} == {9000, 9001}
    # The first branch answers, too late, and alice hangs up on it.
    site.outside(respond(left, 200, tag="b1", body=ANSWER))
    bye = only(site.inside(within("BYE", tag="b1")), OUT)
    site.outside(respond(bye, 200))
    assert {remote.port for _, remote in site.world.open()} == {9000, 9001}
    bye = only(site.inside(within("BYE", tag="b2", cseq=3)), OUT)
    site.outside(respond(bye, 200))
    assert ended(site)


def test_a_proxy_forks_to_two_phones_of_one_host() -> None:
    site = Site()
    legs = []
    for number in (1, 2):
        raw = request(
            "INVITE",
            "sip:alice@203.0.113.1:49152",
            SDP_TYPE,
            via=f"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-f{number}",
            sender="<sip:bob@example.com>;tag=b1",
            body=ANSWER,
        )
        legs.append(only(site.outside(raw), IN))
    site.inside(respond(legs[0], 183, tag="x1", body=OFFER))
    site.inside(respond(legs[1], 486, tag="x2"))
    assert site.world.open() == BOTH_WAYS
    site.inside(respond(legs[0], 486, tag="x1"))
    assert ended(site)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_call_that_was_there_before_the_gateway(method: str) -> None:
    site = Site()
    left = only(site.inside(within(method, cseq=7, body=OFFER)), OUT)
    site.outside(respond(left, 200, body=ANSWER))
    assert site.world.open() == BOTH_WAYS
    bye = only(site.outside(from_bob("BYE", cseq=5)), IN)
    site.inside(respond(bye, 200))
    assert ended(site)


def test_a_call_that_is_not_taken_up_after_all() -> None:
    site = Site()
    left = only(site.inside(within("UPDATE", cseq=7, body=OFFER)), OUT)
    site.outside(respond(left, 491))
    assert ended(site)
    assert only(site.inside(within("UPDATE", cseq=8)), OUT)
    assert len(site.inspector.state.calls.table) == 0


def test_another_dialogues_bye_ends_nothing() -> None:
    site = Site()
    call(site)
    bye = only(site.outside(from_bob("BYE", tag="stranger")), IN)
    site.inside(respond(bye, 481))
    assert site.world.open() == BOTH_WAYS


# --- Time ---------------------------------------------------------------------------------------


def test_a_session_timer_that_is_not_refreshed() -> None:
    site = Site()
    call(site, "Session-Expires: 1800;refresher=uac")
    site.sleep(1799)
    assert site.world.open() == BOTH_WAYS
    site.sleep(2)
    assert ended(site)


def test_a_session_timer_that_is_refreshed() -> None:
    site = Site()
    call(site, "x: 1800")
    for number in range(3):
        site.sleep(1000)
        left = only(site.inside(within("UPDATE", cseq=10 + number)), OUT)
        site.outside(respond(left, 200, "x: 1800"))
    assert site.world.open() == BOTH_WAYS


def test_a_call_without_a_timer_has_a_limit() -> None:
    site = Site(SipOptions(call_limit=3600))
    call(site)
    site.sleep(3601)
    assert ended(site)


def test_silence_ends_a_call() -> None:
    site = Site()
    call(site)
    binding = next(iter(site.world.bindings))
    site.carry_out(site.inspector.binding_idle(binding))
    assert site.reports == ["sip.call.silent"]
    assert ended(site)


def test_silence_during_a_hold_does_not() -> None:
    site = Site()
    call(site)
    held = sdp("192.168.10.2", 4000, "a=sendonly")
    left = only(site.inside(within("INVITE", cseq=3, body=held)), OUT)
    site.outside(respond(left, 200, body=sdp("198.51.100.9", 7000, "a=recvonly")))
    binding = next(iter(site.world.bindings))
    site.carry_out(site.inspector.binding_idle(binding))
    assert site.world.bindings
    assert site.inspector.binding_idle(999) == ()


# --- Repetitions --------------------------------------------------------------------------------


def test_what_is_repeated_leaves_as_the_first_time() -> None:
    site = Site()
    asked = invite(body=OFFER)
    left = only(site.inside(asked), OUT)
    assert only(site.inside(asked), OUT) == left
    ringing, answer = respond(left, 180), respond(left, 200, body=ANSWER)
    assert only(site.outside(ringing), IN) == only(site.outside(ringing), IN)
    first = only(site.outside(answer), IN)
    # A re-INVITE has moved the media; then a copy of the old answer arrives.
    moved = only(site.inside(within("INVITE", cseq=3, body=sdp("192.168.10.2", 4100))), OUT)
    site.outside(respond(moved, 200, body=sdp("198.51.100.9", 7100)))
    opened = site.world.open()
    assert only(site.outside(answer), IN) == first
    assert only(site.inside(asked), OUT) == left
    assert site.world.open() == opened
    assert site.world.bound == 2


def test_answers_to_nothing_go_no_further() -> None:
    site = Site()
    left = only(site.inside(invite(body=OFFER)), OUT)
    answer = respond(left, 200, body=ANSWER)
    for forged in (
        answer.replace(b"z9hG4bK-i1", b"z9hG4bK-i2"),
        answer.replace(b"1 INVITE", b"2 INVITE"),
        answer.replace(b"Call-Id: c1", b"Call-Id: c2"),
        answer.replace(b"1 INVITE", b"1 OPTIONS"),
    ):
        assert site.outside(forged) == []
    assert site.outside(answer, remote=endpoint("198.51.100.66", 5060)) == []
    assert site.inside(answer) == []
    assert site.reports == ["sip.response.unmatched"] * 6
    assert site.world.open() == set()
    assert status_of(site.outside(answer), IN) == 200


def test_a_request_that_was_answered_is_soon_forgotten() -> None:
    site = Site()
    left = only(site.inside(request()), OUT)
    site.outside(respond(left, 200))
    site.sleep(6)
    assert site.remembers == 0


# --- Registrations ------------------------------------------------------------------------------


def register(*headers: str, cseq: int = 1) -> bytes:
    return request(
        "REGISTER",
        "sip:example.com",
        *headers,
        via=f"SIP/2.0/UDP 192.168.10.2:5060;branch=z9hG4bK-r{cseq};rport",
        to="<sip:alice@example.com>",
        cseq=cseq,
    )


def registered(site: Site, asked: bytes, *granted: str) -> bytes:
    left = only(site.inside(asked), OUT)
    return only(site.outside(respond(left, 200, *granted)), IN)


@pytest.mark.parametrize(
    ("asked", "granted", "seconds"),
    [
        (["Contact: <sip:alice@192.168.10.2>;expires=600"], [";expires=300"], 300),
        (["Contact: <sip:alice@192.168.10.2>", "Expires: 600"], [";expires=90"], 90),
        (["Contact: <sip:alice@192.168.10.2>", "Expires: 600"], ["", "Expires: 120"], 120),
        (["Contact: <sip:alice@192.168.10.2>", "Expires: 60"], [";expires=300"], 60),
        (["Contact: <sip:alice@192.168.10.2>", "Expires: 600"], [";expires=90", "Expires: 5"], 90),
        (["Contact: <sip:alice@192.168.10.2>", "Expires: 600"], [], 600),
        (["Contact: <sip:alice@192.168.10.2>"], [";expires=3600"], 3600),
        (["Contact: <sip:alice@192.168.10.2>;expires=99999999999"], [";expires=1800"], 1800),
    ],
)
def test_a_contact_is_held_as_long_as_it_is_granted(
    asked: list[str], granted: list[str], seconds: int
) -> None:
    site = Site()
    headers = granted[1:]
    if granted:
        other = "<sip:alice@198.51.100.30>;expires=7"
        headers = [f"Contact: {other}, <sip:alice@{PUBLIC_PHONE}>{granted[0]}", *granted[1:]]
    answer = registered(site, register(*asked), *headers)
    assert site.held == {PHONE: site.world.now + seconds}
    if granted:
        assert f"{other}, <sip:alice@192.168.10.2>{granted[0]}".encode() in answer
    site.sleep(max(seconds, 60) + 1)
    assert site.remembers == 0


def test_a_registration_that_is_refused_holds_nothing() -> None:
    site = Site()
    left = only(site.inside(register("Contact: <sip:alice@192.168.10.2>")), OUT)
    site.outside(respond(left, 401))
    assert site.held == {}


@pytest.mark.parametrize(
    "headers",
    [
        ["Contact: <sip:alice@192.168.10.2>;expires=0"],
        ["Contact: <sip:alice@192.168.10.2>", "Expires: 0"],
        ["Contact: *", "Expires: 0"],
    ],
)
def test_unregistered(headers: list[str]) -> None:
    site = Site()
    registered(site, register("Contact: <sip:alice@192.168.10.2>;expires=600"))
    site.sleep(10)
    left = only(site.inside(register(*headers, cseq=2)), OUT)
    assert site.held == {PHONE: site.world.now + 590}
    site.outside(respond(left, 200))
    assert site.held == {PHONE: site.world.now}
    site.sleep(6)
    assert site.remembers == 0


def test_one_of_two_accounts_unregisters() -> None:
    site = Site()
    registered(site, register("Contact: <sip:alice@192.168.10.2>;expires=600"))
    carol = register("Contact: <sip:carol@192.168.10.2>;expires=900", cseq=2)
    registered(site, carol.replace(b"To: <sip:alice", b"To: <sip:carol"))
    registered(site, register("Contact: *", "Expires: 0", cseq=3))
    assert site.held == {PHONE: site.world.now + 900}


def test_a_call_reaches_a_contact_as_it_was_registered() -> None:
    site = Site()
    registered(site, register("Contact: <sip:alice@192.168.10.2;ob>"))
    raw = request("INVITE", f"sip:alice@{PUBLIC_PHONE};ob", via="SIP/2.0/UDP 198.51.100.7;branch=b")
    assert only(site.outside(raw), IN).startswith(b"INVITE sip:alice@192.168.10.2;ob SIP/2.0\r\n")


# --- Between inside hosts -----------------------------------------------------------------------


def hairpin(sender: Site, receiver: Site, sends: list[Send]) -> list[Send]:
    """What leaves for the public endpoint of another inside host comes in to that."""
    assert [send.towards for send in sends] == [OUT]
    public = sender.public(sends[0].inside)
    assert sends[0].remote == receiver.public(receiver.phone)
    return receiver.outside(sends[0].payload, remote=public)


def media(raw: bytes) -> bytes:
    """What of a description says where media go: all behind the origin."""
    return raw[raw.index(b"s=-") :]


def test_a_call_between_two_inside_hosts_has_its_media_direct() -> None:
    world = World()
    alice, bob = Site(world=world), Site(world=world, phone=endpoint(OTHER_HOST, 5060))
    public_bob = bob.public(bob.phone)
    asked = invite(uri=f"sip:bob@{public_bob}", body=OFFER)
    came = hairpin(alice, bob, alice.inside(asked, remote=public_bob))
    left = only(came, IN)
    assert left.startswith(b"INVITE sip:bob@192.168.10.3:5060 SIP/2.0\r\n")
    assert media(left) == media(OFFER)
    answer = respond(left, 200, "Contact: <sip:bob@192.168.10.3>", body=sdp("192.168.10.3", 6000))
    back = hairpin(bob, alice, bob.inside(answer, remote=came[0].remote))
    assert media(only(back, IN)) == media(sdp("192.168.10.3", 6000))
    assert f"<sip:bob@{public_bob}>".encode() in back[0].payload
    assert world.open() == set()
    gone = hairpin(alice, bob, alice.inside(within("BYE"), remote=public_bob))
    hairpin(bob, alice, bob.inside(respond(only(gone, IN), 200), remote=gone[0].remote))
    assert world.bindings == {}


def test_two_phones_on_one_host_call_each_other_over_the_public_address() -> None:
    site = Site()
    second = endpoint(HOST, 5070)
    public = site.public(second)
    sends = site.inside(invite(uri=f"sip:bob@{public}", body=OFFER), remote=public)
    came = site.outside(only(sends, OUT), remote=PUBLIC_PHONE, to=second)
    left = only(came, IN)
    assert b"Via: SIP/2.0/UDP 203.0.113.1:49152;" in left
    answer = respond(left, 200, body=sdp("192.168.10.2", 6000))
    sends = site.inside(answer, remote=PUBLIC_PHONE, source=second)
    back = site.outside(only(sends, OUT), remote=public)
    assert media(only(back, IN)) == media(sdp("192.168.10.2", 6000))
    assert b"Via: SIP/2.0/UDP 192.168.10.2:5060;" in back[0].payload


# --- Policy -------------------------------------------------------------------------------------


def test_a_denied_request_gets_403() -> None:
    rules = [{"action": "deny", "methods": "MESSAGE", "sender": "inside"}]
    site = Site(SipOptions.model_validate({"rules": rules}))
    assert status_of(site.inside(request("MESSAGE")), IN) == 403
    assert status_of(site.inside(request("MESSAGE")), IN) == 403
    raw = request("MESSAGE", "sip:a@203.0.113.1", via="SIP/2.0/UDP 198.51.100.7;branch=b")
    assert only(site.outside(raw), IN)
    assert site.reports == ["sip.policy.denied"]


def test_a_denied_invite_has_its_ack_swallowed_and_its_cancel_answered() -> None:
    rules = [{"action": "deny", "methods": ["INVITE"], "hosts": "192.168.10.0/24"}]
    site = Site(SipOptions.model_validate({"rules": rules}))
    answer = only(site.inside(invite(body=OFFER)), IN)
    assert read(answer).status == 403
    assert status_of(site.inside(invite(method="CANCEL")), IN) == 481
    tag = (read(answer).to_tag or b"").decode()
    assert site.inside(invite(method="ACK", to=f"<sip:bob@example.com>;tag={tag}")) == []
    assert ended(site)


def test_rules_are_tried_in_order() -> None:
    rules = [
        {"action": "allow", "methods": "MESSAGE", "peers": "198.51.100.7"},
        {"action": "deny", "methods": "message"},
    ]
    site = Site(SipOptions.model_validate({"rules": rules}))
    assert only(site.inside(request("MESSAGE")), OUT)
    other = endpoint("198.51.100.8", 5060)
    assert status_of(site.inside(request("MESSAGE"), remote=other), IN) == 403


def test_registrars_and_trunks() -> None:
    options = SipOptions.model_validate({"registrars": "198.51.100.7", "trunks": ["198.51.100.8"]})
    site = Site(options)
    elsewhere = endpoint("198.51.100.9", 5060)
    asked = register("Contact: <sip:alice@192.168.10.2>")
    assert status_of(site.inside(asked, remote=elsewhere), IN) == 403
    assert only(site.inside(asked), OUT)
    for number, (host, towards) in enumerate(
        [("198.51.100.7", IN), ("198.51.100.8", IN), ("198.51.100.9", OUT)]
    ):
        raw = request("INVITE", f"sip:alice@{PUBLIC_PHONE}", via=f"SIP/2.0/UDP {host}", cseq=number)
        sends = site.outside(raw, remote=endpoint(host, 5060))
        assert (read(only(sends, towards)).status == 403) == (towards is OUT)
    # What belongs to a dialogue may come from its other end itself.
    assert only(site.outside(from_bob("INFO"), remote=elsewhere), IN)
    assert site.reports == ["sip.policy.registrar", "sip.policy.trunk"]


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_a_host_announces_nobody_but_itself(method: str) -> None:
    site = Site()
    other = site.world.gateway(OTHER_HOST).signalling(endpoint(OTHER_HOST, 5060))
    for address in ("192.168.10.3", "198.51.100.30", f"{other}", "10.0.0.1"):
        raw = invite(method=method, contact=f"<sip:alice@{address}>", branch=f"b{address}")
        assert status_of(site.inside(raw), IN) == 403
    assert site.reports == ["sip.contact.foreign_address"] * 4
    own = invite(method=method, contact=f"<sip:alice@{PUBLIC_PHONE}>")
    assert only(site.inside(own), OUT)
    allowed = Site(SipOptions.model_validate({"media_servers": "192.168.10.3"}))
    raw = invite(method=method, contact="<sip:alice@192.168.10.3>")
    assert b"<sip:alice@192.168.10.3>" in only(allowed.inside(raw), OUT)


def test_a_host_that_knows_its_public_address() -> None:
    site = Site()
    raw = invite(contact="<sip:pbx@203.0.113.1:5060>", via="SIP/2.0/UDP 203.0.113.1:5060;branch=b")
    left = only(site.inside(raw), OUT)
    assert left == raw.replace(b"203.0.113.1:5060", b"203.0.113.1:49152")
    back = only(site.outside(respond(left, 200)), IN)
    assert b"Via: SIP/2.0/UDP 203.0.113.1:5060;branch=b;received=192.168.10.2\r\n" in back
    bye = from_bob("BYE").replace(b"alice@203", b"pbx@203")
    assert only(site.outside(bye), IN).startswith(b"BYE sip:pbx@203.0.113.1:5060 SIP/2.0\r\n")


def test_an_old_contact_may_be_removed() -> None:
    assert only(Site().inside(register("Contact: <sip:alice@192.168.10.3>;expires=0")), OUT)


def test_media_of_somebody_else_are_refused() -> None:
    site = Site()
    assert status_of(site.inside(invite(body=sdp("192.168.10.3", 4000))), IN) == 403
    assert status_of(site.inside(invite(body=b"v=0\r\nnonsense", cseq=2)), IN) == 400
    assert site.reports == ["sip.media.foreign_address", "sip.media.malformed"]
    assert ended(site)


def test_too_many_calls() -> None:
    site = Site(SipOptions(calls_per_host=2))
    statuses = []
    for number in range(3):
        raw = invite(body=OFFER, call_id=f"c{number}", branch=f"b{number}")
        sends = site.inside(raw)
        statuses.append(read(sends[0].payload).status)
    assert statuses == [0, 0, 503]
    assert b"Retry-After: " in sends[0].payload
    assert site.reports == ["sip.calls.limit"]


def test_too_many_registrations() -> None:
    site = Site(SipOptions(registrations_per_host=2))
    for number in range(2):
        registered(site, register(f"Contact: <sip:u{number}@192.168.10.2>", cseq=number + 1))
    another = register("Contact: <sip:u2@192.168.10.2>", cseq=3)
    assert status_of(site.inside(another), IN) == 503
    again = register("Contact: <sip:u1@192.168.10.2>", cseq=4)
    assert only(site.inside(again), OUT)


def test_too_many_messages() -> None:
    site = Site(SipOptions(messages_per_second=10))
    towards = []
    for number in range(50):
        sends = site.inside(request(cseq=number + 1))
        towards.append(sends[0].towards if sends else None)
    assert towards == [OUT] * 20 + [IN] * 20 + [None] * 10
    assert site.reports == ["sip.rate.exceeded"] * 20 + ["sip.rate.dropped"] * 10
    site.world.now += 1
    assert only(site.inside(request(cseq=99)), OUT)


def test_too_many_transactions() -> None:
    site = Site(SipOptions(transactions_per_host=16))
    for number in range(16):
        assert only(site.inside(request(cseq=number + 1)), OUT)
    assert status_of(site.inside(request(cseq=17)), IN) == 503
    assert site.remembers == 16


def test_the_outside_cannot_take_all_the_room() -> None:
    site = Site(SipOptions(transactions_per_host=16, calls_per_host=4, messages_per_second=10))
    for number in range(20):
        raw = request(
            "INVITE", "sip:alice@h", via=f"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-{number}"
        )
        site.outside(raw.replace(b"c1@", b"c%d@" % number))
    assert site.reports == ["sip.calls.limit"] * 9 + ["sip.transactions.limit"] * 8
    site.outside(request(via="SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-x"))
    assert site.reports[-1] == "sip.rate.exceeded"
    assert only(site.inside(invite(body=OFFER)), OUT)


def test_too_long_a_message() -> None:
    site = Site(SipOptions(message_limit=1500))
    assert status_of(site.inside(request("MESSAGE", body=b"x" * 1500)), IN) == 513


# --- What is no SIP -----------------------------------------------------------------------------

STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"x" * 12


@pytest.mark.parametrize("payload", [b"", b"\r\n\r\n", b"\r\n", b"\0", b"\0\0\0\0", STUN])
def test_keepalives_pass(payload: bytes) -> None:
    site = Site()
    assert only(site.inside(payload), OUT) == payload
    assert only(site.outside(payload), IN) == payload
    assert site.reports == []


@pytest.mark.parametrize("payload", [b"hello", b"\r\n" * 9, STUN[:-1], b"GET / HTTP/1.1\r\n\r\n"])
def test_noise_does_not(payload: bytes) -> None:
    site = Site()
    assert site.inside(payload) == []
    assert site.outside(payload) == []


def test_proxies_are_pinged_while_media_move() -> None:
    site = Site()
    site.carry_out(site.inspector.keep_alive())
    assert site.sends == []
    registered(site, register("Contact: <sip:alice@192.168.10.2>"))
    call(site)
    other = endpoint("198.51.100.8", 5060)
    site.inside(invite(call_id="c9", branch="b9"), remote=other)
    site.carry_out(site.inspector.keep_alive())
    assert {(send.inside, send.remote, send.payload) for send in site.sends} == {
        (PHONE, PROXY, PING),
        (PHONE, other, PING),
    }
    assert site.outside(PONG) == []
    assert only(site.outside(PONG), IN) == PONG


def test_a_bad_request_is_answered_where_it_came_from() -> None:
    site = Site()
    bad = request("OPTIONS", "<sip:b@h>")
    source = endpoint(HOST, 40000)
    sends = site.inside(bad, source=source)
    assert status_of(sends, IN) == 400
    assert (sends[0].inside, sends[0].remote) == (source, PROXY)
    caller = Endpoint(PROXY.address, 40000)
    sends = site.outside(bad, remote=caller)
    assert status_of(sends, OUT) == 400
    assert (sends[0].inside, sends[0].remote) == (PHONE, caller)


def test_answers_of_the_gateway_go_to_where_the_sender_listens() -> None:
    rules = [{"action": "deny", "methods": "INFO"}]
    site = Site(SipOptions.model_validate({"rules": rules}))
    raw = request("INFO", "sip:a@h", via="SIP/2.0/UDP proxy.example:5080;branch=b")
    sends = site.outside(raw, remote=endpoint("198.51.100.7", 40000))
    assert status_of(sends, OUT) == 403
    assert sends[0].remote == endpoint("198.51.100.7", 5080)
    assert b"received=198.51.100.7" in sends[0].payload


def test_a_datagram_with_two_requests_is_one() -> None:
    site = Site()
    raw = request()
    sends = site.feed(Datagram(IN, PHONE, PUBLIC_PHONE, PROXY, raw + raw))
    assert only(sends, OUT).count(b"OPTIONS sip") == 1


# --- Descriptions that neither offer nor answer ---------------------------------------------


def test_capabilities_show_no_inside_address_and_open_nothing() -> None:
    site = Site()
    candidate = "a=candidate:1 1 UDP 2130706431 192.168.10.2 4000 typ host"
    asked = request(
        "OPTIONS",
        "sip:alice@203.0.113.1:49152",
        via="SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-o1",
        sender="<sip:bob@example.com>;tag=b1",
        to="<sip:alice@example.com>",
    )
    inward = only(site.outside(asked), IN)
    left = only(site.inside(respond(inward, 200, body=sdp("192.168.10.2", 4000, candidate))), OUT)
    assert read(left).body == sdp("203.0.113.1", 4000)
    assert site.world.open() == set()
    assert not site.world.bindings


def test_a_failure_says_what_would_have_been_acceptable_without_an_inside_address() -> None:
    site = Site()
    asked = request(
        "INVITE",
        "sip:alice@203.0.113.1:49152",
        SDP_TYPE,
        via="SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-o1",
        sender="<sip:bob@example.com>;tag=b1",
        to="<sip:alice@example.com>",
        body=ANSWER,
    )
    inward = only(site.outside(asked), IN)
    left = only(site.inside(respond(inward, 488, body=OFFER)), OUT)
    assert read(left).body == sdp("203.0.113.1", 4000)
    assert not site.world.bindings


def test_capabilities_that_cannot_be_read_pass_as_they_are() -> None:
    site = Site()
    asked = invite(method="OPTIONS", body=b"v=0\r\nbad\r\n")
    assert read(only(site.inside(asked), OUT)).body == b"v=0\r\nbad\r\n"
    assert site.reports == ["sip.media.malformed"]


def test_a_provisional_response_that_was_overtaken_prolongs_nothing() -> None:
    site = Site()
    asked = only(site.inside(invite()), OUT)
    site.outside(respond(asked, 200))
    ringing = only(site.outside(respond(asked, 180)), IN)
    assert ringing.startswith(b"SIP/2.0 180")
    site.sleep(40)
    assert not len(site.inspector.state.passages.table)


def test_an_invite_that_was_cancelled_is_forgotten_though_nobody_answers() -> None:
    site = Site()
    asked = only(site.inside(invite()), OUT)
    site.outside(respond(asked, 180))
    site.inside(invite(method="CANCEL"))
    site.sleep(40)
    assert site.remembers == 0
    assert not site.world.bindings
