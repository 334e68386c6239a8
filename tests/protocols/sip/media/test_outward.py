"""Descriptions on their way out: every form in which an address can stand."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip.media.candidates import MAX_CANDIDATES
from tests.protocols.sip.gateway import (
    HOST,
    HOST_IPV6,
    OTHER_HOST,
    PLAIN_HOST,
    PUBLIC,
    endpoint,
)
from tests.protocols.sip.media.talk import REMOTE, Talk, audio, description, remote_audio

OWN = f"c=IN IP4 {HOST}"
SEEN = f"c=IN IP4 {PUBLIC}"


def raw(*lines: str, end: str = "\r\n") -> bytes:
    return "".join(line + end for line in ("v=0", "s=-", *lines)).encode()


def changed(talk: Talk, *lines: str) -> list[str]:
    """What becomes of these lines."""
    left = talk.out(raw(*lines))
    assert left[:2] == ["v=0", "s=-"] and left[-1] == ""
    return left[2:-1]


PORT = 32768


@pytest.mark.parametrize(
    ("said", "leaves"),
    [
        # Where c= stands.
        ((OWN, "m=audio 4000 RTP/AVP 0"), (SEEN, f"m=audio {PORT} RTP/AVP 0")),
        (("m=audio 4000 RTP/AVP 0", OWN), (f"m=audio {PORT} RTP/AVP 0", SEEN)),
        (("m=audio 4000 RTP/AVP 0", "i=x", OWN), (f"m=audio {PORT} RTP/AVP 0", "i=x", SEEN)),
        ((OWN, "m=audio 4000 RTP/AVP 0", OWN), (SEEN, f"m=audio {PORT} RTP/AVP 0", SEEN)),
        (("c=IN  IP4 192.168.10.2 ", "m=audio 4000 x/y"), ("c=IN  IP4 203.0.113.1 ", None)),
        ((f"{OWN}/127", "m=audio 4000 RTP/AVP 0"), (f"{SEEN}/127", f"m=audio {PORT} RTP/AVP 0")),
        # o=, whoever's of the inside.
        (("o=- 1 1 IN IP4 192.168.10.2",), ("o=- 1 1 IN IP4 203.0.113.1",)),
        (("o=- 1 1 IN IP4 192.168.10.77",), ("o=- 1 1 IN IP4 203.0.113.1",)),
        (("o=- 1 1 IN IP4 198.51.100.9",), ("o=- 1 1 IN IP4 198.51.100.9",)),
        (("o=- 1 1 IN IP4 phone.example",), ("o=- 1 1 IN IP4 phone.example",)),
        # c= without media: hidden, and nothing bound (CVE-2026-31427).
        ((OWN,), (SEEN,)),
        # Rejected streams.
        ((OWN, "m=audio 0 RTP/AVP 0", OWN), (SEEN, "m=audio 0 RTP/AVP 0", SEEN)),
        (("m=audio 0 RTP/AVP 0",), ("m=audio 0 RTP/AVP 0",)),
        # RTCP.
        (
            (OWN, "m=audio 4000 RTP/AVP 0", "a=rtcp:4001"),
            (SEEN, f"m=audio {PORT} RTP/AVP 0", f"a=rtcp:{PORT + 1}"),
        ),
        (
            (OWN, "m=audio 4000 RTP/AVP 0", "a=rtcp:5555 IN IP4 192.168.10.2"),
            (SEEN, f"m=audio {PORT} RTP/AVP 0", f"a=rtcp:{PORT + 1} IN IP4 203.0.113.1"),
        ),
        (
            (OWN, "m=audio 4000 RTP/AVP 0", "a=rtcp:4000", "a=rtcp-mux"),
            (SEEN, f"m=audio {PORT} RTP/AVP 0", f"a=rtcp:{PORT}", "a=rtcp-mux"),
        ),
        # Several pairs of ports, for which a=rtcp says nothing.
        (
            (OWN, "m=video 4000/2 RTP/AVP 31", "a=rtcp:9"),
            (SEEN, f"m=video {PORT}/2 RTP/AVP 31", "a=rtcp:9"),
        ),
        # Hold as before RFC 3264.
        (
            ("c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 0"),
            ("c=IN IP4 0.0.0.0", f"m=audio {PORT} RTP/AVP 0"),
        ),
        (
            ("c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 0", "a=rtcp:4001 IN IP4 0.0.0.0"),
            (None, f"m=audio {PORT} RTP/AVP 0", f"a=rtcp:{PORT + 1} IN IP4 0.0.0.0"),
        ),
        # Where it means nothing.
        (
            (OWN, "m=audio 0 RTP/AVP 0", "a=rtcp:4001 IN IP4 192.168.10.2"),
            (SEEN, None, "a=rtcp:4001 IN IP4 203.0.113.1"),
        ),
        (
            (OWN, "m=message 0 TCP/MSRP *", "a=path:msrp://192.168.10.2:2855/s;tcp"),
            (SEEN, None, "a=path:msrp://203.0.113.1:2855/s;tcp"),
        ),
        # Other things than RTP.
        ((OWN, "m=image 4000 udptl t38"), (SEEN, f"m=image {PORT} udptl t38")),
        ((OWN, "m=image 4000 UDPTL t38"), (SEEN, f"m=image {PORT} UDPTL t38")),
        ((OWN, "m=audio 4000 UDP/TLS/RTP/SAVPF 0"), (SEEN, f"m=audio {PORT} UDP/TLS/RTP/SAVPF 0")),
        (
            (OWN, "m=application 4000 UDP/DTLS/SCTP webrtc-datachannel"),
            (SEEN, f"m=application {PORT} UDP/DTLS/SCTP webrtc-datachannel"),
        ),
        (
            (OWN, "m=application 4000 TCP/BFCP *", "a=setup:passive"),
            (SEEN, f"m=application {PORT} TCP/BFCP *", "a=setup:passive"),
        ),
        (
            (OWN, "m=application 9 TCP/BFCP *", "a=setup:active"),
            (SEEN, "m=application 9 TCP/BFCP *", "a=setup:active"),
        ),
    ],
)
def test_lines(said: tuple[str, ...], leaves: tuple[str | None, ...]) -> None:
    talk = Talk()
    left = changed(talk, *said)
    assert len(left) == len(leaves)
    for line, expected, before in zip(left, leaves, said, strict=True):
        assert line == (before if expected is None else expected)
    talk.close()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_every_other_byte_stays(end: str) -> None:
    talk = Talk()
    odd = ("s=\xff\t ", "x=?", OWN, "t=0 0 ", "m=audio 4000 RTP/AVP 0", "a=ptime: 20", "b=TIAS:1")
    said = raw(*odd, end=end)
    outcome = talk.media.from_inside(said, b"", answer=False)
    expected = said.replace(b"192.168.10.2", b"203.0.113.1").replace(b"4000", b"32768")
    assert outcome.body == expected


@pytest.mark.parametrize("host", [PLAIN_HOST, HOST_IPV6])
def test_without_nat_nothing_changes(host: object) -> None:
    talk = Talk(host=host)
    body = audio(
        4000,
        "a=rtcp:4001",
        f"a=candidate:1 1 UDP 1 {host} 4000 typ host",
        f"a=candidate:1 1 UDP 1 {host} 4444 typ host",
        "a=candidate:odd",
        address=str(host),
    )
    outcome = talk.media.from_inside(body, b"", answer=False)
    assert outcome.body is body
    remote = "2001:db8:99::7" if ":" in str(host) else REMOTE
    talk.come(remote_audio(6000, address=remote), answer=True)
    assert {remote for _, remote in talk.world.open()} == {
        endpoint(remote, 6000),
        endpoint(remote, 6001),
    }
    talk.close()


def test_an_ipv6_address_in_another_spelling_stays() -> None:
    talk = Talk(host=HOST_IPV6)
    body = audio(4000, address="2001:0DB8:30::0:2")
    assert talk.media.from_inside(body, b"", answer=False).body is body


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("foreign_address", (f"c=IN IP4 {OTHER_HOST}", "m=audio 4000 RTP/AVP 0")),
        ("foreign_address", ("c=IN IP4 198.51.100.7", "m=audio 4000 RTP/AVP 0")),
        ("foreign_address", ("c=IN IP4 127.0.0.1", "m=audio 4000 RTP/AVP 0")),
        ("foreign_address", ("c=IN IP4 233.252.0.1/127", "m=audio 4000 RTP/AVP 0")),
        ("foreign_address", ("c=IN IP6 2001:db8:30::2", "m=audio 4000 RTP/AVP 0")),
        ("foreign_address", (OWN, "m=audio 4000 RTP/AVP 0", f"a=rtcp:4001 IN IP4 {OTHER_HOST}")),
        ("foreign_address", (OWN, "m=audio 4000 RTP/AVP 0", "a=rtcp:4001 IN IP4 phone.example")),
        (
            "foreign_address",
            (OWN, "m=message 2855 TCP/MSRP *", f"a=path:msrp://{OTHER_HOST}/a;tcp"),
        ),
        ("foreign_address", (f"c=IN IP4 {OTHER_HOST}", "m=x 4000 TCP/BFCP *", "a=setup:actpass")),
        ("host_name", ("c=IN IP4 phone.example", "m=audio 4000 RTP/AVP 0")),
        ("host_name", ("c=IN IP4 192.168.10.002", "m=audio 4000 RTP/AVP 0")),
        (
            "host_name",
            ("c=IN IP4 a.example", "m=x 2855 TCP/MSRP *", "a=path:msrp://a.example/a;tcp"),
        ),
        ("no_address", ("m=audio 4000 RTP/AVP 0",)),
        ("multicast", (f"{OWN}/127/2", "m=audio 4000 RTP/AVP 0")),
        ("multicast", ("m=audio 4000 RTP/AVP 0", OWN, OWN)),
        ("malformed", ("c=IN IP4",)),
        ("malformed", (OWN, "m=audio 65535 RTP/AVP 0")),
        ("malformed", (OWN, "m=audio 4000 RTP/AVP 0", "a=rtcp:x")),
        ("malformed", (OWN, "m=message 2855 TCP/MSRP *", "a=path:http://x")),
        (
            "malformed",
            (OWN, "m=message 2856 TCP/MSRP *", "a=path:msrp://192.168.10.2:2855/s;tcp"),
        ),
        ("malformed", (OWN, "m=audio 0 RTP/AVP 0", "a=path:x")),
        ("malformed", (OWN, "m=audio 0 RTP/AVP 0", "a=rtcp:x")),
        ("too_many", (OWN, "m=audio 4000/9 RTP/AVP 0")),
        ("refused", (OWN, "m=audio 22 RTP/AVP 0")),
        ("refused", (OWN, "m=audio 4000 RTP/AVP 0", "a=rtcp:22")),
        (
            "too_many",
            (
                OWN,
                "m=audio 4000 RTP/AVP 0",
                *["a=candidate:1 1 UDP 1 192.168.10.2 4000 typ host"] * (MAX_CANDIDATES + 1),
            ),
        ),
    ],
)
def test_refused(code: str, lines: tuple[str, ...]) -> None:
    talk = Talk()
    assert talk.refused(Realm.INSIDE, raw(*lines)) == f"sip.media.{code}"
    assert not talk.world.bindings


def test_what_was_bound_before_the_refusal_is_unbound() -> None:
    talk = Talk()
    body = raw("m=audio 4000 RTP/AVP 0", OWN, "m=audio 4002 RTP/AVP 0", f"c=IN IP4 {OTHER_HOST}")
    assert talk.refused(Realm.INSIDE, body) == "sip.media.foreign_address"
    assert talk.world.bound == 1 and not talk.world.bindings


def test_not_an_sdp() -> None:
    assert Talk().refused(Realm.INSIDE, b"hello") == "sip.media.malformed"


def test_a_media_server() -> None:
    talk = Talk(media_servers=(ip_network("192.168.10.3/32"), ip_network("198.51.100.16/28")))
    left = talk.out(
        description(
            "m=audio 4000 RTP/AVP 0",
            f"c=IN IP4 {OTHER_HOST}",
            "m=video 4000 RTP/AVP 31",
            "m=audio 4002 RTP/AVP 0",
            "c=IN IP4 198.51.100.20",
        )
    )
    assert left[5:] == [
        "m=audio 32768 RTP/AVP 0",
        SEEN,
        "m=video 32770 RTP/AVP 31",
        "m=audio 4002 RTP/AVP 0",
        "c=IN IP4 198.51.100.20",
        "",
    ]
    assert [binding.inside[0].address for binding in talk.world.bindings.values()] == [
        OTHER_HOST,
        HOST,
    ]
    talk.close()


def test_other_hosts_are_not_media_servers() -> None:
    talk = Talk(media_servers=(ip_network("192.168.10.3/32"),))
    for address in ("192.168.10.4", REMOTE):
        assert talk.refused(Realm.INSIDE, audio(4000, address=address)) == (
            "sip.media.foreign_address"
        )


def test_the_same_port_over_tcp_and_udp() -> None:
    talk = Talk()
    left = changed(talk, OWN, "m=a 4000 udptl t38", "m=b 4000 TCP/BFCP *", "a=setup:actpass")
    assert left[1:3] == ["m=a 32768 udptl t38", "m=b 32769 TCP/BFCP *"]


def test_rtp_gets_an_even_port() -> None:
    talk = Talk()
    left = changed(talk, OWN, "m=image 4000 udptl t38", "m=audio 4003 RTP/AVP 0")
    assert left[1:] == ["m=image 32768 udptl t38", "m=audio 32770 RTP/AVP 0"]


def test_whoever_knows_its_public_address_is_left_alone() -> None:
    talk = Talk()
    body = audio(40000, address=str(PUBLIC))
    assert talk.out(body) == body.decode().split("\r\n")
    assert talk.reports == ["sip.media.already_public"]
    assert not talk.world.bindings


def test_what_nobody_knows_is_left_alone() -> None:
    talk = Talk()
    left = changed(talk, OWN, "m=audio 4000 DCCP/RTP/AVP 0", "m=x 4002 TCP y")
    assert left == [SEEN, "m=audio 4000 DCCP/RTP/AVP 0", "m=x 4002 TCP y"]
    assert talk.reports == ["sip.media.unknown_transport"] * 2
    assert not talk.world.bindings


def test_lines_of_their_own_for_who_does_not_agree() -> None:
    """The gateway has several public addresses; the session's c= can name one."""
    other = ip_network("192.168.10.3/32")
    talk = Talk(media_servers=(other,))
    talk.world.public = {other: endpoint("203.0.113.2", 0).address, **talk.world.public}
    left = talk.out(
        raw(
            f"c=IN IP4 {OTHER_HOST}",
            "m=audio 4000 RTP/AVP 0",
            "m=audio 4002 RTP/AVP 0",
            OWN,
            "a=x",
        )
    )
    assert left[2:-1] == [
        "c=IN IP4 203.0.113.2",
        "m=audio 32768 RTP/AVP 0",
        "m=audio 32770 RTP/AVP 0",
        SEEN,
        "a=x",
    ]


