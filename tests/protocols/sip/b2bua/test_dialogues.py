"""What happens within calls, and beside them."""

from __future__ import annotations

from typing import Any

import pytest

from ryu_alg.inspection import Endpoint, Realm, Transport
from tests.protocols.sip.b2bua.desk import INSIDE, Desk, Phone, request_uri, sdp, text, with_options
from tests.protocols.sip.gateway import HOST


def ended(desk: Desk) -> None:
    """bob hangs up, and nothing is left."""
    (bye,) = desk.give(desk.bob, desk.bob.request("BYE"))
    desk.give(desk.alice, desk.alice.reply(bye, 200))
    desk.rest()


@pytest.mark.parametrize("method", ["INFO", "MESSAGE", "OPTIONS", "NOTIFY"])
@pytest.mark.parametrize("from_inside", [True, False])
def test_a_request_within_a_call_crosses(method: str, from_inside: bool) -> None:
    desk = Desk()
    desk.call_out()
    asks, answers = (desk.alice, desk.bob) if from_inside else (desk.bob, desk.alice)
    (crossed,) = desk.give(
        asks, asks.request(method, b"hello", content_type="text/plain", headers=["Event: x"])
    )
    assert crossed.method == method
    assert crossed.body == b"hello"
    assert crossed.to_tag == answers.tag.encode()
    (answer,) = desk.give(answers, answers.reply(crossed, 200))
    assert answer.status == 200
    assert answer.cseq.number == asks.cseq
    ended(desk)


def test_the_numbers_of_requests_rise_by_one_on_each_leg() -> None:
    desk = Desk()
    invite = desk.call_out()
    for number in (1, 2, 3):
        (info,) = desk.give(desk.alice, desk.alice.request("INFO"))
        assert info.cseq.number == invite.cseq.number + number
        desk.give(desk.bob, desk.bob.reply(info, 200))


def test_a_number_that_does_not_rise_is_an_error() -> None:
    desk = Desk()
    desk.call_out()
    assert [m.status for m in desk.give(desk.alice, desk.alice.request("INFO", cseq=1))] == [500]


def test_what_is_in_no_dialogue_is_told_so() -> None:
    desk = Desk()
    desk.bob.remote += ";tag=nobody"
    assert [m.status for m in desk.give(desk.bob, desk.bob.request("BYE"))] == [481]
    assert desk.give(desk.bob, desk.bob.request("ACK")) == []


def test_nobody_else_hangs_up() -> None:
    desk = Desk()
    desk.call_out()
    other = Phone(desk.bob.realm, Endpoint(HOST + 1, 5060), "eve", "eve-tag", desk.bob.call_id)
    other.remote, other.target = desk.bob.remote, desk.bob.target
    assert [m.status for m in desk.give(desk.bob, other.request("BYE"))] == [481]
    ended(desk)


def test_a_new_offer_moves_the_media() -> None:
    desk = Desk()
    desk.call_out()
    trying, invite = desk.give(
        desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4400, 2))
    )
    assert trying.status == 100
    assert invite.to_tag == b"bob-tag"
    (ok,) = desk.give(desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6600, 2)))
    assert ok.status == 200
    (ack,) = desk.give(desk.alice, desk.alice.request("ACK", cseq=desk.alice.cseq))
    assert ack.cseq.number == invite.cseq.number
    assert {(here.port, there.port) for here, there in desk.world.open()} == {
        (4400, 6600),
        (4401, 6601),
    }
    ended(desk)


def test_a_refused_offer_leaves_the_media_as_they_were() -> None:
    desk = Desk()
    desk.call_out()
    before = desk.world.open()
    invite = desk.give(desk.bob, desk.bob.request("INVITE", sdp("198.51.100.7", 6600, 2)))[1]
    ack, refused = desk.give(desk.alice, desk.alice.reply(invite, 488))
    assert (ack.method, refused.status) == ("ACK", 488)
    assert desk.world.open() == before
    ended(desk)


