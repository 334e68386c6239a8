"""Calls that are set up: what each side sees of the other, and what is left behind."""

from __future__ import annotations

from ryu_alg.inspection import Endpoint, Realm
from tests.protocols.sip.b2bua.desk import INSIDE, PROXY, Desk, read, request_uri, sdp, text, texts
from tests.protocols.sip.gateway import HOST


def test_a_call_has_two_dialogues() -> None:
    desk = Desk()
    out = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))
    assert [m.status or m.method for m in out] == [100, "INVITE"]
    invite = out[1]
    assert request_uri(invite) == "sip:bob@example.net"
    assert text(invite, b"call-id") != "inside-call@pc5"
    assert text(invite, b"from").startswith('"alice" <sip:alice@203.0.113.1>;tag=')
    assert text(invite, b"max-forwards") == "69"
    assert len(invite.vias) == 1
    assert invite.vias[0].sent_by.host == b"203.0.113.1"
    assert b"203.0.113.1" in invite.body
    assert desk.sent[-1].remote == PROXY

    desk.bob.joins(invite)
    (ringing,) = desk.give(desk.bob, desk.bob.reply(invite, 180))
    assert ringing.status == 180
    assert text(ringing, b"call-id") == "inside-call@pc5"
    assert ringing.vias[0].branch == b"z9hG4bK-alice-1"
    assert ringing.to_tag not in (None, b"bob-tag")
    assert text(ringing, b"contact").endswith("@198.51.100.7:5060>")
    assert "secret-phone" not in ringing.raw.decode()

    (ok,) = desk.give(desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000)))
    assert ok.status == 200
    assert ok.to_tag == ringing.to_tag
    assert b"198.51.100.7" in ok.body
    assert desk.world.open() == {
        (Endpoint(HOST, 4000), Endpoint(PROXY.address, 6000)),
        (Endpoint(HOST, 4001), Endpoint(PROXY.address, 6001)),
    }
    desk.alice.hears(ok)
    (ack,) = desk.give(desk.alice, desk.alice.request("ACK", cseq=1))
    assert ack.method == "ACK"
    assert request_uri(ack) == "sip:bob@198.51.100.7:5060"
    assert ack.cseq.number == invite.cseq.number
    assert ack.to_tag == b"bob-tag"


def test_the_caller_hangs_up() -> None:
    desk = Desk()
    desk.call_out()
    (bye,) = desk.give(desk.alice, desk.alice.request("BYE"))
    assert bye.method == "BYE"
    assert not desk.world.bindings
    (ok,) = desk.give(desk.bob, desk.bob.reply(bye, 200))
    assert ok.status == 200
    assert ok.vias[0].branch == b"z9hG4bK-alice-3"
    desk.rest()


def test_the_called_hangs_up() -> None:
    desk = Desk()
    desk.call_out()
    (bye,) = desk.give(desk.bob, desk.bob.request("BYE"))
    assert desk.sent[-1].towards is Realm.INSIDE
    assert desk.sent[-1].inside == INSIDE
    assert bye.cseq.number >= 1
    (ok,) = desk.give(desk.alice, desk.alice.reply(bye, 200))
    assert ok.status == 200
    desk.rest()


def test_a_call_from_outside_reaches_the_inside() -> None:
    desk = Desk()
    invite = desk.call_in()
    assert request_uri(invite) == "sip:alice@192.168.10.2:5060"
    assert text(invite, b"call-id") != "outside-call"
    assert desk.world.open()
    (bye,) = desk.give(desk.bob, desk.bob.request("BYE"))
    desk.give(desk.alice, desk.alice.reply(bye, 200))
    desk.rest()


def test_a_refused_call_is_acknowledged_by_the_gateway_on_either_side() -> None:
    desk = Desk()
    out = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))
    ack, busy = desk.give(desk.bob, desk.bob.reply(out[1], 486))
    assert ack.method == "ACK"
    assert ack.branch == out[1].branch
    assert busy.status == 486
    assert not desk.world.bindings
    ack_here = desk.alice.request("ACK", cseq=1, branch="z9hG4bK-alice-1")
    assert desk.give(desk.alice, ack_here) == []
    assert desk.wait(31) == []
    desk.rest()


def test_a_retransmitted_invite_is_absorbed_and_answered() -> None:
    desk = Desk()
    raw = desk.alice.request("INVITE", sdp("192.168.10.2", 4000))
    invite = desk.give(desk.alice, raw)[1]
    assert [m.status for m in desk.give(desk.alice, raw)] == [100]
    desk.give(desk.bob, desk.bob.reply(invite, 180))
    assert [m.status for m in desk.give(desk.alice, raw)] == [180]


def test_the_gateway_repeats_an_invite_and_gives_up_after_32_seconds() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    left = desk.wait(31.9)
    assert [m.raw for m in left] == [invite.raw] * 6
    (timeout,) = desk.wait(0.2)
    assert timeout.status == 408
    assert not desk.world.bindings
    desk.rest()


