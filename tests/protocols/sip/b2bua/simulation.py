"""Two user agents with the B2BUA between them, over networks that lose, repeat and reorder.

The agents know transactions, repeat their 2xx, and hang up; what they think of each call is what
the tests look at. Time is a number that goes from one happening to the next.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ryu_alg.inspection import Datagram, Endpoint, Realm, Report, Send
from ryu_alg.protocols.sip.b2bua.core import BackToBack
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.transactions import (
    Arrived,
    ClientKey,
    Leave,
    Lost,
    ServerKey,
    Times,
    Transactions,
    Unmatched,
    cancellation,
    server_key,
)
from tests.protocols.sip.b2bua.desk import (
    INSIDE,
    LEAKS,
    PROXY,
    Phone,
    read,
    sdp,
    with_options,
)
from tests.protocols.sip.gateway import World

TIMES = Times()
PATIENCE = 600.0
"""Seconds after which an agent waits no more for who rings."""


@dataclass
class CallSeen:
    """What an agent thinks of a call."""

    phone: Phone
    caller: bool
    state: str = "setup"
    """setup, up, ended or failed."""
    final: int = 0
    """The status with which it failed."""
    invite: ServerKey | ClientKey | None = None
    sent: bytes = b""
    """The caller's INVITE."""
    request: Message | None = None
    """The same, as it was heard."""
    ok: bytes = b""
    """The 2xx that is repeated."""
    interval: float = 0.5
    until: float = 0.0
    ack: bytes = b""
    cancelled: bool = False
    was_up: bool = False


