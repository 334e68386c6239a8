"""Addresses, as messages write them and policies name them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.inspection.addresses import read_address, read_host, within


@pytest.mark.parametrize("text", ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7"])
def test_an_address(text: str) -> None:
    assert read_address(text.encode()) == ip_address(text)


NO_ADDRESSES = [
    *(b"", b"a.example", b"192.0.2", b"192.0.2.256", b"010.0.0.1", b"192.0.2.1 ", b"3221225985"),
    *(b"fe80::1%eth0", b"192.0.2.1%1", b"::1::", b"[::1]", b"1\xff", "١.1.1.1".encode()),
]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_none(text: bytes) -> None:
    assert read_address(text) is None


def test_in_a_url_ipv6_stands_in_brackets() -> None:
    assert read_host(b"[2001:db8::1]") == ip_address("2001:db8::1")
    assert read_host(b"192.0.2.7") == ip_address("192.0.2.7")
    for text in (b"2001:db8::1", b"[192.0.2.7]", b"[2001:db8::1", b"::1]", b"[]", b"[", b"name"):
        assert read_host(text) is None


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
