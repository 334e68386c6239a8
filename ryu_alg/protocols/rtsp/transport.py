"""The Transport header (RFC 2326 section 12.39, RFC 7826 section 18.54), read in place.

Alternatives are separated by commas, parameters by semicolons; quoted text may contain both.
What is read here is read strictly: an address that two programs could understand in two ways
makes the header malformed. Parameters that say nothing about addresses may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import Address, Endpoint
from ryu_alg.inspection.addresses import read_address
from ryu_alg.inspection.edits import Edit, Span
from ryu_alg.inspection.sdp import Malformed

MAX_ALTERNATIVES = 16
MAX_PORTS = 16
"""Of one party, in one alternative."""
DISCARD = 9
"""The port of who connects and does not listen (RFC 4145 section 4.1)."""

_MAX_PORT = 65535
_SPEC = re.compile(rb'(?:[^,"]|"[^"\r\n]*")*+')
_PARAMETER = re.compile(rb'(?:[^;"]|"[^"\r\n]*")*+')
_NAMED = re.compile(
    rb"[ \t\r\n]*([A-Za-z0-9_.\-]+)[ \t]*(?:=[ \t]*+(.*)|[\r\n][ \t\r\n]*)?", re.DOTALL
)
_PROFILE = re.compile(rb"[ \t\r\n]*([A-Za-z0-9_.\-]+(?:/[A-Za-z0-9_.\-]+){1,3})[ \t\r\n]*")
_RANGE = re.compile(rb"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_HOST = re.compile(rb'"?\[?([A-Za-z0-9_.:%\-]{1,255})\]?"?')
_PLACE = re.compile(
    rb'"(?P<host>\[[0-9A-Fa-f:.%]{2,45}\]|[A-Za-z0-9_.\-]{0,255})(?::(?P<port>[0-9]{1,5}))?"'
)
_CHOSEN = (
    *(b"client_port", b"server_port", b"destination", b"source", b"dest_addr", b"src_addr"),
    *(b"interleaved", b"setup", b"unicast", b"multicast"),
)
"""Who takes the first of several, and who the last?"""


@dataclass(frozen=True, slots=True)
class Host:
    """A host as it is named."""

    address: Address | None
    """None: by a name."""
    span: Span
    """Of the address, without brackets."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where one party receives and sends, as far as it is said."""

    ports: tuple[int, ...] = ()
    port_spans: tuple[Span, ...] = ()
    """One for each port, or one for the range that they are."""
    hosts: tuple[Host, ...] = ()

    @property
    def listens(self) -> bool:
        """Whether somebody could connect there."""
        return bool(self.ports) and self.ports[0] != DISCARD

    def with_ports(self, ports: Sequence[int]) -> list[Edit] | None:
        """The edits that name other ports; None if they can't be named so."""
        if tuple(ports) == self.ports:
            return []
        if len(self.port_spans) == len(ports):
            texts = [b"%d" % port for port in ports]
            return list(zip(self.port_spans, texts, strict=True))
        if len(self.port_spans) != 1 or any(
            port != ports[0] + index for index, port in enumerate(ports)
        ):
            return None
        return [(self.port_spans[0], b"%d-%d" % (ports[0], ports[-1]))]

    def with_address(self, address: Address) -> list[Edit]:
        """The edits that name another host."""
        text = str(address).encode("ascii")
        return [(host.span, text) for host in self.hosts if host.address != address]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to transport a stream."""

    span: Span
    tcp: bool
    """RTP in TCP, within this connection or in one of its own."""
    multicast: bool
    interleaved: bool
    client: Side = field(default=Side())
    server: Side = field(default=Side())
    setup: bytes = b""
    """Who connects, where TCP is no interleaving: the one who says `active`."""
    mux: bool = False
    """RTCP shares RTP's port."""
    ice: bool = False
    """It names candidates (RFC 7825), which are not read."""


class _TransportError(Exception):
    """Reading ends."""


def parse(raw: bytes, start: int, end: int) -> tuple[Alternative, ...] | Malformed:
    """The alternatives in the header value raw[start:end]."""
    try:
        return tuple(_alternatives(raw, start, end))
    except _TransportError as error:
        return Malformed(str(error))


def addresses(endpoints: Sequence[Endpoint]) -> str:
    """Endpoints of one host, to be shown."""
    ports = "-".join(str(port) for port in dict.fromkeys((endpoints[0].port, endpoints[-1].port)))
    return f"{endpoints[0].address} port {ports}"