def test_a_2xx_is_repeated_until_it_is_acknowledged() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.bob.joins(invite)
    raw = desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000))
    (ok,) = desk.give(desk.bob, raw)
    assert desk.give(desk.bob, raw) == []
    assert [m.raw for m in desk.wait(4)] == [ok.raw] * 3
    desk.alice.hears(ok)
    (ack,) = desk.give(desk.alice, desk.alice.request("ACK", cseq=1))
    assert desk.wait(10) == []
    (again,) = desk.give(desk.bob, raw)
    assert again.raw == ack.raw


def test_a_2xx_that_nobody_acknowledges_ends_the_call_both_ways() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.bob.joins(invite)
    desk.give(desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000)))
    left = [m.method for m in desk.wait(33) if m.is_request]
    assert left[:3] == ["BYE", "ACK", "BYE"]
    assert "sip.call.unconfirmed" in desk.codes
    desk.rest()


def test_a_cancelled_call_is_cancelled_on_the_other_side() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.give(desk.bob, desk.bob.reply(invite, 180))
    cancel = desk.alice.request("CANCEL", cseq=1, branch="z9hG4bK-alice-1")
    ok, terminated, cancelled = desk.give(desk.alice, cancel)
    assert (ok.status, ok.method) == (200, "CANCEL")
    assert (terminated.status, terminated.method) == (487, "INVITE")
    assert cancelled.method == "CANCEL"
    assert cancelled.branch == invite.branch
    assert not desk.world.bindings
    assert desk.give(desk.bob, desk.bob.reply(cancelled, 200)) == []
    (ack,) = desk.give(desk.bob, desk.bob.reply(invite, 487))
    assert ack.method == "ACK"
    desk.rest()


def test_a_cancel_waits_until_the_invite_is_known_to_have_come() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    cancel = desk.alice.request("CANCEL", cseq=1, branch="z9hG4bK-alice-1")
    assert [m.status for m in desk.give(desk.alice, cancel)] == [200, 487]
    (cancelled,) = desk.give(desk.bob, desk.bob.reply(invite, 100))
    assert cancelled.method == "CANCEL"
    desk.rest()


def test_a_call_accepted_when_it_was_cancelled_is_ended() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    desk.give(desk.bob, desk.bob.reply(invite, 180))
    desk.give(desk.alice, desk.alice.request("CANCEL", cseq=1, branch="z9hG4bK-alice-1"))
    raw = desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000))
    ack, bye = desk.give(desk.bob, raw)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert bye.cseq.number == invite.cseq.number + 1
    (again,) = desk.give(desk.bob, raw)
    assert again.raw == ack.raw
    desk.give(desk.bob, desk.bob.reply(bye, 200))
    desk.rest()


def test_a_cancel_to_nothing_is_told_so() -> None:
    desk = Desk()
    (answer,) = desk.give(desk.alice, desk.alice.request("CANCEL"))
    assert answer.status == 481


def test_every_branch_of_a_forked_call_is_an_early_dialogue() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    seen = []
    for tag, port in (("one", 7000), ("two", 8000)):
        answer = desk.bob.reply(invite, 183, sdp("198.51.100.7", port), tag=tag)
        (progress,) = desk.give(desk.bob, answer)
        seen.append(progress.to_tag)
    assert len(set(seen)) == 2
    assert {remote.port for _, remote in desk.world.open()} == {7000, 7001, 8000, 8001}
    final = desk.bob.reply(invite, 200, sdp("198.51.100.7", 8000), tag="two")
    (ok,) = desk.give(desk.bob, final)
    assert ok.to_tag == seen[1]
    assert {remote.port for _, remote in desk.world.open()} == {8000, 8001}
    desk.alice.hears(ok)
    desk.give(desk.alice, desk.alice.request("ACK", cseq=1))
    # The other branch accepts as well: too late.
    late = desk.bob.reply(invite, 200, sdp("198.51.100.7", 7000), tag="one")
    ack, bye = desk.give(desk.bob, late)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert ack.to_tag == bye.to_tag == b"one"
    assert [m.method for m in desk.give(desk.bob, late)] == ["ACK"]
    (bye,) = desk.give(desk.alice, desk.alice.request("BYE"))
    assert bye.to_tag == b"two"
    desk.give(desk.bob, desk.bob.reply(bye, 200))
    desk.rest()


def test_more_branches_than_there_is_room_for_are_not_shown() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    shown = [
        len(desk.give(desk.bob, desk.bob.reply(invite, 180, tag=f"t{number}")))
        for number in range(12)
    ]
    assert shown == [1] * 8 + [0] * 4
    desk.rest()


def test_the_answer_may_come_in_the_ack() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE"))[1]
    assert not invite.body
    desk.bob.joins(invite)
    (ok,) = desk.give(desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000)))
    assert not desk.world.open()
    desk.alice.hears(ok)
    (ack,) = desk.give(desk.alice, desk.alice.request("ACK", sdp("192.168.10.2", 4000), cseq=1))
    assert b"203.0.113.1" in ack.body
    assert len(desk.world.open()) == 2
    (bye,) = desk.give(desk.bob, desk.bob.request("BYE"))
    desk.give(desk.alice, desk.alice.reply(bye, 200))
    desk.rest()


