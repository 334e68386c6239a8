"""The connection: frames, order, refusals, the end of sessions, and leaving the controller."""

from __future__ import annotations

from typing import Any

import pytest

from ryu_alg.inspection import Conversation
from tests.protocols.rtsp.connection import (
    ACROSS,
    NAT,
    PUBLISHED,
    TO_CLIENT,
    TO_SERVER,
    Connection,
    accept,
    endpoint,
    message,
    ok,
    request,
    setup,
)
from tests.protocols.rtsp.dialogues import FRAME, RTCP, SESSION, sdp

UDP = "RTP/AVP;unicast;client_port=45880-45881"
SERVED = "RTP/AVP;unicast;server_port=6256-6257"
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"
BASE = "rtsp://example.com/test"


def playing(transport: str = UDP, answer: str = SERVED, **more: Any) -> Connection:
    """A connection with one stream that plays."""
    connection = Connection(**more)
    connection.client(setup(1, transport))
    connection.server(accept(1, answer))
    connection.client(request("PLAY", 2, SESSION))
    connection.server(ok(2, SESSION))
    return connection


# -- order --------------------------------------------------------------------------------------


def test_what_has_media_sent_waits_for_setup() -> None:
    connection = Connection()
    first, second = setup(1, UDP), setup(2, "RTP/AVP;unicast;client_port=5002-5003", url=BASE)
    play, options = request("PLAY", 3, SESSION), request("OPTIONS", 4)
    left = connection.client(first + second + play + options)
    assert left.count(b"SETUP ") == 2
    assert b"PLAY" not in left
    assert connection.server(accept(1, SERVED)) != b""
    assert connection.held[TO_SERVER] == play + options
    connection.server(accept(2, SERVED))
    assert connection.left[TO_SERVER].endswith(play + options)
    assert len(connection.gateway.open()) == 4


def test_a_later_answer_means_that_there_is_none_to_what_came_before() -> None:
    connection = Connection()
    connection.client(setup(1, UDP) + setup(2, "RTP/AVP;unicast;client_port=5002-5003"))
    connection.server(accept(2, SERVED))
    assert len(connection.gateway.bindings) == 1
    connection.server(accept(1, SERVED))
    assert len(connection.gateway.open()) == 2


def test_requests_without_answers_are_bounded() -> None:
    connection = Connection()
    sent = b"".join(request("TEARDOWN", number, SESSION) for number in range(40))
    connection.client(sent)
    assert connection.left[TO_SERVER].count(b"TEARDOWN") == 32
    connection.server(ok(0))
    assert connection.left[TO_SERVER].count(b"TEARDOWN") == 33
    connection.server(ok(32))
    assert connection.left[TO_SERVER] == sent


def test_a_keepalive_without_an_answer_is_nothing() -> None:
    connection = playing()
    for number in range(3, 200):
        raw = request("GET_PARAMETER", number, SESSION)
        assert connection.client(raw) == raw


# -- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [ok(3), message("RTSP/1.0 454 Session Not Found", "CSeq: 3")])
def test_teardown(answer: bytes) -> None:
    connection = playing()
    connection.client(request("TEARDOWN", 3, SESSION, url=BASE))
    assert len(connection.gateway.open()) == 2
    connection.server(answer)
    assert connection.gateway.bindings == {}


def test_teardown_that_is_refused() -> None:
    connection = playing()
    connection.client(request("TEARDOWN", 3, SESSION))
    connection.server(message("RTSP/1.0 401 Unauthorized", "CSeq: 3"))
    assert len(connection.gateway.open()) == 2


def test_teardown_of_one_stream_and_of_another_session() -> None:
    connection = Connection()
    for number in (1, 2):
        ports = f"client_port={5000 + 2 * number}-{5001 + 2 * number}"
        connection.client(setup(number, f"RTP/AVP;unicast;{ports}", url=f"{BASE}/{number}"))
        connection.server(accept(number, SERVED))
    connection.client(request("TEARDOWN", 3, SESSION, url=f"{BASE}/1/"))
    connection.server(ok(3))
    assert {inside for inside, _ in connection.gateway.open()} == {
        "192.168.10.2:5004",
        "192.168.10.2:5005",
    }
    connection.client(request("TEARDOWN", 4, "Session: another", url=BASE))
    connection.server(ok(4))
    assert len(connection.gateway.bindings) == 1
    connection.client(request("TEARDOWN", 5, SESSION, url=BASE))
    connection.server(ok(5))
    assert connection.gateway.bindings == {}


