"""What everything in the B2BUA works with: transactions, tables, time, and what is to be done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from ryu_alg.inspection import DatagramEffect, DatagramGateway, Report, Send
from ryu_alg.protocols.sip.b2bua.calls import Arrival, Branch, Call, Calls, Exchange
from ryu_alg.protocols.sip.b2bua.headers import values
from ryu_alg.protocols.sip.b2bua.hiding import Hiding
from ryu_alg.protocols.sip.b2bua.identity import Identity
from ryu_alg.protocols.sip.b2bua.legs import Leg, Path
from ryu_alg.protocols.sip.b2bua.phrases import phrase
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.responses import Header, respond
from ryu_alg.protocols.sip.transactions import (
    Alarms,
    Arrived,
    ClientKey,
    Leave,
    Lost,
    Over,
    ServerKey,
    Times,
    Transactions,
    Unmatched,
    cancellation,
)

DEFAULT_HOPS = 70
RETRY_AFTER: Header = (b"Retry-After", b"5")


class Due(Enum):
    """What an alarm is about."""

    RINGING = "ringing"
    """An INVITE is not answered finally."""
    ABANDON = "abandon"
    """A cancelled INVITE is not answered at all."""
    LIMIT = "limit"
    """A call has taken as long as it may."""
    SESSION = "session"
    """Nobody has refreshed a session (RFC 4028), or a subscription."""
    END = "end"
    """A call that ends, or lingers, has done so long enough."""
    REPEAT = "repeat"
    """A response that its user has to repeat."""


Alarm = tuple[Due, int | ClientKey | bytes]


@dataclass(slots=True)
class Repeating:
    """A 2xx to INVITE (RFC 3261 13.3.1.4) or a reliable 1xx (RFC 3262 3) that is repeated."""

    call: Call
    branch: Branch
    path: Path
    payload: bytes
    final: bool
    interval: float
    until: float


@dataclass(frozen=True, slots=True)
class News:
    """What the transactions have for their user: a message, or that there will be none."""

    key: ClientKey | ServerKey
    exchange: Exchange | None
    """What the message is a response to."""
    failure: int | None = None
    """The status that stands for the response that will not come."""


class Agent:
    """The state of one host's user agent, and the things that are done to it everywhere."""

    def __init__(
        self,
        options: SipOptions,
        gateway: DatagramGateway,
        *,
        reliable: bool,
        secret: bytes | None = None,
    ) -> None:
        own = options.b2bua
        self.options = options
        self.gateway = gateway
        self.reliable = reliable
        self.identity = Identity(secret)
        self.hiding = Hiding(gateway, gateway.host, own.inside_names)
        self.transactions: Transactions[Path] = Transactions(
            Times(own.t1, own.t2, own.t4),
            reliable=reliable,
            limit=options.transactions_per_host,
        )
        self.calls = Calls(options.calls_per_host)
        self.exchanges: dict[ClientKey, Exchange] = {}
        self.invites: dict[ServerKey, Exchange] = {}
        """Exchanges of INVITEs that may be cancelled."""
        self.repeating: dict[bytes, Repeating] = {}
        self.alarms: Alarms[Alarm] = Alarms()
        self.effects: list[DatagramEffect] = []
        self.sequence = 0

    @property
    def now(self) -> float:
        """Seconds."""
        return self.gateway.now

    @property
    def times(self) -> Times:
        """T1, T2, T4."""
        return self.transactions.times

    @property
    def empty(self) -> bool:
        """Whether nothing is left of any call or request."""
        return self.calls.empty and not (
            self.transactions or self.exchanges or self.invites or self.repeating or self.alarms
        )

    # --- What is to be done ----------------------------------------------------------------

    def take(self) -> list[DatagramEffect]:
        """All that was gathered."""
        effects, self.effects = self.effects, []
        return effects

    def do(self, effects: Iterable[DatagramEffect]) -> None:
        """What others want done."""
        self.effects.extend(effects)

    def report(self, code: str, detail: str) -> None:
        """Something worth showing."""
        self.effects.append(Report(code, detail))

    def send(self, path: Path, payload: bytes) -> None:
        """These bytes leave, outside any transaction."""
        self.effects.append(Send(path.realm, path.inside, path.remote, payload))

    def carry(
        self, outcomes: list[Leave[Path] | Arrived | Lost | Over] | Unmatched | None
    ) -> list[News]:
        """What transactions say: what leaves leaves, what is over is forgotten."""
        news: list[News] = []
        if outcomes is None or isinstance(outcomes, Unmatched):
            return news
        for outcome in outcomes:
            match outcome:
                case Leave(destination, payload):
                    self.send(destination, payload)
                case Arrived(key):
                    news.append(News(key, self._exchange(key)))
                case Lost(key, timeout):
                    news.append(News(key, self._exchange(key), 408 if timeout else 503))
                case Over(ClientKey() as key):
                    self.forget_exchange(key)
        return news

    def _exchange(self, key: ClientKey | ServerKey) -> Exchange | None:
        return self.exchanges.get(key) if isinstance(key, ClientKey) else None

    # --- Responses -------------------------------------------------------------------------

    def answer(
        self,
        arrival: Arrival,
        status: int,
        headers: Sequence[Header] = (),
        *,
        body: bytes = b"",
        tag: bytes | None = None,
    ) -> bytes:
        """Respond to a request. Returns the response."""
        route = [(b"Record-Route", value) for value in values(arrival.request, b"Record-Route")]
        response = respond(
            arrival.request,
            status,
            phrase(status),
            [*(route if 100 < status < 300 else ()), *headers],
            source=arrival.path.other_end,
            tag=tag or arrival.leg.local_tag,
            body=body,
        )
        self.carry(self.transactions.respond(arrival.key, status, response, self.now))
        return response

    def refuse(
        self, arrival: Arrival, status: int, code: str, detail: str, headers: Sequence[Header] = ()
    ) -> None:
        """Respond for reasons of the gateway's own. Of 503, something may come later (21.5.4)."""
        self.report(code, detail)
        self.answer(arrival, status, [*headers, *((RETRY_AFTER,) if status == 503 else ())])

    def repeat(
        self, name: bytes, call: Call, branch: Branch, path: Path, payload: bytes, *, final: bool
    ) -> None:
        """Repeat a response until `name` is dropped, for 64*T1 at most."""
        times = self.times
        self.repeating[name] = Repeating(
            call, branch, path, payload, final, times.t1, self.now + times.patience
        )
        self.alarms.set((Due.REPEAT, name), self.now + times.t1)

    def repeat_again(self, name: bytes) -> Repeating | None:
        """Its time has come. Returns it if nobody has confirmed it for too long."""
        repeating = self.repeating[name]
        if self.now >= repeating.until:
            del self.repeating[name]
            return repeating
        self.send(repeating.path, repeating.payload)
        doubled = 2 * repeating.interval
        repeating.interval = min(doubled, self.times.t2) if repeating.final else doubled
        self.alarms.set((Due.REPEAT, name), min(self.now + repeating.interval, repeating.until))
        return None

    def confirmed(self, name: bytes) -> bool:
        """A repeated response was confirmed. False: there is no such."""
        self.alarms.set((Due.REPEAT, name), None)
        return self.repeating.pop(name, None) is not None

    # --- Requests --------------------------------------------------------------------------

    def ask(
        self,
        leg: Leg,
        method: str,
        headers: Sequence[Header],
        body: bytes = b"",
        *,
        arrival: Arrival | None = None,
        call: Call | None = None,
        branch: Branch | None = None,
        hops: int = DEFAULT_HOPS,
        offers: bool = False,
    ) -> Exchange | None:
        """Send a request. None: there are too many already."""
        if len(self.exchanges) >= self.options.transactions_per_host:
            return None
        sequence = leg.next_sequence()
        name = self.identity.branch()
        key = ClientKey(name, method)
        payload = leg.request(method, sequence, name, hops, headers, body)
        destination = leg.first_hop()
        outcomes = self.transactions.request(key, payload, destination, self.now)
        if outcomes is None:
            return None
        exchange = Exchange(key, method, leg, sequence, destination, arrival, call, branch, offers)
        self.exchanges[key] = exchange
        if method == "INVITE":
            if arrival is not None:
                self.invites[arrival.key] = exchange
            self.still_ringing(exchange)
        self.carry(outcomes)
        return exchange

    def still_ringing(self, exchange: Exchange) -> None:
        """An INVITE may take its time from now on (timer C, RFC 3261 section 16.6)."""
        self.alarms.set((Due.RINGING, exchange.key), self.now + self.options.ringing_limit)

    def cancel(self, exchange: Exchange, reason: Sequence[Header] = ()) -> None:
        """Nobody wants the response to an INVITE any more (RFC 3261 section 9.1)."""
        self.alarms.set((Due.RINGING, exchange.key), None)
        if not exchange.cancelled:
            exchange.cancelled = True
            self.alarms.set((Due.ABANDON, exchange.key), self.now + 2 * self.times.patience)
        request = self.transactions.sent(exchange.key)
        if request is None or not self.transactions.proceeding(exchange.key):
            return
        key = ClientKey(exchange.key.branch, "CANCEL")
        outcomes = self.transactions.request(
            key, cancellation(request, reason), exchange.destination, self.now
        )
        self.alarms.set((Due.ABANDON, exchange.key), self.now + self.times.patience)
        self.carry(outcomes or [])

    def forget_exchange(self, key: ClientKey) -> None:
        """A request is over."""
        exchange = self.exchanges.pop(key, None)
        self.alarms.set((Due.RINGING, key), None)
        self.alarms.set((Due.ABANDON, key), None)
        arrival = exchange.arrival if exchange is not None else None
        if arrival is not None and self.invites.get(arrival.key) is exchange:
            del self.invites[arrival.key]

    def next_sequence(self) -> int:
        """The CSeq that the next leg begins with: higher than of any before it."""
        self.sequence += 1
        return self.sequence