class TestRtcpMux:
    """RFC 5761: an offer may be declined, so it needs both ports."""

    def bound(self, talk: Talk) -> int:
        (binding,) = talk.world.bindings.values()
        return len(binding.inside)

    def test_an_offer(self) -> None:
        talk = Talk()
        talk.out(audio(4000, "a=rtcp-mux"))
        assert self.bound(talk) == 2

    def test_an_offer_that_leaves_no_choice(self) -> None:
        talk = Talk()
        talk.out(audio(4000, "a=rtcp-mux", "a=rtcp-mux-only"))
        assert self.bound(talk) == 1

    @pytest.mark.parametrize(
        ("offered", "answered", "ports"), [(True, True, 1), (True, False, 2), (False, True, 2)]
    )
    def test_an_answer(self, offered: bool, answered: bool, ports: int) -> None:
        talk = Talk()
        talk.come(remote_audio(6000, *["a=rtcp-mux"] * offered))
        talk.out(audio(4000, *["a=rtcp-mux"] * answered), answer=True)
        assert self.bound(talk) == ports
        assert len(talk.open) == ports

    def test_rtcp_of_an_answer_that_shares(self) -> None:
        talk = Talk()
        talk.come(remote_audio(6000, "a=rtcp-mux"))
        left = talk.out(audio(4000, "a=rtcp:4001", "a=rtcp-mux"), answer=True)
        assert "a=rtcp:32768" in left

    def test_a_pair_of_ports_stays_when_they_come_to_share(self) -> None:
        talk = Talk()
        talk.out(audio(4000, "a=rtcp-mux"))
        talk.come(remote_audio(6000, "a=rtcp-mux"), answer=True)
        talk.come(remote_audio(6000, "a=rtcp-mux"))
        talk.out(audio(4000, "a=rtcp-mux"), answer=True)
        assert talk.world.bound == 1 and self.bound(talk) == 2
        assert talk.open == {f"4000 > {REMOTE}:6000"}

    def test_one_port_becomes_two(self) -> None:
        talk = Talk()
        talk.come(remote_audio(6000, "a=rtcp-mux"))
        talk.out(audio(4000, "a=rtcp-mux"), answer=True)
        talk.come(remote_audio(6000))
        talk.out(audio(4000), answer=True)
        assert self.bound(talk) == 2
        assert talk.open == {f"4000 > {REMOTE}:6000", f"4001 > {REMOTE}:6001"}


