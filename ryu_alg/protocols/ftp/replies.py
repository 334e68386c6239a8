"""One reply line of the server, and replies of the gateway's own (RFC 959 section 4.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ryu_alg.protocols.ftp import telnet

_CODE = re.compile(rb"([1-6][0-9]{2})([ -]|\r*\n|\Z)")
_GREETINGS = frozenset({120, 220})


class ReplyLine(NamedTuple):
    """A line that begins with a reply code."""

    code: int
    more: bool
    """`NNN-`: the reply goes on until a line with this code and without the hyphen."""
    text: int
    """Where in the line the text begins."""

    @property
    def preliminary(self) -> bool:
        """1yz: another reply to the same command will follow."""
        return self.code < 200

    @property
    def accepts(self) -> bool:
        """2yz: the command was carried out."""
        return 200 <= self.code < 300

    @property
    def goes_on(self) -> bool:
        """2yz or 3yz: carried out, or to be completed by the next command."""
        return 200 <= self.code < 400

    @property
    def not_understood(self) -> bool:
        """50z: the server did not even try."""
        return 500 <= self.code < 510

    @property
    def may_open(self) -> bool:
        """Whether an FTP session may begin with it: 120, 220, or a refusal."""
        return self.code in _GREETINGS or 400 <= self.code < 600


def parse(raw: bytes) -> ReplyLine | None:
    """The code of the line `raw`; None if it has none, as inner lines of a reply may."""
    plain = telnet.strip(raw)
    match = _CODE.match(plain.text)
    if match is None:
        return None
    text = plain.span(0, 3)[1] + (1 if match[2] in (b" ", b"-") else 0)
    return ReplyLine(int(match[1]), match[2] == b"-", text)


def make(code: int, text: str) -> bytes:
    """A reply of one line."""
    return f"{code} {text}\r\n".encode()
