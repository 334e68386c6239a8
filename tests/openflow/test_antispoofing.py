"""Table 0: what no frame from a host's port may be, and what may teach where a host is."""

from __future__ import annotations

import re
import struct
from contextlib import closing
from ipaddress import ip_address
from typing import NamedTuple

import pytest

from ryu_alg.openflow import discovery
from ryu_alg.openflow.cookies import Kind
from tests.openflow.bench import BRIDGE, Bench, Host, OpenFlowClient
from tests.openflow.conftest import PORTS
from tests.openflow.control import packet_of
from tests.openflow.frames import ip_frame

pytestmark = pytest.mark.lab

ROUTER = bytes.fromhex("02a160000001")
NOBODY = Host("", "02:00:00:00:00:09")
NOBODY_MAC = bytes.fromhex("020000000009")
UDP = b"\x13\x88\x13\x88\x00\x0c\x00\x00ping"
IPV4 = ("192.168.10.2", "192.0.2.1")
IPV6 = ("2001:db8:30::2", "2001:db8:ffff::1")


class Sent(NamedTuple):
    """A frame, and the port that it comes in at."""

    name: str
    frame: bytes


def packet(source: str, target: str, protocol: int = 17, payload: bytes = UDP) -> bytes:
    return ip_frame(NOBODY, source, target, protocol, payload)


def from_mac(mac: str) -> bytes:
    frame = packet(*IPV4)
    return frame[:6] + bytes.fromhex(mac.replace(":", "")) + frame[12:]


def arp(operation: int, sender: str, target: str) -> bytes:
    mac = NOBODY_MAC
    ends = mac + ip_address(sender).packed + bytes(6) + ip_address(target).packed
    return (
        b"\xff" * 6
        + mac
        + b"\x08\x06\x00\x01\x08\x00\x06\x04"
        + struct.pack("!H", operation)
        + ends
    )


def icmpv6(kind: int, source: str, target: str, hops: int, body: bytes = bytes(4)) -> bytes:
    message = bytes([kind, 0, 0, 0]) + body
    pseudo = (
        ip_address(source).packed + ip_address(target).packed + struct.pack("!II", len(message), 58)
    )
    words = pseudo + message + bytes(len(message) % 2)
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = message[:2] + (total ^ 0xFFFF).to_bytes(2, "big") + message[4:]
    frame = packet(source, target, 58, message)
    return frame[:21] + bytes([hops]) + frame[22:]


def solicitation(hops: int = 255, source: str = "2001:db8:30::2") -> bytes:
    wanted = bytes(4) + ip_address("2001:db8:30::1").packed
    return icmpv6(135, source, "2001:db8:30::1", hops, wanted + b"\x01\x01\x02\x00\x00\x00\x00\x09")