class TestCandidates:
    """ICE (RFC 8839)."""

    @pytest.mark.parametrize(
        ("said", "leaves"),
        [
            ("1 1 UDP 99 192.168.10.2 4000 typ host", "1 1 UDP 99 203.0.113.1 32768 typ host"),
            ("1 2 udp 99 192.168.10.2 4001 typ host", "1 2 udp 99 203.0.113.1 32769 typ host"),
            (
                "1 1 UDP 99 192.168.10.2 4000 typ host generation 0 ufrag x",
                "1 1 UDP 99 203.0.113.1 32768 typ host generation 0 ufrag x",
            ),
            # Nothing stands for these.
            ("1 1 UDP 99 192.168.10.2 4444 typ host", None),
            ("1 1 UDP 99 192.168.10.3 4000 typ host", None),
            ("1 1 TCP 99 192.168.10.2 9 typ host tcptype active", None),
            ("1 1 TCP 99 192.168.10.2 4000 typ host tcptype passive", None),
            ("1 no ICE 192.168.10.2", None),
            # Not the inside's own affair.
            ("1 1 UDP 99 x-y.local 4000 typ host", "1 1 UDP 99 x-y.local 4000 typ host"),
            (
                "1 1 UDP 99 198.51.100.7 7000 typ relay raddr 203.0.113.1 rport 888",
                "1 1 UDP 99 198.51.100.7 7000 typ relay raddr 203.0.113.1 rport 888",
            ),
            # Where they come from.
            (
                "1 1 UDP 99 203.0.113.1 777 typ srflx raddr 192.168.10.2 rport 4000",
                "1 1 UDP 99 203.0.113.1 777 typ srflx raddr 203.0.113.1 rport 32768",
            ),
            (
                "1 1 UDP 99 203.0.113.1 777 typ srflx raddr 192.168.10.2 rport 4444",
                "1 1 UDP 99 203.0.113.1 777 typ srflx raddr 0.0.0.0 rport 9",
            ),
        ],
    )
    def test_a_candidate(self, said: str, leaves: str | None) -> None:
        talk = Talk()
        left = changed(talk, OWN, "m=audio 4000 RTP/AVP 0", f"a=candidate:{said}", "a=x")
        expected = [] if leaves is None else [f"a=candidate:{leaves}"]
        assert left[2:-1] == expected and left[-1] == "a=x"

    def test_of_a_bundled_stream(self) -> None:
        talk = Talk()
        candidate = "a=candidate:1 1 UDP 99 192.168.10.2 4000 typ host"
        left = changed(
            talk, OWN, "m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31", "a=bundle-only", candidate
        )
        assert left[-1] == "a=candidate:1 1 UDP 99 203.0.113.1 32768 typ host"

    def test_the_last_line(self) -> None:
        talk = Talk()
        body = raw(OWN, "m=audio 4000 RTP/AVP 0") + b"a=candidate:1 1 UDP 1 192.168.10.9 1 typ host"
        assert talk.out(body)[-2:] == ["m=audio 32768 RTP/AVP 0", ""]


