"""What inspects messages, whatever they came over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ryu_alg.inspection import DatagramEffect, DatagramInspector, Realm


class SipCore(DatagramInspector, Protocol):
    """The logic of one mode. Over TCP, of one connection."""

    def disconnected(self, lost: Realm) -> Sequence[DatagramEffect]:
        """Over TCP, the end in this realm has nothing more to say. Here that means nothing."""
        return ()