def test_update_carries_offers_too() -> None:
    desk = Desk()
    desk.call_out()
    (update,) = desk.give(desk.bob, desk.bob.request("UPDATE", sdp("198.51.100.7", 6600, 2)))
    desk.give(desk.alice, desk.alice.reply(update, 200, sdp("192.168.10.2", 4000, 2)))
    assert {there.port for _, there in desk.world.open()} == {6600, 6601}
    ended(desk)


def test_two_offers_at_once_are_refused() -> None:
    desk = Desk()
    desk.call_out()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000, 2)))[1]
    (glare,) = desk.give(desk.bob, desk.bob.request("INVITE", sdp("198.51.100.7", 6000, 2)))
    assert glare.status == 491
    (update,) = desk.give(desk.bob, desk.bob.request("UPDATE", sdp("198.51.100.7", 6000, 2)))
    assert update.status == 491
    (again,) = desk.give(desk.alice, desk.alice.request("UPDATE", sdp("192.168.10.2", 4000, 2)))
    assert again.status == 500
    desk.give(desk.bob, desk.bob.reply(invite, 491))
    invite = desk.give(desk.bob, desk.bob.request("INVITE", sdp("198.51.100.7", 6000, 2)))[1]
    assert invite.method == "INVITE"


def test_a_reinvite_may_be_cancelled() -> None:
    desk = Desk()
    desk.call_out()
    before = desk.world.open()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4400, 2)))[1]
    desk.give(desk.bob, desk.bob.reply(invite, 100))
    branch = f"z9hG4bK-alice-{desk.alice.branches}"
    out = desk.give(desk.alice, desk.alice.request("CANCEL", cseq=2, branch=branch))
    assert [m.status or m.method for m in out] == [200, 487, "CANCEL"]
    desk.give(desk.bob, desk.bob.reply(out[2], 200))
    desk.give(desk.bob, desk.bob.reply(invite, 487))
    assert desk.world.open() == before
    desk.give(desk.alice, desk.alice.request("ACK", cseq=2, branch=branch))
    assert desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000, 3)))[1]


def test_a_reliable_provisional_response_is_confirmed_end_to_end() -> None:
    desk = Desk()
    invite = desk.give(
        desk.alice,
        desk.alice.request("INVITE", sdp("192.168.10.2", 4000), headers=["Supported: 100rel"]),
    )[1]
    assert text(invite, b"supported") == "100rel"
    desk.bob.joins(invite)
    raw = desk.bob.reply(
        invite, 183, sdp("198.51.100.7", 6000), headers=["Require: 100rel", "RSeq: 7001"]
    )
    (progress,) = desk.give(desk.bob, raw)
    assert text(progress, b"require") == "100rel"
    rseq = text(progress, b"rseq")
    assert rseq != "7001"
    assert desk.give(desk.bob, raw) == []
    assert [m.raw for m in desk.wait(1.6)] == [progress.raw] * 2
    desk.alice.hears(progress)
    (prack,) = desk.give(
        desk.alice, desk.alice.request("PRACK", headers=[f"RAck: {rseq} 1 INVITE"])
    )
    assert text(prack, b"rack") == f"7001 {invite.cseq.number} INVITE"
    assert {m.raw for m in desk.wait(8)} == {prack.raw}
    (ok,) = desk.give(desk.bob, desk.bob.reply(prack, 200))
    assert (ok.status, ok.method) == (200, "PRACK")
    again = desk.alice.request("PRACK", headers=[f"RAck: {rseq} 1 INVITE"])
    assert [m.status for m in desk.give(desk.alice, again)] == [481]
    (final,) = desk.give(desk.bob, desk.bob.reply(invite, 200))
    assert final.status == 200
    desk.give(desk.alice, desk.alice.request("ACK", cseq=1))
    ended(desk)


