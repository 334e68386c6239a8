"""Calls and registrations that were captured."""

from __future__ import annotations

from pathlib import Path

from tests.protocols.sip.messages import message, request
from tests.replay.wire import Connection, at, datagram, replayed

PHONE, PROXY = at("192.168.10.2:5060"), at("203.0.113.2:5060")
RTP, REMOTE_RTP = at("192.168.10.2:4000"), at("203.0.113.3:7000")
SIP = "  sip: {}\n"


def sdp(address: str, port: int) -> bytes:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\n"
    ).encode()


def invite() -> bytes:
    return request(
        "INVITE",
        "sip:bob@203.0.113.2",
        "Contact: <sip:alice@192.168.10.2:5060>",
        "Content-Type: application/sdp",
        body=sdp("192.168.10.2", 4000),
    )


def answer(to: bytes, *extra: str, body: bytes = b"") -> bytes:
    """200, as a capture inside has it: with what the phone sent, echoed."""
    lines = to.decode().split("\r\n")
    kept = [x for x in lines if x.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
    return message("SIP/2.0 200 OK", [*kept, "To: <sip:bob@example.com>;tag=b1", *extra], body)


def call() -> list[bytes]:
    accepted = answer(
        invite(),
        "Contact: <sip:bob@203.0.113.2:5060>",
        "Content-Type: application/sdp",
        body=sdp("203.0.113.3", 7000),
    )
    to = "<sip:bob@example.com>;tag=b1"
    via = "SIP/2.0/UDP 192.168.10.2:5060;branch=z9hG4bK-{};rport"
    bye = request("BYE", "sip:bob@203.0.113.2:5060", to=to, cseq=2, via=via.format("bye"))
    return [
        datagram(PHONE, PROXY, invite()),
        datagram(PROXY, PHONE, accepted),
        datagram(
            PHONE,
            PROXY,
            request("ACK", "sip:bob@203.0.113.2:5060", to=to, via=via.format("ack")),
        ),
        datagram(RTP, REMOTE_RTP, b"voice out"),
        datagram(REMOTE_RTP, RTP, b"voice in"),
        datagram(PHONE, PROXY, bye),
        datagram(PROXY, PHONE, answer(bye)),
        datagram(REMOTE_RTP, RTP, b"too late"),
    ]


def test_a_call_over_udp(tmp_path: Path) -> None:
    result = replayed(tmp_path, call(), protocols=SIP)
    assert result.codes()[:2] == ["session.opened", "rewrite"]
    changed = b"\n".join(
        line for entry in result.entries if entry.code == "rewrite" for line in entry.after
    )
    assert b"c=IN IP4 203.0.113.1" in changed
    assert "pinhole.opened" in result.codes()
    left = {payload.data: (source, target) for source, target, payload in result.tcp()}
    public, target = left[b"voice out"]
    assert f"m=audio {public.port} RTP".encode() in changed
    assert str(public.address) == "203.0.113.1"
    assert target == REMOTE_RTP
    assert left[b"voice in"] == (REMOTE_RTP, RTP)
    assert b"too late" not in left
    assert result.counts["data"] == 2
    assert result.counts["refused"] == 1


def test_nothing_opens_without_an_answer(tmp_path: Path) -> None:
    packets = call()
    result = replayed(tmp_path, [packets[0], packets[4]], protocols=SIP)
    assert "pinhole.opened" not in result.codes()
    assert result.counts["refused"] == 1


def test_an_answer_to_what_is_not_in_the_capture(tmp_path: Path) -> None:
    result = replayed(tmp_path, call()[1:2], protocols=SIP)
    assert result.codes() == ["session.mid_stream"]
    assert result.left == []


def test_a_call_over_tcp(tmp_path: Path) -> None:
    connection = Connection([], at("192.168.10.2:40000"), PROXY).open()
    text = invite().replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
    connection.client_says(text, piece=100)
    accepted = answer(
        text,
        "Contact: <sip:bob@203.0.113.2:5060>",
        "Content-Type: application/sdp",
        body=sdp("203.0.113.3", 7000),
    )
    connection.server_says(accepted, piece=100)
    media = [datagram(RTP, REMOTE_RTP, b"voice out"), datagram(REMOTE_RTP, RTP, b"voice in")]
    result = replayed(tmp_path, [*connection.packets, *media], protocols=SIP)
    assert b"c=IN IP4 203.0.113.1" in result.stream(PROXY)
    assert "pinhole.opened" in result.codes()
    assert result.counts["data"] == 2
