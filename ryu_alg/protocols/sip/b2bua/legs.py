"""One side of a dialogue, as RFC 3261 section 12 has it, and requests on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.sip.grammar import SipSyntaxError
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header, compose
from ryu_alg.protocols.sip.uris import Uri, parse_uri, write_host_port

MAX_ROUTES = 16
"""Hops of a route set that are remembered."""
LegKey = tuple[Realm, bytes, bytes, bytes]
"""Realm, Call-ID, local tag, remote tag."""


@dataclass(frozen=True, slots=True)
class Path:
    """Between whom messages go, on one side of the gateway."""

    realm: Realm
    inside: Endpoint
    remote: Endpoint

    @property
    def other_end(self) -> Endpoint:
        """Who is at the other end, in this realm."""
        return self.inside if self.realm is Realm.INSIDE else self.remote


@dataclass(slots=True, eq=False)
class Leg:
    """The gateway's dialogue with one side; "local" is the gateway, "remote" is the other end."""

    realm: Realm
    path: Path
    here: Endpoint
    """The gateway's own endpoint, as the other end sees it."""
    transport: bytes
    """As in a Via."""
    call_id: bytes
    local: bytes
    """From or To without a tag."""
    local_tag: bytes
    remote: bytes
    remote_tag: bytes
    """Empty as long as it is not known."""
    target: bytes
    """The URI that requests are sent to."""
    routes: tuple[bytes, ...]
    """Route headers, the first hop first."""
    sequence: int
    """CSeq of the last request of the gateway."""
    remote_sequence: int = -1
    """CSeq of the last request of the other end."""

    @property
    def key(self) -> LegKey:
        """What messages of this dialogue say."""
        return (self.realm, self.call_id, self.local_tag, self.remote_tag)

    @property
    def contact(self) -> bytes:
        """The gateway's contact in this dialogue: its user is the leg's own tag."""
        uri = b"sip:%s@%s" % (self.local_tag, write_host_port(self.here))
        return uri if self.transport == b"UDP" else uri + b";transport=" + self.transport.lower()

    @property
    def reliable(self) -> bool:
        """Whether it runs over a connection, and so always over the same."""
        return self.transport != b"UDP"

    def next_sequence(self) -> int:
        """The CSeq of a new request."""
        self.sequence += 1
        return self.sequence

    def forked(self, *, local_tag: bytes | None = None, remote_tag: bytes | None = None) -> Leg:
        """The same up to now, for another branch of a call."""
        return replace(
            self,
            local_tag=self.local_tag if local_tag is None else local_tag,
            remote_tag=self.remote_tag if remote_tag is None else remote_tag,
        )

    def learn(self, message: Message) -> None:
        """Where requests go from now on: the remote target of a request or response."""
        if contact := contact_of(message):
            self.target = contact

    def learn_routes(self, response: Message) -> None:
        """The route set that the response to the first request makes (12.1.2)."""
        self.routes = tuple(reversed(routes_of(response)))

    def first_hop(self) -> Path:
        """Where a request is sent: to the first route or the target, if that is an address, and
        otherwise where the dialogue came from. There is nobody to ask about names here."""
        uri = _read(_uri_of(self.routes[0]) if self.routes else self.target)
        endpoint = uri.endpoint if uri else None
        if endpoint is None or uri is None or self.reliable or uri.scheme != b"sip":
            return self.path
        if self.realm is Realm.OUTSIDE:
            return replace(self.path, remote=endpoint)
        own = endpoint.address == self.path.inside.address
        return replace(self.path, inside=endpoint) if own else self.path

    def request(
        self,
        method: str,
        sequence: int,
        branch: bytes,
        hops: int,
        headers: Sequence[Header],
        body: bytes,
    ) -> bytes:
        """A request on this leg; `headers` are what crosses or is special to the method."""
        to = self.remote + (b";tag=" + self.remote_tag if self.remote_tag else b"")
        uri, routes = self._request_uri()
        own: list[Header] = [
            (
                b"Via",
                b"SIP/2.0/%s %s;branch=%s;rport"
                % (self.transport, write_host_port(self.here), branch),
            ),
            (b"Max-Forwards", b"%d" % hops),
            *((b"Route", route) for route in routes),
            (b"From", self.local + b";tag=" + self.local_tag),
            (b"To", to),
            (b"Call-ID", self.call_id),
            (b"CSeq", b"%d %s" % (sequence, method.encode())),
        ]
        return compose(b"%s %s SIP/2.0" % (method.encode(), uri), [*own, *headers], body)

    def _request_uri(self) -> tuple[bytes, Sequence[bytes]]:
        """Section 12.2.1.1: a first hop that is no loose router gets its own URI."""
        first = _read(_uri_of(self.routes[0])) if self.routes else None
        if first is None or first.parameter(b"lr") is not None:
            return self.target, self.routes
        return _uri_of(self.routes[0]), [*self.routes[1:], b"<%s>" % self.target]


def _uri_of(route: bytes) -> bytes:
    """Of <sip:...>."""
    return route[route.find(b"<") + 1 : route.find(b">")]


def _read(uri: bytes) -> Uri | None:
    try:
        return parse_uri(uri, 0, len(uri))
    except SipSyntaxError:
        return None


def contact_of(message: Message) -> bytes | None:
    """The URI of the first Contact."""
    contacts = message.addresses.get(b"contact")
    return message.raw[slice(*contacts[0].uri.span)] if contacts else None


def routes_of(message: Message) -> list[bytes]:
    """The URIs of Record-Route, each in angle brackets, in order."""
    routes = message.addresses.get(b"record-route", ())
    return [b"<%s>" % message.raw[slice(*route.uri.span)] for route in routes[:MAX_ROUTES]]
