"""SIP over TCP."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import (
    Admit,
    Conversation,
    Direction,
    Effect,
    Expectation,
    Inject,
    Network,
    Party,
    Refusal,
    Transport,
    Unbind,
)
from ryu_alg.inspection.endpoints import Address
from ryu_alg.protocols.sip import SipOptions, message
from ryu_alg.protocols.sip.inspector import stream_inspector
from tests.protocols.session import TO_CLIENT, TO_SERVER, StreamSession
from tests.protocols.sip.gateway import HOST, MemoryGateway, World, endpoint
from tests.protocols.sip.messages import request
from tests.protocols.sip.site import read
from tests.protocols.sip.ua import invite, respond, sdp

CLIENT = endpoint(HOST, 41234)
PROXY = endpoint("198.51.100.7", 5060)
SEEN = endpoint("203.0.113.1", 49200)
OFFER = sdp("192.168.10.2", 4000)
ANSWER = sdp("198.51.100.9", 7000)
VIA = "SIP/2.0/TCP 192.168.10.2:5060;branch=z9hG4bK-t1;rport"


class MemoryStream(MemoryGateway):
    """A `StreamGateway`."""

    conversation = Conversation(CLIENT, SEEN, PROXY, PROXY)

    def expect(
        self,
        *,
        listener: Party,
        port: int,
        transport: Transport = Transport.TCP,
        third_party: Address | None = None,
        peers: Sequence[Network] = (),
        last_port: int | None = None,
    ) -> Expectation | Refusal:
        raise AssertionError("SIP binds, it does not expect")


class Connection(StreamSession):
    """One session over TCP, with a gateway in memory."""

    def __init__(
        self, conversation: Conversation | None = None, options: SipOptions | None = None
    ) -> None:
        self.world = World()
        gateway = MemoryStream(self.world, HOST)
        if conversation is not None:
            gateway.conversation = conversation
        super().__init__(stream_inspector(options or SipOptions(), gateway), gateway)

    def other(self, effect: Effect) -> None:
        assert isinstance(effect, Admit | Unbind)
        self.world.carry_out([effect])


def dialogue(connection: Connection) -> list[tuple[Direction, bytes]]:
    """A registration and a call: all that both sides send."""
    script = []

    def client(raw: bytes) -> bytes:
        script.append((TO_SERVER, raw))
        return connection.client(raw)

    def server(raw: bytes) -> bytes:
        script.append((TO_CLIENT, raw))
        return connection.server(raw)

    left = client(
        request(
            "REGISTER", "sip:h", "Contact: <sip:alice@192.168.10.2:5060;transport=tcp>", via=VIA
        )
    )
    server(respond(left, 200, f"Contact: <sip:alice@{SEEN};transport=tcp>;expires=60"))
    left = client(invite(via=VIA, body=OFFER))
    server(respond(left, 180))
    server(respond(left, 200, body=ANSWER))
    client(invite(method="ACK", via=VIA, to="<sip:bob@example.com>;tag=b1"))
    bye = request(
        "BYE",
        f"sip:alice@{SEEN}",
        via="SIP/2.0/TCP 198.51.100.7;branch=z9hG4bK-s1",
        sender="<sip:bob@example.com>;tag=b1",
        to="<sip:alice@example.com>;tag=a1",
    )
    client(respond(server(bye), 200))
    return script


def test_a_registration_and_a_call() -> None:
    connection = Connection()
    left = connection.client(
        request("REGISTER", "sip:h", "Contact: <sip:alice@192.168.10.2:5060>", via=VIA)
    )
    assert f"Via: SIP/2.0/TCP {SEEN};".encode() in left
    assert f"Contact: <sip:alice@{SEEN}>".encode() in left
    answer = connection.server(respond(left, 200, f"Contact: <sip:alice@{SEEN}>;expires=60"))
    assert b"Contact: <sip:alice@192.168.10.2:5060>;expires=60" in answer
    assert (
        b"SIP/2.0/TCP 192.168.10.2:5060;branch=z9hG4bK-t1;received=192.168.10.2;rport=41234"
        in answer
    )

    # Over this connection the registrar reaches the contact.
    raw = request("INVITE", f"sip:alice@{SEEN}", via="SIP/2.0/TCP 198.51.100.7;branch=b")
    assert connection.server(raw).startswith(b"INVITE sip:alice@192.168.10.2:5060 SIP/2.0\r\n")


def test_media_open_and_close() -> None:
    connection = Connection()
    left = connection.client(invite(via=VIA, body=OFFER))
    assert b"m=audio 32768 " in left
    connection.server(respond(left, 200, body=ANSWER))
    assert (endpoint(HOST, 4000), endpoint("198.51.100.9", 7000)) in connection.world.open()
    bye = connection.client(
        invite(method="BYE", via=VIA, cseq=2, to="<sip:bob@example.com>;tag=b1")
    )
    connection.server(respond(bye, 200))
    assert connection.world.bindings == {}


def test_several_messages_in_a_segment_and_one_over_many() -> None:
    whole = Connection()
    script = dialogue(whole)
    assert whole.codes == []
    assert whole.world.bindings == {}
    for size in (1, 2, 7, 100):
        pieces = Connection()
        for direction, raw in script:
            for start in range(0, len(raw), size):
                pieces.feed(direction, raw[start : start + size])
        assert pieces.left == whole.left


def test_requests_at_once() -> None:
    connection = Connection()
    first, second = (request("MESSAGE", via=VIA, cseq=n, body=b"hello") for n in (1, 2))
    left = connection.client(first + second + b"MESS")
    assert read(left).raw + read(left[len(read(left).raw) :]).raw == left
    assert connection.held[TO_SERVER] == b"MESS"


@pytest.mark.parametrize("mode", ["transparent", "b2bua"])
def test_a_head_is_read_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(options=SipOptions.model_validate({"mode": mode}))
    monkeypatch.delattr(message, "take_head")  # only the stream reads heads
    left = connection.client(b"\r\n" + request("OPTIONS", via=VIA) + request("INFO", via=VIA))
    assert left.count(b" sip:bob@example.com SIP/2.0\r\n") == 2


def test_keepalives_pass_between_messages() -> None:
    connection = Connection()
    raw = request("MESSAGE", via="SIP/2.0/TCP h;branch=b", body=b"\r\n")
    assert connection.client(b"\r\n\r\n" + raw + b"\r\n\r\n") == b"\r\n\r\n" + raw + b"\r\n\r\n"
    assert connection.server(b"\r\n") == b"\r\n"


def test_a_refused_request_is_answered_in_the_stream() -> None:
    connection = Connection()
    foreign = invite(via=VIA, contact="<sip:alice@192.168.10.3>")
    good = request("MESSAGE", via=VIA, cseq=7)
    left = connection.client(foreign + good)
    assert read(left).method == "MESSAGE"
    assert read(connection.left[TO_CLIENT]).status == 403
    assert connection.client(request("OPTIONS", "sip:b c", via=VIA)) == b""
    assert b"SIP/2.0 400 Bad Start Line\r\n" in connection.left[TO_CLIENT]
    assert not connection.aborted


def test_a_published_server() -> None:
    caller = endpoint("198.51.100.9", 40000)
    server, public = endpoint(HOST, 5060), endpoint("203.0.113.1", 5060)
    connection = Connection(Conversation(caller, caller, server, public))
    raw = request("OPTIONS", "sip:203.0.113.1", via="SIP/2.0/TCP 198.51.100.9;branch=b")
    left = connection.client(raw)
    assert left.startswith(b"OPTIONS sip:192.168.10.2:5060 SIP/2.0\r\n")
    answer = connection.server(respond(left, 200, "Contact: <sip:192.168.10.2>"))
    assert b"Contact: <sip:203.0.113.1:5060>" in answer


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", "sip.stream.not_sip"),
        (b"GET /\r\n", "sip.stream.not_sip"),
        (b"\x16\x03\x01\x02\x00\x01", "sip.stream.not_sip"),
        (b"x" * 9000, "sip.stream.overlong"),
        (request(via=VIA).replace(b"Content-Length: 0\r\n", b""), "sip.stream.unknown_length"),
        (request(via=VIA).replace(b"Length: 0", b"Length: -1"), "sip.stream.syntax"),
        (request(via=VIA).replace(b"Length: 0", b"Length: 99999"), "sip.stream.overlong"),
        (request(via=VIA) + b"surplus that is no message\r\n", "sip.stream.not_sip"),
    ],
)
def test_what_is_no_sip_is_refused_for_good(data: bytes, code: str) -> None:
    connection = Connection()
    connection.client(data)
    assert connection.aborted
    assert connection.codes == [code]
    assert connection.inspector.inspect(TO_SERVER, request(via=VIA)) == []
    assert connection.inspector.inspect(TO_CLIENT, request(via=VIA)) == []


def test_half_a_message_does_not_leave() -> None:
    connection = Connection()
    assert connection.client(request(via=VIA)[:-4]) == b""
    assert not connection.inspector.end(TO_SERVER, connection.held[TO_SERVER])


def test_who_has_gone_is_not_waited_for() -> None:
    connection = Connection(options=SipOptions(mode="b2bua"))
    asked = request(
        "OPTIONS",
        "sip:alice@203.0.113.1:49200",
        via="SIP/2.0/TCP 198.51.100.7;branch=z9hG4bK-o1",
        sender="<sip:bob@example.com>;tag=b1",
        to="<sip:alice@example.com>",
    )
    connection.feed(TO_CLIENT, asked)
    assert read(connection.left[TO_CLIENT]).method == "OPTIONS"
    (answer,) = (
        effect for effect in connection.inspector.end(TO_SERVER, b"") if isinstance(effect, Inject)
    )
    assert answer.direction is TO_SERVER
    assert read(answer.data).status == 503


def test_time() -> None:
    connection = Connection()
    connection.client(invite(via=VIA, body=OFFER))
    assert connection.world.bindings
    due = connection.inspector.next_timeout()
    assert due is not None
    connection.world.now = due + 1
    connection.carry_out(connection.inspector.wake(), TO_SERVER)
    assert connection.world.bindings == {}
    assert connection.inspector.next_timeout() is None


def test_silence() -> None:
    connection = Connection()
    left = connection.client(invite(via=VIA, body=OFFER))
    connection.server(respond(left, 200, body=ANSWER))
    binding = next(iter(connection.world.bindings))
    connection.carry_out(connection.inspector.binding_idle(binding), TO_SERVER)
    assert connection.world.bindings == {}


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_bytes(arrivals: list[tuple[Direction, bytes]]) -> None:
    connection = Connection()
    for direction, data in arrivals:
        connection.feed(direction, data)
    assert connection.world.bindings == {}
