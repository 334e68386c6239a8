"""What no pinhole may lead to, and how many of them there may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ryu_alg.engine.config import EngineConfig
from ryu_alg.inspection import Address, Realm, Refusal

PRIVILEGED_PORTS = 1024
"""No pinhole leads to a port below this."""
MAX_PORT = 65535


@dataclass(slots=True)
class PinholeLimits:
    """Expectations and the ports of data bindings count alike."""

    config: EngineConfig
    total: int = 0
    per_host: Counter[Address] = field(default_factory=Counter)
    per_protocol: Counter[str] = field(default_factory=Counter)

    def forbidden(self, ports: Iterable[int], listener: Realm) -> Refusal | None:
        """Whether one of the ports that somebody in `listener` waits on is not to be reached."""
        for port in ports:
            if not PRIVILEGED_PORTS <= port <= MAX_PORT:
                return Refusal("port.privileged", f"port {port} is not from 1024 to 65535")
            # The list protects services of inside hosts; what outside hosts listen on is theirs.
            if listener is Realm.INSIDE and self.config.denied(port):
                return Refusal("port.denied", f"port {port} is on the list of denied ports")
        return None

    def over_quota(self, host: Address, protocol: str, count: int = 1) -> Refusal | None:
        """Whether `count` more for the inside host would be too many."""
        quotas = self.config.quotas
        if self.per_host[host] + count > quotas.pinholes_per_host:
            return Refusal("quota.host", f"{host} may have {quotas.pinholes_per_host} pinholes")
        if self.per_protocol[protocol] + count > quotas.pinholes_per_protocol:
            detail = f"{protocol} may have {quotas.pinholes_per_protocol} pinholes"
            return Refusal("quota.protocol", detail)
        if self.total + count > quotas.pinholes:
            return Refusal("quota.all", f"the gateway may have {quotas.pinholes} pinholes")
        return None

    def take(self, host: Address, protocol: str, count: int = 1) -> None:
        """There are `count` more."""
        self.total += count
        self.per_host[host] += count
        self.per_protocol[protocol] += count

    def give_back(self, host: Address, protocol: str, count: int = 1) -> None:
        """There are `count` fewer."""
        self.total -= count
        self.per_protocol[protocol] -= count
        self.per_host[host] -= count
        if self.per_host[host] <= 0:
            del self.per_host[host]