GOOD = {
    "IPv4": Sent("lan", packet(*IPV4)),
    "IPv6": Sent("plain", packet(*IPV6)),
    "from outside": Sent("wan", packet("192.0.2.77", "203.0.113.1")),
}
BAD = {
    "tagged": Sent("lan", packet(*IPV4)[:12] + b"\x81\x00\x00\x05" + packet(*IPV4)[12:]),
    "from a group": Sent("lan", from_mac("03:00:00:00:00:02")),
    "from the router's own MAC": Sent("lan", from_mac("02:a1:60:00:00:01")),
    "to another MAC": Sent("lan", bytes.fromhex("020000000055") + packet(*IPV4)[6:]),
    "to everybody": Sent("lan", b"\xff" * 6 + packet(*IPV4)[6:]),
    "LLDP": Sent("lan", bytes.fromhex("0180c200000e02000000000988cc0207040200000000090000")),
    "LLDP from outside": Sent(
        "wan", bytes.fromhex("0180c200000e02000000000988cc0207040200000000090000")
    ),
    "this network": Sent("wan", packet("0.1.2.3", "203.0.113.1")),
    "loopback": Sent("wan", packet("127.0.0.1", "203.0.113.1")),
    "multicast": Sent("wan", packet("224.0.0.5", "203.0.113.1")),
    "reserved": Sent("wan", packet("240.0.0.1", "203.0.113.1")),
    "to loopback": Sent("lan", packet("192.168.10.2", "127.0.0.1")),
    "to this network": Sent("lan", packet("192.168.10.2", "0.0.0.1")),
    "to multicast": Sent("lan", packet("192.168.10.2", "239.1.1.1")),
    "to broadcast": Sent("lan", packet("192.168.10.2", "255.255.255.255")),
    "IPv6 unspecified": Sent("wan", packet("::", "2001:db8:30::2")),
    "IPv6 loopback": Sent("wan", packet("::1", "2001:db8:30::2")),
    "IPv6 multicast": Sent("wan", packet("ff02::1", "2001:db8:30::2")),
    "to IPv6 loopback": Sent("plain", packet("2001:db8:30::2", "::1")),
    "to IPv6 multicast": Sent("plain", packet("2001:db8:30::2", "ff02::fb")),
    "link-local": Sent("plain", packet("fe80::9", "2001:db8:ffff::1")),
    "link-local from outside": Sent("wan", packet("fe80::9", "2001:db8:30::2")),
    "an inside host's, outside": Sent("wan", packet("192.168.10.2", "203.0.113.1")),
    "another inside network's": Sent("lan", packet("192.168.20.2", "192.0.2.1")),
    "an inside host's over IPv6, outside": Sent("wan", packet("2001:db8:30::9", "2001:db8:30::2")),
    "IPv4-mapped": Sent("wan", packet("::ffff:192.168.10.2", "2001:db8:30::2")),
    "to IPv4-mapped": Sent("plain", packet("2001:db8:30::2", "::ffff:127.0.0.1")),
    "the router's": Sent("lan", packet("192.168.10.1", "192.0.2.1")),
    "a public one of ours, outside": Sent("wan", packet("203.0.113.1", "203.0.113.2")),
    "a public one of ours, inside": Sent("lan", packet("203.0.113.1", "192.0.2.1")),
    "the router's over IPv6": Sent("plain", packet("2001:db8:30::1", "2001:db8:ffff::1")),
    **{
        f"neighbour discovery {kind}": Sent("plain", icmpv6(kind, *IPV6, 255, bytes(20)))
        for kind in (133, 134, 135, 136, 137)
    },
}


def send(gateway: Bench, sent: Sent) -> None:
    with closing(gateway.hosts[sent.name].raw()) as raw:
        raw.send(sent.frame)


def tables(gateway: Bench, sent: Sent) -> set[int]:
    """Those that the switch takes a frame through."""
    port = f"in_port={PORTS[sent.name]}"
    trace = gateway.appctl("ofproto/trace", BRIDGE, port, sent.frame.hex())
    found = {int(number) for number in re.findall(r"^ *(\d+)\. ", trace, re.MULTILINE)}
    assert 0 in found, trace
    return found


def test_good_frames_get_in(gateway: Bench) -> None:
    assert [name for name, sent in GOOD.items() if 1 not in tables(gateway, sent)] == []


def test_bad_frames_do_not(gateway: Bench) -> None:
    assert [name for name, sent in BAD.items() if tables(gateway, sent) != {0}] == []


TEACHING = {
    "lan": arp(1, "192.168.10.9", "192.168.10.1"),
    "plain": solicitation(),
    "wan": arp(1, "203.0.113.9", "203.0.113.1"),
}
SENDERS = {
    "lan": ip_address("192.168.10.9"),
    "plain": ip_address("2001:db8:30::2"),
    "wan": ip_address("203.0.113.9"),
}
MISLEADING = {
    "of another network": Sent("lan", arp(1, "192.168.20.9", "192.168.10.1")),
    "with the router's address": Sent("lan", arp(1, "192.168.10.1", "192.168.10.1")),
    "an answer with it": Sent("lan", arp(2, "192.168.10.1", "192.168.10.9")),
    "with a public address of ours": Sent("wan", arp(1, "203.0.113.1", "203.0.113.1")),
    "an inside host's, outside": Sent("wan", arp(1, "192.168.10.9", "203.0.113.1")),
    "IPv6 from beyond a router": Sent("plain", solicitation(hops=254)),
    "IPv6 of another network": Sent("plain", solicitation(source="2001:db8:1::9")),
}


def test_what_teaches_the_controller_where_a_host_is(
    gateway: Bench, controller: OpenFlowClient
) -> None:
    """Behind each frame that does not comes one that does, and its copy is the next."""
    for name, sent in MISLEADING.items():
        good = TEACHING[sent.name]
        send(gateway, sent)
        send(gateway, Sent(sent.name, good))
        copied = packet_of(controller, Kind.NEIGHBOUR)
        assert copied is not None
        claim = discovery.read(copied.frame)
        assert claim is not None, name
        assert (claim.address, claim.mac) == (SENDERS[sent.name].packed, NOBODY_MAC), name