def test_a_reliable_response_that_nobody_confirms_ends_the_call() -> None:
    desk = Desk()
    invite = desk.give(
        desk.alice,
        desk.alice.request("INVITE", sdp("192.168.10.2", 4000), headers=["Supported: 100rel"]),
    )[1]
    headers = ["Require: 100rel", "RSeq: 1"]
    desk.give(desk.bob, desk.bob.reply(invite, 183, sdp("198.51.100.7", 6000), headers=headers))
    left = desk.wait(33)
    assert 503 in [m.status for m in left]
    assert "CANCEL" in [m.method for m in left if m.is_request]
    assert not desk.world.bindings
    desk.rest()


def test_the_session_ends_when_nobody_refreshes_it() -> None:
    desk = Desk()
    header = "Session-Expires: 1800;refresher=uac"
    raw = desk.alice.request("INVITE", sdp("192.168.10.2", 4000), headers=[header])
    invite = desk.give(desk.alice, raw)[1]
    assert text(invite, b"session-expires") == "1800;refresher=uac"
    desk.bob.joins(invite)
    answer = desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000), headers=[header])
    (ok,) = desk.give(desk.bob, answer)
    assert text(ok, b"session-expires") == "1800;refresher=uac"
    desk.alice.hears(ok)
    desk.give(desk.alice, desk.alice.request("ACK", cseq=1))
    desk.wait(1000)
    (update,) = desk.give(desk.alice, desk.alice.request("UPDATE", headers=[header]))
    desk.give(desk.bob, desk.bob.reply(update, 200, headers=[header]))
    assert [m for m in desk.wait(1790) if m.is_request] == []
    assert [m.method for m in desk.wait(11)][:2] == ["BYE", "BYE"]
    assert not desk.world.bindings
    desk.rest()


def test_a_session_interval_that_is_too_short_is_refused() -> None:
    desk = Desk()
    (refused,) = desk.give(
        desk.alice, desk.alice.request("INVITE", headers=["Session-Expires: 10"])
    )
    assert refused.status == 422
    assert text(refused, b"min-se") == "90"


def test_a_call_that_has_taken_its_time_is_ended_both_ways() -> None:
    desk = Desk(with_options(time_limit=60))
    desk.call_out()
    assert [m.method for m in desk.wait(59)] == []
    out = desk.wait(1.1)
    assert [m.method for m in out[:2]] == ["BYE", "BYE"]
    assert not desk.world.bindings
    assert "sip.call.limit" in desk.codes
    desk.rest()


def test_a_call_whose_media_have_stopped_is_ended_both_ways() -> None:
    desk = Desk()
    desk.call_out()
    (binding,) = desk.world.bindings
    assert [m.method for m in desk.take(desk.core.binding_idle(binding))] == ["BYE", "BYE"]
    desk.rest()


def test_a_call_on_hold_is_not_silent() -> None:
    desk = Desk()
    desk.call_out()
    offer = sdp("192.168.10.2", 4000, 2, "a=inactive\r\n")
    invite = desk.give(desk.alice, desk.alice.request("INVITE", offer))[1]
    answer = sdp("198.51.100.7", 6000, 2, "a=inactive\r\n")
    desk.give(desk.bob, desk.bob.reply(invite, 200, answer))
    desk.give(desk.alice, desk.alice.request("ACK", cseq=desk.alice.cseq))
    for binding in desk.world.bindings:
        assert desk.take(desk.core.binding_idle(binding)) == []


def test_idle_media_may_be_none_of_the_gateways_business() -> None:
    desk = Desk(with_options(end_idle_calls=False))
    desk.call_out()
    (binding,) = desk.world.bindings
    assert desk.take(desk.core.binding_idle(binding)) == []


def test_when_one_side_knows_nothing_of_the_call_the_other_is_hung_up() -> None:
    desk = Desk()
    desk.call_out()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000, 2)))[1]
    out = desk.give(desk.bob, desk.bob.reply(invite, 481))
    assert [m.status or m.method for m in out] == ["ACK", 481, "BYE"]
    assert not desk.world.bindings
    desk.rest()


def test_a_bye_that_nobody_answers_ends_the_call_all_the_same() -> None:
    desk = Desk()
    desk.call_out()
    desk.give(desk.alice, desk.alice.request("BYE"))
    assert desk.wait(33)[-1].status == 408
    desk.rest()


