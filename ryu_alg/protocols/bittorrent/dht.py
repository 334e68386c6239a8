"""Announces to nodes of the DHT: BEP 5, over IPv6 as BEP 32 has it.

Nodes are everywhere, and almost all that they ask and answer is of no concern here: a switch finds
announces by their size (`FIRST`, `LATER`; docs/bittorrent.md tells what it costs). Hence:

- An endpoint of the host that asks a node anything is watched from then on: what it sends leaves
  from one public port, so that nodes know it again, and it keeps its id (BEP 42).
- An announce arms; the node's answer to it lets peers in. An error does not.
- With `implied_port`, the port is that of the datagram, and so `port` is made to say the same, for
  nodes that know nothing of `implied_port`.
- When the endpoint falls silent, what it has announced ends; the DHT knows no other farewell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    DatagramGateway,
    Endpoint,
    Listen,
    Listener,
    Pass,
    Realm,
    Report,
    Send,
    Sizes,
    Watch,
)
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.options import ANYBODY
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import HASH_LENGTH, MAX_PORT, Announcing, Denied
from ryu_alg.protocols.bittorrent.bencode import BencodeError, Dictionary, Number
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions

FIRST = (55, 134)
"""Bytes of what a node may ask another one first: from a ping with a transaction id of one byte to
get_peers with all that clients add."""
LATER = (124, 192)
"""Bytes of announce_peer: from a token of 4 bytes and a transaction id of one, with nothing that is
not required, to 20 bytes and 8, with all that clients add."""
BEGINNINGS = (b"d1:ad2:id20:", b"d1:ad2:bsi1e2:id20:")
"""Of a query: keys are sorted, and the first of its arguments is the id of who asks, or that
libtorrent knows nobody yet."""
ANNOUNCE = b"13:announce_peer"

INTERVAL = 1800.0
"""Seconds: for so long nodes keep what they were told; clients tell them again before."""
CAUSE = b" dht"
"""Behind the info-hash: what the DHT keeps up is not what trackers do."""
PATIENCE = 15.0
"""Seconds for which an answer counts."""
MAX_OTHERS = 8
"""Datagrams from a node that are looked at for an answer."""
MAX_QUESTIONS = 256
MAX_OPENED = 1024
MAX_TRANSACTION = 32
"""Bytes."""

SERVER_ERROR, PROTOCOL_ERROR = 202, 203
"""Of BEP 5."""


def sizes(options: BitTorrentOptions) -> Sizes | None:
    """Which datagrams are inspected. None, if there is nobody to be reached and nothing denied."""
    hosts = ANYBODY if options.selective else options.hosts
    return Sizes(FIRST, LATER, is_query, hosts) if options.dht and hosts else None


def is_query(payload: bytes) -> bool:
    """Whether it asks a node something, as far as its beginning tells."""
    return payload.startswith(BEGINNINGS)


def is_krpc(payload: bytes) -> bool:
    """Whether it is a query, a response or an error, as far as its beginning tells."""
    return payload.startswith((b"d1:ad", b"d1:el", b"d1:rd", b"d2:ip"))


def error(transaction: bytes, code: int, reason: str) -> bytes:
    """An error message."""
    told = b"l" + bencode.number(code) + bencode.text(reason.encode()) + b"e"
    values = {b"e": told, b"t": bencode.text(transaction), b"y": bencode.text(b"e")}
    return bencode.dictionary(values)


@dataclass(frozen=True, slots=True)
class Question:
    """An announce that waits for its answer."""

    listener: Listener
    cause: bytes
    socket: int | None
    """The listener of the endpoint that asks, where it is watched."""
    others: int = 0
    """What has come from the node since, and was not the answer."""


@dataclass(slots=True)
class Dht:
    """What one inside host and the nodes outside say to each other."""

    announcing: Announcing
    gateway: DatagramGateway
    questions: Expiring[tuple[Endpoint, Endpoint, bytes], Question] = field(
        default_factory=lambda: Expiring(MAX_QUESTIONS)
    )
    """By the inside endpoint, the node's, and the transaction id."""
    opened: Expiring[tuple[Listener, bytes], int] = field(
        default_factory=lambda: Expiring(MAX_OPENED)
    )
    """What nodes have accepted, with the listener whose silence ends it. What finds no room here
    ends when its time is over."""

    def inspect(self, datagram: Datagram) -> list[DatagramEffect]:
        """See `DatagramInspector`."""
        self.questions.expired(self.gateway.now)
        self.opened.expired(self.gateway.now)
        message = _read(datagram.payload)
        if datagram.origin is Realm.OUTSIDE:
            return self._from_outside(datagram, message)
        if not self.announcing.concerned:
            return [_onward(datagram, datagram.payload)]
        return self._from_inside(datagram, message)

    def silent(self, listener: int) -> list[Listen]:
        """An endpoint has fallen silent: what it has announced is over."""
        self.opened.expired(self.gateway.now)
        over = [opened for opened in self.opened if self.opened.get(opened) == listener]
        for opened in over:
            self.opened.discard(opened)
        return [self.announcing.stopped(*each) for each in over if self.announcing.keeps(*each)]

    # -- the host's -----------------------------------------------------------------------------

    def _from_inside(self, datagram: Datagram, message: Dictionary | None) -> list[DatagramEffect]:
        if message is None:
            if is_query(datagram.payload) and ANNOUNCE in datagram.payload:
                return [_told("malformed", datagram)]
            return [_onward(datagram, datagram.payload)]
        effects: list[DatagramEffect] = []
        if message.text(b"y") == b"q":
            effects += [Watch(datagram.inside)] if datagram.watched else []
            if message.text(b"q") == b"announce_peer":
                return [*effects, *self._announced(datagram, message)]
        return [*effects, _onward(datagram, datagram.payload)]

    def _announced(self, datagram: Datagram, message: Dictionary) -> list[DatagramEffect]:
        transaction, arguments = message.text(b"t"), message.dictionary(b"a")
        if not transaction or len(transaction) > MAX_TRANSACTION or arguments is None:
            return [_told("malformed", datagram)]
        info_hash = arguments.text(b"info_hash") or b""
        if len(info_hash) != HASH_LENGTH:
            wrong = Denied("bittorrent.dht.hash", "the info_hash is malformed")
            return _refused(datagram, transaction, PROTOCOL_ERROR, wrong)
        denied = self.announcing.denied(info_hash)
        if denied is not None:
            return _refused(datagram, transaction, SERVER_ERROR, denied)
        if not self.announcing.reachable:
            return [_onward(datagram, datagram.payload)]
        port = _port(datagram, arguments)
        if isinstance(port, Denied):
            return _refused(datagram, transaction, PROTOCOL_ERROR, port)
        question = self._arm(datagram, port, info_hash + CAUSE)
        if isinstance(question, Denied):
            return _refused(datagram, transaction, SERVER_ERROR, question)
        key = (datagram.inside, datagram.remote, transaction)
        known = self.questions.get(key)
        if known is not None and (known.listener, known.cause) != (
            question.listener,
            question.cause,
        ):
            return [_told("transaction", datagram)]
        if not self.questions.put(key, question, self.gateway.now + PATIENCE):
            full = Denied("bittorrent.dht.full", "too many announces at a time")
            return _refused(datagram, transaction, SERVER_ERROR, full)
        edits = _edits(datagram, arguments, question.listener.public.port)
        payload = bencode.edited(datagram.payload, edits)
        return [_onward(datagram, payload, answered=True)]

    def _arm(self, datagram: Datagram, port: int, cause: bytes) -> Question | Denied:
        listener = self.announcing.arm(port, cause)
        if isinstance(listener, Denied):
            return listener
        socket = None
        if datagram.watched:
            # Where the DHT has a port of its own, this only asks what stands for that.
            armed = self.announcing.arm(datagram.inside.port, cause)
            socket = None if isinstance(armed, Denied) else armed.id
        return Question(listener, cause, socket)

    # -- the nodes' -----------------------------------------------------------------------------

    def _from_outside(self, datagram: Datagram, message: Dictionary | None) -> list[DatagramEffect]:
        effects: list[DatagramEffect] = []
        question = None if message is None else self._answered(datagram, message)
        if question is not None:
            accepted = self.announcing.accepted(question.listener, question.cause, INTERVAL)
            if question.socket is not None:
                opened = (question.listener, question.cause)
                self.opened.put(opened, question.socket, accepted.until)
            effects.append(accepted)
        return [*effects, _onward(datagram, datagram.payload, answered=self._awaited(datagram))]

    def _answered(self, datagram: Datagram, message: Dictionary) -> Question | None:
        """The announce that a node has accepted."""
        kind, transaction = message.text(b"y"), message.text(b"t")
        if kind not in (b"r", b"e") or transaction is None:
            return None
        question = self.questions.discard((datagram.inside, datagram.remote, transaction))
        return question if kind == b"r" and message.dictionary(b"r") is not None else None

    def _awaited(self, datagram: Datagram) -> bool:
        """Whether a node still has something to answer, and may be looked at for it."""
        awaited = False
        for key in self.questions:
            question, until = self.questions.get(key), self.questions.until(key)
            if key[:2] != (datagram.inside, datagram.remote) or question is None or until is None:
                continue
            if question.others < MAX_OTHERS:
                awaited = True
                self.questions.put(key, replace(question, others=question.others + 1), until)
        return awaited


