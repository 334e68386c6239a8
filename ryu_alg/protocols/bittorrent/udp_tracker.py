"""Announces to UDP trackers: BEP 15, and BEP 41, whose options leave as they came.

A client asks for a connection id, and names it in all that it asks within the next two minutes; the
tracker's answers name the transaction that they are for. Hence:

- What names a connection id that the tracker has not given to this host is answered with an error,
  as trackers do; an answer to nothing is dropped.
- An announce arms; the tracker's answer to it lets peers in. An error does not.
- `stopped` ends what the tracker has accepted, a little later: clients that leave say so to all of
  their trackers at a time, and each has to be told the same port.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from ipaddress import IPv4Address

from ryu_alg.inspection import (
    Address,
    Datagram,
    DatagramEffect,
    DatagramGateway,
    Endpoint,
    Hold,
    Listen,
    Listener,
    Realm,
    Report,
    Send,
)
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.bittorrent.announcing import (
    HASH_LENGTH,
    Announcing,
    Denied,
)

PROTOCOL_ID = (0x41727101980).to_bytes(8, "big")
"""Stands in a connect request where the others have the connection id."""
CONNECTION_LIFETIME = 150.0
"""Seconds: clients may use an id for one minute, trackers take it for two, and some for longer."""
PATIENCE = 60.0
"""Seconds for which an answer counts. Clients ask again after 15 seconds, then after 30."""
STOP_PATIENCE = 15.0
"""Seconds: a client that leaves does not ask again."""
MAX_CONNECTIONS = 256
MAX_QUESTIONS = 64
"""That wait for an answer."""


class Action(IntEnum):
    """BEP 15."""

    CONNECT = 0
    ANNOUNCE = 1
    SCRAPE = 2
    ERROR = 3


STOPPED = 3
"""The event of an announce that is the last one."""

_ACTION = slice(8, 12)
_TRANSACTION = slice(12, 16)
_HASH = slice(16, 16 + HASH_LENGTH)
_EVENT = slice(80, 84)
_ADDRESS = slice(84, 88)
_NUM_WANT = slice(92, 96)
_PORT = slice(96, 98)
ANNOUNCE_LENGTH = 98
SCRAPE_LENGTH = 36
"""With one torrent."""

_ANSWER_TRANSACTION = slice(4, 8)
_CONNECTION = slice(8, 16)
_INTERVAL = slice(8, 12)
_PEERS = 20
"""Where the peers of an answer begin."""


def asks(payload: bytes) -> bool:
    """Whether it is a client's request, as far as its form tells."""
    if payload[:8] == PROTOCOL_ID:
        return True
    return len(payload) >= 16 and _number(payload[_ACTION]) in (Action.ANNOUNCE, Action.SCRAPE)


def answers(payload: bytes) -> bool:
    """Whether it is a tracker's answer, as far as its form tells: what else comes to a client does
    not begin with three zeros."""
    return len(payload) >= 8 and _number(payload[:4]) <= Action.ERROR


def error(transaction: bytes, reason: str) -> bytes:
    """An error response, with a text for the user."""
    return Action.ERROR.to_bytes(4, "big") + transaction + reason.encode()


@dataclass(frozen=True, slots=True)
class Question:
    """A request that waits for its answer."""

    action: Action
    info_hash: bytes = b""
    listener: Listener | None = None
    """What its answer concerns; None: nothing."""
    stops: bool = False
    """The answer ends what an earlier one has begun."""


