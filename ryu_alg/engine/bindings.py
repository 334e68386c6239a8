"""All bindings for data: who may have them, and what becomes of them without their session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from ryu_alg.engine.commands import Command, Publish
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.data_binding import DataBinding, distinct
from ryu_alg.engine.data_marks import DataMark, DataMarks, Tally
from ryu_alg.engine.media_binding import MediaBinding
from ryu_alg.engine.pinhole_limits import MAX_PORT, PinholeLimits
from ryu_alg.engine.pinhole_table import PinholeTable
from ryu_alg.engine.public_ports import Lease, PublicPorts
from ryu_alg.engine.stream_binding import StreamBinding
from ryu_alg.inspection import (
    Address,
    Binding,
    Endpoint,
    Exchange,
    Realm,
    Refusal,
    Transport,
)

MAX_PORTS = 64
"""Of one binding."""
MAX_EXCHANGES = 64
"""Of one binding at a time."""


@dataclass(slots=True)
class Bindings:
    """Within the quotas for pinholes: each port counts one."""

    config: EngineConfig
    ports: PublicPorts
    limits: PinholeLimits
    marks: DataMarks
    numbers: PinholeTable
    live: dict[int, DataBinding] = field(default_factory=dict)
    by_pinhole: dict[int, StreamBinding] = field(default_factory=dict)
    """By the number of a pinhole that no connection has used."""

    def bind(
        self,
        session: int,
        protocol: str,
        host: Address,
        tally: Tally,
        inside: Sequence[Endpoint],
        transport: Transport,
        now: float,
        *,
        even: bool,
        public: Address | None,
        idle: int | None,
    ) -> DataBinding | Refusal:
        """Bind for a session; see `ryu_alg.inspection.Gateway.bind`."""
        endpoints = tuple(inside)
        refusal = self._refusal(endpoints, host, protocol, transport)
        if refusal is not None:
            return refusal
        standing = self._public_of(endpoints[0].address, public)
        if isinstance(standing, Refusal):
            return standing
        leases: tuple[Lease, ...] = ()
        if standing is not None:
            leases = self.ports.data_run(
                standing, endpoints, transport, now, even=even, session=session
            )
            if not leases:
                wanted = f"no {len(endpoints)} data ports of {standing} in a row"
                detail = f"{wanted} are free for {host}"
                return Refusal("ports.exhausted", detail)
        self.limits.take(host, protocol, len(endpoints))
        seen = tuple(lease.public for lease in leases) or endpoints
        binding = Binding(self.numbers.next(), transport, endpoints, seen)
        made: DataBinding
        if transport is Transport.UDP:
            made = MediaBinding(
                binding=binding,
                session=session,
                protocol=protocol,
                host=host,
                leases=leases,
                since=now,
                timers=self.config.timers,
                marks=self.marks,
                numbers=self.numbers,
                tally=tally,
                idle_limit=idle,
            )
        else:
            made = StreamBinding(
                binding=binding,
                session=session,
                protocol=protocol,
                host=host,
                leases=leases,
                since=now,
                timers=self.config.timers,
                marks=self.marks,
                numbers=self.numbers,
                tally=tally,
                idle_limit=idle,
                napt=self.config.napt,
                by_pinhole=self.by_pinhole,
            )
        self.live[binding.id] = made
        return made

    def sound(
        self, bound: DataBinding, exchanges: Sequence[Exchange]
    ) -> tuple[tuple[Exchange, ...], list[str]]:
        """Those of `exchanges` that may be admitted, and what is wrong with the others."""
        sound: list[Exchange] = []
        wrong: list[str] = []
        for exchange in distinct(exchanges):
            reason = self._unsound(bound, exchange)
            if reason is None and len(sound) >= MAX_EXCHANGES:
                reason = f"more than {MAX_EXCHANGES} at a time"
            if reason is None:
                sound.append(exchange)
            else:
                wrong.append(f"{exchange.remote}: {reason}")
        return tuple(sound), wrong

    def end(self, bound: DataBinding, now: float) -> list[Command]:
        """It is over: its data is cut, its ports rest."""
        if self.live.pop(bound.binding.id, None) is None:
            return []
        commands = bound.close(now)
        self.limits.give_back(bound.host, bound.protocol, len(bound.binding.inside))
        for lease in bound.leases:
            lease.end(now)
        return commands

    def orphan(self, bound: DataBinding, now: float) -> list[Command]:
        """Its session has ended: data that moves goes on until it stops."""
        bound.orphaned = True
        bound.awaiting = None
        bound.confirm()
        return self._unless_moving(bound, now)

    def orphan_idle(self, data: DataMark, now: float) -> list[Command]:
        """The data of a binding without a session has stopped."""
        bound = None if data.binding is None else self.live.get(data.binding)
        if bound is None:
            return []
        detail = f"{data.packets} packets, {data.bytes} bytes"
        return [
            *bound.idle(data, now),
            *self._unless_moving(bound, now),
            Publish("data.ended", detail, None, bound.protocol),
        ]

    def used(self, number: int) -> list[Command] | None:
        """The first packet of an expected TCP connection came; None if it is not of a binding."""
        bound = self.by_pinhole.get(number)
        if bound is None:
            return None
        commands, detail = bound.used(number)
        return [*commands, Publish("pinhole.used", detail, bound.session, bound.protocol)]

    def expired(self, number: int, now: float) -> list[Command] | None:
        """A pinhole's time is up; None if it is not of a binding."""
        bound = self.by_pinhole.get(number)
        if bound is None:
            return None
        commands, detail = bound.expired(number)
        commands += self._unless_moving(bound, now)
        return [*commands, Publish("pinhole.closed", detail, bound.session, bound.protocol)]

    def installed(self, now: float) -> Iterator[Command]:
        """All flows of the switch are being replaced: name those of bindings."""
        for bound in list(self.live.values()):
            yield from bound.installed(now)
            yield from self._unless_moving(bound, now)

    def _unless_moving(self, bound: DataBinding, now: float) -> list[Command]:
        return self.end(bound, now) if bound.orphaned and not bound.moving else []

    def _public_of(self, host: Address, wanted: Address | None) -> IPv4Address | Refusal | None:
        """The address whose ports are to stand for the host's; None: its own do."""
        usual = self.config.public_for(host)
        if wanted in (None, usual):
            return usual
        if wanted == host:
            return None
        if isinstance(wanted, IPv4Address) and any(
            (service.inside.address, service.public.address) == (host, wanted)
            for service in self.config.services
        ):
            return wanted
        return Refusal("binding.public", f"{wanted} does not stand for {host}")

    def _refusal(
        self, endpoints: tuple[Endpoint, ...], host: Address, protocol: str, transport: Transport
    ) -> Refusal | None:
        if not 0 < len(endpoints) <= MAX_PORTS:
            return Refusal("binding.size", f"{len(endpoints)} ports, of at most {MAX_PORTS}")
        addresses = {endpoint.address for endpoint in endpoints}
        if len(addresses) > 1:
            return Refusal("binding.hosts", "ports of more than one host")
        (address,) = addresses
        if self.config.realm_of(address) is not Realm.INSIDE:
            return Refusal("binding.outside", f"{address} is not inside")
        any_port = 0 if transport is Transport.UDP else None
        ports = (endpoint.port for endpoint in endpoints if endpoint.port != any_port)
        return self.limits.forbidden(ports, Realm.INSIDE) or self.limits.over_quota(
            host, protocol, len(endpoints)
        )

    def _unsound(self, bound: DataBinding, exchange: Exchange) -> str | None:
        inside = bound.binding.inside
        remote = exchange.remote
        address = remote.address
        if not 0 <= exchange.index < len(inside):
            return f"the binding has no port {exchange.index}"
        if address.version != inside[0].address.version:
            return "of another IP version"
        if not 0 < remote.port <= MAX_PORT:
            return "not a port"
        if address.is_unspecified or address.is_multicast or address.is_loopback:
            return "no host has this address"
        if self.config.realm_of(address) is Realm.INSIDE or address in self.config.public:
            return "not outside"
        return None
