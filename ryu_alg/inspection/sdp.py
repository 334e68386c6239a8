"""Session descriptions (SDP, RFC 8866), read in place.

A description says where in the bytes its addresses and ports stand, so that a rewriter can put
others there (see `edits`) and leave every other byte alone. What this module reads it reads
strictly: a line that could be understood in two ways makes the description malformed. What it does
not read may be odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from ryu_alg.inspection.addresses import read_address
from ryu_alg.inspection.edits import Span
from ryu_alg.inspection.endpoints import Address

MAX_SIZE = 65536
"""Bytes of a description."""
MAX_LINES = 1024
MAX_MEDIA = 16
"""m= lines of a description, rejected ones included."""
MAX_CONNECTIONS = 4
"""c= lines of one medium."""

_LINE = re.compile(rb"([A-Za-z])=([^\r\n\0]*)(\r?\n|\Z)")
_ADDRESS = rb"(?P<net>[A-Za-z]+)[ \t]+(?P<family>[A-Za-z0-9]+)[ \t]+(?P<host>[^\s/]{1,255})"
_ORIGIN = re.compile(rb"\S+[ \t]+\S+[ \t]+\S+[ \t]+" + _ADDRESS + rb"[ \t]*")
_CONNECTION = re.compile(
    _ADDRESS + rb"(?:/(?P<first>[0-9]{1,5}))?(?:/(?P<second>[0-9]{1,5}))?[ \t]*"
)
_MEDIA = re.compile(
    rb"(?P<kind>[^\s/]+)[ \t]+(?P<port>[0-9]{1,5})(?:/(?P<count>[0-9]{1,5}))?"
    rb"[ \t]+(?P<protocol>\S+)(?P<formats>(?:[ \t]+\S+)*)[ \t]*"
)
_RTCP = re.compile(rb"(?P<port>[0-9]{1,5})(?:[ \t]+" + _ADDRESS + rb")?[ \t]*")
_MAX_PORT = 65535
_VERSIONS = {b"IP4": 4, b"IP6": 6}


@dataclass(frozen=True, slots=True)
class Malformed:
    """No description, or none that can be read in one way only."""

    reason: str
    """Fit to be shown."""


class Host(NamedTuple):
    """An address as written."""

    text: bytes
    address: Address | None
    """None: a host name."""
    span: Span


class Connection(NamedTuple):
    """A c= line."""

    host: Host
    addresses: int
    """How many consecutive ones it stands for; more than one are multicast."""
    line: Span
    """With its end."""


class Attribute(NamedTuple):
    """An a= line."""

    name: bytes
    value: bytes
    """Empty without a colon, too."""
    span: Span
    """Of the value."""
    line: Span
    """With its end."""


class Rtcp(NamedTuple):
    """An a=rtcp attribute (RFC 3605)."""

    port: int
    port_span: Span
    host: Host | None
    """None: the connection's."""


@dataclass(frozen=True, slots=True)
class Media:
    """An m= line, and the lines that belong to it."""

    kind: bytes
    """`audio`, `video`, `message`, ..."""
    port: int
    """0: rejected, or not wanted any more."""
    port_span: Span
    """Without the count."""
    count: int
    """Of ports, or pairs of ports."""
    protocol: bytes
    """In upper case: `RTP/AVP`, `TCP/MSRP`, ..."""
    formats: tuple[bytes, ...]
    connections: tuple[Connection, ...]
    """Its own; several are multicast."""
    attributes: tuple[Attribute, ...]
    insertion: int
    """Where a c= line of its own would stand."""

    def attribute(self, name: bytes) -> Attribute | None:
        """The first attribute of that name."""
        return next(self.named(name), None)

    def named(self, name: bytes) -> Iterator[Attribute]:
        """Its attributes of that name, in order."""
        return (attribute for attribute in self.attributes if attribute.name == name)


class Description(NamedTuple):
    """What a session consists of, and where its parties are."""

    origin: Host | None
    """The address of o=."""
    connection: Connection | None
    """For the media that have none of their own."""
    attributes: tuple[Attribute, ...]
    media: tuple[Media, ...]
    line_end: bytes
    """Of the first line."""

    def connection_of(self, media: Media) -> Connection | None:
        """Where a medium is received."""
        return media.connections[0] if media.connections else self.connection

    def named(self, name: bytes) -> Iterator[Attribute]:
        """The session's attributes of that name, in order."""
        return (attribute for attribute in self.attributes if attribute.name == name)

    def all_attributes(self) -> Iterator[Attribute]:
        """The session's, and those of all media, in order."""
        return chain(self.attributes, *(media.attributes for media in self.media))


class _SdpError(Exception):
    """Reading ends."""


def parse(raw: bytes) -> Description | Malformed:
    """Read a description. Lines end with CR LF, or with LF alone; the last one may have no end."""
    try:
        return _Reader(raw).read()
    except _SdpError as error:
        return Malformed(str(error))


