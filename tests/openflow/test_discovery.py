"""ARP and neighbour discovery frames, with dpkt as the second opinion."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.openflow.discovery import Claim, arp_request, read, solicitation

ROUTER = bytes.fromhex("02a160000001")
HOST = bytes.fromhex("020000000007")


def packed(address: str) -> bytes:
    return ip_address(address).packed


def arp(
    operation: int, mac: bytes = HOST, address: str = "192.168.10.2", ether: bytes = HOST
) -> bytes:
    return (
        ROUTER
        + ether
        + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, operation)
        + mac
        + packed(address)
        + ROUTER
        + packed("192.168.10.1")
    )


def advertisement(
    *,
    target: str = "2001:db8::7",
    flags: int = 0x6000_0000,
    option: bytes = b"\x02\x01" + HOST,
    hops: int = 255,
    code: int = 0,
) -> bytes:
    source, destination = packed(target), packed("2001:db8::1")
    body = bytearray(struct.pack("!BBHI", 136, code, 0, flags) + packed(target) + option)
    pseudo = source + destination + struct.pack("!II", len(body), 58)
    struct.pack_into("!H", body, 2, dpkt.in_cksum(pseudo + bytes(body)))
    header = struct.pack("!IHBB", 0x6000_0000, len(body), 58, hops) + source + destination
    return ROUTER + HOST + b"\x86\xdd" + header + bytes(body)


def test_an_arp_request() -> None:
    frame = dpkt.ethernet.Ethernet(
        arp_request(ROUTER, packed("192.168.10.1"), packed("192.168.10.2"), None)
    )
    assert frame.dst == b"\xff" * 6
    assert isinstance(frame.data, dpkt.arp.ARP)
    assert (frame.data.op, frame.data.sha, frame.data.tpa) == (1, ROUTER, packed("192.168.10.2"))
    assert frame.data.spa == packed("192.168.10.1")


def test_an_arp_request_to_one_host() -> None:
    assert arp_request(ROUTER, bytes(4), bytes(4), HOST)[:6] == HOST


@pytest.mark.parametrize("mac", [None, HOST])
def test_a_solicitation(mac: bytes | None) -> None:
    target = packed("2001:db8::12:3456")
    raw = solicitation(ROUTER, packed("2001:db8::1"), target, mac)
    frame = dpkt.ethernet.Ethernet(raw)
    ip = frame.data
    assert isinstance(ip, dpkt.ip6.IP6)
    assert (ip.hlim, ip.src, ip.nxt) == (255, packed("2001:db8::1"), 58)
    if mac:
        assert (frame.dst, ip.dst) == (mac, target)
    else:
        assert frame.dst == bytes.fromhex("3333ff123456")
        assert ip.dst == packed("ff02::1:ff12:3456")
    pseudo = ip.src + ip.dst + struct.pack("!II", ip.plen, 58)
    assert dpkt.in_cksum(pseudo + raw[54:]) == 0
    assert read(raw) == Claim(packed("2001:db8::1"), ROUTER, answer=False)


def test_arp_claims() -> None:
    assert read(arp(1)) == Claim(packed("192.168.10.2"), HOST, answer=False)
    assert read(arp(2)) == Claim(packed("192.168.10.2"), HOST, answer=True)


def test_advertisements() -> None:
    assert read(advertisement()) == Claim(packed("2001:db8::7"), HOST, answer=True)
    found = read(advertisement(flags=0x4000_0000, option=b""))
    assert found == Claim(packed("2001:db8::7"), HOST, answer=True, override=False)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        arp(1)[:41],
        arp(3),
        arp(2, ether=bytes.fromhex("020000000008")),
        ROUTER + HOST + b"\x08\x00" + bytes(40),
        advertisement(hops=254),
        advertisement(code=1),
        advertisement(option=b"\x02\x00" + HOST),
        advertisement(option=b"\x02\x02" + HOST),
        advertisement(option=b"\x02"),
        advertisement()[:-1],
        advertisement()[:-1] + b"\x99",
    ],
)
def test_malformed_frames_claim_nothing(frame: bytes) -> None:
    assert read(frame) is None


def test_a_solicitation_without_its_option_claims_nothing() -> None:
    raw = solicitation(ROUTER, packed("2001:db8::1"), packed("2001:db8::2"), None)
    cut = bytearray(raw[:-8])
    struct.pack_into("!H", cut, 18, 24)
    struct.pack_into("!H", cut, 56, 0)
    pseudo = bytes(cut[22:54]) + struct.pack("!II", 24, 58)
    struct.pack_into("!H", cut, 56, dpkt.in_cksum(pseudo + bytes(cut[54:])))
    assert read(bytes(cut)) is None


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x08\x06", b"\x86\xdd"]))
def test_nothing_raises(noise: bytes, ethertype: bytes) -> None:
    read(noise)
    read(ROUTER + HOST + ethertype + noise)
