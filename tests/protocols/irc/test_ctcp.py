"""CTCPs within texts."""

from __future__ import annotations

import pytest

from ryu_alg.inspection.framing import Line
from ryu_alg.protocols.irc import ctcp, messages
from ryu_alg.protocols.irc.messages import Message


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"PRIVMSG a :\1A\1\r\n", [b"A"]),
        (b"notice a \1A\r\n", [b"A"]),
        (b"PRIVMSG a :x\1A b\1y\1\1\1C\r\n", [b"A b", b"", b"C"]),
        (b"PRIVMSG a :\1\r\n", [b""]),
        (b"PRIVMSG a :A\r\n", []),
        (b"PRIVMSG \1A\1\r\n", []),
        (b"PRIVMSG a b \1A\1\r\n", []),
        (b"TOPIC a :\1A\1\r\n", []),
    ],
)
def test_spans(raw: bytes, found: list[bytes]) -> None:
    message = messages.parse(Line(raw))
    assert isinstance(message, Message)
    assert [raw[start:end] for start, end in ctcp.spans(message)] == found


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"plain", b"plain"),
        (rb"a\\b\ac\d", b"a\\b\1cd"),
        (b"\x100\x10n\x10r\x10\x10\x10x", b"\0\n\r\x10x"),
        (b"\x10", b""),
        (b"\\", b""),
        (b"\x10\x10n\\", b"\x10n"),
    ],
)
def test_unquote(text: bytes, read: bytes) -> None:
    assert ctcp.unquote(text) == read
