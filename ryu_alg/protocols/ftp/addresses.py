"""Addresses and ports as FTP writes them: PORT and 227 (RFC 959), EPRT and 229 (RFC 2428).

A parser says what is written and where; a writer makes the text that takes its place.
Numbers are plain: at most three digits an octet, five a port, nothing wraps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from ryu_alg.inspection import Address, Endpoint

_TUPLE = rb"[0-9]{1,3}(?:,[0-9]{1,3}){5}"
_SPACED = rb"[0-9]{1,3}(?:[ \t]*,[ \t]*[0-9]{1,3}){5}"
_PORT_ARGUMENT = re.compile(_SPACED)
_PASSIVE = (
    re.compile(rb"\([ \t]*(" + _SPACED + rb")[ \t]*\)"),
    re.compile(rb"(?<![0-9])(?<![0-9][,.])(" + _TUPLE + rb")(?!,?[0-9])"),
    re.compile(
        rb"(?<![0-9])(?<![0-9][,.])(?<![0-9],[ \t])(" + _SPACED + rb")(?![0-9]|[ \t]*,[ \t]*[0-9])"
    ),
)
"""Where to look for the address in a 227, best first: clients look in about this order."""
_DELIMITED = (
    rb"(?P<all>(?P<d>[!-/:-~])(?P<family>[0-9]?)(?P=d)(?P<host>[0-9A-Fa-f:.]{0,45})(?P=d)"
    rb"(?P<port>[0-9]{1,5})(?P=d))"
)
_EXTENDED_PASSIVE = (
    re.compile(rb"\([ \t]*" + _DELIMITED + rb"[ \t]*\)"),
    re.compile(_DELIMITED),
)
_LEADING_ZERO = re.compile(rb"(?<![0-9])0[0-9]")
_MAX_PORT = 65535


class Fault(Enum):
    """Why an address cannot be read."""

    SYNTAX = "syntax"
    FAMILY = "family"
    """EPRT with a network protocol that is neither 1 (IPv4) nor 2 (IPv6)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where somebody says that it listens."""

    address: Address | None
    """None: a 229 without an address, which means the server's own."""
    port: int
    start: int
    end: int
    """The text between start and end is what a rewritten address replaces."""
    delimiter: bytes = b","
    plain: bool = True
    """Without leading zeros, which some read as octal."""

    def means(self, other: Claim) -> bool:
        """Whether both say the same, in whatever words."""
        return self.address == other.address and self.port == other.port

    def says(self, endpoint: Endpoint) -> bool:
        """Whether it need not be rewritten to mean `endpoint`."""
        same_address = self.address is None or self.address == endpoint.address
        return self.plain and same_address and self.port == endpoint.port


def _from_tuple(text: bytes, start: int) -> Claim | Fault:
    numbers = [int(number) for number in text.split(b",")]
    if max(numbers) > 255:
        return Fault.SYNTAX
    return Claim(
        address=IPv4Address(bytes(numbers[:4])),
        port=numbers[4] << 8 | numbers[5],
        start=start,
        end=start + len(text),
        plain=not _LEADING_ZERO.search(text),
    )


def _address(family: bytes, text: bytes) -> Address | None:
    try:
        if family == b"1":
            return IPv4Address(text.decode("ascii"))
        return IPv6Address(text.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        return None


def parse_port(argument: bytes) -> Claim | Fault:
    """The argument of PORT: h1,h2,h3,h4,p1,p2."""
    if not _PORT_ARGUMENT.fullmatch(argument):
        return Fault.SYNTAX
    return _from_tuple(argument, 0)


def parse_eprt(argument: bytes) -> Claim | Fault:
    """The argument of EPRT: |1|192.0.2.1|6275| or |2|2001:db8::1|6275|, any delimiter."""
    delimiter = argument[:1]
    if not b"!" <= delimiter <= b"~":
        return Fault.SYNTAX
    match argument.split(delimiter):
        case [b"", family, address, port, b""]:
            pass
        case _:
            return Fault.SYNTAX
    if not re.fullmatch(rb"[0-9]{1,5}", port) or not re.fullmatch(rb"[0-9]{1,5}", family):
        return Fault.SYNTAX
    if family not in (b"1", b"2"):
        return Fault.FAMILY
    parsed = None if b"%" in address else _address(family, address)
    if parsed is None or int(port) > _MAX_PORT:
        return Fault.SYNTAX
    return Claim(parsed, int(port), 0, len(argument), delimiter, not _LEADING_ZERO.match(port))


def find_227(reply: bytes, start: int, end: int) -> Claim | Fault:
    """The address within reply[start:end], the text of a line of a 227.

    RFC 959 fixes no format, so servers have many (RFC 1123 section 4.1.2.6): with and
    without parentheses, with blanks, with other digits in front.
    """
    for pattern in _PASSIVE:
        if match := pattern.search(reply, start, end):
            return _from_tuple(match[1], match.start(1))
    return Fault.SYNTAX


def find_229(reply: bytes, start: int, end: int) -> Claim | Fault:
    """The port within reply[start:end], the text of a line of a 229: (|||6446|).

    RFC 2428 leaves the address out; where a server writes it, it is read.
    """
    for pattern in _EXTENDED_PASSIVE:
        match = pattern.search(reply, start, end)
        if match is None:
            continue
        host, port = match["host"], match["port"]
        address = _address(match["family"] or b"1", host) if host else None
        if int(port) > _MAX_PORT or (host and address is None):
            return Fault.SYNTAX
        plain = not _LEADING_ZERO.match(port)
        return Claim(address, int(port), match.start("all"), match.end("all"), match["d"], plain)
    return Fault.SYNTAX


def write_tuple(endpoint: Endpoint) -> bytes | None:
    """`endpoint` as in PORT and 227; None for IPv6, which has no such form."""
    if endpoint.address.version != 4:
        return None
    numbers = (*endpoint.address.packed, endpoint.port >> 8, endpoint.port & 0xFF)
    return b",".join(b"%d" % number for number in numbers)


def write_eprt(endpoint: Endpoint, delimiter: bytes) -> bytes:
    """`endpoint` as in EPRT, with the delimiter that the client chose if it still can be one."""
    family = 1 if endpoint.address.version == 4 else 2
    fields = (b"%d" % family, str(endpoint.address).encode(), b"%d" % endpoint.port)
    if any(delimiter in field for field in fields):
        delimiter = b"|"
    return delimiter + delimiter.join(fields) + delimiter


def write_229(port: int, delimiter: bytes) -> bytes:
    """`port` as in 229."""
    return delimiter * 3 + b"%d" % port + delimiter