def _alternatives(raw: bytes, start: int, end: int) -> list[Alternative]:
    found: list[Alternative] = []
    for span in _parts(raw, start, end, _SPEC):
        if not raw[span[0] : span[1]].strip():
            continue  # RFC 2326 section 15.1: empty elements of a list do not count
        if len(found) >= MAX_ALTERNATIVES:
            raise _TransportError("too many alternatives")
        found.append(_alternative(raw, span))
    if not found:
        raise _TransportError("it is empty")
    return found


def _parts(raw: bytes, start: int, end: int, pattern: re.Pattern[bytes]) -> list[Span]:
    """What stands between separators."""
    spans: list[Span] = []
    while True:
        match = pattern.match(raw, start, end)
        assert match is not None  # it may be empty
        spans.append(match.span())
        if match.end() == end:
            return spans
        if raw[match.end()] == ord('"'):
            raise _TransportError("a quotation does not end")
        start = match.end() + 1


def _alternative(raw: bytes, span: Span) -> Alternative:
    first, *rest = _parts(raw, *span, _PARAMETER)
    profile = _PROFILE.fullmatch(raw, *first)
    if profile is None:
        raise _TransportError("an alternative does not begin with its protocol")
    values: dict[bytes, tuple[bytes, int]] = {}
    for part in rest:
        if not raw[part[0] : part[1]].strip():
            continue
        match = _NAMED.fullmatch(raw, *part)
        if match is None:
            raise _TransportError("a parameter has no name")
        name = match[1].lower()
        if name in values and name in _CHOSEN:
            raise _TransportError(f"there are two {name.decode()}")
        has_value = match[2] is not None
        value = (match[2].rstrip(b" \t\r\n"), match.start(2)) if has_value else (b"", match.end())
        values[name] = value
    interleaved = b"interleaved" in values
    return Alternative(
        span=span,
        tcp=interleaved or profile[1].upper().endswith(b"/TCP"),
        multicast=b"multicast" in values,
        interleaved=interleaved,
        client=_side(values, b"client_port", b"destination", b"dest_addr"),
        server=_side(values, b"server_port", b"source", b"src_addr"),
        setup=values.get(b"setup", (b"", 0))[0].strip(b'"').lower(),
        mux=b"rtcp-mux" in values,
        ice=b"candidates" in values,
    )


def _side(values: dict[bytes, tuple[bytes, int]], ports: bytes, host: bytes, places: bytes) -> Side:
    hosts: list[Host] = []
    if host in values and values[host][0]:
        hosts.append(_host(*values[host]))
    if places in values:
        if ports in values:
            raise _TransportError(f"both {ports.decode()} and {places.decode()}")
        return _places(*values[places], hosts)
    if ports not in values:
        return Side(hosts=tuple(hosts))
    value, start = values[ports]
    match = _RANGE.fullmatch(value)
    if match is None:
        raise _TransportError(f"{ports.decode()} is no port and no range")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 0 < first <= last <= _MAX_PORT or last - first >= MAX_PORTS:
        raise _TransportError(f"{ports.decode()} is no range of up to {MAX_PORTS} ports")
    span = (start, start + len(value))
    return Side(tuple(range(first, last + 1)), (span,), tuple(hosts))


def _host(value: bytes, start: int) -> Host:
    match = _HOST.fullmatch(value)
    if match is None:
        raise _TransportError("a host is neither an address nor a name")
    return Host(read_address(match[1]), (start + match.start(1), start + match.end(1)))


def _places(value: bytes, start: int, hosts: list[Host]) -> Side:
    """A list of places: "192.0.2.5:3456"/"192.0.2.5:3457", or ":3456"/":3457"."""
    numbers: list[int] = []
    spans: list[Span] = []
    position = 0
    while True:
        match = _PLACE.match(value, position)
        if match is None or len(numbers) >= MAX_PORTS:
            raise _TransportError("dest_addr or src_addr is no list of addresses")
        if match["host"]:
            text = match["host"].strip(b"[]")
            first = start + match.start("host") + match["host"].index(text)
            hosts.append(Host(read_address(text), (first, first + len(text))))
        if match["port"] is not None:
            if not 0 < int(match["port"]) <= _MAX_PORT:
                raise _TransportError("dest_addr or src_addr has no port")
            numbers.append(int(match["port"]))
            spans.append((start + match.start("port"), start + match.end("port")))
        position = match.end()
        if position == len(value):
            return Side(tuple(numbers), tuple(spans), tuple(hosts))
        if value[position] != ord("/"):
            raise _TransportError("dest_addr or src_addr is no list of addresses")
        position += 1