@dataclass(slots=True)
class UdpTracker:
    """What one inside host and its trackers say to each other."""

    announcing: Announcing
    gateway: DatagramGateway
    connections: Expiring[tuple[Address, bytes], None] = field(
        default_factory=lambda: Expiring(MAX_CONNECTIONS)
    )
    """Ids, with the address that gave them: clients use them for all trackers there."""
    questions: Expiring[tuple[Endpoint, Endpoint, bytes], Question] = field(
        default_factory=lambda: Expiring(MAX_QUESTIONS)
    )
    """By the inside endpoint, the tracker's, and the transaction id."""

    def next_timeout(self) -> float | None:
        """When a question is given up."""
        return self.questions.next_timeout()

    def wake(self) -> list[DatagramEffect]:
        """Give up questions, and forget connection ids, whose time is over."""
        now = self.gateway.now
        self.connections.expired(now)
        over = [question for _, question in self.questions.expired(now)]
        return [effect for question in over for effect in self._stopped(question, Action.ERROR)]

    # -- requests -------------------------------------------------------------------------------

    def ask(self, datagram: Datagram) -> list[DatagramEffect]:
        """A request of the host."""
        return [*self.wake(), *self._asked(datagram)]

    def _asked(self, datagram: Datagram) -> list[DatagramEffect]:
        payload, remote = datagram.payload, datagram.remote
        if payload[:8] == PROTOCOL_ID:
            if len(payload) < 16 or _number(payload[_ACTION]) != Action.CONNECT:
                return _told("malformed", datagram)
            return self._put(datagram, Question(Action.CONNECT), payload)
        if (remote.address, payload[:8]) not in self.connections:
            unknown = "the connection id is not known; connect again"
            return _refused(datagram, Denied("bittorrent.udp.connection", unknown))
        if _number(payload[_ACTION]) == Action.SCRAPE:
            if len(payload) < SCRAPE_LENGTH:
                return _refused(datagram, Denied("bittorrent.udp.malformed", "no whole scrape"))
            return self._put(datagram, Question(Action.SCRAPE), payload)
        if len(payload) < ANNOUNCE_LENGTH:
            return _refused(datagram, Denied("bittorrent.udp.malformed", "no whole announce"))
        return self._announced(datagram)

    def _announced(self, datagram: Datagram) -> list[DatagramEffect]:
        payload = datagram.payload
        info_hash, port = payload[_HASH], _number(payload[_PORT])
        denied = self.announcing.denied(info_hash)
        if denied is not None:
            return _refused(datagram, denied)
        question = Question(Action.ANNOUNCE, info_hash)
        if not self.announcing.reachable:
            return self._put(datagram, question, payload)
        address = self._address(payload[_ADDRESS])
        if isinstance(address, Denied):
            return _refused(datagram, address)
        listener: Listener | Denied | None
        if stops := _number(payload[_EVENT]) == STOPPED:
            listener = self._known(datagram, Endpoint(datagram.inside.address, port))
        else:
            listener = self.announcing.arm(port, info_hash)
        if isinstance(listener, Denied):
            return _refused(datagram, listener)
        changed = bytearray(payload)
        changed[_ADDRESS] = address
        changed[_NUM_WANT] = self._num_want(payload[_NUM_WANT])
        if listener is not None:
            changed[_PORT] = listener.public.port.to_bytes(2, "big")
        question = replace(question, listener=listener, stops=stops)
        return self._put(datagram, question, bytes(changed))

    def _known(self, datagram: Datagram, inside: Endpoint) -> Listener | None:
        """What stands for an endpoint, or did when the same was asked before."""
        asked = self.questions.get(_key(datagram))
        if asked is not None and asked.listener is not None and asked.listener.inside == inside:
            return asked.listener
        return self.gateway.listening(inside)

    def _address(self, field: bytes) -> bytes | Denied:
        """What the tracker is told, where it is told an address; most look where an announce comes
        from. Over IPv6, the field is of no use and ought to be zero."""
        named, host = IPv4Address(field), self.gateway.host
        public = self.gateway.public_of(host)
        if named == IPv4Address(0) or named == public:
            return field
        if named == host:
            return public.packed
        return Denied("bittorrent.udp.address", f"{named} is not the address of this host")

    def _num_want(self, field: bytes) -> bytes:
        """Less than zero is what the tracker likes; of that, too much is cut from its answer."""
        wanted = int.from_bytes(field, "big", signed=True)
        return min(wanted, self.announcing.options.peers).to_bytes(4, "big", signed=True)

    def _put(self, datagram: Datagram, question: Question, payload: bytes) -> list[DatagramEffect]:
        """The request leaves, if there is room for what it asks. Asked again, it is the same."""
        key = _key(datagram)
        known = self.questions.get(key)
        if known is not None and known != question:
            return _told("transaction", datagram)
        patience = STOP_PATIENCE if question.stops else PATIENCE
        if not self.questions.put(key, question, self.gateway.now + patience):
            return _refused(datagram, Denied("bittorrent.udp.full", "too many requests at a time"))
        return [Send(Realm.OUTSIDE, datagram.inside, datagram.remote, payload)]

    # -- answers --------------------------------------------------------------------------------

    def answer(self, datagram: Datagram) -> list[DatagramEffect]:
        """What a tracker says to the host."""
        effects = self.wake()
        payload = datagram.payload
        key = (datagram.inside, datagram.remote, payload[_ANSWER_TRANSACTION])
        question = self.questions.get(key)
        action = Action(_number(payload[:4]))
        if question is None or action not in (question.action, Action.ERROR):
            return [*effects, *_told("unasked", datagram)]
        self.questions.discard(key)
        effects += self._stopped(question, action)
        match action:
            case Action.CONNECT:
                return [*effects, *self._connected(datagram)]
            case Action.ANNOUNCE:
                return [*effects, *self._accepted(datagram, question)]
            case Action.SCRAPE | Action.ERROR:
                return [*effects, _inward(datagram, payload)]

    def _connected(self, datagram: Datagram) -> list[DatagramEffect]:
        if len(datagram.payload) < 16:
            return _told("malformed", datagram)
        connection = (datagram.remote.address, datagram.payload[_CONNECTION])
        until = self.gateway.now + CONNECTION_LIFETIME
        if not self.connections.put(connection, None, until):
            return _told("full", datagram)
        # The host is not to be forgotten before its id is.
        return [Hold(datagram.inside, until), _inward(datagram, datagram.payload)]

    def _accepted(self, datagram: Datagram, question: Question) -> list[DatagramEffect]:
        payload = datagram.payload
        if question.listener is None or question.stops:
            return [_inward(datagram, payload)]
        size = 6 if datagram.remote.address.version == 4 else 18
        if len(payload) < _PEERS or (len(payload) - _PEERS) % size:
            return [*_told("unreadable", datagram), _inward(datagram, payload)]
        begun = self._begun(question, question.listener, _number(payload[_INTERVAL]))
        peers = payload[_PEERS : _PEERS + size * self.announcing.options.peers]
        seen = self.announcing.compact_inside(peers, size)
        return [begun, _inward(datagram, payload[:_PEERS] + seen)]

    # -- what an answer means -------------------------------------------------------------------

    def _begun(self, question: Question, listener: Listener, interval: int) -> Listen:
        """Peers get in, and what was asked before does not end that any more."""
        over = replace(question, stops=True)
        for key in [key for key in self.questions if self.questions.get(key) == over]:
            until = self.questions.until(key)
            assert until is not None
            self.questions.put(key, replace(over, listener=None), until)
        return self.announcing.accepted(listener, question.info_hash, interval)

    def _stopped(self, question: Question, said: Action) -> list[Listen]:
        """Peers do not get in on account of this torrent any more, if they did."""
        listener, info_hash = question.listener, question.info_hash
        if not question.stops or listener is None or not self.announcing.keeps(listener, info_hash):
            return []
        taken = said is Action.ANNOUNCE
        ending = self.announcing.leaving if taken else self.announcing.stopped
        return [ending(listener, info_hash)]


def _key(datagram: Datagram) -> tuple[Endpoint, Endpoint, bytes]:
    return datagram.inside, datagram.remote, datagram.payload[_TRANSACTION]


def _inward(datagram: Datagram, payload: bytes) -> Send:
    return Send(Realm.INSIDE, datagram.inside, datagram.remote, payload)


def _refused(datagram: Datagram, denied: Denied) -> list[DatagramEffect]:
    """Answered in the tracker's stead."""
    answer = error(datagram.payload[_TRANSACTION], denied.reason)
    detail = f"{datagram.inside} at {datagram.remote}: {denied.reason}"
    return [_inward(datagram, answer), Report(denied.code, detail)]


def _told(code: str, datagram: Datagram) -> list[DatagramEffect]:
    """What is all that comes of a datagram that is dropped."""
    detail = f"{datagram.inside} and {datagram.remote}, from {datagram.origin.value}"
    return [Report(f"bittorrent.udp.{code}", detail)]


def _number(field: bytes) -> int:
    return int.from_bytes(field, "big")