def test_teardown_of_the_server() -> None:
    connection = playing()
    connection.server(request("TEARDOWN", 1, SESSION, url=BASE))
    assert connection.gateway.bindings == {}


@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_the_end_of_the_connection(direction: Any) -> None:
    connection = playing()
    connection.client(setup(3, "RTP/AVP;unicast;client_port=5002-5003", url=BASE))
    connection.end(direction)
    assert connection.gateway.bindings == {}
    connection.server(accept(3, SERVED))
    assert connection.gateway.bindings == {}


def test_a_session_that_is_silent_and_not_heard_of_ends() -> None:
    connection = playing()
    assert connection.inspector.next_timeout() is None  # media may move
    connection.pass_time(1000)
    assert len(connection.gateway.open()) == 2
    connection.silence()
    assert connection.gateway.bindings == {}
    assert connection.codes[-1] == "rtsp.session.expired"


def test_a_session_that_is_heard_of_goes_on() -> None:
    connection = playing()
    connection.silence()
    for number in range(3, 20):
        connection.pass_time(69)
        connection.client(request("OPTIONS", number, SESSION))
    assert len(connection.gateway.open()) == 2
    connection.pass_time(69)
    assert len(connection.gateway.open()) == 2
    connection.pass_time(2)
    assert connection.gateway.bindings == {}


def test_media_within_the_connection_are_no_silence() -> None:
    connection = playing(TCP, TCP, options={"rules": [{"action": "deny", "methods": "RECORD"}]})
    connection.pass_time(1000)
    assert connection.codes == []
    assert connection.inspector.streams.all_interleaved


def test_the_servers_time_out() -> None:
    connection = Connection()
    connection.client(setup(1, UDP))
    connection.server(accept(1, SERVED, session="a;timeout=600"))
    connection.silence()
    connection.pass_time(609)
    assert len(connection.gateway.open()) == 2
    connection.client(request("OPTIONS", 2, "Session: a"))
    connection.server(ok(2, "Session: a;timeout=30"))
    connection.pass_time(41)
    assert connection.gateway.bindings == {}


def test_media_that_move_again_keep_their_session() -> None:
    connection = playing()
    connection.silence()
    connection.client(request("PLAY", 3, SESSION))
    connection.pass_time(1000)
    assert len(connection.gateway.open()) == 2


# -- frames -------------------------------------------------------------------------------------


def test_frames_pass_and_are_not_read() -> None:
    connection = playing(TCP, TCP, options={"rules": [{"action": "deny", "methods": "RECORD"}]})
    frame = b"$\x00\xff\xff" + setup(9, UDP) * 600
    frame = frame[: 4 + 65535]
    assert connection.server(FRAME + frame + FRAME) == FRAME + frame + FRAME
    assert connection.client(RTCP) == RTCP
    assert connection.client(b"$\x01\x00") == b""
    assert connection.client(b"\x00") == b"$\x01\x00\x00"
    assert connection.gateway.bound == 0


def test_a_frame_leaves_as_it_comes() -> None:
    connection = playing(TCP, TCP, options={"rules": [{"action": "deny", "methods": "RECORD"}]})
    assert connection.server(FRAME[:6]) == FRAME[:6]
    assert connection.server(FRAME[6:] + FRAME[:3]) == FRAME[6:]
    assert connection.held[TO_CLIENT] == FRAME[:3]


@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_a_frame_that_nobody_agreed_on(direction: Any) -> None:
    connection = playing()
    connection.feed(direction, FRAME)
    assert connection.aborted
    assert connection.codes[-1] == "rtsp.frame.unasked"


