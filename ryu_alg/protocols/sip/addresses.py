"""Headers that hold addresses: name-addr or addr-spec with parameters (RFC 3261 section 20)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.sip.grammar import (
    LWS,
    QUOTED,
    Parameter,
    SipSyntaxError,
    next_item,
    parameter,
    skip_blanks,
    take_parameters,
)
from ryu_alg.protocols.sip.uris import Uri, parse_uri

_NAME_ADDR = re.compile(rb"(" + QUOTED + LWS + rb'|[^"<>,;:@]*)<([^<>\r\n]*)>', re.DOTALL)
_ADDR_SPEC = re.compile(rb'[^\s,;<>"?]+')


class NameAddr(NamedTuple):
    """One address of a header."""

    uri: Uri
    parameters: tuple[Parameter, ...]
    span: Span
    """Display name, URI and parameters."""
    display: bytes = b""
    """As written, quotes included."""

    def parameter(self, name: bytes) -> Parameter | None:
        """The header parameter of that name (not one of the URI)."""
        return parameter(self.parameters, name)

    @property
    def tag(self) -> bytes | None:
        """The tag of From and To."""
        found = self.parameter(b"tag")
        return found.value if found else None


def take_address(raw: bytes, start: int, end: int) -> NameAddr:
    """The address that begins at `start`. Raises SipSyntaxError."""
    match = _NAME_ADDR.match(raw, start, end)
    if match is not None:
        display, inner = match.groups()
        first = match.start(2) + len(inner) - len(inner.lstrip(b" \t"))
        uri = parse_uri(raw, first, first + len(inner.strip(b" \t")))
        parameters, position = take_parameters(raw, match.end(), end)
        return NameAddr(uri, parameters, (start, position), display.strip())
    plain = _ADDR_SPEC.match(raw, start, end)
    if plain is None:
        raise SipSyntaxError("no address")
    uri = parse_uri(raw, *plain.span())
    parameters, position = take_parameters(raw, plain.end(), end)
    return NameAddr(uri, parameters, (start, position))


def parse_addresses(raw: bytes, start: int, end: int) -> tuple[NameAddr, ...]:
    """The addresses of raw[start:end], separated by commas. Raises SipSyntaxError."""
    found = []
    position: int | None = skip_blanks(raw, start, end)
    while position is not None:
        address = take_address(raw, position, end)
        found.append(address)
        position = next_item(raw, _behind(raw, address.span[1], end), end)
    return tuple(found)


def parse_only_address(raw: bytes, start: int, end: int) -> NameAddr:
    """The one address of raw[start:end]. Raises SipSyntaxError."""
    address = take_address(raw, skip_blanks(raw, start, end), end)
    if _behind(raw, address.span[1], end) != end:
        raise SipSyntaxError("something behind an address")
    return address


def _behind(raw: bytes, position: int, end: int) -> int:
    """Past blanks, and past semicolons that nothing follows, as some software writes them."""
    position = skip_blanks(raw, position, end)
    while raw[position : position + 1] == b";" and position < end:
        position = skip_blanks(raw, position + 1, end)
    return position
