"""How many sessions there are, over both transports, and how many there may be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ryu_alg.engine.config import EngineConfig
from ryu_alg.inspection import Address


@dataclass(slots=True)
class SessionQuotas:
    """A TCP session counts one for its inside host, a UDP session one for each control endpoint."""

    config: EngineConfig
    total: int = 0
    by_protocol: Counter[str] = field(default_factory=Counter)
    per_host: Counter[Address] = field(default_factory=Counter)

    def over(self, host: Address, protocol: str) -> str | None:
        """The code of the quota that another session of `host` would exceed."""
        quotas = self.config.quotas
        if self.total >= quotas.sessions:
            return "session.quota"
        if self.by_protocol[protocol] >= quotas.sessions_per_protocol:
            return "session.quota_protocol"
        return self.over_for_host(host)

    def over_for_host(self, host: Address) -> str | None:
        """The same for another control endpoint of a session that is there."""
        if self.per_host[host] >= self.config.quotas.sessions_per_host:
            return "session.quota_host"
        return None

    def opened(self, protocol: str) -> None:
        """There is one session more."""
        self.total += 1
        self.by_protocol[protocol] += 1

    def forgotten(self, protocol: str) -> None:
        """There is one session less."""
        self.total -= 1
        self.by_protocol[protocol] -= 1

    def charge(self, host: Address) -> None:
        """One more counts for `host`."""
        self.per_host[host] += 1

    def release(self, host: Address) -> None:
        """One less counts for `host`."""
        self.per_host[host] -= 1
        if self.per_host[host] <= 0:
            del self.per_host[host]
