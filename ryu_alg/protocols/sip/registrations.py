"""Contacts that an inside host has registered (RFC 3261 section 10), and for how long.

A public endpoint that is somebody's contact has to be there when an INVITE comes, however long
that takes: it is held for as long as the registrar has granted.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Endpoint, Hold
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.addresses import NameAddr
from ryu_alg.protocols.sip.message import Message

_DEFAULT_EXPIRES = 3600
"""Seconds; what nobody says is up to the registrar, which says it."""
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
class Registrations:
    """What is registered at present; the entries are the flows to the registrars."""

    table: Expiring[Key, tuple[Endpoint, Endpoint]]

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
            else:
                self.table.discard(key)
            touched[contact.inside] = None
        return [Hold(inside, self._until(inside, now)) for inside in touched]

    def _until(self, inside: Endpoint, now: float) -> float:
        times = [self.table.until(key) or now for key in self.table if key[1] == inside]
        return max(times, default=now)


def _key(asked: Asked, contact: Contact) -> Key:
    return (asked.record, contact.inside, contact.user)


def _granted(contact: Contact, response: Message) -> int:
    """Seconds. A 200 lists all contacts of the record; some registrars list none."""
    for listed in response.addresses.get(b"contact", ()):
        if listed.uri.endpoint == contact.public and listed.uri.user == contact.user:
            return requested(listed, response)
    common = response.number(b"expires")
    return contact.expires if common is None else common