def test_an_answer_of_ours_does_not_stand_within_a_frame() -> None:
    options = {"rules": [{"action": "deny", "methods": "RECORD"}]}
    connection = playing(TCP, TCP, options=options)
    connection.server(FRAME[:7])
    before = connection.left[TO_CLIENT]
    for number in range(3, 20):
        connection.client(request("RECORD", number, SESSION))
    assert connection.left[TO_CLIENT] == before
    assert len(connection.inspector.lanes[TO_CLIENT].waiting) == 8
    assert connection.held[TO_SERVER].count(b"RECORD") == 9
    connection.server(FRAME[7:] + FRAME)
    answers = connection.left[TO_CLIENT].removeprefix(before)
    assert answers.startswith(FRAME[7:] + b"RTSP/1.0 403 Forbidden\r\nCSeq: 3\r\n\r\nRTSP/1.0 403")
    assert answers.count(b"403 Forbidden") == 17
    assert answers.count(FRAME) == 1
    assert connection.held[TO_SERVER] == b""


# -- leaving the controller ---------------------------------------------------------------------


def test_interleaved_media_leave_the_controller() -> None:
    connection = playing(TCP, TCP)
    assert connection.opaque
    assert connection.client(b"anything") == b"anything"


@pytest.mark.parametrize("method", ["PLAY", "RECORD"])
def test_not_before_media_move(method: str) -> None:
    connection = Connection()
    connection.client(setup(1, TCP))
    connection.server(accept(1, TCP))
    assert not connection.opaque
    connection.client(request(method, 2, SESSION))
    connection.server(message("RTSP/1.0 455 Method Not Valid in This State", "CSeq: 2"))
    assert not connection.opaque
    connection.client(request(method, 3, SESSION) + request("TEARDOWN", 4, SESSION))
    connection.server(ok(3))
    assert not connection.opaque  # an answer is outstanding


def test_not_with_other_media() -> None:
    connection = Connection()
    connection.client(setup(1, TCP) + setup(2, UDP, url=BASE))
    connection.server(accept(1, TCP) + accept(2, SERVED))
    connection.client(request("PLAY", 3, SESSION))
    connection.server(ok(3))
    assert not connection.opaque


def test_not_where_a_rule_may_deny() -> None:
    rules = [{"action": "deny", "methods": "RECORD", "clients": "192.168.10.0/24"}]
    assert not playing(TCP, TCP, options={"rules": rules}).opaque
    rules[0]["clients"] = "192.168.11.0/24"
    assert playing(TCP, TCP, options={"rules": rules}).opaque
    rules[0] = {"action": "allow", "methods": "RECORD"}
    assert playing(TCP, TCP, options={"rules": rules}).opaque


def test_not_with_a_shift() -> None:
    connection = Connection()
    connection.client(setup(1, f"{UDP};destination=8.8.8.8"))
    assert connection.shift(TO_SERVER) < 0 < connection.shift(TO_CLIENT)
    connection.client(setup(2, TCP))
    connection.server(accept(2, TCP))
    connection.client(request("PLAY", 3, SESSION))
    connection.server(ok(3))
    assert not connection.opaque
    assert connection.server(FRAME) == FRAME


@pytest.mark.parametrize("public", ["203.0.113.1", "203.0.113.100"])
@pytest.mark.parametrize("server", ["192.168.20.2", "192.168.20.222"])
@pytest.mark.parametrize("spare", ["Date: Thu, 04 Jun 2020 10:00:00 GMT", "Server: a media server"])
def test_descriptions_cause_no_shift(server: str, public: str, spare: str) -> None:
    """Whether the public address is longer than the inside one, or shorter."""
    client = PUBLISHED.client
    ends = Conversation(client, client, endpoint(server, 8554), endpoint(public, 554))
    connection = Connection(ends)
    body = sdp(server, f"rtsp://{server}/test/stream=0") + b"a=x:" + b"y" * 40 + b"\r\n"
    for cseq, base in ((1, f"rtsp://{server}:8554/test/"), (2, f"rtsp://{server}/test/")):
        connection.client(request("DESCRIBE", cseq))
        kind = "Content-Type: application/sdp"
        back = ok(cseq, kind, f"Content-Base: {base}", spare, body=body)
        left = connection.server(back)
        head, _, rest = left.partition(b"\r\n\r\n")
        assert b"192.168." not in left
        assert left.count(f"IN IP4 {public}\r\n".encode()) == 2
        assert b"Content-Length: %d\r\n" % len(rest) in head + b"\r\n"
        assert len(left) == len(back)


