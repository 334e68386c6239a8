"""A binding for data: what its exchanges over UDP and over TCP have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ryu_alg.engine.commands import Command
from ryu_alg.engine.config import Timers
from ryu_alg.engine.data_marks import DataMark, DataMarks, Tally
from ryu_alg.engine.pinhole_table import PinholeTable
from ryu_alg.engine.public_ports import Lease
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import Address, Binding, Endpoint, Exchange, Realm


@dataclass(frozen=True, slots=True)
class Admitted:
    """One exchange that a binding has open, to be shown."""

    id: int
    connecting: Realm
    peer: Endpoint
    """Who connects; of a UDP exchange, its remote end. Port 0: from whatever port."""
    seen: Endpoint
    """Where they connect to."""
    listener: Endpoint
    """Where that really is."""
    state: PinholeState
    since: float
    expires: float | None


@dataclass(slots=True, kw_only=True)
class DataBinding(ABC):
    """Public ports for data of an inside host, and what may use them at present."""

    binding: Binding
    session: int
    protocol: str
    host: Address
    """The inside host that its quota counts for."""
    leases: tuple[Lease, ...]
    """Empty without NAT."""
    since: float
    timers: Timers
    marks: DataMarks
    numbers: PinholeTable
    tally: Tally
    idle_limit: int | None = None
    """Seconds; see `DataMark.idle_limit`."""
    orphaned: bool = False
    """Its session has ended: it lasts as long as data moves."""
    awaiting: int | None = None
    """The barrier that confirms what was opened last."""

    @property
    @abstractmethod
    def moving(self) -> bool:
        """Whether data moves through it, as far as is known."""

    @property
    @abstractmethod
    def admitted(self) -> Iterator[Admitted]:
        """Its exchanges, to be shown."""

    @abstractmethod
    def differs(self, exchanges: Sequence[Exchange], connecting: Realm) -> bool:
        """Whether `admit` with the same would change anything in the switch."""

    @abstractmethod
    def admit(self, exchanges: Sequence[Exchange], connecting: Realm, now: float) -> list[Command]:
        """From now on exactly these; see `ryu_alg.inspection.Admit`."""

    @abstractmethod
    def confirm(self) -> list[str]:
        """The switch has opened what was admitted: what to show."""

    @abstractmethod
    def idle(self, data: DataMark, now: float) -> list[Command]:
        """The counting flow of `data`, a mark of this binding, has been idle, and is gone."""

    @abstractmethod
    def installed(self, now: float) -> list[Command]:
        """All flows of the switch are being replaced: name those of this binding, but for the
        counting ones."""

    @abstractmethod
    def close(self, now: float) -> list[Command]:
        """Nothing passes any more, and the marks are free."""

    @property
    def settled(self) -> bool:
        """Whether nothing of it is in the switch."""
        return next(self.admitted, None) is None

    def _translated(self) -> bool:
        return bool(self.leases)


def distinct(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(exchanges))
