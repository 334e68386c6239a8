"""What inspects messages, whatever they came over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ryu_alg.inspection import Datagram, DatagramEffect, DatagramInspector, Realm
from ryu_alg.inspection.headers import Head


class SipCore(DatagramInspector, Protocol):
    """The logic of one mode. Over TCP, of one connection."""

    def inspect(self, datagram: Datagram, head: Head | None = None) -> Sequence[DatagramEffect]:
        """Decide about a message. `head`: its own, if it has been read."""

    def disconnected(self, lost: Realm) -> Sequence[DatagramEffect]:
        """Over TCP, the end in this realm has nothing more to say. Here that means nothing."""
        return ()
