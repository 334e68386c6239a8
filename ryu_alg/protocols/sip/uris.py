"""SIP URIs (RFC 3261 section 19.1, RFC 5118), and where their host and port stand."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from ryu_alg.inspection import Address, Endpoint
from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.sip.grammar import HOST, SipSyntaxError

DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061
_MAX_PORT = 65535
_URI = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]*):[^\s<>]*")
_HOST_PORT = re.compile(rb"(" + HOST + rb")(?::([0-9]{1,5}))?")
_PARAMETER = re.compile(rb";([^=;?\s]+)(?:=([^;?\s]*))?")


class HostPort(NamedTuple):
    """A host, and a port if it is written."""

    host: bytes
    """As written, brackets included."""
    address: Address | None
    """None if the host is a name."""
    port: int | None
    span: Span
    """Of both."""

    def endpoint(self, default_port: int = DEFAULT_PORT) -> Endpoint | None:
        """Where it is, if the host is an address."""
        if self.address is None:
            return None
        return Endpoint(self.address, default_port if self.port is None else self.port)


class UriParameter(NamedTuple):
    """;name=value within a URI."""

    name: bytes
    """In lower case."""
    value: bytes
    value_span: Span


class Uri(NamedTuple):
    """A URI. Of those that are neither sip nor sips, nothing but the scheme is read."""

    span: Span
    scheme: bytes
    """In lower case."""
    user: bytes | None = None
    """With the password if there is one; None without `@`."""
    where: HostPort | None = None
    """None for a scheme that is not SIP's."""
    parameters: tuple[UriParameter, ...] = ()

    def parameter(self, name: bytes) -> UriParameter | None:
        """The parameter of that name."""
        for candidate in self.parameters:
            if candidate.name == name:
                return candidate
        return None

    @property
    def default_port(self) -> int:
        """Where requests go if no port is written."""
        return DEFAULT_TLS_PORT if self.scheme == b"sips" else DEFAULT_PORT

    @property
    def endpoint(self) -> Endpoint | None:
        """Where it leads, if its host is an address."""
        return self.where.endpoint(self.default_port) if self.where else None


@lru_cache(maxsize=4096)
def parse_address(host: bytes) -> Address | None:
    """The address that a host is, with or without brackets; None for a name."""
    text = host.strip(b"[]").decode("ascii", "replace")
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError:
        return None


def take_host_port(raw: bytes, start: int, end: int) -> HostPort:
    """The host, and port, that begin at `start`. Raises SipSyntaxError."""
    match = _HOST_PORT.match(raw, start, end)
    if match is None:
        raise SipSyntaxError("no host")
    host, digits = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 0 < port <= _MAX_PORT:
        raise SipSyntaxError("no such port")
    address = parse_address(host)
    if address is None and (host[:1] == b"[" or b":" in host):
        raise SipSyntaxError("no such address")
    return HostPort(host, address, port, match.span())


def parse_uri(raw: bytes, start: int, end: int) -> Uri:
    """The URI raw[start:end]. Raises SipSyntaxError."""
    whole = _URI.fullmatch(raw, start, end)
    if whole is None:
        raise SipSyntaxError("no URI")
    scheme = whole[1].lower()
    if scheme not in (b"sip", b"sips"):
        return Uri((start, end), scheme)
    behind = whole.end(1) + 1
    at = raw.find(b"@", behind, end)
    user = raw[behind:at] if at >= 0 else None
    where = take_host_port(raw, at + 1 if at >= 0 else behind, end)
    parameters = []
    position = where.span[1]
    while match := _PARAMETER.match(raw, position, end):
        name, value = match.groups()
        position = match.end()
        value_span = (position, position) if value is None else match.span(2)
        parameters.append(UriParameter(name.lower(), value or b"", value_span))
    if position < end and raw[position : position + 1] != b"?":
        raise SipSyntaxError("no URI")
    return Uri((start, end), scheme, user, where, tuple(parameters))


@lru_cache(maxsize=4096)
def write_host(address: Address) -> bytes:
    """`address` as a host: IPv6 in brackets."""
    return b"[%s]" % str(address).encode() if address.version == 6 else str(address).encode()


def write_host_port(endpoint: Endpoint) -> bytes:
    """`endpoint` as host and port."""
    return b"%s:%d" % (write_host(endpoint.address), endpoint.port)