class Agent:
    """One user agent, with any number of calls."""

    def __init__(self, network: Network, realm: Realm, where: Endpoint, user: str) -> None:
        self.network = network
        self.realm = realm
        self.where = where
        self.user = user
        self.transactions: Transactions[None] = Transactions(TIMES, reliable=False, limit=10_000)
        self.calls: list[CallSeen] = []
        self.owners: dict[ClientKey, CallSeen] = {}
        self.answers_after = 1.0
        self.deaf = False
        """It is gone: nothing comes in, nothing goes out."""
        self.was_deaf = False

    # --- What it does ----------------------------------------------------------------------

    def go(self) -> None:
        """Without a word."""
        self.deaf = self.was_deaf = True

    def call(self, target: str) -> CallSeen:
        number = len(self.calls)
        phone = Phone(
            self.realm,
            self.where,
            self.user,
            f"{self.user}-{'inside-tag' if self.realm is Realm.INSIDE else 'tag'}-{number}",
            f"{'inside-call' if self.realm is Realm.INSIDE else 'call'}-{self.user}-{number}",
            f"<{target}>",
            target,
            branches=1000 * number,
        )
        seen = CallSeen(phone, True)
        self.calls.append(seen)
        seen.sent = phone.request("INVITE", self.offer(number))
        seen.invite = self.ask(seen, "INVITE", seen.sent)
        return seen

    def hang_up(self, seen: CallSeen) -> None:
        if seen.state == "up":
            seen.state = "ended"
            seen.ok = b""
            self.ask(seen, "BYE", seen.phone.request("BYE"))

    def cancel(self, seen: CallSeen) -> None:
        if seen.state == "setup" and seen.caller and not seen.cancelled:
            seen.cancelled = True
            assert isinstance(seen.invite, ClientKey)
            if self.transactions.proceeding(seen.invite):
                self._cancel(seen)

    def _cancel(self, seen: CallSeen) -> None:
        assert isinstance(seen.invite, ClientKey)
        key = ClientKey(seen.invite.branch, "CANCEL")
        if self.transactions.sent(key) is None:
            outcomes = self.transactions.request(key, cancellation(seen.sent), None, self.now)
            self.carry(outcomes)

    def offer_again(self, seen: CallSeen) -> None:
        if seen.state == "up" and not seen.ok:
            number = self.calls.index(seen)
            self.ask(seen, "INVITE", seen.phone.request("INVITE", self.offer(number)))

    def offer(self, number: int) -> bytes:
        return sdp(str(self.where.address), 10_000 + 4 * number)

    @property
    def now(self) -> float:
        return self.network.world.now

    def ask(self, seen: CallSeen, method: str, raw: bytes) -> ClientKey:
        branch = read(raw).branch
        assert branch is not None
        key = ClientKey(branch, method)
        self.owners[key] = seen
        self.carry(self.transactions.request(key, raw, None, self.now))
        if method == "INVITE":
            self.network.after(PATIENCE, lambda: self._give_up(seen, key))
        return key

    def _give_up(self, seen: CallSeen, key: ClientKey) -> None:
        """At high loss, even a final response that is sent eleven times may never come."""
        if self.transactions.proceeding(key):
            self.transactions.abandon(key)
            if key == seen.invite and seen.state == "setup":
                seen.state = "failed"

    # --- What it hears ---------------------------------------------------------------------

    def hear(self, raw: bytes) -> None:
        if self.deaf:
            return
        message = read(raw)
        if message.is_request:
            self._request(message)
        else:
            news = self.transactions.receive_response(message, self.now)
            for key in self.carry(news):
                if isinstance(key, ClientKey):
                    self._response(key, message)

    def _request(self, message: Message) -> None:
        source = (PROXY if self.realm is Realm.INSIDE else self.network.public).address
        found = self.transactions.receive_request(message, Realm.OUTSIDE, source, self.now)
        if message.method == "ACK":
            self.carry(found)
            seen = self._dialogue(message)
            if seen is not None:
                seen.ok = b""
            return
        if not isinstance(found, Unmatched):
            self.carry(found)
            return
        key = server_key(message, Realm.OUTSIDE, source)
        assert key is not None
        self.transactions.serve(key, None, self.now)
        seen = self._dialogue(message)
        match message.method:
            case "INVITE" if message.to_tag is None:
                self._called(message, key)
            case "INVITE" if seen is not None and seen.state == "up":
                if seen.ok:
                    self.reply(seen.phone, key, message, 491)
                else:
                    self._accept(seen, key, message)
            case "CANCEL":
                called = [call for call in self.calls if call.invite == key.cancelled]
                self.reply(Phone(self.realm, self.where, self.user, "x"), key, message, 200)
                if called and called[0].state == "setup" and called[0].request:
                    called[0].state = "failed"
                    self.reply(called[0].phone, key.cancelled, called[0].request, 487)
            case "BYE" if seen is not None:
                seen.state, seen.ok = "ended", b""
                self.reply(seen.phone, key, message, 200)
            case _:
                phone = Phone(self.realm, self.where, self.user, "x")
                self.reply(phone, key, message, 481)

    def _dialogue(self, message: Message) -> CallSeen | None:
        for seen in self.calls:
            same = seen.phone.call_id.encode() == message.call_id
            if same and seen.phone.tag.encode() == message.to_tag:
                return seen
        return None

    def _called(self, message: Message, key: ServerKey) -> None:
        number = len(self.calls)
        phone = Phone(self.realm, self.where, self.user, f"{self.user}-called-{number}")
        phone.branches = 1000 * number
        phone.joins(message)
        seen = CallSeen(phone, False, invite=key, request=message)
        self.calls.append(seen)
        self.reply(phone, key, message, 180)
        self.network.at(self.now + self.answers_after, lambda: self._pick_up(seen, key, message))

    def _pick_up(self, seen: CallSeen, key: ServerKey, message: Message) -> None:
        if seen.state == "setup" and not self.deaf:
            seen.state, seen.was_up = "up", True
            self._accept(seen, key, message)

    def _accept(self, seen: CallSeen, key: ServerKey, message: Message) -> None:
        body = self.offer(self.calls.index(seen))
        seen.ok = seen.phone.reply(message, 200, body)
        seen.interval, seen.until = 0.5, self.now + 32
        self.carry(self.transactions.respond(key, 200, seen.ok, self.now))
        self.network.at(self.now + seen.interval, lambda: self._repeat(seen, seen.ok))

    def _repeat(self, seen: CallSeen, ok: bytes) -> None:
        if seen.ok != ok or not ok or self.deaf:
            return
        if self.now >= seen.until:
            self.hang_up(seen)
            return
        self.network.leave(self, ok)
        seen.interval = min(2 * seen.interval, 4.0)
        self.network.at(self.now + seen.interval, lambda: self._repeat(seen, ok))

    def reply(
        self, phone: Phone, key: ServerKey, message: Message, status: int, body: bytes = b""
    ) -> None:
        raw = phone.reply(message, status, body)
        self.carry(self.transactions.respond(key, status, raw, self.now))

    def _response(self, key: ClientKey, message: Message) -> None:
        seen = self.owners.get(key)
        if seen is None or key.method != "INVITE":
            return
        first = key == seen.invite
        if message.status < 200:
            if seen.cancelled and seen.state == "setup":
                self._cancel(seen)
        elif message.status < 300:
            if first and seen.state == "setup":
                seen.phone.hears(message)
                seen.state, seen.was_up = "up", True
            ack = seen.phone.request("ACK", cseq=message.cseq.number)
            self.network.leave(self, ack)
            if seen.cancelled:
                self.hang_up(seen)
        elif first:
            seen.state, seen.final = "failed", message.status

    # --- The rest --------------------------------------------------------------------------

    def carry(self, outcomes: object) -> list[ClientKey | ServerKey]:
        heard: list[ClientKey | ServerKey] = []
        if not isinstance(outcomes, list):
            return heard
        for outcome in outcomes:
            match outcome:
                case Leave(_, payload):
                    self.network.leave(self, payload)
                case Arrived(key):
                    heard.append(key)
                case Lost(ClientKey() as key, _):
                    seen = self.owners.get(key)
                    if seen is not None and key == seen.invite:
                        seen.state, seen.final = "failed", 408
        return heard


