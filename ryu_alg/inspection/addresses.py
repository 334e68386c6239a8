"""Addresses, as policies name them."""

from __future__ import annotations

from collections.abc import Iterable

from ryu_alg.inspection.endpoints import Address, Network


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in networks)
