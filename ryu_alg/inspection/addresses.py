"""Addresses, as messages write them and policies name them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from ryu_alg.inspection.endpoints import Address, Network

_LONGEST = 45
"""Bytes of an address, which is then IPv6 with an IPv4 one within."""


def read_address(text: bytes) -> Address | None:
    """The address that `text` is, IPv6 without brackets; None if it is none."""
    return _read(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _read(text: bytes) -> Address | None:
    # A zone (`fe80::1%eth0`) means something to its own host only.
    if b"%" in text:
        return None
    family = IPv6Address if b":" in text else IPv4Address
    try:
        return family(text.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        return None


def read_host(text: bytes) -> Address | None:
    """The address that the host of a URL is, IPv6 in brackets and nothing else; None for a name."""
    bracketed = text[:1] == b"[" and text[-1:] == b"]"
    address = read_address(text[1:-1] if bracketed else text)
    return address if address is not None and (address.version == 6) == bracketed else None


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in networks)
