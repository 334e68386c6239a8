"""Where addresses stand in a message, and what stands there on the other side of the gateway.

Outward, an endpoint of the sender becomes the public one that stands for it. Inward, a public
endpoint of the receiver becomes what the receiver wrote when it went out: `host`, `host:5060`
and a name for it are different URIs (RFC 3261 section 19.1.4), so the spelling is remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ryu_alg.inspection import DatagramGateway, Endpoint, Realm, Refusal, Transport
from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.message import Message, RequestLine
from ryu_alg.protocols.sip.names import LEADING
from ryu_alg.protocols.sip.uris import (
    DEFAULT_PORT,
    HostPort,
    Uri,
    parse_address,
    write_host,
    write_host_port,
)
from ryu_alg.protocols.sip.via import Via

_SPELLINGS = 512
_PORT = re.compile(rb"[1-9][0-9]{0,4}")


@dataclass(slots=True)
class Spellings:
    """How an inside host wrote its endpoints. What is forgotten is written in full."""

    _known: dict[tuple[Endpoint, bytes | None], bytes] = field(default_factory=dict)
    """The one used last is last."""

    def remember(self, public: Endpoint, user: bytes | None, text: bytes) -> None:
        """`public` leaves in place of `text`, in a URI with `user`."""
        self._known.pop((public, user), None)
        self._known[public, user] = text
        if len(self._known) > _SPELLINGS:
            del self._known[next(iter(self._known))]

    def recall(self, public: Endpoint, user: bytes | None) -> bytes | None:
        """What `public` stands for in a URI with `user`."""
        return self._known.get((public, user))


@dataclass(slots=True)
class Translation:
    """The addresses of one inside host."""

    gateway: DatagramGateway
    transport: Transport
    identities: bool
    """From and To, too."""
    spellings: Spellings = field(default_factory=Spellings)

    def outward(self, message: Message, edits: Edits) -> Refusal | None:
        """Endpoints of the inside host become public ones. A refusal ends it half-way."""
        return _Walk(self, message, edits, Realm.OUTSIDE).all()

    def inward(self, message: Message, edits: Edits) -> None:
        """Public endpoints of the inside host become its own.

        The topmost Via is left alone: of a request it is the sender's business, and of a
        response what was in the request stands there again (`Passage.restored`).
        """
        _Walk(self, message, edits, Realm.INSIDE).all()

    def public(self, inside: Endpoint) -> Endpoint | Refusal:
        """What stands for an endpoint of the host."""
        return self.gateway.signalling(inside)

    def inside(self, public: Endpoint) -> Endpoint | None:
        """The host's own endpoint behind a public one; None if it is nobody's or another's."""
        found = self.gateway.behind(public, self.transport)
        return found if found is not None and found.address == self.gateway.host else None

    def own(self, written: Endpoint) -> Endpoint | None:
        """The host's endpoint that it means when it writes this about itself.

        Hosts that learned their public address (by STUN, or from their configuration) write
        that: with a public port that is theirs, or with their own port.
        """
        gateway = self.gateway
        if written.address == gateway.host:
            return written
        if written.address != gateway.public_of(gateway.host):
            return None
        if gateway.behind(written, self.transport) is None:
            return Endpoint(gateway.host, written.port)
        return self.inside(written)


@dataclass(slots=True)
class _Walk:
    """Through all positions of one message."""

    translation: Translation
    message: Message
    edits: Edits
    towards: Realm
    refusal: Refusal | None = None

    def all(self) -> Refusal | None:
        message = self.message
        if isinstance(message.line, RequestLine):
            self._uri(message.line.uri, about_itself=False)
        skipped = 1 if self.towards is Realm.INSIDE else 0
        for via in message.vias[skipped:]:
            self._via(via)
        for name, addresses in message.addresses.items():
            for address in addresses:
                self._uri(address.uri, about_itself=name not in LEADING)
        if self.translation.identities:
            self._uri(message.sender.uri, about_itself=False)
            self._uri(message.recipient.uri, about_itself=False)
        return self.refusal

    def _uri(self, uri: Uri, *, about_itself: bool) -> None:
        if uri.where is None:
            return
        maddr = uri.parameter(b"maddr")
        address = parse_address(maddr.value) if maddr else None
        if maddr is None or address is None:
            self._host_port(uri.where, uri.default_port, uri.user, about_itself)
            return
        port = uri.default_port if uri.where.port is None else uri.where.port
        here = Endpoint(address, port)
        leads = self._other(here, about_itself)
        if leads is not None:
            self.edits.replace(maddr.value_span, write_host(leads.address))
            self._led_elsewhere(uri.where, here, leads, uri.user or b"")

    def _led_elsewhere(self, where: HostPort, here: Endpoint, leads: Endpoint, user: bytes) -> None:
        """maddr says where requests go, and the port behind the host says to which port."""
        spellings, key = self.translation.spellings, b"maddr " + user
        host = write_host(leads.address) if where.address == here.address else where.host
        text = b"%s:%d" % (host, leads.port)
        if self.towards is Realm.OUTSIDE:
            spellings.remember(leads, key, self.message.raw[slice(*where.span)])
        else:
            text = spellings.recall(here, key) or text
        self.edits.replace(where.span, text)

    def _via(self, via: Via) -> None:
        listens = via.listens
        if listens is not None:
            self._host_port(via.sent_by, listens.port, None, about_itself=True)
        rport = via.parameter(b"rport")
        port = listens.port if listens else DEFAULT_PORT
        written = _PORT.fullmatch(rport.value) if rport and rport.value else None
        if written is not None:
            port = int(written[0])
        for name in (b"received", b"maddr"):
            item = via.parameter(name)
            address = parse_address(item.value) if item and item.value else None
            if item is None or address is None:
                continue
            other = self._other(Endpoint(address, port), about_itself=True)
            if other is not None:
                self.edits.replace(item.value_span, str(other.address).encode())
                if rport is not None and written is not None:
                    self.edits.replace(rport.value_span, b"%d" % other.port)

    def _host_port(
        self, where: HostPort, default_port: int, user: bytes | None, about_itself: bool
    ) -> None:
        here = where.endpoint(default_port)
        if here is None or (there := self._other(here, about_itself)) is None:
            return
        spellings = self.translation.spellings
        if self.towards is Realm.OUTSIDE:
            start, end = where.span
            spellings.remember(there, user, self.message.raw[start:end])
            text: bytes | None = None
        else:
            text = spellings.recall(here, user)
        self.edits.replace(where.span, text or write_host_port(there))

    def _other(self, here: Endpoint, about_itself: bool) -> Endpoint | None:
        """What is to be written in place of `here`; None: it stays."""
        translation = self.translation
        if self.towards is Realm.INSIDE:
            there = translation.inside(here)
            return None if there == here else there
        if about_itself:
            inside = translation.own(here)
        else:
            inside = here if here.address == translation.gateway.host else None
        if inside is None:
            return None
        public = translation.public(inside)
        if isinstance(public, Refusal):
            self.refusal = public
            return None
        return None if public == here else public
