"""Who may exchange data: connections, bundles, one way and both."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Admit, Exchange, Realm
from ryu_alg.protocols.sip.media.exchanges import connecting
from tests.protocols.sip.gateway import HOST, endpoint
from tests.protocols.sip.media.talk import REMOTE, Talk, description

OFFERER, ANSWERER = Realm.INSIDE, Realm.OUTSIDE


@pytest.mark.parametrize(
    ("offer", "answer", "connects"),
    [
        (b"actpass", b"active", ANSWERER),
        (b"actpass", b"passive", OFFERER),
        (b"active", b"passive", OFFERER),
        (b"passive", b"active", ANSWERER),
        (b"", b"", OFFERER),
        (b"", b"passive", OFFERER),
        (b"", b"active", ANSWERER),
        (b"active", b"", OFFERER),
        (b"actpass", b"", OFFERER),
        (b"passive", b"", ANSWERER),
        (b"active", b"active", None),
        (b"passive", b"passive", None),
        (b"actpass", b"actpass", None),
        (b"holdconn", b"holdconn", None),
        (b"actpass", b"holdconn", None),
        (b"nonsense", b"active", None),
    ],
)
def test_who_connects(offer: bytes, answer: bytes, connects: Realm | None) -> None:
    assert connecting(offer, answer, Realm.INSIDE) is connects
    mirrored = {OFFERER: Realm.OUTSIDE, ANSWERER: Realm.INSIDE, None: None}[connects]
    assert connecting(offer, answer, Realm.OUTSIDE) is mirrored


def message(port: int, setup: str, session: str = "s", address: str = str(HOST)) -> bytes:
    """A message session."""
    return description(
        f"m=message {port} TCP/MSRP *",
        f"a=path:msrp://{address}:{port}/{session};tcp",
        *([f"a=setup:{setup}"] if setup else []),
        address=address,
    )


def remote_message(port: int, setup: str, session: str = "r") -> bytes:
    return message(port, setup, session, REMOTE)


ADMIT = Admit(1, (Exchange(0, endpoint(REMOTE, 9000)),), Realm.OUTSIDE)


class TestMessageSessions:
    """One TCP connection."""

    @pytest.mark.parametrize(
        ("offer", "answer", "opens"),
        [("actpass", "active", True), ("passive", "active", True), ("actpass", "passive", False)],
    )
    def test_the_inside_offers(self, offer: str, answer: str, opens: bool) -> None:
        talk = Talk()
        talk.out(message(2855, offer))
        talk.come(remote_message(9000, answer), answer=True)
        assert talk.effects == ((ADMIT,) if opens else ())
        talk.close()

    @pytest.mark.parametrize(
        ("offer", "answer", "opens"), [("", "", True), ("actpass", "active", False)]
    )
    def test_the_outside_offers(self, offer: str, answer: str, opens: bool) -> None:
        talk = Talk()
        talk.come(remote_message(9000, offer))
        talk.out(message(2855, answer), answer=True)
        assert talk.effects == ((ADMIT,) if opens else ())
        talk.close()

    def test_who_connects_may_have_no_port(self) -> None:
        talk = Talk()
        talk.out(message(2855, "passive"))
        talk.come(remote_message(9, "active"), answer=True)
        assert talk.open == {f"2855 > {REMOTE}:9"}
        talk.close()

    def established(self) -> Talk:
        talk = Talk()
        talk.come(remote_message(9000, "active"))
        talk.out(message(2855, "passive"), answer=True)
        assert talk.effects == (ADMIT,)
        return talk

    def test_the_same_session_has_its_connection(self) -> None:
        talk = self.established()
        talk.come(remote_message(9000, "active"))
        talk.out(message(2855, "passive"), answer=True)
        assert talk.effects == ()
        talk.close()

    @pytest.mark.parametrize(("inside", "outside"), [("new", "r"), ("s", "new")])
    def test_another_session_gets_another_connection(self, inside: str, outside: str) -> None:
        talk = self.established()
        talk.come(remote_message(9000, "active", outside))
        talk.out(message(2855, "passive", inside), answer=True)
        assert talk.effects == (ADMIT,)
        talk.close()

    def test_a_file_transfer(self) -> None:
        """RFC 5547: one more stream, in one direction."""
        talk = Talk()
        file = 'a=file-selector:name:"picture.jpg" type:image/jpeg size:32349'
        offer = message(2855, "actpass") + f"a=sendonly\r\n{file}\r\n".encode()
        assert file in talk.out(offer)
        answer = remote_message(9000, "active") + b"a=recvonly\r\n"
        talk.come(answer, answer=True)
        assert talk.effects == (ADMIT,)
        talk.close()

    def test_a_name_in_the_path(self) -> None:
        talk = Talk()
        talk.out(message(2855, "passive"))
        answer = remote_message(9000, "active").replace(f"//{REMOTE}".encode(), b"//a.example")
        talk.come(answer, answer=True)
        assert talk.effects == (ADMIT,)

    def test_names_only(self) -> None:
        talk = Talk()
        talk.out(message(2855, "passive"))
        talk.come(remote_message(9, "active").replace(REMOTE.encode(), b"a.example"), answer=True)
        assert not talk.open and talk.reports == ["sip.media.host_name"]

    def test_a_relay(self) -> None:
        talk = Talk()
        talk.out(message(2855, "passive"))
        answer = remote_message(9000, "active").replace(
            b"/r;tcp", b"/r;tcp msrp://192.168.10.2:1/x;tcp"
        )
        talk.come(answer, answer=True)
        assert talk.effects == (ADMIT,)

    def test_other_connections(self) -> None:
        talk = Talk()
        talk.out(description("m=application 4000 TCP/BFCP *", "a=setup:actpass"))
        answer = description("m=application 9 TCP/BFCP *", "a=setup:active", address=REMOTE)
        talk.come(answer, answer=True)
        assert talk.open == {f"4000 > {REMOTE}:9"}
        talk.close()

    def test_what_is_said_for_all_streams(self) -> None:
        talk = Talk()
        talk.out(description("a=setup:passive", "m=application 4000 TCP/BFCP *"))
        answer = description("a=setup:active", "m=application 9 TCP/BFCP *", address=REMOTE)
        talk.come(answer, answer=True)
        assert talk.open == {f"4000 > {REMOTE}:9"}


class TestBundle:
    """RFC 8843: bundled streams share the transport of the first one that the answer names."""

    OFFER = (
        "a=group:BUNDLE a v d",
        "m=audio 4000 RTP/SAVPF 0",
        "a=mid:a",
        "a=rtcp-mux",
        "m=video 4010 RTP/SAVPF 96",
        "a=mid:v",
        "a=rtcp-mux",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:d",
        "a=bundle-only",
    )

    def answered(self, group: str, *, audio: str = "", video_port: int = 6000) -> Talk:
        talk = Talk()
        talk.out(description(*self.OFFER))
        lines = (
            *([f"a=group:{group}"] if group else []),
            "m=audio 6000 RTP/SAVPF 0",
            "a=mid:a",
            "a=rtcp-mux",
            *([audio] if audio else []),
            f"m=video {video_port} RTP/SAVPF 96",
            "a=mid:v",
            "a=rtcp-mux",
            "m=application 6000 UDP/DTLS/SCTP webrtc-datachannel",
            "a=mid:d",
        )
        talk.come(description(*lines, address=REMOTE), answer=True)
        return talk

    def test_all(self) -> None:
        assert self.answered("BUNDLE a v d").open == {f"4000 > {REMOTE}:6000"}

    def test_on_the_transport_of_another(self) -> None:
        assert self.answered("BUNDLE v a d").open == {f"4010 > {REMOTE}:6000"}

    def test_not_all(self) -> None:
        talk = self.answered("BUNDLE a d", video_port=6010)
        assert talk.open == {f"4000 > {REMOTE}:6000", f"4010 > {REMOTE}:6010"}

    def test_not_at_all(self) -> None:
        talk = self.answered("", video_port=6010)
        assert talk.open == {f"4000 > {REMOTE}:6000", f"4010 > {REMOTE}:6010"}

    def test_another_group(self) -> None:
        talk = self.answered("LS a v", video_port=6010)
        assert talk.open == {f"4000 > {REMOTE}:6000", f"4010 > {REMOTE}:6010"}

    def test_the_first_does_not_flow_but_carries(self) -> None:
        assert self.answered("BUNDLE a v d", audio="a=inactive").open == {f"4000 > {REMOTE}:6000"}

    def test_names_that_were_not_offered(self) -> None:
        talk = self.answered("BUNDLE x y", video_port=6010)
        assert talk.open == {f"4000 > {REMOTE}:6000", f"4010 > {REMOTE}:6010"}

    def test_a_group_that_was_not_offered(self) -> None:
        talk = Talk()
        talk.out(description(*self.OFFER[1:7]))
        lines = ("a=group:BUNDLE a v", *self.OFFER[1:7])
        talk.come(description(*lines, address=REMOTE), answer=True)
        assert talk.open == {f"4000 > {REMOTE}:4000", f"4010 > {REMOTE}:4010"}

    def test_the_inside_answers_on_one_port(self) -> None:
        talk = Talk()
        offer = description(*self.OFFER, address=REMOTE)
        talk.come(offer)
        lines = [line.replace("4010", "4000") for line in self.OFFER]
        left = talk.out(description(*lines), answer=True)
        assert "m=audio 32768 RTP/SAVPF 0" in left and "m=video 32768 RTP/SAVPF 96" in left
        assert talk.world.bound == 1
        assert talk.open == {f"4000 > {REMOTE}:4000"}
        talk.close()