def test_a_response_without_anything_to_leave_out_gets_longer() -> None:
    public = endpoint("203.0.113.100", 554)
    connection = Connection(
        Conversation(PUBLISHED.client, PUBLISHED.client, PUBLISHED.server, public)
    )
    left = connection.server(ok(1, "Content-Base: rtsp://192.168.20.2/test/"))
    assert b"Content-Base: rtsp://203.0.113.100/test/\r\n" in left
    assert connection.shift(TO_CLIENT) == 1


# -- what is no RTSP ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET /stream HTTP/1.0\r\nx-sessioncookie: 1\r\n\r\n", "rtsp.not_rtsp"),
        (b"POST / HTTP/1.1\r\n", "rtsp.not_rtsp"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "rtsp.not_rtsp"),
        (b"SETUP  rtsp://x RTSP/1.0\r\n", "rtsp.not_rtsp"),
        (b"x" * 70, "rtsp.not_rtsp"),
        (b"OPTIONS " + b"x" * 9000, "rtsp.head.overlong"),
        (b"OPTIONS * RTSP/1.0\r\nnothing\r\n\r\n", "rtsp.head.syntax"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "rtsp.head.syntax"),
        (
            b"OPTIONS * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "rtsp.head.syntax",
        ),
        (b"OPTIONS * RTSP/1.0\r\n" + b"a: b\r\n" * 200 + b"\r\n", "rtsp.head.overlong"),
    ],
)
@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_what_is_no_rtsp_is_refused_for_good(direction: Any, data: bytes, code: str) -> None:
    connection = Connection()
    connection.feed(direction, data)
    assert connection.aborted
    assert connection.codes == [code]
    assert connection.inspector.inspect(TO_SERVER, request("OPTIONS", 1)) == []
    assert connection.inspector.inspect(TO_CLIENT, ok(1)) == []


@pytest.mark.parametrize(
    "raw",
    [
        setup(1, UDP).replace(b"CSeq: 1\r\n", b""),
        setup(1, UDP).replace(b"CSeq: 1\r\n", b"CSeq: 1\r\nCSeq: 2\r\n"),
        setup(1, UDP).replace(b"CSeq: 1\r\n", b"CSeq: x\r\n"),
        setup(1, UDP, "Session: a", "Session: b"),
    ],
)
def test_requests_that_cannot_be_told_apart(raw: bytes) -> None:
    connection = Connection()
    assert connection.client(raw) == b""
    assert connection.left[TO_CLIENT].startswith(b"RTSP/1.0 400 Bad Request\r\n")
    assert not connection.aborted


def test_a_refused_request_goes_with_its_body() -> None:
    connection = Connection(options={"rules": [{"action": "deny", "methods": ["SET_PARAMETER"]}]})
    raw = request("SET_PARAMETER", 1, body=setup(2, UDP) * 1000)
    connection.client(raw[:300])
    connection.client(raw[300:] + request("OPTIONS", 3))
    assert connection.left[TO_SERVER] == request("OPTIONS", 3)
    assert connection.gateway.bound == 0
    assert connection.codes == ["rtsp.denied"]


# -- policy, requests of the server, descriptions -----------------------------------------------


