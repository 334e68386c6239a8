"""Data connections as the switch knows them: by their conntrack mark."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from random import Random, SystemRandom

from ryu_alg.engine.commands import CountData
from ryu_alg.engine.public_ports import Lease
from ryu_alg.inspection import Transport

LAST_WORDS = 10.0
"""Seconds for which a mark that has ended is kept, to count what its flow says when it goes."""
MAX_ENDED = 4096
"""Marks that are kept so; over it, the oldest goes uncounted."""
MAX_REMOVED = 4
"""Counting flows of one mark whose last words are awaited at once."""


@dataclass(slots=True)
class Tally:
    """How much data there was."""

    packets: int = 0
    bytes: int = 0


@dataclass(slots=True)
class DataMark:
    """The data that one mark stands for: of a session's expectations, or of a binding.

    It outlives its session for as long as data moves.
    """

    mark: int
    session: int
    version: int
    """4 or 6: of its connections' IP."""
    transport: Transport = Transport.TCP
    binding: int | None = None
    """None: that of the session's expectations."""
    idle_limit: int | None = None
    """Seconds without a packet after which they are idle, if that is sooner than usual."""
    counted: bool = False
    """The switch has a counting flow for it."""
    moving: bool = False
    """Data came, and the counting flow has not been idle since."""
    ended_at: float = float("-inf")
    """When data last stopped moving."""
    packets: int = 0
    bytes: int = 0
    base_packets: int = 0
    """Counted by flows that are gone."""
    base_bytes: int = 0
    _removed: tuple[tuple[int, int], ...] = ()
    """How many packets and bytes are known of those that were removed and have not said their last
    words yet, in the order in which they will."""
    leases: tuple[Lease, ...] = ()
    """Public ports that its connections came in by."""
    tally: Tally = field(default_factory=Tally)
    """Of its session."""

    def count_for(self, idle: int) -> CountData:
        """The command to count them until none has moved for `idle` seconds, or for those of
        their own."""
        self.counted = True
        if self.idle_limit is not None:
            idle = min(idle, self.idle_limit)
        return CountData(self.mark, idle, self.version, self.transport)

    def count(self, packets: int, octets: int) -> tuple[int, int]:
        """The present counting flow has counted this much: what of it is new."""
        before = self.packets, self.bytes
        self.packets = self.base_packets + packets
        self.bytes = self.base_bytes + octets
        new = self.packets - before[0], self.bytes - before[1]
        self.tally.packets += new[0]
        self.tally.bytes += new[1]
        if self.binding is not None and self.counted and new[0] > 0:
            self.moving = True  # again: it was idle, and is open still
        return new

    def count_last(self, packets: int, octets: int) -> tuple[int, int]:
        """The first of the flows that were removed had counted this much when it went: what of it
        is new."""
        if not self._removed:
            return 0, 0
        known, *rest = self._removed
        self._removed = tuple(rest)
        new = max(0, packets - known[0]), max(0, octets - known[1])
        self.base_packets += new[0]
        self.base_bytes += new[1]
        self.packets += new[0]
        self.bytes += new[1]
        self.tally.packets += new[0]
        self.tally.bytes += new[1]
        return new

    @property
    def awaited(self) -> bool:
        """Whether a flow that was removed has not said its last words yet."""
        return bool(self._removed)

    def renewed(self) -> None:
        """The counting flow was removed, if there was one; a new one counts from zero."""
        if self.counted:
            known = self.packets - self.base_packets, self.bytes - self.base_bytes
            self._removed = (*self._removed, known)[-MAX_REMOVED:]
        self._count_from_here()

    def removed(self, now: float) -> None:
        """The counting flow was removed: nothing moves."""
        self.renewed()
        self._stopped(now)

    def idle(self, now: float) -> None:
        """The counting flow has ended by itself, and what it said was counted: nothing moves."""
        self._removed = ()
        self._count_from_here()
        self._stopped(now)

    def _count_from_here(self) -> None:
        self.base_packets, self.base_bytes = self.packets, self.bytes

    def _stopped(self, now: float) -> None:
        self.counted = self.moving = False
        self.ended_at = now
        for lease in self.leases:
            lease.end(now)
        self.leases = ()


@dataclass(slots=True)
class DataMarks:
    """All that are in use."""

    random: Random = field(default_factory=SystemRandom)
    live: dict[int, DataMark] = field(default_factory=dict)
    """By mark."""
    total: Tally = field(default_factory=Tally)
    """Of all that there were, as far as the switch has reported them."""
    ended: OrderedDict[int, tuple[float, DataMark]] = field(default_factory=OrderedDict)
    """By mark, oldest first: until when they are kept, seconds of the engine's clock."""

    def new(
        self,
        session: int,
        version: int,
        tally: Tally,
        *,
        transport: Transport = Transport.TCP,
        binding: int | None = None,
        idle_limit: int | None = None,
    ) -> DataMark:
        """A mark that nothing else has."""
        while True:
            number = self.random.getrandbits(32)
            if number and number not in self.live and number not in self.ended:
                data = DataMark(
                    number, session, version, transport, binding, idle_limit, tally=tally
                )
                self.live[number] = data
                return data

    def count(self, mark: int, packets: int, octets: int) -> DataMark | None:
        """The switch has counted; None if the mark is not in use any more."""
        data = self.live.get(mark)
        if data is None:
            return None
        self._add(data.count(packets, octets))
        return data

    def count_last(self, mark: int, packets: int, octets: int, now: float) -> None:
        """A counting flow that was removed had counted this much in all."""
        self._forget_ended(now)
        _, data = self.ended.get(mark, (now, self.live.get(mark)))
        if data is None:
            return
        self._add(data.count_last(packets, octets))
        if not data.awaited:
            self.ended.pop(mark, None)

    def end(self, data: DataMark, now: float) -> None:
        """Nothing has this mark any more. If its counting flow was removed, that is yet to say what
        it has counted."""
        self.remove(data)
        self._forget_ended(now)
        if not data.awaited:
            return
        self.ended[data.mark] = (now + LAST_WORDS, data)
        if len(self.ended) > MAX_ENDED:
            self.ended.popitem(last=False)

    def remove(self, data: DataMark) -> None:
        """Nothing has this mark any more."""
        self.live.pop(data.mark, None)

    def _add(self, new: tuple[int, int]) -> None:
        self.total.packets += new[0]
        self.total.bytes += new[1]

    def _forget_ended(self, now: float) -> None:
        while self.ended and next(iter(self.ended.values()))[0] <= now:
            self.ended.popitem(last=False)
