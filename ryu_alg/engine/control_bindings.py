"""Public endpoints of UDP control endpoints: independent of the remote end (RFC 4787 REQ-1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.public_ports import Lease, PublicPorts
from ryu_alg.engine.session_quotas import SessionQuotas
from ryu_alg.inspection import Endpoint, Refusal, Transport


@dataclass(slots=True)
class Control:
    """One control endpoint of an inside host."""

    session: int
    protocol: str
    inside: Endpoint
    public: Endpoint
    lease: Lease | None
    """None without NAT, and for a published service."""
    published: bool
    """Anybody outside may send to it."""
    since: float
    last_activity: float
    held_until: float = float("-inf")
    known: bool = False
    """Somebody outside may know of it."""


@dataclass(slots=True)
class ControlBindings:
    """All of them, by what stands for them outside."""

    ports: PublicPorts
    quotas: SessionQuotas
    _leased: dict[Endpoint, Control] = field(default_factory=dict)
    _fixed: dict[tuple[Endpoint, str], Control] = field(default_factory=dict)
    """Endpoints that several protocols may share: (endpoint, protocol)."""

    def open(self, session: int, protocol: str, inside: Endpoint, now: float) -> Control | Refusal:
        """Have a public endpoint stand for `inside`."""
        host = inside.address
        config = self.ports.config
        over = self.quotas.over_for_host(host)
        if over is not None:
            detail = f"{host} may have {self.quotas.config.quotas.sessions_per_host} endpoints"
            return Refusal(over, detail)
        public, lease, published = inside, None, False
        service = config.service_of(inside, protocol, Transport.UDP)
        address = config.public_for(host)
        if service is not None:
            public, published = service.public, True
        elif address is not None:
            lease = self.ports.control(address, inside, Transport.UDP, now, session=session)
            if lease is None:
                detail = f"no control port of {address} is free for {host}"
                return Refusal("session.ports_exhausted", detail)
            public = lease.public
        control = Control(session, protocol, inside, public, lease, published, now, now)
        if lease is None:
            self._fixed[public, protocol] = control
        else:
            self._leased[public] = control
        self.quotas.charge(host)
        return control

    def leads_inside(self, public: Endpoint, protocol: str) -> bool:
        """Whether it stands for an inside host in this protocol."""
        control = self.at(public, protocol)
        if control is not None:
            return control.protocol == protocol
        return self.ports.config.service_at(public, protocol, Transport.UDP) is not None

    def close(self, control: Control, now: float, *, known: bool = True) -> None:
        """Nothing stands for it any more; `known` as for a lease."""
        if control.lease is None:
            self._fixed.pop((control.public, control.protocol), None)
        else:
            self._leased.pop(control.public, None)
            control.lease.end(now, known=known)
        self.quotas.release(control.inside.address)

    def at(self, public: Endpoint, protocol: str | None) -> Control | None:
        """The control endpoint behind `public`. `protocol`: of the punt, where it says."""
        found = self._leased.get(public)
        if found is None and protocol is not None:
            found = self._fixed.get((public, protocol))
        return found

    def __len__(self) -> int:
        return len(self._leased) + len(self._fixed)