@dataclass
class Network:
    """The B2BUA and all that is between it and the agents."""

    seed: int = 0
    loss: float = 0.0
    options: SipOptions = field(default_factory=with_options)
    world: World = field(default_factory=World)
    reports: list[Report] = field(default_factory=list)
    outside: list[bytes] = field(default_factory=list)
    """All that left towards outside."""
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.gateway = self.world.gateway()
        public = self.gateway.signalling(INSIDE)
        assert isinstance(public, Endpoint)
        self.public = public
        self.core = BackToBack(self.options, self.gateway, secret=b"s" * 16)
        self.alice = Agent(self, Realm.INSIDE, INSIDE, "alice")
        self.bob = Agent(self, Realm.OUTSIDE, PROXY, "bob")

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.world.now + seconds, what)

    def _carried(self, what: Callable[[], None]) -> None:
        """A datagram on its way: lost, or there once or twice, sooner or later."""
        copies = 2 if self.chance.random() < self.loss / 2 else 1
        for _ in range(copies):
            if self.chance.random() >= self.loss:
                self.after(0.01 + self.loss * self.chance.random(), what)

    def leave(self, agent: Agent, payload: bytes) -> None:
        """An agent sends to the gateway."""
        if agent.deaf:
            return
        remote = PROXY
        datagram = Datagram(agent.realm, INSIDE, self.public, remote, payload)
        self._carried(lambda: self._take(self.core.inspect(datagram)))

    def _take(self, effects: object) -> None:
        assert isinstance(effects, list | tuple)
        self.world.carry_out(effects)
        for effect in effects:
            if isinstance(effect, Report):
                self.reports.append(effect)
            elif isinstance(effect, Send):
                agent = self.alice if effect.towards is Realm.INSIDE else self.bob
                payload = effect.payload
                if agent is self.bob:
                    self.outside.append(payload)
                self._carried(partial(agent.hear, payload))

    def run(self, until: float | None = None) -> None:
        """Until then, or until nothing happens any more."""
        for _ in range(1_000_000):
            deadlines = [
                self.core.next_timeout(),
                self.alice.transactions.next_timeout(),
                self.bob.transactions.next_timeout(),
                self._queue[0][0] if self._queue else None,
            ]
            waiting = [deadline for deadline in deadlines if deadline is not None]
            if not waiting or (until is not None and min(waiting) > until):
                break
            self.world.now = now = max(self.world.now, min(waiting))
            if self._queue and self._queue[0][0] <= now:
                heapq.heappop(self._queue)[2]()
            for agent in (self.alice, self.bob):
                agent.carry(agent.transactions.expire(now))
            deadline = self.core.next_timeout()
            if deadline is not None and deadline <= now:
                self._take(self.core.wake())
        else:
            raise AssertionError("it never ends")
        if until is not None:
            self.world.now = max(self.world.now, until)

    def finish(self) -> None:
        """Until nothing happens any more; then nothing is left."""
        self.run()
        assert self.core.empty, vars(self.core.agent)
        assert not self.world.bindings
        assert not self.world.admitted
        for agent in (self.alice, self.bob):
            # Who was away may still be ringing.
            assert agent.was_deaf or not len(agent.transactions)
        for payload in self.outside:
            for leak in LEAKS:
                assert leak not in payload, payload.decode()

    def codes(self) -> set[str]:
        return {report.code for report in self.reports}
