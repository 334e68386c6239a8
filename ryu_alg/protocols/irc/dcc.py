"""One DCC: `DCC <verb> <argument> ...`, read from the CTCP that it stands in.

Nothing says where a file name ends that has blanks in it, unless it is in quotation marks. So it
is the shortest beginning behind which the rest is as it must be, as clients read it that count
from the front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from ryu_alg.inspection import Address, Endpoint
from ryu_alg.inspection.addresses import read_address
from ryu_alg.inspection.edits import Edit, Span
from ryu_alg.protocols.irc import ctcp, verbs
from ryu_alg.protocols.irc.verbs import Shape, Verb

_WORD = re.compile(rb"[^ ]+")
_NUMBER = re.compile(rb"[0-9]{1,20}")
_PORT = re.compile(rb"[0-9]{1,5}")
_INTEGER = re.compile(rb"[0-9]{1,10}")
_MAX_PORT = 65535
_MAX_IPV4 = 2**32 - 1
_MARK = b'"'


class Form(Enum):
    """How an address is written."""

    INTEGER = "integer"
    """An IPv4 address as a number of 32 bits."""
    TEXT = "text"
    """An IPv4 or IPv6 address as people write it."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address as written."""

    address: Address
    form: Form
    span: Span

    def write(self, address: Address) -> bytes | None:
        """Another address in the same form; None if it has none."""
        if address.version != self.address.version:
            return None
        number = self.form is Form.INTEGER
        return b"%d" % int(address) if number else str(address).encode()


@dataclass(frozen=True, slots=True)
class Dcc:
    """What a DCC says, and where; the positions are within the line."""

    verb: Verb | None
    """None: one that is not known here."""
    argument: bytes = b""
    """The file name without its quotation marks, or the kind of chat."""
    place: Place | None = None
    port: int = 0
    """0: there is none, or the other side is to say one (reverse DCC)."""
    port_span: Span = (0, 0)
    size: int | None = None
    """Bytes of the file."""

    def edits(self, seen: Endpoint) -> list[Edit] | None:
        """What has to be written where for it to name `seen`; None if that cannot be written."""
        made = []
        if self.place is not None and self.place.address != seen.address:
            text = self.place.write(seen.address)
            if text is None:
                return None
            made.append((self.place.span, text))
        if self.port != seen.port:
            made.append((self.port_span, b"%d" % seen.port))
        return made


class Fault(Enum):
    """Why a DCC cannot be read."""

    SYNTAX = "syntax"
    """What stands behind a known verb is not as it must be."""
    QUOTED = "quoted"
    """It is one for those only who know CTCP's quoting."""


def parse(line: bytes, span: Span) -> Dcc | Fault | None:
    """The DCC in the CTCP at `span` of `line`; None if that is another CTCP."""
    words = [match.span() for match in _WORD.finditer(line, *span)]
    if not _begins_dcc(line[slice(*span)]):
        return Fault.QUOTED if _begins_dcc(ctcp.unquote(line[slice(*span)])) else None
    if len(words) < 2:
        return Fault.SYNTAX
    name = line[slice(*words[1])]
    verb = verbs.find(name)
    if verb is None:
        return Fault.QUOTED if verbs.find(ctcp.unquote(name)) else Dcc(None)
    return _Reader(line, verb, words[2:]).read()


def _begins_dcc(text: bytes) -> bool:
    return text.lstrip(b" ")[:4].upper() in (b"DCC", b"DCC ")


@dataclass(frozen=True, slots=True)
class _Reader:
    line: bytes
    verb: Verb
    words: Sequence[Span]
    """What stands behind the verb."""

    def read(self) -> Dcc | Fault:
        """The whole of it, with the shortest argument that leaves the rest readable."""
        if self.verb.shape is Shape.TEXT:
            return Dcc(self.verb)
        longest = 1 if self.verb.shape is Shape.OFFER else len(self.words)
        for count in range(1, longest + 1):
            argument = self._argument(self.words[:count])
            if argument is None:
                continue
            found = self._rest(argument, self.words[count:])
            if found is not None:
                return found
        return Fault.SYNTAX

    def _argument(self, words: Sequence[Span]) -> bytes | None:
        if not words:
            return None
        text = self.line[words[0][0] : words[-1][1]]
        if not text.startswith(_MARK):
            return text
        closed = len(text) > 1 and text.endswith(_MARK)
        return text[1:-1] if closed else None

    def _rest(self, argument: bytes, words: Sequence[Span]) -> Dcc | None:
        texts = [self.line[start:end] for start, end in words]
        match self.verb.shape:
            case Shape.FILE_OFFER if 2 <= len(words) <= 4:
                if len(words) > 2 and not _NUMBER.fullmatch(texts[2]):
                    return None
                size = int(texts[2]) if len(words) > 2 else None
                return self._offer(argument, words, texts, size)
            case Shape.OFFER if 2 <= len(words) <= 3:
                return self._offer(argument, words, texts, None)
            case Shape.POSITION if 2 <= len(words) <= 3 and _NUMBER.fullmatch(texts[1]):
                port = _port(texts[0])
                return None if port is None else Dcc(self.verb, argument, None, port, words[0])
            case Shape.FILE if len(words) == 1 and _NUMBER.fullmatch(texts[0]):
                return Dcc(self.verb, argument, size=int(texts[0]))
            case Shape.FILE if not words:
                return Dcc(self.verb, argument)
        return None

    def _offer(
        self, argument: bytes, words: Sequence[Span], texts: Sequence[bytes], size: int | None
    ) -> Dcc | None:
        place, port = _place(texts[0], words[0]), _port(texts[1])
        if place is None or port is None:
            return None
        return Dcc(self.verb, argument, place, port, words[1], size)


def _port(text: bytes) -> int | None:
    if not _PORT.fullmatch(text) or int(text) > _MAX_PORT:
        return None
    return int(text)


def _place(text: bytes, span: Span) -> Place | None:
    if _INTEGER.fullmatch(text):
        number = int(text)
        return Place(IPv4Address(number), Form.INTEGER, span) if number <= _MAX_IPV4 else None
    address = read_address(text)
    return None if address is None else Place(address, Form.TEXT, span)
