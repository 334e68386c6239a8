"""REGISTER (RFC 3261 section 10): the registrar gets the gateway's contacts for the inside's."""

from __future__ import annotations

from ryu_alg.inspection import Endpoint, Realm, Refusal
from ryu_alg.protocols.sip.addresses import NameAddr
from ryu_alg.protocols.sip.b2bua.agent import Agent
from ryu_alg.protocols.sip.b2bua.calls import Arrival, Exchange
from ryu_alg.protocols.sip.b2bua.headers import crossing
from ryu_alg.protocols.sip.b2bua.holds import Holds
from ryu_alg.protocols.sip.b2bua.legs import Leg
from ryu_alg.protocols.sip.b2bua.registrations import DEFAULT_EXPIRY, Key, Registered, Registrations
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header
from ryu_alg.protocols.sip.uris import write_host_port

_LONGEST = 86_400 * 7
_USER = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/%"
)


class ForeignError(Exception):
    """A contact that its sender may not announce."""


class Registering:
    """Carries registrations across, and remembers them."""

    def __init__(self, agent: Agent, registrations: Registrations, holds: Holds) -> None:
        self._agent = agent
        self._registrations = registrations
        self._holds = holds

    def request(self, arrival: Arrival, far: Leg, headers: list[Header], hops: int) -> None:
        """An inside host registers."""
        agent, message = self._agent, arrival.request
        contacts = message.addresses.get(b"contact", ())
        keys = [self._key(arrival, contact) for contact in contacts]
        if self._registrations.full and not all(
            key is not None and self._registrations.known(key) for key in keys
        ):
            agent.refuse(arrival, 503, "sip.limit.registrations", "too many contacts")
            return
        if message.contact_is_star:
            headers.append((b"Contact", b"*"))
        try:
            for contact in contacts:
                headers.append((b"Contact", self._outward(arrival, contact)))
        except ForeignError as error:
            agent.refuse(arrival, 403, "sip.contact.foreign", str(error))
            return
        if agent.ask(far, "REGISTER", headers, arrival=arrival, hops=hops) is None:
            agent.refuse(arrival, 503, "sip.limit.transactions", "too many requests")

    def answered(self, exchange: Exchange, arrival: Arrival, response: Message) -> None:
        """What the registrar says: what it has granted is kept, and no longer."""
        agent = self._agent
        headers = crossing(response, Realm.INSIDE, agent.hiding)
        if 200 <= response.status < 300:
            headers += self._granted(arrival, response)
        elif response.status == 100:
            return
        agent.answer(arrival, response.status, headers)

    def expire(self) -> None:
        """Forgets what is over; endpoints are not held longer than that anyway."""
        agent = self._agent
        for key in self._registrations.expire(agent.now):
            agent.do(self._holds.release(key[1], key, agent.now))

    def _granted(self, arrival: Arrival, response: Message) -> list[Header]:
        agent, request = self._agent, arrival.request
        record = request.raw[slice(*request.recipient.uri.span)]
        asked = {
            self._public(key): (key, request.raw[slice(*contact.uri.span)])
            for contact in request.addresses.get(b"contact", ())
            if (key := self._key(arrival, contact)) is not None
        }
        known = {self._public(key): key for key in self._registrations.of(record)}
        seen: set[Key] = set()
        headers: list[Header] = []
        for contact in response.addresses.get(b"contact", ()):
            where = (contact.uri.user or b"", contact.uri.endpoint)
            text = response.raw[slice(*contact.span)]
            if where in asked or where in known:
                key, uri = asked.get(where) or (known[where], b"")
                uri = uri or self._registrations.find(*key) or b""
                seen.add(key)
                until = agent.now + min(_expiry(response, request, contact), _LONGEST)
                self._registrations.grant(key, Registered(uri, record), until)
                agent.do(self._holds.keep(key[1], key, until))
                text = b"<%s>" % uri + response.raw[contact.uri.span[1] : contact.span[1]].lstrip(
                    b">"
                )
            headers.append((b"Contact", text))
        if request.addresses.get(b"contact") is not None:
            # All of the record are listed: what is missing is gone.
            for key in known.values():
                if key not in seen:
                    self._registrations.release(key)
                    agent.do(self._holds.release(key[1], key, agent.now))
        return headers

    def _outward(self, arrival: Arrival, contact: NameAddr) -> bytes:
        message, agent = arrival.request, self._agent
        key = self._key(arrival, contact)
        if key is None:
            text = message.raw[slice(*contact.span)]
            if contact.uri.where is None and not agent.hiding.betrays(text):
                return text
            raise ForeignError(text.decode("ascii", "replace")[:64])
        public = agent.gateway.signalling(key[1])
        if isinstance(public, Refusal):
            raise ForeignError(f"{public.code}: {public.detail}")
        user, _ = key
        uri = b"sip:%s%s" % (user + b"@" if user else b"", write_host_port(public))
        if agent.reliable:
            uri += b";transport=tcp"
        text = b"<%s>" % uri
        for item in contact.parameters:
            if item.name != b"received" and not agent.hiding.betrays(item.value or b""):
                text += b";" + item.name + (b"=" + item.value if item.value is not None else b"")
        return text

    def _key(self, arrival: Arrival, contact: NameAddr) -> Key | None:
        """User and inside endpoint of a contact; None if it is not the sender's own."""
        agent, where = self._agent, contact.uri.where
        if where is None:
            return None
        host = agent.gateway.host
        own = where.address in (None, host, agent.gateway.public_of(host))
        if not own:
            return None
        port = contact.uri.default_port if where.port is None else where.port
        endpoint = Endpoint(host, port)
        if (where.address is not None and where.address != host) or agent.reliable:
            # Who writes its public address (or has one connection) listens where it sends from.
            endpoint = arrival.path.inside
        user = contact.uri.user or b""
        if agent.hiding.betrays(user) or not _USER.issuperset(user):
            user = agent.identity.name(b"user", user)
        return user, endpoint

    def _public(self, key: Key) -> tuple[bytes, Endpoint | None]:
        """How the registrar knows a contact."""
        public = self._agent.gateway.signalling(key[1])
        return key[0], None if isinstance(public, Refusal) else public


def _expiry(response: Message, request: Message, contact: NameAddr) -> int:
    """Seconds that a contact is granted for: its own, or what else is said, the shortest."""
    found = contact.parameter(b"expires")
    if found is not None and found.value is not None and found.value.isdigit():
        return int(found.value[:10])
    said = [number for m in (response, request) if (number := m.number(b"expires")) is not None]
    return min(said, default=DEFAULT_EXPIRY)
