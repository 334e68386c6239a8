"""Every port that the gateway has handed out on its public addresses, and to what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from random import Random, SystemRandom

from ryu_alg.engine.config import EngineConfig, PortRange
from ryu_alg.engine.port_pool import PortPool, UsedPorts
from ryu_alg.inspection import Endpoint, Transport

_OVER = {transport: (transport,) for transport in Transport}


@dataclass(frozen=True, slots=True)
class Lease:
    """One public port in use."""

    public: Endpoint
    inside: Endpoint
    transports: tuple[Transport, ...]
    since: float
    pool: PortPool = field(repr=False, compare=False)
    standing: dict[Endpoint, Lease] = field(repr=False, compare=False)
    """Where it is found by its public endpoint."""

    def end(self, now: float, *, known: bool = True) -> None:
        """The port is no longer used. `known`: somebody outside may know of it."""
        self.standing.pop(self.public, None)
        if known:
            self.pool.give_back(self.public.port, now)
        else:
            self.pool.return_unused(self.public.port)


@dataclass(slots=True)
class PublicPorts:
    """Of both partitions that the controller picks from, on all public addresses."""

    config: EngineConfig
    random: Random = field(default_factory=SystemRandom)
    _pools: dict[tuple[IPv4Address, PortRange], PortPool] = field(default_factory=dict)
    _used: dict[IPv4Address, UsedPorts] = field(default_factory=dict)
    _standing: dict[Endpoint, Lease] = field(default_factory=dict)
    """In use, by public endpoint."""

    def control(
        self, address: IPv4Address, inside: Endpoint, transport: Transport, now: float
    ) -> Lease | None:
        """Lease a port for a control connection; None if all are in use or resting."""
        leases = self._lease(address, self.config.control, (inside,), _OVER[transport], now)
        return leases[0] if leases else None

    def data(
        self, address: IPv4Address, inside: Endpoint, transport: Transport, now: float
    ) -> Lease | None:
        """Lease a port for a data pinhole; None if all are in use or resting."""
        leases = self._lease(address, self.config.data, (inside,), _OVER[transport], now)
        return leases[0] if leases else None

    def listening(self, address: IPv4Address, inside: Endpoint, now: float) -> Lease | None:
        """Lease a data port over both transports; None if all are in use or resting."""
        leases = self._lease(address, self.config.data, (inside,), tuple(Transport), now)
        return leases[0] if leases else None

    def data_run(
        self,
        address: IPv4Address,
        inside: Sequence[Endpoint],
        transport: Transport,
        now: float,
        *,
        even: bool,
    ) -> tuple[Lease, ...]:
        """Lease consecutive ports for data; none if there are not as many in a row."""
        return self._lease(address, self.config.data, inside, _OVER[transport], now, even=even)

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        """The inside endpoint that `public` stands for, by a lease, as a published service, or
        because its host is not translated."""
        lease = self._standing.get(public)
        if lease is not None:
            return lease.inside if transport in lease.transports else None
        for service in self.config.services:
            if service.public == public and service.transport is transport:
                return service.inside
        network = self.config.network_of(public.address)
        if network is not None and network.public_for(public.address) is None:
            return public
        return None

    def _lease(
        self,
        address: IPv4Address,
        ports: PortRange,
        inside: Sequence[Endpoint],
        transports: tuple[Transport, ...],
        now: float,
        *,
        even: bool = False,
    ) -> tuple[Lease, ...]:
        pool = self._pools.get((address, ports))
        if pool is None:
            used = self._used.setdefault(address, UsedPorts())
            pool = self._pools[address, ports] = PortPool(ports, 0.0, self.random, used)
        pool.quarantine = self.config.timers.port_quarantine
        # One that rests is still a host's own: or else a host would have all, by and by.
        most = max(1, (ports.high - ports.low + 1) * self.config.quotas.port_share // 100)
        first = pool.take_run(inside[0].address, len(inside), now, even=even, most=most)
        if first is None:
            return ()
        leases = tuple(
            Lease(Endpoint(address, port), endpoint, transports, now, pool, self._standing)
            for port, endpoint in enumerate(inside, first)
        )
        for lease in leases:
            self._standing[lease.public] = lease
        return leases
