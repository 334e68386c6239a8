"""Every port that the gateway has handed out on its public addresses, and to what."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from random import Random, SystemRandom

from ryu_alg.engine.config import EngineConfig, PortRange
from ryu_alg.engine.port_pool import PortPool
from ryu_alg.inspection import Endpoint


@dataclass(frozen=True, slots=True)
class Lease:
    """One public port in use."""

    public: Endpoint
    inside: Endpoint
    since: float
    pool: PortPool = field(repr=False)

    def end(self, now: float) -> None:
        """The port is no longer used."""
        self.pool.give_back(self.public.port, now)


@dataclass(slots=True)
class PublicPorts:
    """The pools of both partitions that the controller picks from, by public address."""

    config: EngineConfig
    random: Random = field(default_factory=SystemRandom)
    _pools: dict[tuple[IPv4Address, PortRange], PortPool] = field(default_factory=dict)

    def control(self, address: IPv4Address, inside: Endpoint, now: float) -> Lease | None:
        """Lease a port for a control connection; None if all are in use or resting."""
        return self._lease(address, self.config.control, inside, now)

    def data(self, address: IPv4Address, inside: Endpoint, now: float) -> Lease | None:
        """Lease a port for a data pinhole; None if all are in use or resting."""
        return self._lease(address, self.config.data, inside, now)

    def _lease(
        self, address: IPv4Address, ports: PortRange, inside: Endpoint, now: float
    ) -> Lease | None:
        pool = self._pools.get((address, ports))
        if pool is None:
            pool = PortPool(ports, self.config.timers.port_quarantine, self.random)
            self._pools[address, ports] = pool
        port = pool.take(now)
        return None if port is None else Lease(Endpoint(address, port), inside, now, pool)