def test_routes_of_one_side_stay_there() -> None:
    desk = Desk()
    desk.alice.routes = ()
    invite = desk.give(
        desk.alice,
        desk.alice.request("INVITE", headers=["Route: <sip:198.51.100.7;lr>", "Subject: hello"]),
    )[1]
    assert not texts(invite, b"route")
    assert text(invite, b"subject") == "hello"
    desk.bob.joins(invite)
    routes = [
        "Record-Route: <sip:198.51.100.9:5070;lr>",
        "Record-Route: <sip:198.51.100.8;lr>,<sip:198.51.100.7;lr>",
    ]
    (ok,) = desk.give(
        desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000), headers=routes)
    )
    assert not texts(ok, b"record-route")
    desk.alice.hears(ok)
    (ack,) = desk.give(desk.alice, desk.alice.request("ACK", sdp("192.168.10.2", 4000), cseq=1))
    assert texts(ack, b"route") == [
        "<sip:198.51.100.7;lr>",
        "<sip:198.51.100.8;lr>",
        "<sip:198.51.100.9:5070;lr>",
    ]
    assert desk.sent[-1].remote == PROXY
    (bye,) = desk.give(desk.bob, desk.bob.request("BYE"))
    desk.give(desk.alice, desk.alice.reply(bye, 200))
    desk.rest()


def test_a_strict_router_gets_its_own_uri() -> None:
    desk = Desk()
    invite = desk.give(desk.alice, desk.alice.request("INVITE"))[1]
    desk.bob.joins(invite)
    route = ["Record-Route: <sip:198.51.100.7>"]
    (ok,) = desk.give(
        desk.bob, desk.bob.reply(invite, 200, sdp("198.51.100.7", 6000), headers=route)
    )
    desk.alice.hears(ok)
    (ack,) = desk.give(desk.alice, desk.alice.request("ACK", sdp("192.168.10.2", 4000), cseq=1))
    assert request_uri(ack) == "sip:198.51.100.7"
    assert texts(ack, b"route") == ["<sip:bob@198.51.100.7:5060>"]


def test_a_proxy_of_the_caller_sees_its_record_route_again() -> None:
    desk = Desk()
    header = "Record-Route: <sip:198.51.100.7;lr>"
    invite = desk.give(
        desk.bob, desk.bob.request("INVITE", sdp("198.51.100.7", 6000), headers=[header])
    )[1]
    assert not texts(invite, b"record-route")
    (ringing,) = desk.give(desk.alice, desk.alice.reply(invite, 180))
    assert texts(ringing, b"record-route") == ["<sip:198.51.100.7;lr>"]
    assert text(ringing, b"contact").endswith(f"@{desk.public}>")


def test_an_invite_that_comes_twice_by_different_ways_is_one_call() -> None:
    desk = Desk()
    desk.give(desk.bob, desk.bob.request("INVITE", cseq=1))
    out = desk.give(desk.bob, desk.bob.request("INVITE", cseq=1))
    assert [m.status for m in out] == [100, 482]


def test_an_invite_with_a_foreign_media_address_is_refused() -> None:
    desk = Desk()
    out = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.99", 4000)))
    assert [m.status for m in out] == [100, 488]
    assert not desk.world.bindings
    desk.rest()


def test_no_hop_is_left() -> None:
    desk = Desk()
    raw = desk.alice.request("INVITE").replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    assert [m.status for m in desk.give(desk.alice, raw)] == [483]


def test_credentials_and_challenges_cross_as_they_are() -> None:
    desk = Desk()
    challenge = 'Digest realm="example.net", nonce="abc", qop="auth"'
    invite = desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))[1]
    answer = desk.bob.reply(invite, 407, headers=[f"Proxy-Authenticate: {challenge}"])
    refused = desk.give(desk.bob, answer)[1]
    assert text(refused, b"proxy-authenticate") == challenge
    credentials = (
        'Digest username="alice", realm="example.net", nonce="abc", '
        'uri="sip:bob@example.net", response="00", cnonce="x", nc=00000001, qop=auth'
    )
    header = f"Proxy-Authorization: {credentials}"
    again = desk.give(
        desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000), headers=[header])
    )[1]
    assert text(again, b"proxy-authorization") == credentials
    assert request_uri(again) == "sip:bob@example.net"
    assert text(again, b"call-id") == text(invite, b"call-id")
    assert again.from_tag == invite.from_tag
    assert again.cseq.number > invite.cseq.number


def test_a_response_may_go_to_the_port_of_the_via() -> None:
    desk = Desk()
    raw = desk.alice.request("OPTIONS", rport=False)
    (options,) = desk.give(desk.alice, raw, source=Endpoint(HOST, 40000))
    desk.give(desk.bob, desk.bob.reply(read(options.raw), 200))
    assert desk.sent[-1].inside == INSIDE