class TestMessageSessions:
    """MSRP (RFC 4975)."""

    @pytest.mark.parametrize(
        ("path", "leaves"),
        [
            ("msrp://192.168.10.2:2855/s;tcp", "msrp://203.0.113.1:32768/s;tcp"),
            ("msrp://192.168.10.2/s;tcp", "msrp://203.0.113.1:32768/s;tcp"),
            ("msrps://bob@192.168.10.2:2855/s;tcp;x=y", "msrps://bob@203.0.113.1:32768/s;tcp;x=y"),
            ("msrp://phone.example:2855/s;tcp", "msrp://203.0.113.1:32768/s;tcp"),
        ],
    )
    def test_a_path(self, path: str, leaves: str) -> None:
        talk = Talk()
        left = changed(talk, OWN, "m=message 2855 TCP/MSRP *", f"a=path:{path}", "a=setup:passive")
        assert left == [SEEN, "m=message 32768 TCP/MSRP *", f"a=path:{leaves}", "a=setup:passive"]
        talk.close()

    def test_the_inside_connects(self) -> None:
        talk = Talk()
        path = "a=path:msrp://192.168.10.2:9/s;tcp"
        left = changed(talk, OWN, "m=message 9 TCP/MSRP *", path, "a=setup:active")
        assert left[:3] == [SEEN, "m=message 9 TCP/MSRP *", "a=path:msrp://203.0.113.1:9/s;tcp"]
        assert not talk.world.bindings

    def test_behind_a_relay(self) -> None:
        talk = Talk()
        path = "a=path:msrps://relay.example:9000/r;tcp msrps://192.168.10.2:2855/s;tcp"
        left = changed(talk, OWN, "m=message 9000 TCP/TLS/MSRP *", path)
        assert left == [SEEN, "m=message 9000 TCP/TLS/MSRP *", path]
        assert not talk.world.bindings

    def test_a_name_in_the_connection(self) -> None:
        talk = Talk()
        path = "a=path:msrp://192.168.10.2:2855/s;tcp"
        left = changed(talk, "c=IN IP4 a.example", "m=message 2855 TCP/MSRP *", path)
        assert left[0] == "c=IN IP4 a.example"
        assert left[2] == "a=path:msrp://203.0.113.1:32768/s;tcp"
