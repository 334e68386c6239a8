"""Addresses from their packed form, and back. A few of them come with nearly all packets."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from ryu_alg.inspection import Address, Endpoint

_REMEMBERED = 4096


@lru_cache(maxsize=_REMEMBERED)
def unpacked(packed: bytes) -> Address:
    """The address that 4 or 16 bytes are."""
    return ip_address(packed)


@lru_cache(maxsize=_REMEMBERED)
def packed(address: Address) -> bytes:
    """The packed form of an address that many have in common: there is one copy of it."""
    return address.packed


def endpoint(packed: bytes, port: int) -> Endpoint:
    """An end of a packet."""
    return Endpoint(unpacked(packed), port)