def read_rtcp(attribute: Attribute) -> Rtcp | Malformed:
    """The value of an a=rtcp attribute."""
    match = _RTCP.fullmatch(attribute.value)
    if match is None or int(match["port"]) > _MAX_PORT:
        return Malformed("a=rtcp has no port")
    start = attribute.span[0]
    port_span = (start + match.start("port"), start + match.end("port"))
    try:
        host = _host(match, start) if match["host"] is not None else None
    except _SdpError as error:
        return Malformed(str(error))
    return Rtcp(int(match["port"]), port_span, host)


def _host(match: re.Match[bytes], start: int) -> Host:
    """The address in a match of `_ADDRESS` within what stands at `start`."""
    net, family, host = match.group("net", "family", "host")
    if net.upper() != b"IN":
        raise _SdpError("the network is not the Internet")
    version = _VERSIONS.get(family.upper())
    if version is None:
        raise _SdpError("an address is neither IP4 nor IP6")
    address = read_address(host)
    if address is not None and address.version != version:
        address = None
    first, last = match.span("host")
    return Host(host, address, (start + first, start + last))


class _Reader:
    """Reads one description from its first line to its last."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._origin: Host | None = None
        self._connections: list[Connection] = []
        self._attributes: list[Attribute] = []
        self._line_end = b"\r\n"
        self._media: list[Media] = []
        self._current: tuple[re.Match[bytes], int] | None = None
        """The m= line being read, and where its value starts."""
        self._session: tuple[Connection | None, tuple[Attribute, ...]] = (None, ())
        self._insertion = 0

    def read(self) -> Description:
        if len(self._raw) > MAX_SIZE:
            raise _SdpError("it is too long")
        first = True
        for match in self._lines():
            kind, value, line_end = match.groups()
            if (kind == b"v") != first:
                raise _SdpError("it does not begin with v=, or there are two")
            if first:
                self._line_end = line_end or b"\r\n"
                first = False
            self._line(kind, value, match)
        self._finish()
        connection, attributes = self._session
        return Description(self._origin, connection, attributes, tuple(self._media), self._line_end)

    def _lines(self) -> Iterator[re.Match[bytes]]:
        raw = self._raw
        end = len(raw.rstrip(b"\r\n"))  # Some put empty lines at the end.
        if end == 0:
            raise _SdpError("it is empty")
        position = 0
        for _ in range(MAX_LINES):
            match = _LINE.match(raw, position)
            if match is None:
                raise _SdpError("a line is not of the form x=...")
            yield match
            position = match.end()
            if position >= end:
                return
        raise _SdpError("it has too many lines")

    def _line(self, kind: bytes, value: bytes, match: re.Match[bytes]) -> None:
        match kind:
            case b"a":
                self._attributes.append(_attribute(value, match))
            case b"o":
                self._read_origin(value, match.start(2))
            case b"c":
                self._connections.append(_connection(value, match))
                if len(self._connections) > (MAX_CONNECTIONS if self._current else 1):
                    raise _SdpError("there are too many c= lines")
            case b"m":
                self._begin(value, match.start(2))
                self._insertion = match.end()
            case b"i":
                self._insertion = match.end()

    def _read_origin(self, value: bytes, start: int) -> None:
        match = _ORIGIN.fullmatch(value)
        if match is None or self._origin is not None or self._current:
            raise _SdpError("o= is not as it should be, or there are two")
        self._origin = _host(match, start)

    def _begin(self, value: bytes, start: int) -> None:
        match = _MEDIA.fullmatch(value)
        if match is None or int(match["port"]) > _MAX_PORT:
            raise _SdpError("an m= line is not as it should be")
        if match["count"] is not None and int(match["count"]) == 0:
            raise _SdpError("an m= line has no ports")
        self._finish()
        if len(self._media) >= MAX_MEDIA:
            raise _SdpError("there are too many m= lines")
        self._current = (match, start)

    def _finish(self) -> None:
        """What was read since the last m= line belongs to that, or to the session."""
        connections, attributes = tuple(self._connections), tuple(self._attributes)
        self._connections.clear()
        self._attributes.clear()
        if self._current is None:
            self._session = (connections[0] if connections else None, attributes)
            return
        match, start = self._current
        kind, port, count, protocol, formats = match.groups()
        self._media.append(
            Media(
                kind=kind,
                port=int(port),
                port_span=(start + match.start("port"), start + match.end("port")),
                count=int(count or 1),
                protocol=protocol.upper(),
                formats=tuple(formats.split()),
                connections=connections,
                attributes=attributes,
                insertion=self._insertion,
            )
        )


def _connection(value: bytes, line: re.Match[bytes]) -> Connection:
    match = _CONNECTION.fullmatch(value)
    if match is None:
        raise _SdpError("c= is not as it should be")
    host = _host(match, line.start(2))
    # RFC 8866 section 5.7: IP4 has a TTL first, IP6 has none.
    count = match["second"] if match["family"].upper() == b"IP4" else match["first"]
    return Connection(host, int(count or 1), line.span())


def _attribute(text: bytes, line: re.Match[bytes]) -> Attribute:
    name, _, value = text.partition(b":")
    if not name:
        raise _SdpError("a= has no name")
    end = line.end(2)
    return Attribute(name, value, (end - len(value), end), line.span())
