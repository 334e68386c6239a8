"""Where things are: realms, transports, endpoints, and the two parties of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Realm(Enum):
    """An address realm (RFC 2663 section 2.1)."""

    INSIDE = "inside"
    OUTSIDE = "outside"

    __hash__ = object.__hash__
    """Of the member, not of its name: this is asked for many times for each message."""

    @property
    def other(self) -> Realm:
        """The realm on the other side of the gateway."""
        return Realm.OUTSIDE if self is Realm.INSIDE else Realm.INSIDE


class Transport(IntEnum):
    """A transport protocol, by its IP protocol number."""

    TCP = 6
    UDP = 17


class Party(Enum):
    """One of the two hosts of a control conversation; the client is the one that opened it."""

    CLIENT = "client"
    SERVER = "server"

    __hash__ = object.__hash__

    @property
    def other(self) -> Party:
        """The party at the other end."""
        return Party.SERVER if self is Party.CLIENT else Party.CLIENT


class Direction(Enum):
    """Which way bytes of a control conversation go, relative to who opened it."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"

    __hash__ = object.__hash__

    @property
    def opposite(self) -> Direction:
        """The other direction."""
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER

    @property
    def sender(self) -> Party:
        """The party whose bytes go this way."""
        return Party.CLIENT if self is Direction.TO_SERVER else Party.SERVER


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An (address, port) pair."""

    address: Address
    port: int

    def __str__(self) -> str:
        if self.address.version == 6:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"