def test_policy_by_method() -> None:
    rules = [
        {"action": "allow", "methods": ["record", "ANNOUNCE"], "clients": "192.168.10.2"},
        {"action": "deny", "methods": ["RECORD", "ANNOUNCE"], "sender": "client"},
        {"action": "deny", "methods": "REDIRECT", "sender": "server"},
    ]
    inside, outside = Connection(NAT, {"rules": rules}), Connection(PUBLISHED, {"rules": rules})
    for method in ("RECORD", "announce"):
        raw = request(method, 1, SESSION)
        assert inside.client(raw) == raw
        assert outside.client(raw) == b""
    assert outside.left[TO_CLIENT].count(b"RTSP/1.0 403 Forbidden\r\nCSeq: 1\r\n\r\n") == 2
    announce = request("ANNOUNCE", 1, SESSION)
    assert outside.server(announce) == announce
    assert outside.client(request("TEARDOWN", 2, SESSION)) != b""
    assert outside.server(request("REDIRECT", 7, "Location: rtsp://x/")) == b""
    assert outside.left[TO_SERVER].endswith(b"RTSP/1.0 403 Forbidden\r\nCSeq: 7\r\n\r\n")


def test_a_teardown_is_never_denied() -> None:
    connection = Connection(options={"rules": [{"action": "deny"}]})
    assert connection.client(request("OPTIONS", 1)) == b""
    assert connection.client(request("TEARDOWN", 2, SESSION)) != b""


def test_requests_of_the_server() -> None:
    connection = Connection(PUBLISHED)
    raw = request(
        "ANNOUNCE",
        312,
        "Content-Type: application/sdp",
        url="rtsp://192.168.20.2:8554/test",
        body=sdp("192.168.20.2"),
    )
    left = connection.server(raw)
    assert left.startswith(b"ANNOUNCE rtsp://203.0.113.1:554/test RTSP/1.0\r\n")
    assert b"IN IP4 203.0.113.1\r\n" in left
    assert connection.client(ok(312)) == ok(312)
    assert connection.server(setup(313, UDP)) == b""
    assert connection.left[TO_SERVER].endswith(b"405 Method Not Allowed\r\nCSeq: 313\r\n\r\n")


def test_urls_of_a_published_server() -> None:
    connection = Connection(PUBLISHED)
    left = connection.server(
        ok(
            1,
            "Content-Base: rtsp://192.168.20.2/test/",
            "RTP-Info: url=rtsp://192.168.20.2:8554/a;seq=1,url=rtsp://u:p@192.168.20.2:8554/b",
            "Location: rtsp://192.168.20.2:8555/other",
            "X: rtsp://192.168.20.2:8554/",
        )
    )
    assert b"Content-Base: rtsp://203.0.113.1/test/\r\n" in left
    assert b"url=rtsp://203.0.113.1:554/a;seq=1,url=rtsp://u:p@203.0.113.1:554/b\r\n" in left
    assert b"Location: rtsp://192.168.20.2:8555/other\r\n" in left
    assert b"X: rtsp://192.168.20.2:8554/\r\n" in left
    digest = request("PLAY", 1, 'Authorization: Digest uri="rtsp://203.0.113.1/test/"')
    assert connection.client(digest) == digest


def test_descriptions_of_a_client_inside() -> None:
    connection = Connection(NAT)
    kind = "Content-Type: application/sdp"
    other = sdp("192.168.10.2") + b"m=audio 0 RTP/AVP 0\r\nc=IN IP4 192.168.10.9\r\n"
    left = connection.client(request("ANNOUNCE", 1, kind, body=other))
    assert left.count(b"IN IP4 203.0.113.1\r\n") == 3
    assert b"Content-Length: %d\r\n" % len(left.partition(b"\r\n\r\n")[2]) in left
    back = ok(1, kind, body=sdp("203.0.113.1"))
    assert connection.server(back) == back


def test_descriptions_between_inside_hosts_stay() -> None:
    connection = Connection(ACROSS)
    back = ok(1, "Content-Type: application/sdp", body=sdp("192.168.20.9"))
    assert connection.server(back) == back


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"no description", "malformed"), (sdp("192.168.10.2") + b"a=x\r\n" * 7000, "overlong")],
)
def test_descriptions_that_cannot_be_read_pass(body: bytes, code: str) -> None:
    connection = Connection(NAT)
    raw = request("ANNOUNCE", 1, "Content-Type: application/sdp", body=body)
    assert connection.client(raw) == raw
    assert connection.codes == [f"rtsp.description.{code}"]
