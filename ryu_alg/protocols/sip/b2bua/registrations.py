"""Contacts that inside hosts have registered through the gateway (RFC 3261 section 10).

The registrar knows the gateway's contact; the gateway knows whose it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Endpoint
from ryu_alg.inspection.expiring import Expiring

DEFAULT_EXPIRY = 3600
"""Seconds, if nobody says how long."""
Key = tuple[bytes, Endpoint]
"""User and inside endpoint of a contact."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One contact."""

    uri: bytes
    """As the inside host wrote it."""
    record: bytes
    """The address-of-record that it is for (To, without parameters)."""


class Registrations:
    """All contacts of one host. `limit`: how many."""

    def __init__(self, limit: int) -> None:
        self._granted: Expiring[Key, Registered] = Expiring(limit)

    def __len__(self) -> int:
        return len(self._granted)

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return self._granted.full

    def known(self, key: Key) -> bool:
        """Whether a contact is registered."""
        return key in self._granted

    def grant(self, key: Key, contact: Registered, until: float) -> bool:
        """The registrar keeps a contact until then. False: there are too many."""
        return self._granted.put(key, contact, until)

    def release(self, key: Key) -> None:
        """The registrar forgot a contact."""
        self._granted.discard(key)

    def of(self, record: bytes) -> list[Key]:
        """The contacts of an address-of-record."""
        return [
            key
            for key in self._granted
            if (found := self._granted.get(key)) is not None and found.record == record
        ]

    def find(self, user: bytes, inside: Endpoint) -> bytes | None:
        """The URI that an inside host wrote for its contact with this user at this endpoint."""
        found = self._granted.get((user, inside))
        return found.uri if found else None

    def next_timeout(self) -> float | None:
        """When the first is over."""
        return self._granted.next_timeout()

    def expire(self, now: float) -> list[Key]:
        """Forgets what is over, and returns it."""
        return [key for key, _ in self._granted.expired(now)]
