"""Who is behind a control packet.

A server answers many at a time. What one of them makes it send would else count for all: so what
answers a packet counts for whoever that one counted for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.segment import Datagram, Segment

_MOST = 2048

_Ends = tuple[bytes, int, bytes, int]


@dataclass(slots=True)
class Parties:
    """Of conversations that packets were sent on in lately."""

    _answers: dict[_Ends, bytes] = field(default_factory=dict)
    """Packed addresses, by where answers come from and go to."""
    _older: dict[_Ends, bytes] = field(default_factory=dict)
    """What that was when it had become too long."""

    def of(self, packet: Segment | Datagram) -> bytes:
        """Whom a packet counts for, by packed address: its sender, where nothing else is known."""
        ends = (packet.src, packet.sport, packet.dst, packet.dport)
        return self._answers.get(ends) or self._older.get(ends) or packet.src

    def sent(self, packet: Segment | Datagram, party: bytes) -> None:
        """A packet leaves because of one that counts for `party`."""
        if packet.dst == party:
            return
        if len(self._answers) >= _MOST:
            self._older, self._answers = self._answers, {}
        self._answers[packet.dst, packet.dport, packet.src, packet.sport] = party
