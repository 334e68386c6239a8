"""From a Transport header to a binding, and from its answer to what is admitted.

Invariants: addresses come from the connection, only ports come from the header; a third host only
if the configuration names it. A request admits nothing: what its 2xx accepts of it is admitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import (
    Address,
    Binding,
    Endpoint,
    Exchange,
    Party,
    Realm,
    Refusal,
    Report,
    Transport,
)
from ryu_alg.inspection.edits import Edit, splice
from ryu_alg.inspection.headers import Field
from ryu_alg.inspection.sdp import Malformed
from ryu_alg.protocols.rtsp import transport
from ryu_alg.protocols.rtsp.messages import Message
from ryu_alg.protocols.rtsp.policy import Policy
from ryu_alg.protocols.rtsp.replies import Refused
from ryu_alg.protocols.rtsp.streams import Offer, Streams
from ryu_alg.protocols.rtsp.transport import DISCARD, MAX_ALTERNATIVES, Alternative, Host, Side

MIN_PORT = 1024
"""Media neither come from nor go to a lower port: there are services."""
_MAX_PORT = 65535
_UNUSABLE = 461


@dataclass(slots=True)
class Asked:
    """A SETUP that may pass."""

    offers: list[Offer] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


@dataclass(slots=True)
class Answered:
    """A 2xx to a SETUP that may pass, and what it makes."""

    edits: list[Edit] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    interleaved: bool = False
    binding: int | None = None
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Negotiator:
    """For one connection."""

    policy: Policy
    streams: Streams

    @property
    def inside(self) -> Party | None:
        """The party behind the gateway; None if both are: nothing is between them."""
        ends = self.policy.conversation
        realms = {party: self._realm(ends.actual(party).address) for party in Party}
        if realms[Party.CLIENT] is realms[Party.SERVER]:
            return None
        return Party.CLIENT if realms[Party.CLIENT] is Realm.INSIDE else Party.SERVER

    # -- SETUP ----------------------------------------------------------------------------------

    def ask(self, message: Message) -> Asked | Refused:
        """What becomes of a client's SETUP.

        An alternative that cannot be served is taken out, as long as there is another."""
        asked = Asked()
        refused: list[Refused] = []
        seen = usable = 0
        for header in message.fields(b"transport"):
            alternatives = transport.parse(message.raw, header.value_start, header.value_end)
            if isinstance(alternatives, Malformed):
                return Refused(400, "rtsp.transport.syntax", alternatives.reason)
            seen += len(alternatives)
            if seen > MAX_ALTERNATIVES:
                return Refused(400, "rtsp.transport.syntax", "too many alternatives")
            kept: list[tuple[Alternative, list[Edit]]] = []
            for alternative in alternatives:
                outcome = self._offer(alternative, asked)
                if not isinstance(outcome, Refused):
                    kept.append((alternative, outcome))
                elif outcome.status != _UNUSABLE:
                    return outcome
                else:
                    refused.append(outcome)
            usable += len(kept)
            asked.edits += _without(message.raw, header, kept, len(alternatives))
        if refused and not usable:
            return refused[0]
        asked.reports += [Report(each.code, each.detail) for each in refused]
        return asked

    def _offer(self, alternative: Alternative, asked: Asked) -> list[Edit] | Refused:
        """Note an alternative of the client; the edits of it."""
        side = alternative.client
        if alternative.ice:
            return Refused(_UNUSABLE, "rtsp.transport.ice", "candidates are not read")
        if alternative.multicast:
            if any(host.address is None or not host.address.is_multicast for host in side.hosts):
                return _foreign(Party.CLIENT, "multicast to one host")
            return []
        address = self._named(side.hosts, Party.CLIENT)
        if isinstance(address, Refused):
            return address
        if refusal := _privileged(side):
            return refusal
        edits, binding, ports = self._source_of_client(alternative), None, side.ports
        shown = self._shown(address, Party.CLIENT)
        if self._waits(alternative, Party.CLIENT, address) and alternative.setup != b"active":
            outcome = self._bind(address, side, alternative.tcp)
            if isinstance(outcome, Refused):
                return outcome
            binding = outcome
            ports = tuple(public.port for public in binding.public)
            shown = binding.public[0].address
            edits += side.with_ports(ports) or []
            if alternative.server.ports == side.ports:
                edits += alternative.server.with_ports(ports) or []
            if edits:
                asked.reports.append(_rewritten("SETUP", binding.inside, binding.public))
        edits += side.with_address(shown)
        asked.offers.append(Offer(alternative.tcp, alternative.setup, address, ports, binding))
        return edits

    def _source_of_client(self, alternative: Alternative) -> list[Edit]:
        """In a request, src_addr and source are the client's own."""
        ends = self.policy.conversation
        own = [host for host in alternative.server.hosts if host.address == ends.client.address]
        return Side(hosts=tuple(own)).with_address(ends.client_seen.address)

    # -- 2xx ------------------------------------------------------------------------------------

    def answer(self, message: Message, offers: Sequence[Offer]) -> Answered | Refused:
        """What becomes of a 2xx to a SETUP with these offers."""
        found: list[Alternative] = []
        for header in message.fields(b"transport"):
            parsed = transport.parse(message.raw, header.value_start, header.value_end)
            if isinstance(parsed, Malformed):
                return Refused(_UNUSABLE, "rtsp.transport.syntax", parsed.reason)
            found += parsed
        if not found:
            return Answered()
        if len(found) > 1:
            return Refused(_UNUSABLE, "rtsp.transport.syntax", "several transports are answered")
        (chosen,) = found
        if chosen.interleaved or (chosen.tcp and not chosen.client.ports + chosen.server.ports):
            return Answered(interleaved=True)
        if chosen.multicast or self.inside is None:
            return Answered()
        offer = _accepted(chosen, offers)
        if offer is None:
            return Refused(_UNUSABLE, "rtsp.transport.unasked", "nobody asked for this transport")
        if refusal := self._elsewhere(chosen, offer) or _privileged(chosen.server):
            return refusal
        if self.inside is Party.CLIENT:
            return self._to_inside(chosen, offer)
        return self._from_inside(chosen, offer)

    def _to_inside(self, chosen: Alternative, offer: Offer) -> Answered | Refused:
        """The client is inside: its own ports again, and the server's are let in to them."""
        answered = Answered()
        remote = self._source(chosen.server.hosts, answered)
        binding = offer.binding
        if binding is None:
            answered.edits += chosen.client.with_address(offer.address)
            return answered
        inside = binding.inside[: len(chosen.client.ports)]
        edits = chosen.client.with_ports([endpoint.port for endpoint in inside])
        if edits is None:
            return Refused(_UNUSABLE, "rtsp.transport.syntax", "ports in another form than asked")
        answered.edits += edits + chosen.client.with_address(binding.inside[0].address)
        if chosen.tcp and _server_listens(chosen, offer):
            return answered
        ports = _pairs(chosen, offer.ports)
        answered.binding = binding.id
        answered.exchanges = _exchanges(remote, ports)
        return answered

    def _from_inside(self, chosen: Alternative, offer: Offer) -> Answered | Refused:
        """The server is inside: its ports become public ones, and the client is let in to them."""
        answered = Answered()
        address = self._source(chosen.server.hosts, answered)
        side = chosen.server
        waits = self._waits(chosen, Party.SERVER, address)
        if not waits or (chosen.tcp and not _server_listens(chosen, offer)):
            answered.edits += side.with_address(self._shown(address, Party.SERVER))
            return answered
        binding = self._bind(address, side, chosen.tcp)
        if isinstance(binding, Refused):
            return binding
        public = binding.public
        edits = (side.with_ports([endpoint.port for endpoint in public]) or []) + side.with_address(
            public[0].address
        )
        if edits:
            answered.reports.append(_rewritten("200", binding.inside, public))
        answered.edits += edits
        answered.binding = binding.id
        answered.exchanges = _exchanges(offer.address, offer.ports[: len(public)])
        return answered

    def _elsewhere(self, chosen: Alternative, offer: Offer) -> Refused | None:
        """Why media are not for whom they were asked for."""
        ends = self.policy.conversation
        right = {offer.address, ends.client.address, ends.client_seen.address}
        if offer.binding is not None:
            right.add(offer.binding.public[0].address)
        for host in chosen.client.hosts:
            address = host.address
            if address is None or not (address in right or address.is_unspecified):
                refused = _foreign(Party.CLIENT, str(address or "a host name"))
                return Refused(_UNUSABLE, refused.code, refused.detail)
        return None

    def _source(self, hosts: tuple[Host, ...], answered: Answered) -> Address:
        """Where media come from: the server, whatever it says, or a third host that may be named.

        Servers behind somebody else's NAT name an address that nobody can reach."""
        address = self._named(hosts, Party.SERVER)
        if not isinstance(address, Refused):
            return address
        answered.reports.append(Report(address.code, address.detail))
        ends = self.policy.conversation
        answered.edits += Side(hosts=hosts).with_address(ends.server_seen.address)
        return ends.server.address

    # -- both -----------------------------------------------------------------------------------

    def _realm(self, address: Address) -> Realm:
        return self.streams.gateway.realm_of(address)

    def _named(self, hosts: Sequence[Host], party: Party) -> Address | Refused:
        """The one host that is named: the party itself, or a third one that may be."""
        ends = self.policy.conversation
        own = ends.actual(party).address
        found = set()
        for host in hosts:
            address = host.address
            if address is None:
                return _foreign(party, "a host name")
            if address in (own, ends.seen(party).address) or address.is_unspecified:
                found.add(own)
            elif self.policy.third(address) and address.version == own.version:
                found.add(address)
            else:
                return _foreign(party, str(address))
        if len(found) > 1:
            return _foreign(party, "more than one host")
        return found.pop() if found else own

    def _shown(self, address: Address, party: Party) -> Address:
        """What stands for a host of `party`'s realm on the other side."""
        ends = self.policy.conversation
        if address == ends.actual(party).address:
            return ends.seen(party).address
        if self.inside is party and self._realm(address) is Realm.INSIDE:
            return self.streams.gateway.public_of(address)
        return address

    def _waits(self, alternative: Alternative, party: Party, address: Address) -> bool:
        """Whether an inside host waits for media at ports that it has named."""
        side = alternative.client if party is Party.CLIENT else alternative.server
        inside = self.inside is party and self._realm(address) is Realm.INSIDE
        return inside and not alternative.interleaved and side.listens

    def _bind(self, address: Address, side: Side, tcp: bool) -> Binding | Refused:
        endpoints = [Endpoint(address, port) for port in side.ports]
        outcome = self.streams.take(endpoints, Transport.TCP if tcp else Transport.UDP)
        if isinstance(outcome, Refusal):
            detail = f"{transport.addresses(endpoints)}: {outcome.code}: {outcome.detail}"
            return Refused(_UNUSABLE, "rtsp.transport.refused", detail)
        return outcome


