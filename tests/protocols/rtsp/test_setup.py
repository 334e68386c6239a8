"""SETUP in all its forms, with the client inside and with the server inside."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Conversation, Realm, Refusal, Transport
from tests.protocols.rtsp.connection import (
    ACROSS,
    IPV6_IN,
    IPV6_OUT,
    NAT,
    PUBLISHED,
    TO_CLIENT,
    Connection,
    accept,
    message,
    setup,
)

C, S = "192.168.10.2", "198.51.100.7"


def agreed(connection: Connection, asked: str, answered: str) -> tuple[bytes, bytes]:
    """The Transport headers of a request and of its answer, as they leave."""
    return transport_of(connection.client(setup(1, asked))), transport_of(
        connection.server(accept(1, answered))
    )


def transport_of(left: bytes) -> bytes:
    lines = [line for line in left.split(b"\r\n") if line.startswith(b"Transport:")]
    return lines[0].removeprefix(b"Transport: ") if lines else b""


@pytest.mark.parametrize("profile", ["RTP/AVP", "RTP/AVP/UDP", "RTP/SAVP", "RTP/AVPF"])
def test_client_inside(profile: str) -> None:
    connection = Connection(NAT)
    asked, answered = agreed(
        connection,
        f"{profile};unicast;client_port=4588-4589;mode=play",
        f"{profile};unicast;client_port=40000-40001;server_port=6256-6257;ssrc=1",
    )
    assert asked == f"{profile};unicast;client_port=40000-40001;mode=play".encode()
    expected = f"{profile};unicast;client_port=4588-4589;server_port=6256-6257;ssrc=1"
    assert answered == expected.encode()
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:6256"), (f"{C}:4589", f"{S}:6257")}
    assert connection.codes == ["rtsp.rewritten"]


def test_nothing_is_open_before_the_answer() -> None:
    connection = Connection(NAT)
    connection.client(setup(1, "RTP/AVP;unicast;client_port=4588-4589"))
    assert connection.gateway.open() == set()
    assert len(connection.gateway.bindings) == 1


def test_server_inside() -> None:
    connection = Connection(PUBLISHED)
    asked, answered = agreed(
        connection,
        "RTP/AVP;unicast;client_port=4588-4589",
        "RTP/AVP;unicast;client_port=4588-4589;server_port=6257-6258;source=192.168.20.2",
    )
    assert asked == b"RTP/AVP;unicast;client_port=4588-4589"
    assert answered == (
        b"RTP/AVP;unicast;client_port=4588-4589;server_port=40000-40001;source=203.0.113.1"
    )
    assert connection.gateway.open() == {
        ("192.168.20.2:6257", "198.51.100.9:4588"),
        ("192.168.20.2:6258", "198.51.100.9:4589"),
    }


@pytest.mark.parametrize(
    ("conversation", "inside", "outside"),
    [
        (IPV6_OUT, "[2001:db8:30::2]:4588", "[2001:db8:1::7]:6256"),
        (IPV6_IN, "[2001:db8:30::2]:6256", "[2001:db8:1::9]:4588"),
    ],
)
def test_without_translation(conversation: Conversation, inside: str, outside: str) -> None:
    connection = Connection(conversation)
    came = setup(1, "RTP/AVP;unicast;client_port=4588-4589")
    assert connection.client(came) == came
    back = accept(1, "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257")
    assert connection.server(back) == back
    assert (inside, outside) in connection.gateway.open()
    assert len(connection.gateway.open()) == 2
    assert connection.codes == []


def test_between_inside_hosts_nothing_opens() -> None:
    connection = Connection(ACROSS)
    came = setup(1, "RTP/AVP;unicast;client_port=4588-4589;destination=192.168.10.2")
    assert connection.client(came) == came
    back = accept(1, "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257")
    assert connection.server(back) == back
    assert connection.gateway.bound == 0


def test_one_port_and_a_server_that_does_not_say_its_ports() -> None:
    connection = Connection(NAT)
    asked, answered = agreed(
        connection, "RTP/AVP;unicast;client_port=4588", "RTP/AVP;unicast;client_port=40000"
    )
    assert asked == b"RTP/AVP;unicast;client_port=40000"
    assert answered == b"RTP/AVP;unicast;client_port=4588"
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:40000")}


def test_an_answer_without_the_clients_ports_and_with_one_of_the_server() -> None:
    connection = Connection(NAT)
    agreed(connection, "RTP/AVP;unicast;client_port=4588-4589", "RTP/AVP;unicast;server_port=6256")
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:6256"), (f"{C}:4589", f"{S}:6257")}


def test_rtcp_in_the_same_port() -> None:
    connection = Connection(NAT)
    asked, _ = agreed(
        connection,
        'RTP/AVPF;unicast;RTCP-mux;dest_addr=":4588"',
        'RTP/AVPF;unicast;RTCP-mux;dest_addr="203.0.113.1:40000";src_addr="198.51.100.7:6256"',
    )
    assert asked == b'RTP/AVPF;unicast;RTCP-mux;dest_addr=":40000"'
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:6256")}


def test_a_server_that_has_rtcp_in_the_same_port() -> None:
    connection = Connection(NAT)
    mux = "RTP/AVP;unicast;RTCP-mux"
    agreed(connection, f"{mux};client_port=4588-4589", f"{mux};server_port=6256")
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:6256")}


def test_version_2_client_inside() -> None:
    connection = Connection(NAT)
    asked, answered = agreed(
        connection,
        f'RTP/AVP/UDP;unicast;dest_addr="{C}:4588"/"{C}:4600";src_addr="{C}:4588"/"{C}:4600"',
        'RTP/AVP/UDP;unicast;dest_addr="203.0.113.1:40000"/"203.0.113.1:40001";'
        f'src_addr="{S}:6256"/":6300";ssrc=93CB001E',
    )
    assert asked == (
        b'RTP/AVP/UDP;unicast;dest_addr="203.0.113.1:40000"/"203.0.113.1:40001";'
        b'src_addr="203.0.113.1:40000"/"203.0.113.1:40001"'
    )
    assert (
        answered
        == (
            f'RTP/AVP/UDP;unicast;dest_addr="{C}:4588"/"{C}:4600";'
            f'src_addr="{S}:6256"/":6300";ssrc=93CB001E'
        ).encode()
    )
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:6256"), (f"{C}:4600", f"{S}:6300")}


def test_version_2_server_inside() -> None:
    connection = Connection(PUBLISHED)
    asked, answered = agreed(
        connection,
        'RTP/AVP;unicast;dest_addr=":4588"/":4589"',
        'RTP/AVP;unicast;dest_addr=":4588"/":4589";src_addr="192.168.20.2:6256"/":6257"',
    )
    assert asked == b'RTP/AVP;unicast;dest_addr=":4588"/":4589"'
    assert answered == (
        b'RTP/AVP;unicast;dest_addr=":4588"/":4589";src_addr="203.0.113.1:40000"/":40001"'
    )
    assert ("192.168.20.2:6256", "198.51.100.9:4588") in connection.gateway.open()


def test_alternatives() -> None:
    connection = Connection(NAT)
    asked, answered = agreed(
        connection,
        "RTP/AVP/UDP;unicast;client_port=4588-4589, RTP/SAVP;unicast;client_port=4590-4591,"
        "RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1",
        "RTP/SAVP;unicast;client_port=40002-40003;server_port=6256-6257",
    )
    assert asked == (
        b"RTP/AVP/UDP;unicast;client_port=40000-40001, RTP/SAVP;unicast;client_port=40002-40003,"
        b"RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1"
    )
    assert answered == b"RTP/SAVP;unicast;client_port=4590-4591;server_port=6256-6257"
    assert connection.gateway.open() == {(f"{C}:4590", f"{S}:6256"), (f"{C}:4591", f"{S}:6257")}
    assert len(connection.gateway.bindings) == 1


def test_alternatives_in_several_headers_and_over_lines() -> None:
    connection = Connection(NAT)
    left = connection.client(
        setup(
            1,
            "RTP/AVP;unicast;\r\n client_port=4588-4589",
            "Transport: RTP/AVP/TCP;unicast;interleaved=0-1",
        )
    )
    assert b"RTP/AVP;unicast;\r\n client_port=40000-40001\r\n" in left
    assert b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n" in left


def test_an_alternative_that_cannot_be_served_is_taken_out() -> None:
    connection = Connection(NAT)
    connection.gateway.refusals[4590] = Refusal("quota.host", "full")
    left = connection.client(
        setup(
            1,
            "RTP/AVP;unicast;client_port=4590-4591 ,D-ICE/RTP/AVP;candidates=x,"
            "RTP/AVP;unicast;client_port=4588-4589,RTP/AVP/TCP;interleaved=0-1",
            "Transport: RTP/AVP;unicast;client_port=4590-4591",
        )
    )
    assert left.count(b"Transport:") == 1
    assert transport_of(left) == (
        b"RTP/AVP;unicast;client_port=40000-40001,RTP/AVP/TCP;interleaved=0-1"
    )
    assert sorted(set(connection.codes)) == [
        "rtsp.rewritten",
        "rtsp.transport.ice",
        "rtsp.transport.refused",
    ]


def test_without_another_alternative_it_is_refused() -> None:
    connection = Connection(NAT)
    connection.gateway.refusals[4590] = Refusal("quota.host", "full")
    assert connection.client(setup(7, "RTP/AVP;unicast;client_port=4590-4591")) == b""
    assert connection.left[TO_CLIENT] == b"RTSP/1.0 461 Unsupported Transport\r\nCSeq: 7\r\n\r\n"
    assert connection.codes == ["rtsp.transport.refused"]


@pytest.mark.parametrize(
    "transport",
    [
        "RTP/AVP;multicast;destination=224.2.0.1;port=3456-3457;ttl=16",
        "RTP/AVP;multicast",
        'RTP/AVP;multicast;dest_addr="224.2.0.1:3456"/"224.2.0.1:3457";ttl=16',
    ],
)
@pytest.mark.parametrize("conversation", [NAT, PUBLISHED])
def test_multicast_is_left_alone(conversation: Conversation, transport: str) -> None:
    connection = Connection(conversation)
    came, back = setup(1, transport), accept(1, transport)
    assert connection.client(came) == came
    assert connection.server(back) == back
    assert connection.gateway.bound == 0
    assert connection.codes == []


@pytest.mark.parametrize(
    ("transport", "code"),
    [
        ("RTP/AVP;unicast;destination=192.168.10.3;client_port=4588-4589", 403),
        ("RTP/AVP;unicast;client_port=4588-4589,RTP/AVP;destination=8.8.8.8;client_port=1-2", 403),
        ("RTP/AVP;multicast;destination=198.51.100.20", 403),
        ("RTP/AVP;multicast;destination=somewhere.example", 403),
        ("RTP/AVP;unicast;destination=somewhere.example;client_port=4588-4589", 403),
        ('RTP/AVP;unicast;dest_addr="8.8.8.8:4588"', 403),
        ('RTP/AVP;unicast;dest_addr=":4588"/"8.8.8.8:4589"', 403),
        ("RTP/AVP;unicast;client_port=80-81", 461),
        ("RTP/AVP;unicast;client_port=65535-65536", 400),
        ("RTP/AVP;unicast;client_port=4589-4588", 400),
        ("RTP/AVP;unicast;client_port=4588-9999", 400),
        ("RTP/AVP;unicast;client_port=a-b", 400),
        ("RTP/AVP;unicast;client_port=4588-4589;client_port=4590-4591", 400),
        ('RTP/AVP;unicast;client_port=4588-4589;dest_addr=":4590"', 400),
        ('RTP/AVP;unicast;dest_addr="192.168.10.2:4588', 400),
        ("RTP/AVP;unicast;dest_addr=192.168.10.2:4588", 400),
        ('RTP/AVP;unicast;dest_addr=":4588"x', 400),
        ('RTP/AVP;unicast;dest_addr=":0"', 400),
        ("x;client_port=4588-4589", 400),
        ("RTP/AVP;=4588", 400),
        ("", 400),
        (",".join(["RTP/AVP;unicast"] * 17), 400),
    ],
)
@pytest.mark.parametrize("conversation", [NAT, PUBLISHED])
def test_what_is_refused(conversation: Conversation, transport: str, code: int) -> None:
    connection = Connection(conversation)
    assert connection.client(setup(1, transport)) == b""
    answer = connection.left[TO_CLIENT]
    assert answer.startswith(f"RTSP/1.0 {code} ".encode())
    assert answer.endswith(b"CSeq: 1\r\n\r\n")
    assert len(connection.codes) == 1
    assert connection.gateway.bindings == {}


def test_version_2_has_a_status_of_its_own() -> None:
    connection = Connection(NAT)
    came = setup(1, "RTP/AVP;unicast;destination=192.168.10.3;client_port=4588-4589")
    connection.client(came.replace(b"RTSP/1.0", b"RTSP/2.0"))
    assert connection.left[TO_CLIENT].startswith(b"RTSP/2.0 463 Destination Prohibited\r\n")


@pytest.mark.parametrize("named", [C, "203.0.113.1", "0.0.0.0"])
def test_the_clients_own_destination(named: str) -> None:
    connection = Connection(NAT)
    asked, answered = agreed(
        connection,
        f"RTP/AVP;unicast;destination={named};client_port=4588-4589",
        "RTP/AVP;unicast;destination=203.0.113.1;client_port=40000-40001;server_port=6256-6257",
    )
    assert asked == b"RTP/AVP;unicast;destination=203.0.113.1;client_port=40000-40001"
    assert answered == (
        f"RTP/AVP;unicast;destination={C};client_port=4588-4589;server_port=6256-6257".encode()
    )


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257", "unasked"),
        ("RTP/AVP/TCP;unicast;client_port=40000-40001", "unasked"),
        ("RTP/AVP;unicast;destination=8.8.8.8;server_port=6256-6257", "foreign_destination"),
        ("RTP/AVP;unicast;client_port=40000-40001;server_port=25-26", "privileged"),
        ("RTP/AVP;unicast,RTP/AVP;unicast", "syntax"),
        ("RTP/AVP;unicast;client_port=x", "syntax"),
    ],
)
def test_an_answer_to_something_else_is_refused(answer: str, code: str) -> None:
    connection = Connection(NAT)
    connection.client(setup(1, "RTP/AVP;unicast;client_port=4588-4589"))
    left = connection.server(accept(1, answer) + b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n")
    assert left == (
        b"RTSP/1.0 461 Unsupported Transport\r\nCSeq: 1\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n"
    )
    assert connection.codes[1:] == [f"rtsp.transport.{code}"]
    assert connection.gateway.bindings == {}


def test_an_inside_server_that_answers_something_else() -> None:
    connection = Connection(PUBLISHED)
    connection.client(setup(1, "RTP/AVP;unicast;client_port=4588-4589"))
    connection.server(accept(1, "RTP/AVP;unicast;client_port=5000-5001;server_port=6256-6257"))
    assert connection.codes == ["rtsp.transport.unasked"]
    assert connection.gateway.bound == 0


@pytest.mark.parametrize("status", ["401 Unauthorized", "461 Unsupported transport", "302 Moved"])
def test_a_failed_setup_leaves_nothing(status: str) -> None:
    connection = Connection(NAT)
    connection.client(setup(1, "RTP/AVP;unicast;client_port=4588-4589"))
    came = message(f"RTSP/1.0 {status}", "CSeq: 1")
    assert connection.server(message("RTSP/1.0 100 Continue", "CSeq: 1") + came).endswith(came)
    assert connection.gateway.bindings == {}


def test_an_answer_to_nothing_opens_nothing() -> None:
    connection = Connection(NAT)
    connection.client(setup(1, "RTP/AVP;unicast;client_port=4588-4589"))
    back = accept(2, "RTP/AVP;unicast;client_port=40000-40001;server_port=6256-6257")
    assert connection.server(back) == back
    assert connection.gateway.open() == set()


def test_a_source_that_is_not_the_servers_is_not_believed() -> None:
    connection = Connection(NAT)
    _, answered = agreed(
        connection,
        "RTP/AVP;unicast;client_port=4588-4589",
        "RTP/AVP;unicast;source=10.0.0.5;server_port=6256-6257",
    )
    assert answered == b"RTP/AVP;unicast;source=198.51.100.7;server_port=6256-6257"
    assert (f"{C}:4588", f"{S}:6256") in connection.gateway.open()
    assert connection.codes[-1] == "rtsp.transport.foreign_source"


def test_media_hosts() -> None:
    options = {"media_hosts": ["198.51.100.64/26", "192.168.10.64/26"]}
    connection = Connection(NAT, options)
    asked, answered = agreed(
        connection,
        "RTP/AVP;unicast;destination=192.168.10.70;client_port=4588-4589",
        "RTP/AVP;unicast;destination=203.0.113.1;source=198.51.100.70;server_port=6256-6257",
    )
    assert asked == b"RTP/AVP;unicast;destination=203.0.113.1;client_port=40000-40001"
    assert b"destination=192.168.10.70;source=198.51.100.70;" in answered
    assert ("192.168.10.70:4588", "198.51.100.70:6256") in connection.gateway.open()
    assert len(connection.gateway.open()) == 2

    options = {"media_hosts": ["198.51.100.64/26", "192.168.20.64/26"]}
    connection = Connection(PUBLISHED, options)
    _, answered = agreed(
        connection,
        "RTP/AVP;unicast;destination=198.51.100.70;client_port=4588-4589",
        "RTP/AVP;unicast;destination=198.51.100.70;source=192.168.20.70;server_port=6256-6257",
    )
    assert answered.endswith(b"source=203.0.113.1;server_port=40000-40001")
    assert ("192.168.20.70:6256", "198.51.100.70:4588") in connection.gateway.open()


@pytest.mark.parametrize(
    "transport",
    [
        f'RTP/AVP;unicast;dest_addr="{C}:4588"/"192.168.10.70:4589"',
        "RTP/AVP;unicast;destination=2001:db8:30::70;client_port=4588-4589",
    ],
)
def test_media_hosts_are_one_at_a_time_and_of_one_kind(transport: str) -> None:
    networks = ["192.168.10.64/26", "2001:db8:30::/64"]
    connection = Connection(NAT, {"media_hosts": networks})
    assert connection.client(setup(1, transport)) == b""
    assert connection.codes == ["rtsp.transport.foreign_destination"]


def test_alternatives_are_bounded_over_all_headers() -> None:
    connection = Connection(NAT)
    some = ",".join(["RTP/AVP;multicast"] * 9)
    assert connection.client(setup(1, some, f"Transport: {some}")) == b""
    assert connection.codes == ["rtsp.transport.syntax"]


def test_who_connects_waits_nowhere() -> None:
    connection = Connection(NAT)
    left = connection.client(setup(1, f'RTP/AVP/TCP;unicast;setup=active;dest_addr="{C}:4588"'))
    assert transport_of(left) == b'RTP/AVP/TCP;unicast;setup=active;dest_addr="203.0.113.1:4588"'
    assert connection.gateway.bound == 0


ACTIVE = 'RTP/AVP/TCP;unicast;setup=active;dest_addr=":9"/":9"'


@pytest.mark.parametrize(
    ("conversation", "asked", "answered", "opened"),
    [
        # The server inside waits for the client.
        (
            PUBLISHED,
            ACTIVE,
            'RTP/AVP/TCP;unicast;setup=passive;dest_addr=":9"/":9";src_addr=":6256"/":6257"',
            {
                ("192.168.20.2:6256", "198.51.100.9:9"),
                ("192.168.20.2:6257", "198.51.100.9:9"),
            },
        ),
        # The client inside connects, as it would anywhere.
        (NAT, ACTIVE, 'RTP/AVP/TCP;unicast;setup=passive;src_addr=":6256"/":6257"', set()),
        # The client inside waits.
        (
            NAT,
            'RTP/AVP/TCP;unicast;setup=passive;dest_addr=":4588"',
            'RTP/AVP/TCP;unicast;setup=active;dest_addr=":40000";src_addr=":9"',
            {(f"{C}:4588", f"{S}:40000")},
        ),
        (
            NAT,
            "RTP/AVP/TCP;unicast;client_port=4588-4589",
            "RTP/AVP/TCP;unicast;client_port=40000-40001",
            {(f"{C}:4588", f"{S}:40000"), (f"{C}:4589", f"{S}:40001")},
        ),
        # Either could; the server does.
        (
            NAT,
            'RTP/AVP/TCP;unicast;setup=actpass;dest_addr=":4588"',
            'RTP/AVP/TCP;unicast;setup=passive;dest_addr=":40000";src_addr=":6256"',
            set(),
        ),
        # The server inside connects.
        (
            PUBLISHED,
            'RTP/AVP/TCP;unicast;setup=passive;dest_addr=":4588"',
            'RTP/AVP/TCP;unicast;setup=active;dest_addr=":4588";src_addr=":6256"',
            set(),
        ),
    ],
)
def test_rtp_in_a_tcp_connection_of_its_own(
    conversation: Conversation, asked: str, answered: str, opened: set[tuple[str, str]]
) -> None:
    connection = Connection(conversation)
    agreed(connection, asked, answered)
    assert connection.gateway.open() == opened
    for admit in connection.gateway.admitted.values():
        assert admit.connecting is Realm.OUTSIDE
    for binding in connection.gateway.bindings.values():
        assert binding.transport is Transport.TCP


def test_a_stream_that_is_set_up_again() -> None:
    connection = Connection(NAT)
    agreed(
        connection, "RTP/AVP;unicast;client_port=4588-4589", "RTP/AVP;unicast;server_port=6256-6257"
    )
    session = "Session: 12345678"
    # The same ports: the same public ones.
    left = connection.client(setup(2, "RTP/AVP;unicast;client_port=4588-4589", session))
    assert transport_of(left) == b"RTP/AVP;unicast;client_port=40000-40001"
    connection.server(accept(2, "RTP/AVP;unicast;server_port=7000-7001"))
    assert connection.gateway.open() == {(f"{C}:4588", f"{S}:7000"), (f"{C}:4589", f"{S}:7001")}
    # Other ports: the old ones are shut when the new ones are accepted.
    connection.client(setup(3, "RTP/AVP;unicast;client_port=4600-4601", session))
    assert len(connection.gateway.bindings) == 2
    connection.server(accept(3, "RTP/AVP;unicast;server_port=7000-7001"))
    assert connection.gateway.open() == {(f"{C}:4600", f"{S}:7000"), (f"{C}:4601", f"{S}:7001")}
    assert len(connection.gateway.bindings) == 1


def test_streams_are_bounded() -> None:
    connection = Connection(NAT)
    for number in range(40):
        ports = f"{5000 + 2 * number}-{5001 + 2 * number}"
        url = f"rtsp://h/{number}"
        connection.client(setup(number, f"RTP/AVP;unicast;client_port={ports}", url=url))
        connection.server(accept(number, "RTP/AVP;unicast;server_port=6256-6257"))
    assert connection.gateway.bound == 32
    assert connection.left[TO_CLIENT].count(b"RTSP/1.0 503 Service Unavailable") == 8
