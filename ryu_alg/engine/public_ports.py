"""Every port that the gateway has handed out on its public addresses, and to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from random import Random, SystemRandom

from ryu_alg.engine.config import EngineConfig, PortRange
from ryu_alg.engine.pinhole_table import Numbers
from ryu_alg.engine.port_pool import PortPool, UsedPorts
from ryu_alg.engine.rising import Rising
from ryu_alg.engine.views import BindingKind
from ryu_alg.inspection import Endpoint, Transport

_OVER = {transport: (transport,) for transport in Transport}


@dataclass(slots=True, eq=False)
class Lease:
    """What stands for an inside endpoint."""

    number: int
    """Rises by one per lease."""
    kind: BindingKind
    public: Endpoint
    inside: Endpoint
    transports: tuple[Transport, ...]
    since: float
    pool: PortPool | None
    """None without NAT: then `public` is the same as `inside`."""
    ports: PublicPorts
    session: int
    """Whose it is; of a listening one, the session that asked for it last."""
    listener: int | None = None
    """Of a listening one, its id."""

    def end(self, now: float, *, known: bool = True) -> None:
        """The port is no longer used. `known`: somebody outside may know of it."""
        self.ports.ended(self)
        if self.pool is None:
            return
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
    _numbers: Numbers = field(default_factory=Numbers)
    live: dict[int, Lease] = field(default_factory=dict)
    """All leases, by number."""
    order: Rising[Lease] = field(init=False)
    counts: Counter[BindingKind] = field(default_factory=Counter)
    """For how many ports they are, those over two transports twice."""

    def __post_init__(self) -> None:
        self.order = Rising(self.live)

    def control(
        self,
        address: IPv4Address,
        inside: Endpoint,
        transport: Transport,
        now: float,
        *,
        session: int = 0,
    ) -> Lease | None:
        """Lease a port for a control connection; None if all are in use or resting."""
        over, kind = _OVER[transport], BindingKind.CONTROL
        leases = self._lease(address, kind, (inside,), over, now, session)
        return leases[0] if leases else None

    def data(
        self,
        address: IPv4Address,
        inside: Endpoint,
        transport: Transport,
        now: float,
        *,
        session: int,
    ) -> Lease | None:
        """Lease a port for a data pinhole; None if all are in use or resting."""
        over, kind = _OVER[transport], BindingKind.DATA
        leases = self._lease(address, kind, (inside,), over, now, session)
        return leases[0] if leases else None

    def listening(
        self,
        address: IPv4Address | None,
        inside: Endpoint,
        now: float,
        *,
        session: int,
        listener: int,
    ) -> Lease | None:
        """Lease a data port over both transports; None if all are in use or resting. Without
        `address`, `inside` stands for itself."""
        over, kind = tuple(Transport), BindingKind.LISTENING
        if address is None:
            lease = self._new(kind, inside, inside, over, now, None, session)
        else:
            leases = self._lease(address, kind, (inside,), over, now, session)
            if not leases:
                return None
            (lease,) = leases
        lease.listener = listener
        return lease

    def data_run(
        self,
        address: IPv4Address,
        inside: Sequence[Endpoint],
        transport: Transport,
        now: float,
        *,
        even: bool,
        session: int,
    ) -> tuple[Lease, ...]:
        """Lease consecutive ports for data; none if there are not as many in a row."""
        over, kind = _OVER[transport], BindingKind.DATA
        return self._lease(address, kind, inside, over, now, session, even=even)

    def ended(self, lease: Lease) -> None:
        """It stands for nothing any more."""
        if self.live.pop(lease.number, None) is not None:
            self.counts[lease.kind] -= len(lease.transports)
        if lease.pool is not None:
            self._standing.pop(lease.public, None)

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
        kind: BindingKind,
        inside: Sequence[Endpoint],
        transports: tuple[Transport, ...],
        now: float,
        session: int,
        *,
        even: bool = False,
    ) -> tuple[Lease, ...]:
        ports = self.config.control if kind is BindingKind.CONTROL else self.config.data
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
        return tuple(
            self._new(kind, Endpoint(address, port), endpoint, transports, now, pool, session)
            for port, endpoint in enumerate(inside, first)
        )

    def _new(
        self,
        kind: BindingKind,
        public: Endpoint,
        inside: Endpoint,
        transports: tuple[Transport, ...],
        now: float,
        pool: PortPool | None,
        session: int,
    ) -> Lease:
        number = self._numbers.next()
        lease = Lease(number, kind, public, inside, transports, now, pool, self, session)
        self.live[number] = lease
        self.order.added(number)
        self.counts[kind] += len(transports)
        if pool is not None:
            self._standing[public] = lease
        return lease
