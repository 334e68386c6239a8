"""Contacts that an inside host has registered (RFC 3261 section 10), and for how long.

A public endpoint that is somebody's contact has to be there when an INVITE comes, however long
that takes: it is held for as long as the registrar has granted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from ryu_alg.inspection import Endpoint, Hold
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.addresses import NameAddr
from ryu_alg.protocols.sip.message import Message

_DEFAULT_EXPIRES = 3600
"""Seconds; what nobody says is up to the registrar, which says it."""
_SLACK = 64
"""Grants of one endpoint that do not count any more are kept until they are as many as others, and
this many."""
_LONGEST = 7 * 24 * 3600
"""Seconds. Longer grants are refreshed sooner than they end."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of the inside host in a REGISTER."""

    inside: Endpoint
    public: Endpoint
    user: bytes | None
    expires: int
    """Seconds, as asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a REGISTER asks for."""

    record: bytes
    """The address of record, as written in To."""
    contacts: tuple[Contact, ...]
    flow: tuple[Endpoint, Endpoint]
    """The host's endpoint and the registrar's."""
    removes_all: bool = False
    """`Contact: *`."""


Key = tuple[bytes, Endpoint, bytes | None]


def requested(contact: NameAddr, message: Message) -> int:
    """Seconds that a Contact of a REGISTER, or of its 200, asks for or grants."""
    own = contact.parameter(b"expires")
    if own is not None and own.value is not None and own.value.isdigit():
        return int(own.value[:10])
    common = message.number(b"expires")
    return _DEFAULT_EXPIRES if common is None else common


@dataclass(slots=True)
class _Grants:
    """What has been granted of one endpoint: a heap with times below zero, the latest is first. One
    counts if its time is that of the table."""

    entries: list[tuple[float, int, Key]] = field(default_factory=list)
    """With numbers, so that keys need no order."""
    pushed: int = 0
    room: int = _SLACK

    def push(self, key: Key, until: float, table: Expiring[Key, tuple[Endpoint, Endpoint]]) -> None:
        self.pushed += 1
        heappush(self.entries, (-until, self.pushed, key))
        if len(self.entries) > self.room:
            left = {item[2]: item for item in self.entries if table.until(item[2]) == -item[0]}
            self.entries = sorted(left.values())
            self.room = 2 * len(left) + _SLACK

    def latest(self, table: Expiring[Key, tuple[Endpoint, Endpoint]]) -> float | None:
        while self.entries:
            until, _, key = self.entries[0]
            if table.until(key) == -until:
                return -until
            heappop(self.entries)
        return None


@dataclass(slots=True)
class Registrations:
    """What is registered at present; the entries are the flows to the registrars."""

    table: Expiring[Key, tuple[Endpoint, Endpoint]]
    _grants: dict[Endpoint, _Grants] = field(default_factory=dict)
    """By the host's endpoint."""

    def room_for(self, asked: Asked) -> bool:
        """Whether all of it could be granted."""
        wanted = {_key(asked, contact) for contact in asked.contacts if contact.expires}
        added = sum(1 for key in wanted if key not in self.table)
        return len(self.table) + added <= self.table.limit

    def granted(self, asked: Asked, response: Message, now: float) -> list[Hold]:
        """The registrar's 200 to what was asked, before its addresses are translated."""
        touched: dict[Endpoint, None] = {}
        if asked.removes_all:
            for key in [key for key in self.table if key[0] == asked.record]:
                self.table.discard(key)
                touched[key[1]] = None
        for contact in asked.contacts:
            key = _key(asked, contact)
            lifetime = min(contact.expires, _granted(contact, response), _LONGEST)
            if lifetime > 0:
                self.table.put(key, asked.flow, now + lifetime)
                grants = self._grants.setdefault(contact.inside, _Grants())
                grants.push(key, now + lifetime, self.table)
            else:
                self.table.discard(key)
            touched[contact.inside] = None
        return [Hold(inside, self._until(inside, now)) for inside in touched]

    def expired(self, now: float) -> None:
        """Forget what is over."""
        for key, _ in self.table.expired(now):
            self._until(key[1], now)

    def _until(self, inside: Endpoint, now: float) -> float:
        """When the last one is over that an endpoint of the host has; `now` if it has none."""
        grants = self._grants.get(inside)
        latest = None if grants is None else grants.latest(self.table)
        if latest is None:
            self._grants.pop(inside, None)
            return now
        return latest


def _key(asked: Asked, contact: Contact) -> Key:
    return (asked.record, contact.inside, contact.user)


def _granted(contact: Contact, response: Message) -> int:
    """Seconds. A 200 lists all contacts of the record; some registrars list none."""
    for listed in response.addresses.get(b"contact", ()):
        if listed.uri.endpoint == contact.public and listed.uri.user == contact.user:
            return requested(listed, response)
    common = response.number(b"expires")
    return contact.expires if common is None else common
