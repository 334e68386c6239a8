"""Descriptions on their way in: whom they name, and what that opens."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ryu_alg.inspection import Exchange, Realm, Transport
from ryu_alg.protocols.sip.media.candidates import MAX_CANDIDATES, MAX_REMOTE
from ryu_alg.protocols.sip.media.exchanges import MAX_EXCHANGES
from tests.protocols.sip.gateway import HOST, OTHER_HOST, PLAIN_HOST, PUBLIC, World, endpoint
from tests.protocols.sip.media.talk import (
    OTHER_REMOTE,
    REMOTE,
    Talk,
    audio,
    description,
    remote_audio,
)

AT_REMOTE = f"c=IN IP4 {REMOTE}"


def raw(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in ("v=0", "s=-", *lines)).encode()


def called(*lines: str, transport: str = "RTP/AVP 0", count: str = "") -> Talk:
    """The outside answers an offer of one stream with these lines, which do not change."""
    talk = Talk()
    talk.out(description(f"m=audio 4000{count} {transport}", "a=rtcp-mux"))
    answer = raw(*lines)
    assert "\r\n".join(talk.come(answer, answer=True)).encode() == answer
    return talk


@pytest.mark.parametrize(
    ("lines", "remotes"),
    [
        ((AT_REMOTE, "m=audio 6000 RTP/AVP 0"), {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"}),
        (("m=audio 6000 RTP/AVP 0", AT_REMOTE), {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"}),
        (
            (AT_REMOTE, "m=audio 6000 RTP/AVP 0", f"c=IN IP4 {OTHER_REMOTE}"),
            {f"4000 > {OTHER_REMOTE}:6000", f"4001 > {OTHER_REMOTE}:6001"},
        ),
        (
            (AT_REMOTE, "m=audio 6000 RTP/AVP 0", "a=rtcp:7000"),
            {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:7000"},
        ),
        (
            (AT_REMOTE, "m=audio 6000 RTP/AVP 0", f"a=rtcp:7000 IN IP4 {OTHER_REMOTE}"),
            {f"4000 > {REMOTE}:6000", f"4001 > {OTHER_REMOTE}:7000"},
        ),
        ((AT_REMOTE, "m=audio 6000 RTP/AVP 0", "a=rtcp-mux"), {f"4000 > {REMOTE}:6000"}),
        ((AT_REMOTE, "m=audio 0 RTP/AVP 0"), set()),
        (("m=audio 0 RTP/AVP 0",), set()),
        (("c=IN IP4 0.0.0.0", "m=audio 6000 RTP/AVP 0"), set()),
        (("c=IN IP6 ::", "m=audio 6000 RTP/AVP 0"), set()),
        ((AT_REMOTE, "m=audio 6000 RTP/AVP 0", "a=inactive"), set()),
        ((AT_REMOTE, "a=inactive", "m=audio 6000 RTP/AVP 0"), set()),
        (
            (AT_REMOTE, "a=inactive", "m=audio 6000 RTP/AVP 0", "a=sendrecv"),
            {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"},
        ),
        # Another kind of stream than was offered.
        ((AT_REMOTE, "m=audio 6000 udptl t38"), set()),
        # More or fewer than were offered.
        ((AT_REMOTE,), set()),
        (
            (AT_REMOTE, "m=audio 6000 RTP/AVP 0", "m=audio 6002 RTP/AVP 0"),
            {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"},
        ),
        # Private addresses elsewhere are as good as any.
        (
            ("c=IN IP4 10.1.2.3", "m=audio 6000 RTP/AVP 0"),
            {"4000 > 10.1.2.3:6000", "4001 > 10.1.2.3:6001"},
        ),
    ],
)
def test_what_an_answer_opens(lines: tuple[str, ...], remotes: set[str]) -> None:
    talk = called(*lines)
    assert talk.open == remotes
    assert talk.reports == []
    talk.close()


def test_several_pairs_of_ports() -> None:
    talk = called(AT_REMOTE, "m=audio 6000/3 RTP/AVP 0", count="/2")
    assert talk.open == {f"{4000 + n} > {REMOTE}:{6000 + n}" for n in range(4)}


def test_one_port() -> None:
    talk = called(AT_REMOTE, "m=audio 6000 udptl t38", transport="udptl t38")
    assert talk.open == {f"4000 > {REMOTE}:6000"}


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("host_name", ("c=IN IP4 phone.example", "m=audio 6000 RTP/AVP 0")),
        ("family", ("c=IN IP6 2001:db8:99::7", "m=audio 6000 RTP/AVP 0")),
        ("unknown_public", (f"c=IN IP4 {PUBLIC}", "m=audio 40000 RTP/AVP 0", "a=rtcp-mux")),
        ("privileged_port", (AT_REMOTE, "m=audio 9 RTP/AVP 0", "a=rtcp:9")),
    ],
)
def test_reported_and_not_opened(code: str, lines: tuple[str, ...]) -> None:
    talk = called(*lines)
    assert set(talk.reports) == {f"sip.media.{code}"}
    assert not talk.open


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("inside_address", (f"c=IN IP4 {HOST}", "m=audio 6000 RTP/AVP 0")),
        ("inside_address", (f"c=IN IP4 {OTHER_HOST}", "m=audio 6000 RTP/AVP 0")),
        ("inside_address", (AT_REMOTE, "m=audio 6000 RTP/AVP 0", "a=rtcp:1 IN IP4 192.168.10.9")),
        ("inside_address", (AT_REMOTE, "m=message 1 TCP/MSRP *", "a=path:msrp://192.168.10.9/s")),
        ("bad_address", ("c=IN IP4 127.0.0.1", "m=audio 6000 RTP/AVP 0")),
        ("bad_address", ("c=IN IP4 0.0.0.7", "m=audio 6000 RTP/AVP 0")),
        ("bad_address", ("c=IN IP4 233.252.0.1", "m=audio 6000 RTP/AVP 0")),
        ("bad_address", ("c=IN IP4 255.255.255.255", "m=audio 6000 RTP/AVP 0")),
        ("bad_address", ("c=IN IP4 169.254.1.1", "m=audio 6000 RTP/AVP 0")),
        ("bad_address", ("c=IN IP6 ::ffff:192.168.10.2", "m=audio 6000 RTP/AVP 0")),
        ("bad_address", ("c=IN IP6 ::1", "m=audio 6000 RTP/AVP 0")),
        ("multicast", (f"{AT_REMOTE}/1/2", "m=audio 6000 RTP/AVP 0")),
        ("no_address", ("m=audio 6000 RTP/AVP 0",)),
        ("malformed", ("m=audio",)),
        ("malformed", (AT_REMOTE, "m=message 1 TCP/MSRP *", "a=path:")),
        (
            "too_many",
            (
                AT_REMOTE,
                "m=audio 6000 RTP/AVP 0",
                *["a=candidate:1 1 UDP 1 198.51.100.7 4000 typ host"] * (MAX_CANDIDATES + 1),
            ),
        ),
    ],
)
def test_refused(code: str, lines: tuple[str, ...]) -> None:
    talk = Talk()
    talk.out(audio(4000))
    assert talk.refused(Realm.OUTSIDE, raw(*lines), answer=True) == f"sip.media.{code}"
    assert talk.refused(Realm.OUTSIDE, raw(*lines)) == f"sip.media.{code}"
    assert not talk.open
    talk.close()


class TestBehindTheGateway:
    """The other side is inside, too."""

    def world(self, *ports: int, transport: Transport = Transport.UDP) -> World:
        world = World()
        gateway = world.gateway(OTHER_HOST)
        gateway.bind([endpoint(OTHER_HOST, port) for port in ports], transport=transport)
        return world

    def test_one_stream_of_two(self) -> None:
        talk = Talk(self.world(5000, 5001))
        talk.out(description("m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 31"))
        arrived = talk.come(
            raw(
                f"c=IN IP4 {PUBLIC}",
                "m=audio 32768 RTP/AVP 0",
                "a=rtcp:32769 IN IP4 203.0.113.1",
                "m=video 6000 RTP/AVP 31",
                f"c=IN IP4 {REMOTE}",
            ),
            answer=True,
        )
        assert arrived[2:-1] == [
            f"c=IN IP4 {OTHER_HOST}",
            "m=audio 5000 RTP/AVP 0",
            f"a=rtcp:5001 IN IP4 {OTHER_HOST}",
            "m=video 6000 RTP/AVP 31",
            f"c=IN IP4 {REMOTE}",
        ]
        assert talk.open == {f"4002 > {REMOTE}:6000", f"4003 > {REMOTE}:6001"}

    @pytest.mark.parametrize("end", ["\r\n", ""])
    def test_who_shares_a_connection_line_gets_one_of_its_own(self, end: str) -> None:
        talk = Talk(self.world(5000, 5001))
        body = raw(f"c=IN IP4 {PUBLIC}", "m=audio 32768 RTP/AVP 0", "a=x", "m=video 4 RTP/AVP 31")
        arrived = talk.come(body[:-2] + end.encode())
        assert arrived[2:] == [
            f"c=IN IP4 {OTHER_HOST}",
            "m=audio 5000 RTP/AVP 0",
            "a=x",
            "m=video 4 RTP/AVP 31",
            f"c=IN IP4 {PUBLIC}",
            *([""] if end else []),
        ]
        assert set(talk.reports) == {"sip.media.unknown_public"}

    def test_candidates(self) -> None:
        talk = Talk(self.world(5000, 5001))
        arrived = talk.come(
            raw(
                f"c=IN IP4 {PUBLIC}",
                "m=audio 32768 RTP/AVP 0",
                "a=candidate:1 1 UDP 99 203.0.113.1 32768 typ host",
                "a=candidate:1 2 UDP 99 203.0.113.1 32769 typ host",
                "a=candidate:1 1 UDP 99 203.0.113.1 777 typ srflx raddr 203.0.113.1 rport 32768",
            )
        )
        assert arrived[4:-1] == [
            f"a=candidate:1 1 UDP 99 {OTHER_HOST} 5000 typ host",
            f"a=candidate:1 2 UDP 99 {OTHER_HOST} 5001 typ host",
            "a=candidate:1 1 UDP 99 203.0.113.1 777 typ srflx raddr 203.0.113.1 rport 32768",
        ]
        left = talk.out(
            audio(
                4000,
                f"a=remote-candidates:1 {OTHER_HOST} 5000 2 {OTHER_HOST} 5001",
            ),
            answer=True,
        )
        assert "a=remote-candidates:1 203.0.113.1 32768 2 203.0.113.1 32769" in left

    def test_candidates_of_its_own_come_back(self) -> None:
        talk = Talk()
        talk.out(audio(4000))
        arrived = talk.come(remote_audio(6000, "a=remote-candidates:1 203.0.113.1 32768"))
        assert f"a=remote-candidates:1 {HOST} 4000" in arrived

    def test_only_so_many_candidates_come_back(self) -> None:
        talk = Talk()
        talk.out(audio(4000))
        said = " ".join(["1 203.0.113.1 32768"] * 9)
        arrived = talk.come(remote_audio(6000, f"a=remote-candidates:{said}"))
        (line,) = (line for line in arrived if line.startswith("a=remote"))
        assert line.count(f"{HOST} 4000") == MAX_REMOTE

    def test_a_message_session(self) -> None:
        talk = Talk(self.world(2855, transport=Transport.TCP))
        arrived = talk.come(
            raw(
                f"c=IN IP4 {PUBLIC}",
                "m=message 32768 TCP/MSRP *",
                "a=path:msrp://203.0.113.1:32768/s;tcp",
            )
        )
        assert arrived[2:-1] == [
            f"c=IN IP4 {OTHER_HOST}",
            "m=message 2855 TCP/MSRP *",
            f"a=path:msrp://{OTHER_HOST}:2855/s;tcp",
        ]

    def test_ports_of_another_transport_are_not_meant(self) -> None:
        talk = Talk(self.world(5000, 5001, transport=Transport.TCP))
        arrived = talk.come(raw(f"c=IN IP4 {PUBLIC}", "m=audio 32768 RTP/AVP 0"))
        assert arrived[2] == f"c=IN IP4 {PUBLIC}"

    def test_a_host_without_nat(self) -> None:
        talk = Talk()
        talk.out(audio(4000))
        answer = remote_audio(6000, address=str(PLAIN_HOST))
        assert "\r\n".join(talk.come(answer, answer=True)).encode() == answer
        assert not talk.open and not talk.reports


ICE = "a=candidate:1 1 UDP 99 192.168.10.2 4000 typ host"


class TestCandidates:
    """Places that the other side may be at, too."""

    def call(self, *offered: str, answered: tuple[str, ...]) -> Talk:
        talk = Talk()
        talk.out(audio(4000, *offered))
        talk.come(remote_audio(6000, *answered), answer=True)
        return talk

    ANSWER = (
        "a=candidate:1 1 UDP 99 10.0.0.7 7000 typ host",
        "a=candidate:1 2 UDP 99 10.0.0.7 7001 typ host",
        f"a=candidate:2 1 UDP 99 {REMOTE} 6000 typ srflx raddr 10.0.0.7 rport 7000",
    )
    DEFAULT = frozenset({f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"})

    def test_both_use_them(self) -> None:
        talk = self.call(ICE, answered=self.ANSWER)
        assert talk.open == self.DEFAULT | {"4000 > 10.0.0.7:7000", "4001 > 10.0.0.7:7001"}

    def test_rtcp_shares(self) -> None:
        talk = self.call(ICE, "a=rtcp-mux", answered=(*self.ANSWER, "a=rtcp-mux"))
        assert talk.open == {f"4000 > {REMOTE}:6000", "4000 > 10.0.0.7:7000"}

    def test_the_inside_does_not_use_them(self) -> None:
        assert self.call(answered=self.ANSWER).open == self.DEFAULT

    @pytest.mark.parametrize(
        "candidate",
        [
            "1 1 UDP 99 192.168.10.9 7000 typ host",
            "1 1 UDP 99 203.0.113.1 7000 typ host",
            "1 1 UDP 99 127.0.0.1 7000 typ host",
            "1 1 UDP 99 2001:db8:99::7 7000 typ host",
            "1 1 UDP 99 10.0.0.7 53 typ host",
            "1 1 TCP 99 10.0.0.7 7000 typ host tcptype passive",
            "1 1 UDP 99 x.local 7000 typ host",
            "1 0 UDP 99 10.0.0.7 7000 typ host",
            "1 3 UDP 99 10.0.0.7 7000 typ host",
            "nonsense",
        ],
    )
    def test_those_that_open_nothing(self, candidate: str) -> None:
        talk = self.call(ICE, answered=(f"a=candidate:{candidate}",))
        assert talk.open == self.DEFAULT and not talk.reports

    def test_too_many_to_be_let_in(self) -> None:
        answered = tuple(
            f"a=candidate:{n} 1 UDP 99 10.0.0.{n} 7000 typ host"
            for n in range(1, MAX_EXCHANGES + 9)
        )
        talk = self.call(ICE, answered=answered)
        exchanges = talk.world.exchanges(endpoint(HOST, 4000))
        assert len(exchanges) == MAX_EXCHANGES
        assert exchanges[0] == Exchange(0, endpoint(ip_address(REMOTE), 6000))
        talk.close()
