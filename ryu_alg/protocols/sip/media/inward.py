"""A description on its way in: where the other side is, for exchanges with it.

Invariants: public endpoints of inside hosts become inside ones, so that two of them talk
directly, and nothing is opened for that; an address that only an inside host could have, or nobody,
is refused. Everything else may be announced: it opens nothing but what the inside announced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address

from ryu_alg.inspection import Address, Endpoint, Gateway, Realm, Transport
from ryu_alg.inspection.sdp import Host, Malformed, Media
from ryu_alg.protocols.sip.media import candidates, paths
from ryu_alg.protocols.sip.media.draft import Draft, endpoints, receiver, rtcp_of
from ryu_alg.protocols.sip.media.outcome import RefusalError
from ryu_alg.protocols.sip.media.streams import (
    Kind,
    Outside,
    OutsideStream,
    Side,
    Stream,
    bundles,
    read_stream,
)

MIN_PORT = 1024
"""Of the remote ends of UDP media: below, there are services."""
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_RESERVED = IPv4Network("240.0.0.0/4")


@dataclass(frozen=True, slots=True)
class Found:
    """What an announced endpoint is."""

    remote: Endpoint | None = None
    """Set: somebody outside, who may be let in."""
    direct: Endpoint | None = None
    """Set: another inside host's, here as it is inside."""


@dataclass(slots=True)
class Inward:
    """The rewriting of one description."""

    gateway: Gateway
    host: Address
    """The inside host that it goes to."""
    draft: Draft

    def rewrite(self) -> Outside:
        """Make the changes in the draft; what the description says."""
        description = self.draft.description
        if candidates.count(description) > candidates.MAX_CANDIDATES:
            raise RefusalError("sip.media.too_many", "too many candidates")
        streams = tuple(
            self._candidates(self._stream(index, media), media)
            for index, media in enumerate(description.media)
        )
        self.draft.write_connections(lambda address: address)
        return Side(streams, bundles(description))

    def _stream(self, index: int, media: Media) -> OutsideStream:
        said = read_stream(self.draft.description, media)
        if media.port == 0 or said.kind is Kind.OTHER:
            return OutsideStream(said, ())
        host = receiver(self.draft, media)
        path = media.attribute(b"path") if said.kind is Kind.CONNECTION else None
        if path is not None:
            uris = paths.read_path(path)
            if isinstance(uris, Malformed):
                raise RefusalError("sip.media.malformed", uris.reason)
            return self._message_session(index, media, said, host, uris)
        if host.address is None:
            self.draft.report("sip.media.host_name", "c= names no address")
            return OutsideStream(said, ())
        if host.address.is_unspecified:
            self.draft.connections[index] = host.address
            return OutsideStream(replace(said, sends=False, receives=False), ())
        return self._ports(index, media, said, host.address)

    def _ports(self, index: int, media: Media, said: Stream, address: Address) -> OutsideStream:
        announced = endpoints(media, said.kind, address)
        rtcp = rtcp_of(media) if said.kind is Kind.RTP else None
        if rtcp is not None:
            stated = rtcp.host.address if rtcp.host is not None else address
            elsewhere = Endpoint(address if stated is None else stated, rtcp.port)
            announced = (announced[0], elsewhere)
        found = tuple(self._find(endpoint, said.kind.transport) for endpoint in announced)
        first = found[0].direct
        self.draft.connections[index] = first.address if first else address
        if first:
            self.draft.write_port(media.port_span, first.port)
        if rtcp is not None and (second := found[1].direct):
            self.draft.write_port(rtcp.port_span, second.port)
            if rtcp.host is not None:
                self.draft.write_address(rtcp.host, second.address)
        return OutsideStream(
            said,
            tuple(each.remote for each in found),
            direct=tuple(
                (each.direct, public)
                for each, public in zip(found, announced, strict=True)
                if each.direct
            ),
        )

    def _message_session(
        self, index: int, media: Media, said: Stream, host: Host, uris: tuple[paths.Uri, ...]
    ) -> OutsideStream:
        said = replace(said, session=uris[-1].session)
        # The first is who connects, or is connected to: the other end, or its relay.
        uri = uris[0]
        address = uri.address or host.address
        if host.address is not None:
            self.draft.connections[index] = host.address
        if address is None or address.is_unspecified:
            self.draft.report("sip.media.host_name", "neither a=path nor c= names an address")
            return OutsideStream(said, ())
        announced = Endpoint(address, uri.port)
        found = self._find(announced, Transport.TCP)
        if found.direct is None:
            return OutsideStream(said, (found.remote,))
        if announced != found.direct:
            self.draft.replace(uri.authority, paths.authority(found.direct))
        if media.port == announced.port:
            self.draft.write_port(media.port_span, found.direct.port)
        if host.address == announced.address:
            self.draft.connections[index] = found.direct.address
        return OutsideStream(said, (None,), direct=((found.direct, announced),))

    def _candidates(self, stream: OutsideStream, media: Media) -> OutsideStream:
        """Candidates are tried one by one: those that cannot be used do no harm."""
        tried: list[tuple[int, Endpoint]] = []
        direct = list(stream.direct)
        for attribute in media.named(b"candidate"):
            candidate = candidates.read_candidate(attribute)
            if candidate is None or candidate.place is None or not candidate.udp:
                continue
            place = candidate.place
            inside = self.gateway.behind(place.endpoint, Transport.UDP)
            if inside is not None:
                self.draft.write_endpoint(place, inside)
                direct.append((inside, place.endpoint))
            elif candidate.component in (1, 2) and self._may_be_remote(place.endpoint):
                tried.append((candidate.component, place.endpoint))
        for attribute in media.named(b"remote-candidates"):
            for place in candidates.remote_places(attribute):
                inside = self.gateway.behind(place.endpoint, Transport.UDP)
                if inside is not None:
                    self.draft.write_endpoint(place, inside)
        if not tried and len(direct) == len(stream.direct):
            return stream
        return replace(stream, candidates=tuple(tried), direct=tuple(direct))

    def _find(self, announced: Endpoint, transport: Transport) -> Found:
        """What an endpoint is that media are to be sent to."""
        inside = self.gateway.behind(announced, transport)
        if inside is not None:
            return Found(direct=inside)
        address = announced.address
        if self.gateway.realm_of(address) is Realm.INSIDE:
            if self.gateway.public_of(address) != address:
                raise RefusalError("sip.media.inside_address", str(address))
            return Found()  # Seen everywhere as it is; between inside hosts nothing is closed.
        if not _is_host(address):
            raise RefusalError("sip.media.bad_address", str(address))
        if address == self.gateway.public_of(self.host):
            self.draft.report("sip.media.unknown_public", str(announced))
        elif address.version != self.host.version:
            self.draft.report("sip.media.family", str(announced))
        elif transport is Transport.UDP and announced.port < MIN_PORT:
            self.draft.report("sip.media.privileged_port", str(announced))
        else:
            return Found(remote=announced)
        return Found()

    def _may_be_remote(self, endpoint: Endpoint) -> bool:
        address = endpoint.address
        return (
            self.gateway.realm_of(address) is Realm.OUTSIDE
            and _is_host(address)
            and address != self.gateway.public_of(self.host)
            and address.version == self.host.version
            and endpoint.port >= MIN_PORT
        )


@lru_cache(maxsize=1024)
def _is_host(address: Address) -> bool:
    """Whether a single host somewhere else may have this address."""
    if isinstance(address, IPv6Address):
        odd = address.ipv4_mapped is not None
    else:
        odd = address in _THIS_NETWORK or address in _RESERVED
    return not (
        odd
        or address.is_multicast
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
    )
