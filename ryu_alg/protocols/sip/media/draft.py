"""A description being rewritten, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ryu_alg.inspection import Address, Endpoint, Report, sdp
from ryu_alg.inspection.edits import Edit, Span, splice
from ryu_alg.inspection.sdp import Connection, Description, Host, Media, Rtcp
from ryu_alg.protocols.sip.media.candidates import Place
from ryu_alg.protocols.sip.media.outcome import RefusalError
from ryu_alg.protocols.sip.media.streams import MAX_PORTS, Kind

_MAX_PORT = 65535


@dataclass(slots=True)
class Draft:
    """A description, and what is to change in it."""

    raw: bytes
    description: Description
    reports: list[Report] = field(default_factory=list)
    connections: dict[int, Address] = field(default_factory=dict)
    """By the index of a medium: the address that its c= is to have, its own or the session's.
    Media that are not listed have none that matters."""
    _edits: list[Edit] = field(default_factory=list)

    def report(self, code: str, detail: str) -> None:
        """Something worth showing."""
        self.reports.append(Report(code, detail))

    def replace(self, span: Span, text: bytes) -> None:
        """`text` stands where `span` was."""
        self._edits.append((span, text))

    def write_address(self, host: Host, address: Address) -> None:
        """`host` names `address`, in whatever way if it does already."""
        if host.address != address:
            self.replace(host.span, str(address).encode("ascii"))

    def write_port(self, span: Span, port: int) -> None:
        """`port` stands where `span` was."""
        start, end = span
        if int(self.raw[start:end]) != port:
            self.replace(span, b"%d" % port)

    def write_endpoint(self, place: Place, endpoint: Endpoint) -> None:
        """`place` names `endpoint`."""
        if place.endpoint != endpoint:
            self.replace(place.address_span, str(endpoint.address).encode("ascii"))
            self.replace(place.port_span, b"%d" % endpoint.port)

    def write_connections(self, otherwise: Callable[[Address], Address]) -> None:
        """The c= lines follow `connections`; addresses that do not matter become `otherwise`.

        Media that share the session's c= line and do not agree get lines of their own.
        """
        sharing: dict[int, Address] = {}
        for index, media in enumerate(self.description.media):
            wanted = self.connections.get(index)
            if wanted is not None and not media.connections:
                sharing[index] = wanted
                continue
            for connection in media.connections:
                self._write_connection(connection, wanted, otherwise)
                wanted = None
        session = self.description.connection
        if session is None:
            return
        common = next(iter(sharing.values()), None)
        self._write_connection(session, common, otherwise)
        for index, address in sharing.items():
            if address != common:
                self._insert_connection(self.description.media[index], address)

    def result(self) -> bytes:
        """The description with its changes."""
        return splice(self.raw, self._edits) if self._edits else self.raw

    def _write_connection(
        self,
        connection: Connection,
        wanted: Address | None,
        otherwise: Callable[[Address], Address],
    ) -> None:
        host = connection.host
        if wanted is None and host.address is not None:
            wanted = otherwise(host.address)
        if wanted is not None:
            self.write_address(host, wanted)

    def _insert_connection(self, media: Media, address: Address) -> None:
        position, line_end = media.insertion, self.description.line_end
        text = b"c=IN IP%d %s" % (address.version, str(address).encode("ascii"))
        ended = self.raw[position - 1 : position] == b"\n"
        self.replace((position, position), text + line_end if ended else line_end + text)


def read(raw: bytes) -> Draft:
    """The draft of a description that has not changed yet."""
    description = sdp.parse(raw)
    if isinstance(description, sdp.Malformed):
        raise RefusalError("sip.media.malformed", description.reason)
    return Draft(raw, description)


def receiver(draft: Draft, media: Media) -> Host:
    """Where a medium is received: one host, or several in no case."""
    connection = draft.description.connection_of(media)
    if connection is None:
        raise RefusalError("sip.media.no_address", "an m= line without c=")
    if connection.addresses > 1 or len(media.connections) > 1:
        raise RefusalError("sip.media.multicast", "several addresses for one m= line")
    return connection.host


def rtcp_of(media: Media) -> Rtcp | None:
    """What a=rtcp says. For several pairs of ports it has no meaning (RFC 3605 section 2.1)."""
    attribute = media.attribute(b"rtcp")
    if attribute is None or media.count > 1:
        return None
    rtcp = sdp.read_rtcp(attribute)
    if isinstance(rtcp, sdp.Malformed):
        raise RefusalError("sip.media.malformed", rtcp.reason)
    return rtcp


def endpoints(media: Media, kind: Kind, address: Address) -> tuple[Endpoint, ...]:
    """Those of an m= line, RTP and RTCP by turns, if nothing else is said about RTCP."""
    ports = media.count * 2 if kind is Kind.RTP else media.count
    if ports > MAX_PORTS:
        raise RefusalError("sip.media.too_many", f"{ports} ports for one m= line")
    last = media.port + ports - 1
    if last > _MAX_PORT:
        raise RefusalError("sip.media.malformed", f"there is no port {last}")
    return tuple(Endpoint(address, media.port + offset) for offset in range(ports))
