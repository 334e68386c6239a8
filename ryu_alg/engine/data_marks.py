"""The data connections of one session, as the switch knows them: by their conntrack mark."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.commands import CountData
from ryu_alg.engine.public_ports import Lease


@dataclass(slots=True)
class DataMark:
    """Outlives its session for as long as data moves."""

    mark: int
    session: int
    version: int
    """4 or 6: of its connections' IP."""
    counted: bool = False
    """The switch has a counting flow for it."""
    moving: bool = False
    """A data connection came, and the counting flow has not been idle since."""
    ended_at: float = float("-inf")
    """When data last stopped moving."""
    packets: int = 0
    bytes: int = 0
    base_packets: int = 0
    """Counted by flows that are gone."""
    base_bytes: int = 0
    leases: list[Lease] = field(default_factory=list)
    """Public ports that its connections came in by."""

    def count_for(self, idle: int) -> CountData:
        """The command to count them until none has moved for `idle` seconds."""
        return CountData(self.mark, idle, self.version)

    def count(self, packets: int, octets: int) -> tuple[int, int]:
        """The present counting flow has counted this much: what of it is new."""
        before = self.packets, self.bytes
        self.packets = self.base_packets + packets
        self.bytes = self.base_bytes + octets
        return self.packets - before[0], self.bytes - before[1]

    def renewed(self) -> None:
        """A new counting flow takes over, from zero."""
        self.base_packets, self.base_bytes = self.packets, self.bytes

    def stopped(self, now: float) -> None:
        """The counting flow is gone: nothing moves."""
        self.renewed()
        self.counted = self.moving = False
        self.ended_at = now
        for lease in self.leases:
            lease.end(now)
        self.leases.clear()