def _read(payload: bytes) -> Dictionary | None:
    """A message, whatever stands behind it; None if it is none."""
    try:
        message, _ = bencode.parse_prefix(payload)
    except BencodeError:
        return None
    return message if isinstance(message, Dictionary) else None


def _port(datagram: Datagram, arguments: Dictionary) -> int | Denied:
    """The port that an announce is about."""
    wrong = Denied("bittorrent.dht.port", "the port is missing or malformed")
    implied, port = arguments.items.get(b"implied_port"), arguments.items.get(b"port")
    if not isinstance(implied, Number | None) or not isinstance(port, Number | None):
        return wrong
    if implied is not None and implied.value:
        # Here alone, where it does not leave from the listener's port, it cannot stay implied.
        return datagram.inside.port if datagram.watched or port is not None else wrong
    return port.value if port is not None and 0 < port.value <= MAX_PORT else wrong


def _edits(
    datagram: Datagram, arguments: Dictionary, public: int
) -> Iterator[tuple[bencode.Value, bytes]]:
    """What has to be said differently for peers to be sent to a public port."""
    implied, port = arguments.items.get(b"implied_port"), arguments.items.get(b"port")
    if isinstance(port, Number) and port.value != public:
        yield port, bencode.number(public)
    if isinstance(implied, Number) and implied.value and not datagram.watched:
        yield implied, bencode.number(0)


def _onward(datagram: Datagram, payload: bytes, *, answered: bool = False) -> DatagramEffect:
    """It goes on its way."""
    if datagram.watched:
        return Pass(payload, answered)
    return Send(datagram.origin.other, datagram.inside, datagram.remote, payload)


def _refused(
    datagram: Datagram, transaction: bytes, code: int, denied: Denied
) -> list[DatagramEffect]:
    """Answered in the node's stead."""
    answer = error(transaction, code, denied.reason)
    detail = f"{datagram.inside} at {datagram.remote}: {denied.reason}"
    return [
        Send(Realm.INSIDE, datagram.inside, datagram.remote, answer),
        Report(denied.code, detail),
    ]


def _told(code: str, datagram: Datagram) -> Report:
    """What is all that comes of an announce that is dropped."""
    return Report(f"bittorrent.dht.{code}", f"{datagram.inside} at {datagram.remote}")
