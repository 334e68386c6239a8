"""One command line of the client (RFC 959 section 5.3): verb, argument, and where they stand."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from ryu_alg.inspection.names import printable
from ryu_alg.protocols.ftp import telnet
from ryu_alg.protocols.ftp.verbs import VERBS, Argument, Role, Verb

_BLANKS = b" \t\v\f\r\n"
"""What servers skip around a verb and an argument (C's isspace)."""
_TOKEN = re.compile(rb"[^ \t\v\f\r\n]+")
_INNER_CR = re.compile(rb"\r[^\r\n]")
_FIRST_VERB = re.compile(r"[A-Z]{3,4}")
_WEB_METHODS = frozenset({"GET", "HEAD", "POST", "PUT"})


class Malformed(Enum):
    """Why a line is no command that may reach a server."""

    NUL = "nul"
    BARE_CR = "bare_cr"
    """Some servers end a line there, others do not."""
    TELNET = "telnet"
    """A TELNET option that some servers would read as text."""
    EMPTY = "empty"
    """Some servers answer it, others do not."""


class Command(NamedTuple):
    """A command as the server will read it."""

    raw: bytes
    """The whole line with its end, as it came."""
    name: str
    """In upper case; any bytes may be in it (surrogate escapes) if the verb is unknown."""
    argument: bytes
    """Without blanks around it, and without TELNET commands."""
    start: int
    end: int
    """raw[start:end] is the argument, with TELNET commands if there are any inside."""

    @property
    def verb(self) -> Verb | None:
        """The verb's row in the table."""
        return VERBS.get(self.name)

    @property
    def role(self) -> Role:
        """What it means to the gateway."""
        verb = self.verb
        if verb is None:
            return Role.PLAIN
        if verb.role is Role.EXTENDED_PASSIVE and self.argument.upper() == b"ALL":
            return Role.EXTENDED_ONLY
        return verb.role

    @property
    def shown(self) -> str:
        """The command as it may be shown: without control characters and secrets."""
        if self.verb is None:
            return "unknown verb"
        if not self.argument:
            return self.name
        if self.verb.argument is Argument.SECRET:
            return f"{self.name} ***"
        return f"{self.name} {printable(self.argument)}"

    @property
    def may_open(self) -> bool:
        """Whether an FTP session may begin with it; one of HTTP may not."""
        if not _FIRST_VERB.fullmatch(self.name) or self.name in _WEB_METHODS:
            return False
        return b"HTTP/" not in self.argument.upper()


def parse(raw: bytes) -> Command | Malformed:
    """The command in the line `raw`, which ends with LF."""
    if 0 in raw:
        return Malformed.NUL
    if _INNER_CR.search(raw):
        return Malformed.BARE_CR
    plain = telnet.strip(raw)
    if plain.ambiguous:
        return Malformed.TELNET
    token = _TOKEN.search(plain.text)
    if token is None:
        return Malformed.EMPTY
    name = token[0].decode("ascii", "surrogateescape").upper()
    rest = plain.text[token.end() :]
    argument = rest.strip(_BLANKS)
    if not argument:
        return Command(raw, name, b"", len(raw), len(raw))
    first = token.end() + len(rest) - len(rest.lstrip(_BLANKS))
    start, end = plain.span(first, first + len(argument))
    return Command(raw, name, argument, start, end)
