"""Offers and answers, in all the orders in which they come."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Admit, Realm, Unbind
from ryu_alg.protocols.sip.media.call import MAX_LEGS
from ryu_alg.protocols.sip.media.sockets import MAX_BINDINGS
from tests.protocols.sip.gateway import OTHER_HOST, World
from tests.protocols.sip.media.talk import (
    OTHER_REMOTE,
    REMOTE,
    Talk,
    audio,
    description,
    remote_audio,
)

BOTH = {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"}


def established() -> Talk:
    """The inside has called; audio flows."""
    talk = Talk()
    talk.out(audio(4000))
    talk.come(remote_audio(6000), b"t", answer=True)
    talk.do(talk.media.winner(b"t"))
    assert talk.open == BOTH
    return talk


def test_offer_in_invite_answer_in_200() -> None:
    talk = Talk()
    left = talk.out(audio(4000))
    assert "c=IN IP4 203.0.113.1" in left and "o=alice 1 1 IN IP4 203.0.113.1" in left
    assert "m=audio 32768 RTP/AVP 0 8" in left
    assert not talk.open
    answer = remote_audio(6000)
    assert "\r\n".join(talk.come(answer, b"t", answer=True)).encode() == answer
    assert talk.open == BOTH
    talk.do(talk.media.winner(b"t"))
    assert talk.effects == ()
    talk.close()


def test_offer_from_outside_answer_from_inside() -> None:
    talk = Talk()
    talk.come(remote_audio(6000))
    assert not talk.world.bindings
    assert "m=audio 32768 RTP/AVP 0 8" in talk.out(audio(4000), b"t", answer=True)
    assert talk.open == BOTH
    talk.do(talk.media.winner(b"t"))
    talk.close()


def test_offer_in_200_answer_in_ack() -> None:
    talk = Talk()
    assert not talk.media.offered(Realm.OUTSIDE, b"t")
    talk.come(remote_audio(6000), b"t")
    talk.do(talk.media.winner(b"t"))
    assert talk.media.offered(Realm.OUTSIDE, b"t")
    talk.out(audio(4000), b"t", answer=True)
    assert not talk.media.offered(Realm.OUTSIDE, b"t")
    assert talk.open == BOTH
    talk.close()


def test_offer_of_the_inside_in_200_answer_in_ack() -> None:
    talk = Talk()
    talk.out(audio(4000), b"t")
    assert talk.media.offered(Realm.INSIDE, b"t")
    talk.come(remote_audio(6000), b"t", answer=True)
    assert talk.open == BOTH
    talk.close()


def test_offer_in_18x_answer_in_prack_then_update() -> None:
    talk = Talk()
    talk.come(remote_audio(6000), b"t")
    talk.out(audio(4000), b"t", answer=True)
    assert talk.open == BOTH
    talk.out(audio(4000, "a=sendrecv"), b"t")
    assert talk.open == BOTH
    talk.come(remote_audio(6010), b"t", answer=True)
    assert talk.open == {f"4000 > {REMOTE}:6010", f"4001 > {REMOTE}:6011"}
    talk.close()


def test_an_answer_to_nothing() -> None:
    talk = Talk()
    assert talk.refused(Realm.OUTSIDE, remote_audio(6000), answer=True) == "sip.media.no_offer"
    assert talk.refused(Realm.INSIDE, audio(4000), answer=True) == "sip.media.no_offer"
    talk.out(audio(4000))
    assert talk.refused(Realm.INSIDE, audio(4000), answer=True) == "sip.media.no_offer"
    talk.close()


def test_an_offer_alone_opens_nothing() -> None:
    talk = Talk()
    talk.out(audio(4000))
    talk.come(remote_audio(6000), b"t")
    assert not talk.open
    talk.close()


def test_said_again() -> None:
    talk = Talk()
    offer, answer = audio(4000), remote_audio(6000)
    first = talk.out(offer)
    assert talk.out(offer) == first and talk.effects == ()
    talk.come(answer, b"t", answer=True)
    talk.come(answer, b"t", answer=True)
    assert talk.effects == ()
    assert talk.world.bound == 1
    talk.close()


def test_an_answer_of_the_inside_said_again() -> None:
    talk = Talk()
    talk.come(remote_audio(6000))
    first = talk.out(audio(4000), b"t", answer=True)
    assert talk.out(audio(4000), b"t", answer=True) == first and talk.effects == ()
    assert talk.world.bound == 1
    talk.close()


def test_a_200_that_says_something_else_than_the_183() -> None:
    talk = Talk()
    talk.out(audio(4000))
    talk.come(remote_audio(6000), b"t", answer=True)
    talk.come(remote_audio(7000, address=OTHER_REMOTE), b"t", answer=True)
    assert talk.open == {f"4000 > {OTHER_REMOTE}:7000", f"4001 > {OTHER_REMOTE}:7001"}
    talk.close()


@pytest.mark.parametrize("updater", [Realm.INSIDE, Realm.OUTSIDE])
def test_a_200_that_repeats_what_an_update_has_replaced(updater: Realm) -> None:
    talk = Talk()
    talk.come(remote_audio(6000))
    first = talk.out(audio(4000), b"t", answer=True)
    if updater is Realm.INSIDE:
        talk.out(audio(5000), b"t")
        talk.come(remote_audio(6000), b"t", answer=True)
    else:
        talk.come(remote_audio(6000, "a=sendrecv"), b"t")
        talk.out(audio(5000), b"t", answer=True)
    moved = {f"5000 > {REMOTE}:6000", f"5001 > {REMOTE}:6001"}
    assert talk.open == moved
    assert talk.out(audio(4000), b"t", answer=True) == first and talk.effects == ()
    assert talk.open == moved
    talk.close()


def test_the_last_answer_is_that_of_now_even_if_the_first_was_the_same() -> None:
    talk = Talk()
    talk.come(remote_audio(6000))
    first = talk.out(audio(4000), b"t", answer=True)
    for port in (5000, 4000):
        talk.come(remote_audio(6000), b"t")
        last = talk.out(audio(port), b"t", answer=True)
    assert last != first
    assert talk.out(audio(4000), b"t", answer=True) == last
    talk.close()


class TestReinvite:
    """In an established call."""

    def test_the_same_keeps_everything(self) -> None:
        talk = established()
        talk.out(audio(4000), b"t")
        assert talk.effects == ()
        talk.come(remote_audio(6000), b"t", answer=True)
        assert talk.effects == ()
        talk.close()

    def test_the_inside_moves(self) -> None:
        talk = established()
        old = talk.public(4000)
        assert "m=audio 32770 RTP/AVP 0 8" in talk.out(audio(5000), b"t")
        assert talk.open == BOTH and talk.public(4000) == old
        talk.come(remote_audio(6000), b"t", answer=True)
        assert talk.open == {f"5000 > {REMOTE}:6000", f"5001 > {REMOTE}:6001"}
        assert [type(effect) for effect in talk.effects] == [Unbind, Admit]
        assert len(talk.world.bindings) == 1
        talk.close()

    def test_the_outside_moves(self) -> None:
        talk = established()
        talk.come(remote_audio(7000, address=OTHER_REMOTE), b"t")
        assert talk.open == BOTH
        talk.out(audio(4000), b"t", answer=True)
        assert talk.open == {f"4000 > {OTHER_REMOTE}:7000", f"4001 > {OTHER_REMOTE}:7001"}
        assert talk.world.bound == 1
        talk.close()

    def test_it_fails(self) -> None:
        talk = established()
        talk.out(audio(5000), b"t")
        talk.do(talk.media.offer_failed(Realm.INSIDE, b"t"))
        assert talk.open == BOTH
        assert len(talk.world.bindings) == 1
        assert talk.refused(Realm.OUTSIDE, remote_audio(1), b"u", answer=True)
        talk.close()

    def test_both_at_once(self) -> None:
        talk = established()
        talk.out(audio(5000), b"t")
        talk.come(remote_audio(7000), b"t")
        talk.do(talk.media.offer_failed(Realm.INSIDE, b"t"))
        talk.do(talk.media.offer_failed(Realm.OUTSIDE, b"t"))
        assert talk.open == BOTH
        assert len(talk.world.bindings) == 1
        talk.close()

    def test_another_offer_before_an_answer(self) -> None:
        talk = established()
        talk.out(audio(5000), b"t")
        talk.out(audio(5002), b"t")
        assert len(talk.world.bindings) == 2
        talk.come(remote_audio(6000), b"t", answer=True)
        assert talk.open == {f"5002 > {REMOTE}:6000", f"5003 > {REMOTE}:6001"}
        talk.close()

    @pytest.mark.parametrize("hold", ["a=inactive", "c=IN IP4 0.0.0.0"])
    @pytest.mark.parametrize("holder", [Realm.INSIDE, Realm.OUTSIDE])
    def test_hold_and_resume(self, hold: str, holder: Realm) -> None:
        talk = established()
        public = talk.public(4000)
        if holder is Realm.INSIDE:
            left = talk.out(audio(4000, hold), b"t")
            assert f"m=audio {public.port} RTP/AVP 0 8" in left and hold in left
            talk.come(remote_audio(6000), b"t", answer=True)
        else:
            assert hold in talk.come(remote_audio(6000, hold), b"t")
            talk.out(audio(4000), b"t", answer=True)
        assert talk.effects == (Admit(1, ()),)
        assert not talk.open and talk.public(4000) == public
        talk.out(audio(4000), b"t")
        talk.come(remote_audio(6000), b"t", answer=True)
        assert talk.open == BOTH and talk.public(4000) == public
        talk.close()

    @pytest.mark.parametrize(
        ("offer", "answer"), [("sendonly", "recvonly"), ("recvonly", "sendonly")]
    )
    def test_one_way(self, offer: str, answer: str) -> None:
        talk = established()
        talk.out(audio(4000, f"a={offer}"), b"t")
        talk.come(remote_audio(6000, f"a={answer}"), b"t", answer=True)
        assert talk.effects == () and talk.open == BOTH
        talk.close()

    def test_both_only_want_to_send(self) -> None:
        talk = established()
        talk.out(audio(4000, "a=sendonly"), b"t")
        talk.come(remote_audio(6000, "a=sendonly"), b"t", answer=True)
        assert not talk.open
        talk.close()

    def test_a_stream_is_added_and_taken_away(self) -> None:
        talk = established()
        video = "m=video 4010 RTP/AVP 31"
        talk.out(description("m=audio 4000 RTP/AVP 0", video), b"t")
        remote = description("m=audio 6000 RTP/AVP 0", "m=video 6010 RTP/AVP 31", address=REMOTE)
        talk.come(remote, b"t", answer=True)
        more = BOTH | {f"4010 > {REMOTE}:6010", f"4011 > {REMOTE}:6011"}
        assert talk.open == more
        talk.out(description("m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31"), b"t")
        assert talk.open == more
        gone = description("m=audio 6000 RTP/AVP 0", "m=video 0 RTP/AVP 31", address=REMOTE)
        talk.come(gone, b"t", answer=True)
        assert talk.open == BOTH and len(talk.world.bindings) == 1
        talk.close()


class TestFork:
    """One INVITE, several phones."""

    def forked(self) -> Talk:
        talk = Talk()
        talk.out(audio(4000))
        talk.come(remote_audio(6000), b"one", answer=True)
        talk.come(remote_audio(7000, address=OTHER_REMOTE), b"two", answer=True)
        return talk

    def test_early_media_of_every_branch(self) -> None:
        talk = self.forked()
        two = {f"4000 > {OTHER_REMOTE}:7000", f"4001 > {OTHER_REMOTE}:7001"}
        assert talk.open == BOTH | two
        assert talk.world.bound == 1
        talk.do(talk.media.winner(b"two"))
        assert talk.open == two
        talk.close()

    def test_a_branch_fails(self) -> None:
        talk = self.forked()
        talk.do(talk.media.leg_failed(b"two"))
        assert talk.open == BOTH
        talk.do(talk.media.leg_failed(b"one"))
        assert not talk.open
        assert len(talk.world.bindings) == 1
        talk.come(remote_audio(6000), b"three", answer=True)
        assert talk.open == BOTH
        talk.close()

    def test_a_branch_moves_before_one_wins(self) -> None:
        talk = self.forked()
        talk.out(audio(5000), b"one")
        talk.come(remote_audio(6000), b"one", answer=True)
        assert f"5000 > {REMOTE}:6000" in talk.open
        assert f"4000 > {OTHER_REMOTE}:7000" in talk.open
        talk.do(talk.media.winner(b"one"))
        assert len(talk.world.bindings) == 1
        talk.close()

    def test_whoever_comes_late_finds_nothing(self) -> None:
        talk = self.forked()
        talk.do(talk.media.winner(b"one"))
        code = talk.refused(Realm.OUTSIDE, remote_audio(8000), b"three", answer=True)
        assert code == "sip.media.no_offer"
        assert talk.open == BOTH
        talk.close()

    def test_the_inside_forks(self) -> None:
        talk = Talk()
        talk.come(remote_audio(6000))
        talk.out(audio(4000), b"one", answer=True)
        talk.out(audio(5000), b"two", answer=True)
        assert len(talk.world.bindings) == 2
        talk.do(talk.media.winner(b"two"))
        assert talk.open == {f"5000 > {REMOTE}:6000", f"5001 > {REMOTE}:6001"}
        talk.close()

    def test_the_winner_said_nothing_before(self) -> None:
        talk = Talk()
        talk.out(audio(4000))
        talk.do(talk.media.winner(b"t"))
        talk.come(remote_audio(6000), b"t", answer=True)
        assert talk.open == BOTH
        talk.close()

    def test_too_many_branches(self) -> None:
        talk = Talk()
        talk.out(audio(4000))
        for number in range(MAX_LEGS):
            talk.come(remote_audio(6000 + number), b"%d" % number, answer=True)
        code = talk.refused(Realm.OUTSIDE, remote_audio(9000), b"more", answer=True)
        assert code == "sip.media.too_many"
        talk.come(remote_audio(6000), b"0", answer=True)
        talk.close()


def test_too_many_bindings() -> None:
    talk = Talk()
    for leg in range(MAX_BINDINGS // 3):
        ports = [4000 + 6 * leg + 2 * stream for stream in range(3)]
        talk.out(description(*(f"m=audio {port} RTP/AVP 0" for port in ports)), b"%d" % leg)
    assert len(talk.world.bindings) == MAX_BINDINGS
    assert talk.refused(Realm.INSIDE, audio(9006), b"0") == "sip.media.too_many"
    talk.close()


def test_both_inside() -> None:
    """A call that leaves the one host and comes in to the other."""
    world = World()
    caller, callee = Talk(world), Talk(world, OTHER_HOST)
    offer, answer = audio(4000), audio(5000, address=str(OTHER_HOST))
    left = "\r\n".join(caller.out(offer)).encode()
    arrived = callee.come(left)
    assert f"c=IN IP4 {caller.host}" in arrived and "m=audio 4000 RTP/AVP 0 8" in arrived
    assert "o=alice 1 1 IN IP4 203.0.113.1" in arrived
    left = "\r\n".join(callee.out(answer, b"t", answer=True)).encode()
    arrived = caller.come(left, b"t", answer=True)
    assert f"c=IN IP4 {callee.host}" in arrived and "m=audio 5000 RTP/AVP 0 8" in arrived
    assert not world.open()
    caller.do(caller.media.close())
    callee.do(callee.media.close())
    assert not world.bindings


class TestIdle:
    """No data moves."""

    def test_of_the_only_binding(self) -> None:
        talk = established()
        assert talk.media.owns(1) and not talk.media.owns(2)
        assert talk.media.idle(1)
        assert not talk.media.idle(2)
        talk.close()
        assert not talk.media.owns(1)

    def test_of_all(self) -> None:
        talk = Talk()
        talk.out(description("m=audio 4000 RTP/AVP 0", "m=video 4010 RTP/AVP 31"))
        remote = description("m=audio 6000 RTP/AVP 0", "m=video 6010 RTP/AVP 31", address=REMOTE)
        talk.come(remote, answer=True)
        assert not talk.media.idle(2)
        assert talk.media.idle(1)
        talk.close()

    def test_not_on_hold(self) -> None:
        talk = established()
        talk.out(audio(4000, "a=sendonly"), b"t")
        talk.come(remote_audio(6000, "a=recvonly"), b"t", answer=True)
        assert not talk.media.idle(1)
        talk.close()

    def test_what_moved_counts_anew(self) -> None:
        talk = Talk()
        talk.out(description("m=audio 4000 RTP/AVP 0", "m=video 4010 RTP/AVP 31"))
        remote = description("m=audio 6000 RTP/AVP 0", "m=video 6010 RTP/AVP 31", address=REMOTE)
        talk.come(remote, b"t", answer=True)
        assert not talk.media.idle(1)
        talk.out(description("m=audio 4000 RTP/AVP 0", "m=video 4010 RTP/AVP 31"), b"t")
        talk.come(remote.replace(b"6000", b"6002"), b"t", answer=True)
        assert not talk.media.idle(2)
        talk.close()


def test_the_gateway_refuses() -> None:
    talk = established()
    code = talk.refused(Realm.INSIDE, audio(80), b"t")
    assert code == "sip.media.refused"
    both = description("m=audio 5000 RTP/AVP 0", "m=video 80 RTP/AVP 31")
    assert talk.refused(Realm.INSIDE, both, b"t") == "sip.media.refused"
    assert talk.open == BOTH
    talk.close()