def test_a_bye_may_be_asked_for_credentials() -> None:
    desk = Desk()
    desk.call_out()
    (bye,) = desk.give(desk.alice, desk.alice.request("BYE"))
    challenge = "Proxy-Authenticate: Digest realm=x, nonce=y"
    (asked,) = desk.give(desk.bob, desk.bob.reply(bye, 407, headers=[challenge]))
    assert asked.status == 407
    credentials = "Proxy-Authorization: Digest username=alice"
    (again,) = desk.give(desk.alice, desk.alice.request("BYE", headers=[credentials]))
    assert again.method == "BYE"
    desk.give(desk.bob, desk.bob.reply(again, 200))
    desk.rest()


def test_two_byes_that_cross() -> None:
    desk = Desk()
    desk.call_out()
    (bye,) = desk.give(desk.alice, desk.alice.request("BYE"))
    assert [m.status for m in desk.give(desk.bob, desk.bob.request("BYE"))] == [200]
    desk.give(desk.bob, desk.bob.reply(bye, 481))
    desk.rest()


def test_an_invite_that_waits_when_the_call_ends_is_answered() -> None:
    desk = Desk()
    desk.call_out()
    invite = desk.give(desk.bob, desk.bob.request("INVITE", sdp("198.51.100.7", 6000, 2)))[1]
    out = desk.give(desk.alice, desk.alice.request("BYE"))
    assert [(m.status, m.method) for m in out if m.status] == [(487, "INVITE")]
    desk.give(desk.bob, desk.bob.reply(out[0], 200))
    desk.give(desk.alice, desk.alice.reply(invite, 487))
    desk.rest()


def test_a_transfer_is_reported_about_even_after_the_call() -> None:
    desk = Desk()
    desk.call_out()
    (refer,) = desk.give(
        desk.alice, desk.alice.request("REFER", headers=["Refer-To: <sip:carol@example.org>"])
    )
    assert text(refer, b"refer-to") == "<sip:carol@example.org>"
    desk.give(desk.bob, desk.bob.reply(refer, 202))
    (bye,) = desk.give(desk.alice, desk.alice.request("BYE"))
    desk.give(desk.bob, desk.bob.reply(bye, 200))
    assert not desk.world.bindings
    state = ["Event: refer", "Subscription-State: terminated;reason=noresource"]
    (notify,) = desk.give(
        desk.bob,
        desk.bob.request(
            "NOTIFY", b"SIP/2.0 200 OK\r\n", headers=state, content_type="message/sipfrag"
        ),
    )
    assert notify.body == b"SIP/2.0 200 OK\r\n"
    desk.give(desk.alice, desk.alice.reply(notify, 200))
    assert len(desk.core.agent.calls) == 0
    desk.rest()


def test_what_is_said_of_a_transfer_says_nothing_of_the_inside() -> None:
    desk = Desk()
    desk.call_out()
    fragment = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.168.10.2\r\n"
    (notify,) = desk.give(
        desk.alice,
        desk.alice.request(
            "NOTIFY", fragment, headers=["Event: refer"], content_type="message/sipfrag"
        ),
    )
    assert notify.body == b"SIP/2.0 200 OK\r\n"


def test_an_attended_transfer_names_the_dialogue_as_the_other_side_knows_it() -> None:
    desk = Desk()
    desk.call_out()
    carol = Phone(desk.bob.realm, desk.bob.where, "carol", "carol-tag")
    second = Phone(
        desk.alice.realm,
        desk.alice.where,
        "alice",
        "inside-tag-2",
        "inside-call-2",
        "<sip:carol@example.org>",
        "sip:carol@example.org",
        branches=100,
    )
    invite = desk.give(desk.alice, second.request("INVITE", sdp("192.168.10.2", 4200)))[1]
    carol.joins(invite)
    (ok,) = desk.give(desk.bob, carol.reply(invite, 200, sdp("198.51.100.7", 6200)))
    second.hears(ok)
    desk.give(desk.alice, second.request("ACK", cseq=1))
    tag = text(ok, b"to").partition(";tag=")[2]
    replaces = f"inside-call-2%3Bto-tag%3D{tag}%3Bfrom-tag%3Dinside-tag-2"
    (refer,) = desk.give(
        desk.alice,
        desk.alice.request("REFER", headers=[f"Refer-To: <{second.target}?Replaces={replaces}>"]),
    )
    own = invite.from_tag
    assert own is not None
    assert text(refer, b"refer-to") == (
        f"<sip:carol@198.51.100.7:5060?Replaces={carol.call_id}"
        f"%3Bto-tag%3Dcarol-tag%3Bfrom-tag%3D{own.decode()}>"
    )


