"""How a request came, and which dialogue it is in or may begin."""

from __future__ import annotations

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.sip.addresses import NameAddr
from ryu_alg.protocols.sip.b2bua.calls import Arrival
from ryu_alg.protocols.sip.b2bua.identity import Identity
from ryu_alg.protocols.sip.b2bua.legs import Leg, LegKey, Path, contact_of, routes_of
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.transactions import ServerKey
from ryu_alg.protocols.sip.uris import DEFAULT_PORT


class Arrivals:
    """Reads requests as the end of their dialogues that they are sent to."""

    def __init__(self, identity: Identity, transport: bytes) -> None:
        self._identity = identity
        self._transport = transport

    def read(self, request: Message, key: ServerKey, path: Path, public: Endpoint) -> Arrival:
        """A new request. `public` stands for the inside endpoint outside."""
        leg = self._leg(request, path, public)
        return Arrival(request, key, path, self._back(request, path), leg)

    def _back(self, request: Message, path: Path) -> Path:
        """The way of responses (RFC 3261 18.2.2, RFC 3581): to where the request came from, at
        the port of its Via unless that asks for the one it came from."""
        via = request.vias[0]
        if via.wants_rport or self._transport != b"UDP":
            return path
        port = via.sent_by.port or DEFAULT_PORT
        end = Endpoint(path.other_end.address, port)
        if path.realm is Realm.INSIDE:
            return Path(path.realm, end, path.remote)
        return Path(path.realm, path.inside, end)

    def _leg(self, request: Message, path: Path, public: Endpoint) -> Leg:
        """The gateway's side of the dialogue that a request may begin."""
        return Leg(
            realm=path.realm,
            path=path,
            here=path.remote if path.realm is Realm.INSIDE else public,
            transport=self._transport,
            call_id=request.call_id,
            local=_untagged(request, request.recipient),
            local_tag=self._identity.name(
                b"tag", path.realm.value.encode(), request.call_id, request.from_tag or b""
            ),
            remote=_untagged(request, request.sender),
            remote_tag=request.from_tag or b"",
            target=contact_of(request) or request.raw[slice(*request.sender.uri.span)],
            routes=tuple(routes_of(request)),
            sequence=0,
            remote_sequence=request.cseq.number,
        )


def dialogue_of(request: Message, realm: Realm) -> LegKey:
    """The dialogue that a request from `realm` names, as the gateway knows it."""
    return (realm, request.call_id, request.to_tag or b"", request.from_tag or b"")


def _untagged(message: Message, address: NameAddr) -> bytes:
    """From or To without its tag."""
    tag = address.parameter(b"tag")
    start, end = address.span
    if tag is None:
        return message.raw[start:end]
    return message.raw[start : tag.span[0]] + message.raw[tag.span[1] : end]