def _foreign(party: Party, detail: str) -> Refused:
    """A host that is not the party's own. For a server it is shown, and replaced."""
    if party is Party.SERVER:
        return Refused(_UNUSABLE, "rtsp.transport.foreign_source", detail)
    return Refused(463, "rtsp.transport.foreign_destination", detail)


def _privileged(side: Side) -> Refused | None:
    for port in side.ports:
        if port < MIN_PORT and port != DISCARD:
            return Refused(_UNUSABLE, "rtsp.transport.privileged", f"port {port}")
    return None


def _accepted(chosen: Alternative, offers: Sequence[Offer]) -> Offer | None:
    """The offer that an answer is to."""
    ports = chosen.client.ports
    for offer in offers:
        if offer.tcp is chosen.tcp and offer.ports[: len(ports)] == ports:
            return offer
    return None


def _server_listens(chosen: Alternative, offer: Offer) -> bool:
    """Who waits for the connection, from what both say (RFC 4145 section 4); where they say
    nothing, the server if it names a port."""
    if chosen.setup in (b"active", b"passive"):
        return chosen.setup == b"passive"
    if offer.setup in (b"active", b"passive"):
        return offer.setup == b"active"
    return chosen.server.listens


def _pairs(chosen: Alternative, told: tuple[int, ...]) -> tuple[int, ...]:
    """The server's ports that belong to the client's.

    One that does not say them may send from any, and is most often found at the client's numbers.
    A single one is RTP's, RTCP's the next, unless they share it."""
    named = chosen.server.ports
    if not chosen.server.listens:
        return told
    if len(named) == 1 and len(told) > 1 and not chosen.mux and named[0] < _MAX_PORT:
        named = (named[0], named[0] + 1)
    return named[: len(told)]


def _exchanges(remote: Address, ports: Sequence[int]) -> tuple[Exchange, ...]:
    return tuple(
        Exchange(index, Endpoint(remote, port)) for index, port in enumerate(ports) if port
    )


def _without(
    raw: bytes, header: Field, kept: Sequence[tuple[Alternative, list[Edit]]], before: int
) -> list[Edit]:
    """The edits of a header of which some alternatives are left."""
    if not kept:
        return [((header.start, header.end), b"")]
    if len(kept) == before:
        return [edit for _, edits in kept for edit in edits]
    texts = []
    for alternative, edits in kept:
        start, end = alternative.span
        moved = [((low - start, high - start), text) for (low, high), text in edits]
        texts.append(splice(raw[start:end], moved).strip())
    return [((header.value_start, header.value_end), b",".join(texts))]


def _rewritten(where: str, inside: Sequence[Endpoint], public: Sequence[Endpoint]) -> Report:
    detail = f"{where}: {transport.addresses(inside)} -> {transport.addresses(public)}"
    return Report("rtsp.rewritten", detail)
