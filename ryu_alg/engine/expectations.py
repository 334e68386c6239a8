"""Announced data connections: armed by one side, opened when the other accepts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network

from ryu_alg.engine.commands import DestinationNat, Pinhole, SourceNat
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.pinhole_limits import PinholeLimits
from ryu_alg.engine.pinhole_table import PinholeTable
from ryu_alg.engine.public_ports import Lease, PublicPorts
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import (
    Address,
    Conversation,
    Endpoint,
    Expectation,
    Network,
    Party,
    Realm,
    Refusal,
    Transport,
)


@dataclass(slots=True)
class Announced:
    """An expectation that is not over."""

    expectation: Expectation
    session: int
    protocol: str
    pinhole: Pinhole | None
    """None where the data connection does not cross the gateway (FXP between outside hosts)."""
    host: Address
    """The inside host that its quota counts for."""
    state: PinholeState
    since: float
    lease: Lease | None
    expires: float | None = None
    """When its pinhole is gone at the latest, seconds of the engine's clock."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The session that announces."""

    session: int
    protocol: str
    mark: int
    conversation: Conversation


@dataclass(slots=True)
class Expectations:
    """All of them, within their quotas."""

    config: EngineConfig
    ports: PublicPorts
    limits: PinholeLimits
    numbers: PinholeTable
    live: dict[int, Announced] = field(default_factory=dict)
    per_session: Counter[int] = field(default_factory=Counter)
    elsewhere: int = 0
    """How many have no pinhole."""

    def arm(
        self,
        owner: Owner,
        now: float,
        *,
        listener: Party,
        port: int,
        transport: Transport,
        third_party: Address | None,
        peers: Sequence[Network],
        last_port: int | None,
        wait: int | None,
    ) -> Announced | Refusal:
        """Announce that `listener` waits on `port`; see `ryu_alg.inspection.Gateway.expect`."""
        conversation = owner.conversation
        actual = Endpoint(third_party or conversation.actual(listener).address, port)
        ports = range(port, (port if last_port is None else last_port) + 1)
        refusal = self._forbidden(ports, actual.address)
        if refusal is not None:
            return refusal
        connecting = conversation.actual(listener.other).address
        listener_realm = self.config.realm_of(actual.address)
        connecting_realm = self.config.realm_of(connecting)
        host = connecting if listener_realm is Realm.OUTSIDE else actual.address
        refusal = self._over_quota(owner, host)
        if refusal is not None:
            return refusal
        announced = actual
        lease: Lease | None = None
        public = self._public_address(conversation, listener, third_party)
        if listener_realm is Realm.INSIDE and connecting_realm is Realm.OUTSIDE and public:
            if last_port is None:
                lease = self.ports.data(public, actual, transport, now, session=owner.session)
                if lease is None:
                    detail = f"no data port of {public} is free for {actual.address}"
                    return Refusal("ports.exhausted", detail)
                announced = lease.public
            elif self.config.hands_out(port, last_port):
                # Its public ports must be nobody else's.
                detail = f"ports {port}-{last_port} are in a partition of the public ports"
                return Refusal("port.partition", detail)
            else:
                announced = Endpoint(public, port)
        expectation = Expectation(self.numbers.next(), transport, actual, announced)
        pinhole = None
        if Realm.INSIDE in (listener_realm, connecting_realm):
            pinhole = Pinhole(
                id=expectation.id,
                mark=owner.mark,
                transport=transport,
                peers=(ip_network(connecting), *peers),
                seen=announced,
                connecting_realm=connecting_realm,
                translate=self._translation(expectation, conversation, listener),
                idle=wait or self.config.timers.pinhole_unused,
                hard=wait or self.config.timers.pinhole_hard,
                last_port=last_port,
            )
        entry = Announced(
            expectation,
            owner.session,
            owner.protocol,
            pinhole,
            host,
            PinholeState.ARMED,
            now,
            lease,
        )
        self.live[expectation.id] = entry
        self.numbers.moved(None, entry.state)
        if pinhole is None:
            self.elsewhere += 1
        else:
            self.numbers.add(pinhole.id, entry)
        self.limits.take(host, owner.protocol)
        self.per_session[owner.session] += 1
        return entry

    def move(self, entry: Announced, state: PinholeState) -> None:
        """It is in another state."""
        self.numbers.moved(entry.state, state)
        entry.state = state

    def remove(self, number: int) -> Announced | None:
        """The expectation is over; its lease is the caller's to end."""
        entry = self.live.pop(number, None)
        if entry is None:
            return None
        self.numbers.moved(entry.state, None)
        if entry.pinhole is None:
            self.elsewhere -= 1
        else:
            self.numbers.remove(number)
        self.limits.give_back(entry.host, entry.protocol)
        self.per_session[entry.session] -= 1
        if self.per_session[entry.session] <= 0:
            del self.per_session[entry.session]
        return entry

    def _forbidden(self, ports: range, listener: Address) -> Refusal | None:
        if not ports:
            return Refusal("port.privileged", f"ports {ports.start} to {ports.stop - 1} are none")
        return self.limits.forbidden(ports, self.config.realm_of(listener))

    def _over_quota(self, owner: Owner, host: Address) -> Refusal | None:
        quotas = self.config.quotas
        if self.per_session[owner.session] >= quotas.pinholes_per_session:
            return Refusal("quota.session", f"{quotas.pinholes_per_session} are announced already")
        return self.limits.over_quota(host, owner.protocol)

    def _public_address(
        self, conversation: Conversation, listener: Party, third_party: Address | None
    ) -> IPv4Address | None:
        """The address that stands for the listening host outside; None without NAT."""
        if third_party is not None:
            return self.config.public_for(third_party)
        seen = conversation.seen(listener).address
        if seen == conversation.actual(listener).address or not isinstance(seen, IPv4Address):
            return None
        return seen

    def _translation(
        self, expectation: Expectation, conversation: Conversation, listener: Party
    ) -> DestinationNat | SourceNat | None:
        if expectation.announced != expectation.listener:
            return DestinationNat(expectation.listener)
        connecting = listener.other
        seen = conversation.seen(connecting).address
        outside = self.config.realm_of(expectation.listener.address) is Realm.OUTSIDE
        if outside and seen != conversation.actual(connecting).address:
            return SourceNat(seen, self.config.napt.low, self.config.napt.high)
        return None
