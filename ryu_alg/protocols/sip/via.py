"""The Via header (RFC 3261 section 20.42, RFC 3581): the way that responses go back."""

from __future__ import annotations

import re
from typing import NamedTuple

from ryu_alg.inspection import Endpoint
from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.sip.grammar import (
    HOST,
    LWS,
    TOKEN,
    Parameter,
    SipSyntaxError,
    next_item,
    parameter,
    skip_blanks,
    take_parameters,
)
from ryu_alg.protocols.sip.uris import (
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    HostPort,
    parse_address,
    take_host_port,
)

COOKIE = b"z9hG4bK"
"""A branch that begins so names one transaction (RFC 3261 section 8.1.1.7)."""
_PROTOCOL = re.compile(
    rb"SIP" + LWS + rb"/" + LWS + rb"2\.0" + LWS + rb"/" + LWS + rb"(" + TOKEN + rb")[ \t\r\n]+",
    re.IGNORECASE,
)
_PORT = re.compile(LWS + rb":" + LWS + rb"([0-9]{1,5})")
_HOST = re.compile(HOST)


class Via(NamedTuple):
    """One hop."""

    transport: bytes
    """In upper case."""
    sent_by: HostPort
    parameters: tuple[Parameter, ...]
    span: Span

    def parameter(self, name: bytes) -> Parameter | None:
        """branch, received, rport, maddr, ttl, ..."""
        return parameter(self.parameters, name)

    @property
    def branch(self) -> bytes | None:
        """The identifier of the transaction; None if there is none, as in RFC 2543."""
        found = self.parameter(b"branch")
        return found.value if found else None

    @property
    def wants_rport(self) -> bool:
        """Whether responses are to go to the port that the request came from (RFC 3581)."""
        return self.parameter(b"rport") is not None

    @property
    def listens(self) -> Endpoint | None:
        """Where it says that it waits for responses; None if that is a name."""
        secure = self.transport in (b"TLS", b"WSS", b"TLS-SCTP")
        return self.sent_by.endpoint(DEFAULT_TLS_PORT if secure else DEFAULT_PORT)


def parse_vias(raw: bytes, start: int, end: int) -> tuple[Via, ...]:
    """The hops of raw[start:end], separated by commas. Raises SipSyntaxError."""
    found = []
    position: int | None = skip_blanks(raw, start, end)
    while position is not None:
        via = _take_via(raw, position, end)
        found.append(via)
        position = next_item(raw, via.span[1], end)
    return tuple(found)


def _take_via(raw: bytes, start: int, end: int) -> Via:
    protocol = _PROTOCOL.match(raw, start, end)
    if protocol is None:
        raise SipSyntaxError("no Via")
    sent_by = _sent_by(raw, protocol.end(), end)
    parameters, position = take_parameters(raw, sent_by.span[1], end)
    return Via(protocol[1].upper(), sent_by, parameters, (start, position))


def _sent_by(raw: bytes, start: int, end: int) -> HostPort:
    """Unlike in a URI, blanks may stand around the colon."""
    host = _HOST.match(raw, start, end)
    if host is None or not (port := _PORT.match(raw, host.end(), end)):
        return take_host_port(raw, start, end)
    address = parse_address(host[0])
    if not 0 < int(port[1]) < 65536 or (address is None and host[0][:1] == b"["):
        raise SipSyntaxError("no host and port")
    return HostPort(host[0], address, int(port[1]), (start, port.end()))
