"""What the server sends: beginnings, limits, replies out of the ordinary."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from ryu_alg.inspection import Party, Refusal
from ryu_alg.protocols.ftp import FtpOptions
from ryu_alg.protocols.ftp.responses import ADDRESS_REPLY_LINES, LINE_LIMIT
from tests.protocols.ftp.session import Session
from tests.protocols.gateway import PUBLISHED
from tests.protocols.session import TO_CLIENT, TO_SERVER


def asked(command: bytes = b"PASV", options: FtpOptions | None = None) -> Session:
    session = Session(options, PUBLISHED)
    session.server(b"220 ready\r\n")
    session.client(command + b"\r\n")
    session.left[TO_CLIENT] = b""
    return session


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x01",
        b"\r\n",
        b" 220 hi\r\n",
        b"200 hi\r\n",
        b"227 Entering Passive Mode (192,168,20,2,4,5)\r\n",
        b"150-hi\r\n",
        b"220hi\r\n",
        b"220-hi\r\n220 ho\r\n".replace(b"220-", b"22-"),
        b"220 " + b"x" * LINE_LIMIT,
    ],
)
@pytest.mark.parametrize("bytewise", [False, True])
def test_what_does_not_begin_as_ftp(data: bytes, bytewise: bool) -> None:
    session = Session()
    for piece in [data[i : i + 1] for i in range(len(data))] if bytewise else [data]:
        session.server(piece)
    assert session.aborted
    assert session.left[TO_CLIENT] == b""
    assert session.opened == set()


@pytest.mark.parametrize(
    "data",
    [
        b"220\r\n",
        b"120 wait\r\n220 go\r\n",
        b"421 full\r\n",
        b"500 OOPS: no\r\n",
        b"\xff\xfd\x01220 x\n",
    ],
)
def test_greetings(data: bytes) -> None:
    session = Session()
    session.server(data)
    assert session.left[TO_CLIENT] == data
    assert not session.aborted


def test_the_longest_line() -> None:
    session = asked(b"NOOP")
    line = b"200 " + b"x" * (LINE_LIMIT - 6) + b"\r\n"
    session.server(line)
    assert session.left[TO_CLIENT] == line
    session.server(b"x" * LINE_LIMIT)
    assert session.events == ["ftp.reply.overlong", "abort"]


def test_a_227_of_many_lines_is_bounded() -> None:
    lines = [b"227-begin\r\n", *[b"x\r\n"] * (ADDRESS_REPLY_LINES - 2)]
    end = b"227 (192,168,20,2,4,5)\r\n"
    session = asked()
    session.server(b"".join(lines) + end)
    assert session.events == ["open 1", "ftp.rewritten"]
    session = asked()
    session.server(b"".join([*lines, b"x\r\n"]) + end)
    assert session.events == ["ftp.reply.overlong", "abort"]
    session = asked()
    session.server(b"227-begin\r\n" + (b"x" * 3000 + b"\r\n") * 3)
    assert session.events == ["ftp.reply.overlong", "abort"]
    assert session.left[TO_CLIENT] == b""


def test_a_slow_227_costs_little() -> None:
    session = asked()
    started = time.process_time()
    for byte in b"227-\n" + b"\n" * 100 + b"x" * LINE_LIMIT:
        session.server(bytes([byte]))
        if session.aborted:
            break
    assert session.aborted
    assert time.process_time() - started < 2


def test_first_and_last_line_disagree() -> None:
    session = asked()
    session.server(b"227-(192,168,20,2,4,5)\r\n227 (192,168,20,2,4,6)\r\n")
    assert session.left[TO_CLIENT] == b"227-(192,168,20,2,4,5)\r\n227 (203,0,113,1,128,1)\r\n"
    assert session.gateway.asked[0].port == 1030


def test_a_reply_that_began_before_the_command_is_not_its_reply() -> None:
    session = asked(b"NOOP")
    session.server(b"200 ok\r\n200-by the way\r\n")
    session.client(b"PORT 198,51,100,9,4,5\r\nLIST\r\n")
    session.server(b"200 we close at nine\r\n")
    assert session.events == ["open 1"]
    assert session.left[TO_SERVER].endswith(b"4,5\r\n")
    session.server(b"200 port ok\r\n")
    assert session.events == ["open 1"]
    assert session.inspector.dialogue.announced == 1
    assert session.left[TO_SERVER].endswith(b"LIST\r\n")


def test_an_answer_waits_for_the_end_of_a_reply() -> None:
    session = asked(b"NOOP")
    session.server(b"200 ok\r\n421-time\r\n")
    session.client(b"LPSV\r\n")
    session.server(b" is\r\n421 up\r\n200 more\r\n")
    assert session.left[TO_CLIENT] == (
        b"200 ok\r\n421-time\r\n is\r\n421 up\r\n"
        b"502 LPSV is not supported by the gateway.\r\n200 more\r\n"
    )


def test_an_answer_waits_for_the_greeting() -> None:
    session = Session()
    session.client(b"LPSV\r\nUSER x\r\n")
    session.server(b"220-wel")
    session.server(b"come\r\n220 ready\r\n331 go on\r\n")
    assert session.left[TO_CLIENT] == (
        b"220-welcome\r\n220 ready\r\n502 LPSV is not supported by the gateway.\r\n331 go on\r\n"
    )


def test_abor_answered_with_the_transfer() -> None:
    session = asked()
    session.server(b"227 (192,168,20,2,4,5)\r\n")
    session.client(b"RETR x\r\n")
    session.server(b"150 here\r\n")
    session.client(b"ABOR\r\n")
    session.server(b"426 gone\r\n")
    session.client(b"PORT 198,51,100,9,4,5\r\n")
    session.server(b"200 ok\r\n")
    assert session.events[-1] == "open 2"
    assert session.inspector.dialogue.announced == 2
    assert not session.inspector.dialogue.pending


@pytest.mark.parametrize("refused", [False, True])
def test_passive_ports_for_an_encrypted_session(refused: bool) -> None:
    options = FtpOptions.model_validate(
        {"auth": "allow", "passive_ports": "50000-50099", "fxp_hosts": "192.0.2.7"}
    )
    session = asked(b"PASV", options)
    session.server(b"227 (192,168,20,2,4,5)\r\n")
    if refused:
        session.gateway.refusals[50000] = Refusal("port.partition", "taken")
    session.client(b"AUTH TLS\r\n")
    session.server(b"234 go\r\n")
    opened = ["ftp.pasv.refused"] if refused else ["open 2"]
    assert session.events[-4:] == ["close 1", *opened, "ftp.opaque", "opaque"]
    assert session.left[TO_CLIENT].endswith(b"234 go\r\n")
    ports = session.gateway.asked[-1]
    assert (ports.listener, ports.port, ports.last_port) == (Party.SERVER, 50000, 50099)
    assert ports.peers == (ip_network("192.0.2.7"),)


def test_stray_lines_pass() -> None:
    session = asked(b"NOOP")
    session.server(b"hello\r\n200 ok\r\nwhat\r\n")
    assert session.left[TO_CLIENT] == b"hello\r\n200 ok\r\nwhat\r\n"


def test_a_refused_announcement_is_reported_and_leaves_nothing() -> None:
    session = asked()
    session.server(b"227-one\r\n227 (10,0,0,1,4,5)\r\n")
    assert session.left[TO_CLIENT] == b"425 The address is not the server's own.\r\n"
    (report,) = session.reports
    assert report.detail == "PASV 10.0.0.1 port 1029"
    assert session.gateway.asked == []