def test_a_dialogue_of_the_inside_that_has_no_name_outside_is_not_named() -> None:
    desk = Desk()
    desk.call_out()
    header = "Refer-To: <sip:carol@example.org?Replaces=inside-call-9%3Bto-tag%3Da%3Bfrom-tag%3Db>"
    (refused,) = desk.give(desk.alice, desk.alice.request("REFER", headers=[header]))
    assert refused.status == 400


def test_a_call_that_replaces_another_reaches_the_phone_that_has_it() -> None:
    desk = Desk()
    invite = desk.call_out()
    own = invite.from_tag
    assert own is not None
    carol = Phone(
        desk.bob.realm,
        desk.bob.where,
        "carol",
        "carol-tag",
        "carol-call",
        f"<sip:alice@{desk.public}>",
        desk.bob.target,
    )
    header = f"Replaces: {desk.bob.call_id};to-tag={own.decode()};from-tag=bob-tag"
    raw = carol.request("INVITE", sdp("198.51.100.7", 6800), headers=[header, "Require: replaces"])
    crossed = desk.give(desk.bob, raw)[1]
    assert request_uri(crossed) == "sip:alice@192.168.10.2:5060"
    there = text(crossed, b"replaces")
    remote = desk.alice.remote.partition(";tag=")[2]
    assert there == f"inside-call@pc5;to-tag=inside-tag;from-tag={remote}"


def test_a_subscription_has_two_dialogues_and_an_end() -> None:
    desk = Desk()
    (subscribe,) = desk.give(
        desk.alice, desk.alice.request("SUBSCRIBE", headers=["Event: presence", "Expires: 600"])
    )
    desk.bob.joins(subscribe)
    active = ["Event: presence", "Subscription-State: active;expires=600"]
    # The first NOTIFY may come before the 2xx.
    (notify,) = desk.give(desk.bob, desk.bob.request("NOTIFY", headers=active))
    assert notify.to_tag == b"inside-tag"
    desk.give(desk.alice, desk.alice.reply(notify, 200))
    (ok,) = desk.give(desk.bob, desk.bob.reply(subscribe, 200, headers=["Expires: 600"]))
    assert ok.to_tag == notify.from_tag
    desk.alice.hears(ok)
    desk.wait(300)
    (again,) = desk.give(
        desk.alice, desk.alice.request("SUBSCRIBE", headers=["Event: presence", "Expires: 600"])
    )
    assert again.to_tag == b"bob-tag"
    desk.give(desk.bob, desk.bob.reply(again, 200, headers=["Expires: 600"]))
    desk.wait(500)
    assert len(desk.core.agent.calls) == 1
    over = ["Event: presence", "Subscription-State: terminated;reason=timeout"]
    (last,) = desk.give(desk.bob, desk.bob.request("NOTIFY", headers=over))
    desk.give(desk.alice, desk.alice.reply(last, 200))
    assert len(desk.core.agent.calls) == 0
    desk.rest()


def test_a_subscription_that_nobody_renews_is_over() -> None:
    desk = Desk()
    (subscribe,) = desk.give(
        desk.alice, desk.alice.request("SUBSCRIBE", headers=["Event: presence", "Expires: 60"])
    )
    desk.give(desk.bob, desk.bob.reply(subscribe, 200, headers=["Expires: 60"]))
    desk.rest()


