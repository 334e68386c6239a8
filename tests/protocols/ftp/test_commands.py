"""One line of the client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.protocols.ftp.commands import Command, Malformed, parse, printable
from ryu_alg.protocols.ftp.verbs import Role


def command(raw: bytes) -> Command:
    parsed = parse(raw)
    assert isinstance(parsed, Command)
    return parsed


@pytest.mark.parametrize(
    ("raw", "name", "argument", "start"),
    [
        (b"NOOP\r\n", "NOOP", b"", 6),
        (b"noop\n", "NOOP", b"", 5),
        (b"NOOP \t\r\r\n", "NOOP", b"", 9),
        (b"RETR a file \r\n", "RETR", b"a file", 5),
        (b"retr\t  a\n", "RETR", b"a", 7),
        (b"  STOR x\n", "STOR", b"x", 7),
        (b"STOR\x0bx\r\n", "STOR", b"x", 5),
        (b"\xff\xf4\xff\xf2PORT 1\r\n", "PORT", b"1", 9),
        (b"XYZZY\x80 \xff\r\n", "XYZZY\udc80", b"\xff", 7),
    ],
)
def test_verb_and_argument(raw: bytes, name: str, argument: bytes, start: int) -> None:
    parsed = command(raw)
    assert (parsed.name, parsed.argument, parsed.start) == (name, argument, start)
    assert parsed.raw[parsed.start : parsed.end] == argument


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"NO\0OP\r\n", Malformed.NUL),
        (b"NOOP\rDELE x\r\n", Malformed.BARE_CR),
        (b"\xff\xfdSTOR x\r\n", Malformed.TELNET),
        (b"\r\n", Malformed.EMPTY),
        (b" \t\n", Malformed.EMPTY),
        (b"\xff\xf1\r\n", Malformed.EMPTY),
    ],
)
def test_malformed(raw: bytes, why: Malformed) -> None:
    assert parse(raw) is why


def test_roles() -> None:
    assert command(b"EPSV\r\n").role is Role.EXTENDED_PASSIVE
    assert command(b"EPSV 2\r\n").role is Role.EXTENDED_PASSIVE
    assert command(b"epsv all \r\n").role is Role.EXTENDED_ONLY
    assert command(b"XYZZY\r\n").role is Role.PLAIN


@pytest.mark.parametrize(
    ("raw", "opens"),
    [
        (b"USER bob\r\n", True),
        (b"user bob\n", True),
        (b"FEAT\r\n", True),
        (b"XYZ\r\n", True),
        (b"HOST ftp.example.net\r\n", True),
        (b"POST / HTTP/1.1\r\n", False),
        (b"POST /\r\n", False),
        (b"GET /\n", False),
        (b"PRI * HTTP/2.0\r\n", False),
        (b"OPTIONS sip:x SIP/2.0\r\n", False),
        (b"Host: x\r\n", False),
        (b"SSH-2.0-x\r\n", False),
        (b"\x16\x03\x01\n", False),
        (b"1234\r\n", False),
    ],
)
def test_what_may_open_a_session(raw: bytes, opens: bool) -> None:
    assert command(raw).may_open is opens


def test_secrets_are_not_shown() -> None:
    for raw in (
        b"PASS hunter2\r\n",
        b" pass hunter2\n",
        b"ACCT hunter2\r\n",
        b"SITE PSWD hunter2\n",
    ):
        assert "***" in command(raw).shown
        assert "hunter2" not in command(raw).shown
    for raw in (b"PASShunter2\r\n", b"XPSW hunter2\r\n", b"\xffPASS hunter2\r\n"):
        assert command(raw).shown == "unknown verb"


def test_what_is_shown_is_printable() -> None:
    assert command(b"DELE \x1b[2Jx\r\n").shown == "DELE \\x1b[2Jx"
    assert command("DELE Ünïcode\r\n".encode()).shown == "DELE Ünïcode"
    assert command(b"NOOP\r\n").shown == "NOOP"
    assert len(printable(b"x" * 10_000)) < 200


@given(st.binary(max_size=40))
def test_any_line(line: bytes) -> None:
    parsed = parse(line + b"\n")
    if isinstance(parsed, Command):
        assert parsed.shown.isprintable()
        assert 0 <= parsed.start <= parsed.end <= len(parsed.raw)
        assert parsed.may_open in (True, False)
