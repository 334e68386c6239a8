"""The cookie of a flow says whose it is: 0xA16 (12 bits), kind (12 bits), 0 (8 bits), id (32)."""

from __future__ import annotations

from enum import IntEnum

MARK = 0xA16
"""In the top 12 bits of every cookie: this flow is ours."""

EVERY = 0xFFFF_FFFF_FFFF_FFFF
"""A cookie mask that compares every bit."""

EVERY_ID = 0xFFFF_FFFF_0000_0000
"""A cookie mask that compares all but the id."""

_MARK_SHIFT = 52
_KIND_SHIFT = 40
_ID_MASK = 0xFFFF_FFFF


class Kind(IntEnum):
    """What a flow is for, and what the id in its cookie means."""

    STATIC = 1
    """Of the static pipeline; the id is the table."""
    PUNT = 2
    """A control packet; the id is the index of the protocol."""
    PINHOLE = 3
    """The id is the pinhole's."""
    DATA = 4
    """Counts a session's data; the id is its conntrack mark."""
    OFFLOAD = 5
    """A control connection that left the controller; the id is its session's."""
    NEIGHBOUR = 6
    """ARP and neighbour discovery; the id is the number of the network."""
    NEIGHBOUR_MISS = 7
    """A packet whose next hop has no known MAC address; the id is 0."""
    ICMP_ERROR = 8
    """An ICMP error that belongs to no connection of the switch; the id is 0."""
    DROP = 9
    """Counts what is refused; the id is the table."""
    KEPT_PUNT = 11
    """A control packet of a session that began under an earlier configuration; the id is the
    session's."""
    CUT = 10
    """Drops the data of a session that was cut; the id is its conntrack mark."""
    MEDIA = 12
    """Lets UDP data of a binding through; the id is the binding's."""
    DATAGRAM = 13
    """A UDP packet to a control endpoint, whose ports do not say the protocol; the id is 0."""
    LISTENER = 15
    """Of a port where an inside host waits for anybody; the id is the listening port's."""
    FIRST_DATAGRAM = 16
    """A UDP datagram that begins an exchange; the id is the index of the protocol."""
    BUDGET = 17
    """Says which meter something counts for; the id is the number of the network."""
    FRAGMENT = 14
    """A UDP fragment that may be of a control datagram; the id is 0, or 1 where it passes by."""


_KINDS = {MARK << (_MARK_SHIFT - _KIND_SHIFT) | kind: kind for kind in Kind}
"""By the top 24 bits of their cookies."""


def cookie(kind: Kind, number: int = 0) -> int:
    """The cookie of `kind` and id `number` (32 bits; ValueError beyond)."""
    if not 0 <= number <= _ID_MASK:
        raise ValueError(f"a cookie's id has 32 bits: {number}")
    return MARK << _MARK_SHIFT | kind << _KIND_SHIFT | number


def parse(value: int) -> tuple[Kind, int] | None:
    """Kind and id of a cookie; None when it is not one of ours."""
    kind = _KINDS.get(value >> _KIND_SHIFT)
    return None if kind is None else (kind, value & _ID_MASK)