@pytest.mark.parametrize("method", ["MESSAGE", "OPTIONS", "PUBLISH"])
def test_a_request_outside_any_dialogue_crosses(method: str) -> None:
    desk = Desk()
    raw = desk.alice.request(method, b"hi", content_type="text/plain", headers=["Event: presence"])
    (crossed,) = desk.give(desk.alice, raw)
    assert crossed.method == method
    assert crossed.body == b"hi"
    (ok,) = desk.give(desk.bob, desk.bob.reply(crossed, 200))
    assert ok.status == 200
    desk.rest()


def test_what_describes_a_phone_does_not_leave_outside_a_call() -> None:
    desk = Desk()
    (options,) = desk.give(desk.bob, desk.bob.request("OPTIONS"))
    reply = desk.alice.reply(options, 200, sdp("192.168.10.2", 4000))
    (ok,) = desk.give(desk.alice, reply)
    assert not ok.body


def test_a_body_that_may_say_anything_does_not_leave() -> None:
    desk = Desk()
    raw = desk.alice.request("MESSAGE", b"<xml/>", content_type="application/unknown+xml")
    assert [m.status for m in desk.give(desk.alice, raw)] == [415]
    raw = desk.bob.request("MESSAGE", b"<xml/>", content_type="application/unknown+xml")
    assert [m.method for m in desk.give(desk.bob, raw)] == ["MESSAGE"]


def test_of_several_parts_only_the_description_leaves() -> None:
    desk = Desk()
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nfrom 192.168.10.2\r\n"
        b"--b\r\nContent-Type: application/sdp\r\n\r\n"
        + sdp("192.168.10.2", 4000)
        + b"\r\n--b--\r\n"
    )
    raw = desk.alice.request("INVITE", body, content_type="multipart/mixed;boundary=b")
    invite = desk.give(desk.alice, raw)[1]
    assert text(invite, b"content-type") == "application/sdp"
    assert invite.body.startswith(b"v=0")


def test_an_extension_that_is_not_known_is_refused() -> None:
    desk = Desk()
    (refused,) = desk.give(desk.alice, desk.alice.request("INVITE", headers=["Require: join"]))
    assert refused.status == 420
    assert text(refused, b"unsupported") == "join"


def test_a_redirection_hides_the_inside() -> None:
    desk = Desk()
    invite = desk.give(desk.bob, desk.bob.request("INVITE"))[1]
    reply = desk.alice.reply(
        invite, 302, headers=["Contact: <sip:alice2@192.168.10.2:5070>, <sip:al@example.org>"]
    )
    moved = desk.give(desk.alice, reply)[1]
    contacts = [moved.raw[slice(*address.uri.span)] for address in moved.addresses[b"contact"]]
    assert contacts == [b"sip:alice2@203.0.113.1", b"sip:al@example.org"]


def test_the_connection_ends_and_so_do_its_calls() -> None:
    desk = Desk(transport=Transport.TCP)
    desk.call_out()
    (info,) = desk.give(desk.alice, desk.alice.request("INFO"))
    assert desk.wait(20) == [], info
    out = desk.take(desk.core.disconnected(Realm.OUTSIDE))
    assert [m.status or m.method for m in out] == [503, "BYE"]
    assert not desk.world.bindings
    desk.rest()


def test_over_a_connection_a_call_is_the_same_without_repetitions() -> None:
    desk = Desk(transport=Transport.TCP)
    invite = desk.call_out()
    assert invite.vias[0].transport == b"TCP"
    assert text(invite, b"contact").endswith(";transport=tcp>")
    assert desk.wait(60) == []
    ended(desk)


def test_the_proxy_is_gone_in_the_middle_of_everything() -> None:
    desk = Desk()
    desk.call_out()
    asked: list[Any] = [
        desk.alice.request("INFO"),
        desk.alice.request("UPDATE", sdp("192.168.10.2", 4000, 2)),
        desk.alice.request("OPTIONS"),
    ]
    for raw in asked:
        desk.give(desk.alice, raw)
    statuses = [m.status for m in desk.wait(33) if m.status]
    assert statuses.count(408) == 3
    desk.rest()


