"""All transactions of one transaction user: found by their messages, bounded, on one clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from ryu_alg.inspection import Address, Realm
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.transactions.alarms import Alarms
from ryu_alg.protocols.sip.transactions.figures import Happening, State
from ryu_alg.protocols.sip.transactions.hop import acknowledgement
from ryu_alg.protocols.sip.transactions.matching import (
    ClientKey,
    ServerKey,
    client_key,
    server_key,
)
from ryu_alg.protocols.sip.transactions.timers import Times
from ryu_alg.protocols.sip.transactions.transaction import (
    Deliver,
    Failed,
    Output,
    Transaction,
    Transmit,
    client_figure,
    server_figure,
)

D = TypeVar("D")
"""Where a message goes, as the user says it."""
Key = ClientKey | ServerKey


@dataclass(frozen=True, slots=True)
class Leave(Generic[D]):
    """These bytes leave."""

    destination: D
    payload: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """The user gets the message that was received: a response to `key`, or the ACK to its 2xx."""

    key: Key


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing will come of a transaction any more."""

    key: Key
    timeout: bool
    """64*T1 are over; otherwise the transport failed."""


@dataclass(frozen=True, slots=True)
class Over:
    """A transaction is forgotten."""

    key: Key


class Unmatched(Enum):
    """Why a message has no transaction."""

    NEW = "new"
    """A request: `serve` it."""
    STRAY = "stray"
    """An ACK or a response to nothing that is known."""
    OLD = "old"
    """Its sender does not name transactions (RFC 2543)."""


class Transactions(Generic[D]):
    """The transaction layer. `limit`: how many there may be, of clients and of servers each."""

    def __init__(self, times: Times, *, reliable: bool, limit: int) -> None:
        self.times = times
        self.reliable = reliable
        self.limit = limit
        self._clients: dict[ClientKey, Transaction] = {}
        self._servers: dict[ServerKey, Transaction] = {}
        self._destinations: dict[Key, D] = {}
        self._alarms: Alarms[Key] = Alarms()

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def full(self) -> bool:
        """Whether there is room for one more."""
        return max(len(self._clients), len(self._servers)) >= self.limit

    def receive_request(
        self, request: Message, realm: Realm, source: Address, now: float
    ) -> list[Leave[D] | Arrived | Lost | Over] | Unmatched:
        """A request came: what becomes of its transaction, if there is one."""
        key = server_key(request, realm, source)
        if key is None:
            return Unmatched.STRAY if request.method == "ACK" else Unmatched.OLD
        transaction = self._servers.get(key)
        if transaction is None:
            return Unmatched.STRAY if request.method == "ACK" else Unmatched.NEW
        happening = Happening.ACK if request.method == "ACK" else Happening.REQUEST
        return self._outcomes(key, transaction, transaction.receive(happening, now))

    def receive_response(
        self, response: Message, now: float
    ) -> list[Leave[D] | Arrived | Lost | Over] | Unmatched:
        """A response came."""
        key = client_key(response)
        transaction = self._clients.get(key) if key else None
        if key is None or transaction is None:
            return Unmatched.STRAY
        happening = Happening.of(response.status)
        fails = happening is Happening.FAILURE and key.method == "INVITE"
        if fails and not transaction.acknowledgement:
            transaction.acknowledgement = acknowledgement(transaction.payload, response)
        return self._outcomes(key, transaction, transaction.receive(happening, now))

    def serve(self, key: ServerKey, destination: D, now: float) -> bool:
        """A request that is `NEW` gets a transaction, whose responses go to `destination`.

        False: there are too many."""
        if len(self._servers) >= self.limit:
            return False
        transaction = Transaction(server_figure(key.method), self.times, self.reliable)
        self._servers[key] = transaction
        self._destinations[key] = destination
        self._outcomes(key, transaction, transaction.start(now))
        return True

    def respond(
        self, key: ServerKey, status: int, response: bytes, now: float
    ) -> list[Leave[D] | Arrived | Lost | Over]:
        """The user responds. What is over, or answered finally, is not answered."""
        transaction = self._servers.get(key)
        if transaction is None:
            return []
        return self._outcomes(key, transaction, transaction.send(status, response, now))

    def request(
        self, key: ClientKey, payload: bytes, destination: D, now: float
    ) -> list[Leave[D] | Arrived | Lost | Over] | None:
        """The user asks. None: there are too many transactions."""
        if len(self._clients) >= self.limit:
            return None
        transaction = Transaction(client_figure(key.method), self.times, self.reliable, payload)
        self._clients[key] = transaction
        self._destinations[key] = destination
        return self._outcomes(key, transaction, transaction.start(now))

    def serves(self, key: ServerKey) -> bool:
        """Whether a request is known."""
        return key in self._servers

    def answered(self, key: ServerKey) -> bool:
        """Whether a request has its final response, or is not known any more."""
        transaction = self._servers.get(key)
        return transaction is None or transaction.state not in (State.TRYING, State.PROCEEDING)

    def proceeding(self, key: ClientKey) -> bool:
        """Whether the other side works on a request: only then may it be cancelled (9.1)."""
        transaction = self._clients.get(key)
        return transaction is not None and transaction.state is State.PROCEEDING

    def sent(self, key: ClientKey) -> bytes | None:
        """The request of a client transaction."""
        transaction = self._clients.get(key)
        return transaction.payload if transaction else None

    def abandon(self, key: ClientKey) -> None:
        """Nobody waits for this client transaction any more."""
        if self._clients.pop(key, None) is not None:
            self._forget(key)

    def lose(self, gone: Callable[[D], bool], now: float) -> list[Leave[D] | Arrived | Lost | Over]:
        """The transport to the destinations that are `gone` failed."""
        outcomes: list[Leave[D] | Arrived | Lost | Over] = []
        for key, destination in list(self._destinations.items()):
            transaction = self._find(key)
            if transaction is not None and gone(destination):
                outputs = transaction.receive(Happening.TRANSPORT, now)
                outcomes += self._outcomes(key, transaction, outputs)
        return outcomes

    def next_timeout(self) -> float | None:
        """When `expire` is to be called."""
        return self._alarms.next()

    def expire(self, now: float) -> list[Leave[D] | Arrived | Lost | Over]:
        """Timers whose time has come fire."""
        outcomes: list[Leave[D] | Arrived | Lost | Over] = []
        for key in self._alarms.due(now):
            transaction = self._find(key)
            if transaction is not None:
                outcomes += self._outcomes(key, transaction, transaction.expire(now))
        return outcomes

    def _find(self, key: Key) -> Transaction | None:
        return self._clients.get(key) if isinstance(key, ClientKey) else self._servers.get(key)

    def _outcomes(
        self, key: Key, transaction: Transaction, outputs: list[Output]
    ) -> list[Leave[D] | Arrived | Lost | Over]:
        destination = self._destinations[key]
        outcomes: list[Leave[D] | Arrived | Lost | Over] = []
        for output in outputs:
            match output:
                case Transmit(payload):
                    outcomes.append(Leave(destination, payload))
                case Deliver():
                    outcomes.append(Arrived(key))
                case Failed(timeout):
                    outcomes.append(Lost(key, timeout))
        if transaction.over:
            if isinstance(key, ClientKey):
                del self._clients[key]
            else:
                del self._servers[key]
            self._forget(key)
            outcomes.append(Over(key))
        else:
            self._alarms.set(key, transaction.next_timeout())
        return outcomes

    def _forget(self, key: Key) -> None:
        del self._destinations[key]
        self._alarms.set(key, None)
