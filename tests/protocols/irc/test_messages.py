"""Lines and their parts."""

from __future__ import annotations

import pytest

from ryu_alg.inspection.framing import Line
from ryu_alg.protocols.irc.messages import Malformed, Message, parse


def parsed(raw: bytes) -> Message:
    message = parse(Line(raw))
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("raw", "prefix", "command", "parameters"),
    [
        (b"PING\r\n", b"", b"PING", []),
        (b"ping :\n", b"", b"PING", [b""]),
        (b":n!u@h PRIVMSG a :b c\r\n", b"n!u@h", b"PRIVMSG", [b"a", b"b c"]),
        (b"@a=b;+c :n  PRIVMSG   a  b \r\n", b"n", b"PRIVMSG", [b"a", b"b"]),
        (b"PRIVMSG a b:c ::d : e\r\n", b"", b"PRIVMSG", [b"a", b"b:c", b":d : e"]),
        (b":irc 001 amy :hi\r\r\n", b"irc", b"001", [b"amy", b"hi"]),
        (b"X " + b"a " * 14 + b"b c\r\n", b"", b"X", [b"a"] * 14 + [b"b c"]),
    ],
)
def test_messages(raw: bytes, prefix: bytes, command: bytes, parameters: list[bytes]) -> None:
    message = parsed(raw)
    assert (message.prefix, message.command) == (prefix, command)
    assert [message.parameter(n) for n in range(len(message.parameters))] == parameters
    assert message.parameter(len(parameters)) == b""


def test_what_counts_for_the_limit() -> None:
    assert parsed(b"@a=b;c   PING x\r\n").tags_end == 9
    assert parsed(b":n PING x\r\n").tags_end == 0


def test_nick() -> None:
    assert parsed(b":n!u@h PING\r\n").nick == b"n"
    assert parsed(b":irc.example.net PING\r\n").nick == b"irc.example.net"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"PRIVMSG a :b\0c\r\n", Malformed.NUL),
        (b"PRIVMSG a :b\rc\r\n", Malformed.BARE_CR),
        (b"\r\n", Malformed.SYNTAX),
        (b":n\r\n", Malformed.SYNTAX),
        (b"@a\r\n", Malformed.SYNTAX),
        (b"PRIV\1MSG a\r\n", Malformed.SYNTAX),
        (b"01 a\r\n", Malformed.SYNTAX),
    ],
)
def test_malformed(raw: bytes, why: Malformed) -> None:
    assert parse(Line(raw)) is why
