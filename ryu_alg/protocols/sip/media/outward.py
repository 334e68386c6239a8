"""A description on its way out: the inside's endpoints become the public ones that stand for them.

Invariants: nothing is bound for an address that is not the host's own, or a media server's that
the configuration names; no address of the inside that is translated leaves as it is, except in a
host name, or behind an MSRP relay that the endpoint is connected to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ryu_alg.inspection import Address, Endpoint, Gateway, Network, Realm, Transport, sdp
from ryu_alg.inspection.addresses import within
from ryu_alg.inspection.sdp import Attribute, Host, Malformed, Media
from ryu_alg.protocols.sip.media import candidates, paths
from ryu_alg.protocols.sip.media.candidates import DISCARD, Candidate, Place
from ryu_alg.protocols.sip.media.draft import Draft, endpoints, receiver, rtcp_of
from ryu_alg.protocols.sip.media.outcome import RefusalError
from ryu_alg.protocols.sip.media.sockets import Sockets
from ryu_alg.protocols.sip.media.streams import (
    Inside,
    InsideStream,
    Kind,
    Outside,
    Side,
    Stream,
    bundles,
    read_stream,
)


@dataclass(slots=True)
class Outward:
    """The rewriting of one description."""

    gateway: Gateway
    host: Address
    media_servers: tuple[Network, ...]
    sockets: Sockets
    draft: Draft
    offer: Outside | None
    """What it answers; None: it is an offer."""
    seen_inside: dict[Endpoint, Endpoint]
    """Public endpoints of other inside hosts, by what was written for them on the way in."""
    _public: dict[Endpoint, Endpoint] = field(default_factory=dict)
    """Of the UDP endpoints of this description."""

    def rewrite(self) -> Inside:
        """Make the changes in the draft; what the description says."""
        description = self.draft.description
        streams = tuple(self._stream(index, media) for index, media in enumerate(description.media))
        self.describe()
        return Side(streams, bundles(description))

    def describe(self) -> None:
        """Make the changes in a draft that neither offers nor answers: nothing is bound, and no
        address of the inside stays in it."""
        self._write_attributes()
        description = self.draft.description
        if description.origin is not None and description.origin.address is not None:
            self.draft.write_address(description.origin, self._shown(description.origin.address))
        self.draft.write_connections(self._shown)

    def _stream(self, index: int, media: Media) -> InsideStream:
        said = read_stream(self.draft.description, media)
        if media.port == 0:
            return InsideStream(said, None)
        if said.kind is Kind.OTHER:
            protocol = media.protocol.decode("ascii", "replace")
            self.draft.report("sip.media.unknown_transport", protocol)
            return InsideStream(said, None)
        host = receiver(self.draft, media)
        path = media.attribute(b"path") if said.kind is Kind.CONNECTION else None
        if path is not None:
            uris = paths.read_path(path)
            if isinstance(uris, Malformed):
                raise RefusalError("sip.media.malformed", uris.reason)
            return self._message_session(index, media, said, host, uris)
        if host.address is None:
            raise RefusalError("sip.media.host_name", "c= names no address")
        address = self._listening(host.address)
        if address is None:
            self.draft.connections[index] = host.address
            return InsideStream(said, None)
        if host.address.is_unspecified:
            # Hold as before RFC 3264. The ports are still the host's, and stay bound for after.
            said = replace(said, sends=False, receives=False)
        if said.kind is Kind.CONNECTION:
            return self._connection(index, media, said, host, Endpoint(address, media.port))
        return self._datagrams(index, media, said, host, address)

    def _datagrams(
        self, index: int, media: Media, said: Stream, host: Host, address: Address
    ) -> InsideStream:
        inside = endpoints(media, said.kind, address)
        rtcp = rtcp_of(media) if said.kind is Kind.RTP else None
        if rtcp is not None:
            stated = rtcp.host.address if rtcp.host is not None else address
            if rtcp.host is not None and (stated is None or self._listening(stated) != address):
                raise RefusalError("sip.media.foreign_address", f"a=rtcp {stated}")
            inside = (inside[0], Endpoint(address, rtcp.port))
        if (
            said.kind is Kind.RTP
            and media.count == 1
            and self._one_port(index, media, said, inside)
        ):
            inside = inside[:1]
        binding = self.sockets.take(inside, Transport.UDP)
        public = binding.public
        self._public.update(zip(inside, public, strict=False))
        self.draft.write_port(media.port_span, public[0].port)
        self._listen_at(index, host, public[0].address)
        if rtcp is not None:
            shown = public[len(inside) - 1]
            self.draft.write_port(rtcp.port_span, shown.port)
            if rtcp.host is not None and rtcp.host.address in (address, shown.address):
                self.draft.write_address(rtcp.host, shown.address)
        return InsideStream(said, binding.id, len(inside))

    def _one_port(
        self, index: int, media: Media, said: Stream, inside: tuple[Endpoint, ...]
    ) -> bool:
        """Whether RTCP shares RTP's port for sure. That of an offer may be declined (RFC 5761
        section 5.1.1), unless it says that there is no other way (RFC 8858)."""
        if inside[1] == inside[0] or media.attribute(b"rtcp-mux-only") is not None:
            return True
        if self.offer is None or index >= len(self.offer.streams):
            return False
        return said.mux and self.offer.streams[index].said.mux

    def _connection(
        self, index: int, media: Media, said: Stream, host: Host, inside: Endpoint
    ) -> InsideStream:
        if inside.port == DISCARD:  # The inside connects: RFC 4145 section 4.1.
            self._listen_at(index, host, self.gateway.public_of(inside.address))
            return InsideStream(said, None)
        binding = self.sockets.take((inside,), Transport.TCP)
        self.draft.write_port(media.port_span, binding.public[0].port)
        self._listen_at(index, host, binding.public[0].address)
        return InsideStream(said, binding.id, 1)

    def _message_session(
        self, index: int, media: Media, said: Stream, host: Host, uris: tuple[paths.Uri, ...]
    ) -> InsideStream:
        if len(uris) > 1:
            # The first is a relay that the endpoint has connected to, and that knows it by the
            # last one: neither needs the gateway.
            return InsideStream(said, None)
        (uri,) = uris
        if media.port not in (uri.port, DISCARD):  # RFC 4975 section 8.2: they are the same.
            raise RefusalError("sip.media.malformed", "m= and a=path name different ports")
        named = [address for address in (uri.address, host.address) if address is not None]
        if not named:
            raise RefusalError("sip.media.host_name", "neither a=path nor c= names an address")
        address = {stated: self._listening(stated) for stated in named}[named[0]]
        said = replace(said, session=uri.session)
        if host.address is not None:
            self.draft.connections[index] = host.address
        if address is None:
            return InsideStream(said, None)
        if uri.port == DISCARD:
            public, binding = Endpoint(self.gateway.public_of(address), DISCARD), None
        else:
            binding = self.sockets.take((Endpoint(address, uri.port),), Transport.TCP)
            public = binding.public[0]
        if (uri.address, uri.port) != (public.address, public.port):
            self.draft.replace(uri.authority, paths.authority(public))
        if media.port != DISCARD:
            self.draft.write_port(media.port_span, public.port)
        if host.address is not None:
            self._listen_at(index, host, public.address)
        return InsideStream(said, binding.id if binding else None, 1 if binding else 0)

    def _listening(self, stated: Address) -> Address | None:
        """The inside address that is meant; None if it needs no translation.

        Refused is whatever is neither the host's own nor configured."""
        if stated == self.host or stated.is_unspecified:
            return self.host
        if within(stated, self.media_servers):
            return stated if self.gateway.realm_of(stated) is Realm.INSIDE else None
        if stated == self.gateway.public_of(self.host):
            # Whoever knows its public address by other means (STUN, configuration) has its own
            # way through ordinary translation, or has none.
            self.draft.report("sip.media.already_public", str(stated))
            return None
        raise RefusalError("sip.media.foreign_address", str(stated))

    def _listen_at(self, index: int, host: Host, public: Address) -> None:
        held = host.address is not None and host.address.is_unspecified
        self.draft.connections[index] = host.address if held and host.address else public

    def _shown(self, address: Address) -> Address:
        """What stands for an address outside."""
        if self.gateway.realm_of(address) is Realm.INSIDE:
            return self.gateway.public_of(address)
        return address

    def _write_attributes(self) -> None:
        """What the streams have not said, wherever it stands; of edits the first counts."""
        description = self.draft.description
        if candidates.count(description) > candidates.MAX_CANDIDATES:
            raise RefusalError("sip.media.too_many", "too many candidates")
        for attribute in description.all_attributes():
            match attribute.name:
                case b"candidate":
                    if not self._write_candidate(candidates.read_candidate(attribute)):
                        self.draft.replace(attribute.line, b"")
                case b"remote-candidates":
                    for place in candidates.remote_places(attribute):
                        public = self.seen_inside.get(place.endpoint)
                        if public is not None:
                            self.draft.write_endpoint(place, public)
                case b"rtcp":
                    self._write_unused_rtcp(attribute)
                case b"path":
                    self._write_unused_path(attribute)

    def _write_unused_rtcp(self, attribute: Attribute) -> None:
        rtcp = sdp.read_rtcp(attribute)
        if isinstance(rtcp, Malformed):
            raise RefusalError("sip.media.malformed", rtcp.reason)
        if rtcp.host is not None and rtcp.host.address is not None:
            self.draft.write_address(rtcp.host, self._shown(rtcp.host.address))

    def _write_unused_path(self, attribute: Attribute) -> None:
        uris = paths.read_path(attribute)
        if isinstance(uris, Malformed):
            raise RefusalError("sip.media.malformed", uris.reason)
        if len(uris) > 1 or uris[0].address is None:
            return
        shown = self._shown(uris[0].address)
        if shown != uris[0].address:
            text = paths.authority(Endpoint(shown, uris[0].port))
            self.draft.replace(uris[0].authority, text)

    def _write_candidate(self, candidate: Candidate | None) -> bool:
        """False: its line goes.

        A port of a stream becomes the public one. No public port stands for another one of the
        inside, so nobody could reach it, and it would but show what the inside looks like; so
        would a candidate that cannot be read. What is reflexive or relayed stays.
        """
        if candidate is None:
            return self.gateway.public_of(self.host) == self.host
        place = candidate.place
        if place is not None:
            public = self._public.get(place.endpoint) if candidate.udp else None
            if public is not None:
                self.draft.write_endpoint(place, public)
            elif self._shown(place.endpoint.address) != place.endpoint.address:
                return False
        if candidate.related is not None:
            self._write_related(candidate.related)
        return True

    def _write_related(self, related: Place) -> None:
        """Where there is nothing to tell, as who does not want to (RFC 8839 section 5.1)."""
        address = related.endpoint.address
        public = self._public.get(related.endpoint)
        if public is not None:
            self.draft.write_endpoint(related, public)
        elif self._shown(address) != address:
            self.draft.write_endpoint(related, Endpoint(type(address)(0), DISCARD))