def accepted(desk: Desk) -> None:
    """alice calls bob, who accepts; she has not acknowledged it yet."""
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.bob.joins(invite)
    (ok,) = desk.give(desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000)))
    desk.alice.hears(ok)


def test_who_has_not_acknowledged_a_call_gets_no_bye_before() -> None:
    desk = Desk(with_options(time_limit=1))
    accepted(desk)
    out = desk.wait(1.2)
    assert [m.method for m in out if m.is_request] == ["ACK", "BYE"]
    assert not desk.world.bindings
    desk.give(desk.bob, desk.bob.reply(out[-1], 200))
    (bye,) = desk.give(desk.alice, desk.alice.request("ACK", cseq=1))
    assert bye.method == "BYE"
    desk.give(desk.alice, desk.alice.reply(bye, 200))
    desk.rest()


def test_who_never_acknowledges_a_call_gets_its_bye_in_the_end() -> None:
    desk = Desk()
    accepted(desk)
    assert [m.status for m in desk.give(desk.bob, desk.bob.request("BYE"))] == [200]
    assert {m.status for m in desk.wait(31.9)} == {200}
    assert [m.method for m in desk.wait(0.2)] == ["BYE"]
    desk.rest()


def test_who_hangs_up_before_it_acknowledges_has_it_done_for_it() -> None:
    desk = Desk()
    accepted(desk)
    out = desk.give(desk.alice, desk.alice.request("BYE"))
    assert [m.method for m in out] == ["ACK", "BYE"]
    desk.give(desk.bob, desk.bob.reply(out[1], 200))
    desk.rest()


def test_the_branches_that_lost_are_no_dialogues_any_more() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.bob.joins(invite, "one")
    desk.give(desk.bob, desk.bob.reply(invite, 180, tag="one"))
    desk.give(desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000), tag="two"))
    assert [m.status for m in desk.give(desk.bob, desk.bob.request("INFO"))] == [481]


def test_a_cancelled_invite_is_waited_for_no_longer_than_32_seconds() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.give(desk.bob, desk.bob.reply(invite, 180))
    desk.give(desk.alice, desk.alice.request("CANCEL", cseq=1, branch="z9hG4bK-alice-1"))
    desk.wait(31)
    assert desk.core.agent.exchanges
    desk.wait(2)
    assert not desk.core.agent.exchanges
    desk.rest()


def test_numbers_rise_also_after_the_first() -> None:
    desk = Desk()
    desk.call_out()
    assert desk.give(desk.alice, desk.alice.request("INFO", cseq=9))[0].method == "INFO"
    assert [m.status for m in desk.give(desk.alice, desk.alice.request("INFO", cseq=8))] == [500]


def test_who_moves_is_found_at_its_new_contact() -> None:
    desk = Desk()
    desk.call_out()
    raw = desk.alice.request("UPDATE", headers=["Contact: <sip:alice@192.168.10.2:5066>"])
    (update,) = desk.give(desk.alice, raw)
    reply = desk.bob.reply(update, 200, headers=["Contact: <sip:bob@198.51.100.7:5077>"])
    desk.give(desk.bob, reply.replace(b"Contact: <sip:bob@198.51.100.7:5060>\r\n", b""))
    (info,) = desk.give(desk.bob, desk.bob.request("INFO"))
    assert request_uri(info) == "sip:alice@192.168.10.2:5066"
    assert desk.sent[-1].inside == Endpoint(HOST, 5066)
    (info,) = desk.give(desk.alice, desk.alice.request("INFO"))
    assert request_uri(info) == "sip:bob@198.51.100.7:5077"
    assert desk.sent[-1].remote.port == 5077


def test_the_endpoint_of_a_call_is_held_as_long_as_it_lasts() -> None:
    desk = Desk()
    desk.call_out()
    until = desk.world.now + desk.options.call_limit
    assert desk.held == {INSIDE: until}
    desk.world.now += 10
    ended(desk)
    assert desk.held == {}
