"""The messages that have connections forgotten, byte for byte as ovs-ofctl 3.1 sends them."""

from __future__ import annotations

from ipaddress import ip_address

from ryu_alg.inspection import Transport
from ryu_alg.openflow.ct_flush import forget


def test_one_connection() -> None:
    """`ct-flush zone=4242 ct_nw_src=192.168.10.2,ct_nw_dst=1.2.3.4,ct_nw_proto=17,ct_tp_src=5000,
    ct_tp_dst=6000`"""
    assert forget(
        4242,
        Transport.UDP,
        source=ip_address("192.168.10.2"),
        source_port=5000,
        destination=ip_address("1.2.3.4"),
        destination_port=6000,
    ) == _message(
        "04040068 00000000 00002320 00000020 11000000 00000000 00000048 00000000"
        "00000014 00000000 00000000 0000ffff c0a80a02 00000000"
        "00010014 00000000 00000000 0000ffff 01020304 00000000"
        "00020008 13880000 00030008 17700000 00020008 10920000"
    )


def test_all_connections_to_a_port() -> None:
    """`ct-flush zone=4242 ct_nw_dst=1.2.3.4,ct_nw_proto=17,ct_tp_dst=5`"""
    assert forget(
        4242, Transport.UDP, destination=ip_address("1.2.3.4"), destination_port=5
    ) == _message(
        "04040048 00000000 00002320 00000020 11000000 00000000 00000028 00000000"
        "00010014 00000000 00000000 0000ffff 01020304 00000000"
        "00030008 00050000 00020008 10920000"
    )


def test_ipv6() -> None:
    """`ct-flush zone=4242 ct_ipv6_src=2001:db8::1,ct_nw_proto=17,ct_tp_dst=5000`"""
    assert forget(
        4242, Transport.UDP, source=ip_address("2001:db8::1"), destination_port=5000
    ) == _message(
        "04040048 00000000 00002320 00000020 11000000 00000000 00000028 00000000"
        "00000014 20010db8 00000000 00000000 00000001 00000000"
        "00030008 13880000 00020008 10920000"
    )


def _message(text: str) -> bytes:
    return bytes.fromhex(text)
