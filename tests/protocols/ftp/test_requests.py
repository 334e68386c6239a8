"""What the client sends: beginnings, limits, secrets."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.ftp import FtpOptions
from tests.protocols.ftp.session import Session
from tests.protocols.session import TO_CLIENT, TO_SERVER


def greeted(options: FtpOptions | None = None) -> Session:
    session = Session(options)
    session.server(b"220 ready\r\n")
    session.client(b"NOOP\r\n")
    session.server(b"200 ok\r\n")
    for direction in (TO_SERVER, TO_CLIENT):
        session.left[direction] = b""
    return session


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER bob\r\n",
        b"GET /\r\n",
        b"\x16\x03\x01\x02",
        b"\r\n",
        b"\0",
        b"12",
        b"Host: example.net\r\n",
        b"NOOP\0\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"USER " + b"x" * 600,
        b"USER x HTTP/1.1\r\n",
    ],
)
@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("greeting", [b"", b"220 ready\r\n"])
def test_what_does_not_begin_as_ftp(data: bytes, bytewise: bool, greeting: bytes) -> None:
    session = Session()
    session.server(greeting)
    for piece in [data[i : i + 1] for i in range(len(data))] if bytewise else [data]:
        session.client(piece)
    assert session.aborted
    assert session.events == ["ftp.not_ftp", "abort"]
    assert session.left[TO_SERVER] == b""
    assert session.inspector.inspect(TO_SERVER, b"USER x\r\n") == []


def test_commands_before_the_greeting() -> None:
    session = Session()
    session.client(b"\xff\xfd\x06 user bob\n")
    assert session.left[TO_SERVER] == b"\xff\xfd\x06 user bob\n"


def test_the_longest_line() -> None:
    session = greeted()
    line = b"RETR " + b"x" * 505 + b"\r\n"
    session.client(line)
    assert session.left[TO_SERVER] == line
    session.client(line.replace(b"\r", b"x\r"))
    assert session.left[TO_SERVER] == line
    assert session.left[TO_CLIENT] == b""
    session.server(b"550 no\r\n")
    assert session.left[TO_CLIENT] == b"550 no\r\n500 Command line too long.\r\n"


def test_an_endless_line_is_not_kept() -> None:
    session = greeted()
    for _ in range(100):
        session.client(b"x" * 1000)
        assert not session.held[TO_SERVER]
    session.client(b"\r\nNOOP\r\n")
    assert session.left[TO_SERVER] == b"NOOP\r\n"
    assert session.left[TO_CLIENT] == b"500 Command line too long.\r\n"


def test_the_limit_can_be_set() -> None:
    line = b"RETR " + b"x" * 2000 + b"\r\n"
    session = greeted(FtpOptions(command_limit=4096))
    session.client(line)
    assert session.left[TO_SERVER] == line


def test_no_more_than_eight_commands_are_under_way() -> None:
    session = greeted()
    session.client(b"NOOP\r\n" * 12)
    assert session.left[TO_SERVER] == b"NOOP\r\n" * 8
    session.server(b"200 ok\r\n")
    assert session.left[TO_SERVER] == b"NOOP\r\n" * 9
    session.server(b"200 ok\r\n" * 11)
    assert session.left[TO_SERVER] == b"NOOP\r\n" * 12


def test_denied_commands_are_counted_too() -> None:
    session = greeted(FtpOptions(profile="read-only"))
    session.client(b"NOOP\r\n" + b"DELE x\r\n" * 100)
    assert len(session.inspector.dialogue.pending) == 8
    session.server(b"200 ok\r\n")
    assert session.left[TO_CLIENT].count(b"550 ") == 100
    assert not session.held[TO_SERVER]


def test_noops_during_a_long_transfer_do_not_keep_abor_back() -> None:
    session = greeted()
    session.client(b"RETR big\r\n")
    session.server(b"150 here\r\n")
    session.client(b"NOOP\r\n" * 100 + b"ABOR\r\n")
    assert session.left[TO_SERVER].endswith(b"ABOR\r\n")


def test_port_waits_for_all_that_came_before() -> None:
    session = Session()
    session.client(b"PORT 192,168,10,2,4,5\r\nLIST\r\n")
    assert session.gateway.asked == []
    session.server(b"120 wait\r\n")
    assert session.gateway.asked == []
    session.server(b"220 ready\r\n")
    assert session.events == ["open 1", "ftp.rewritten"]
    session.server(b"530 login first\r\n")
    assert session.events[-1] == "close 1"
    session.client(b"NOOP\r\nEPRT |1|192.168.10.2|1030|\r\n")
    assert session.left[TO_SERVER].endswith(b"LIST\r\nNOOP\r\n")
    session.server(b"530 login first\r\n")
    assert session.left[TO_SERVER].endswith(b"LIST\r\nNOOP\r\n")
    session.server(b"200 ok\r\n")
    assert session.left[TO_SERVER].endswith(b"EPRT |1|203.0.113.1|32770|\r\n")


def test_port_does_not_wait_for_the_reply_to_abor() -> None:
    session = greeted()
    session.client(b"ABOR\r\nPORT 192,168,10,2,4,5\r\nLIST\r\n")
    session.server(b"200 ok\r\n")
    assert session.left[TO_SERVER] == b"ABOR\r\nPORT 203,0,113,1,128,1\r\nLIST\r\n"


def test_secrets_stay_secret() -> None:
    options = FtpOptions.model_validate({"rules": [{"action": "deny"}]})
    session = greeted(options)
    for line in (
        b"PASS hunter2\r\n",
        b" pass\thunter2\r\n",
        b"\xff\xf1PASS hunter2\r\n",
        b"ACCT hunter2\r\n",
        b"ADAT hunter2\r\n",
        b"SITE PSWD x hunter2\r\n",
        b"PASShunter2\r\n",
        b"XYZ hunter2\r\n",
        b"PASS hunter2\0\r\n",
        b"PASS hunter2\rx\r\n",
        b"PASS hunter2" + b"x" * 600 + b"\r\n",
        b"ENC hunter2\r\n",
    ):
        session.client(line)
    assert len(session.reports) == 13  # the NOOP is denied, too
    assert "hunter2" not in repr(session.reports)
    assert b"hunter2" not in session.left[TO_CLIENT]
    assert session.left[TO_SERVER] == b""


def test_rewritten_lines_are_reported() -> None:
    session = greeted()
    session.client(b"PORT 192,168,10,2,4,5\r\n")
    (report,) = session.reports
    assert session.events == ["open 1", "ftp.rewritten"]
    assert report.detail == "PORT 192,168,10,2,4,5 -> PORT 203,0,113,1,128,1"
