"""Addresses, as policies name them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.inspection.addresses import within


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("192.0.2.7", True),
        ("198.51.100.1", True),
        ("198.51.100.2", False),
        ("2001:db8::1", True),
        ("::ffff:192.0.2.7", False),
    ],
)
def test_within(address: str, inside: bool) -> None:
    networks = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.1", "2001:db8::/64")]
    assert within(ip_address(address), networks) is inside
    assert not within(ip_address(address), [])
