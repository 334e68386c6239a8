"""Recorded registrations and calls, where they are at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import dpkt
import pytest

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.keepalive import is_keepalive
from ryu_alg.protocols.sip.message import Message, parse
from tests.protocols.sip.gateway import PUBLIC, World, endpoint
from tests.protocols.sip.site import PUBLIC_PHONE, Site, only

CAPTURE = Path(__file__).parents[4] / "shared" / "corpus" / "sip_wireshark.pcap"
PHONE = endpoint("192.168.1.2", 5060)
WRITTEN = re.compile(
    rb"(UDP |<sip:[^@\s]*@|^[A-Z]+ sip:[^@\s]*@)192\.168\.1\.2(?::5060)?(?=[ >;\r])"
)
"""The phone's address, where it is to be translated."""
pytestmark = pytest.mark.skipif(not CAPTURE.exists(), reason="no corpus on this machine")


def datagrams() -> Iterator[tuple[Endpoint, Endpoint, bytes]]:
    """Source, destination and payload of all on port 5060."""
    with CAPTURE.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.udp.UDP):
                udp = packet.data
                if 5060 in (udp.sport, udp.dport):
                    source = Endpoint(ip_address(packet.src), udp.sport)
                    target = Endpoint(ip_address(packet.dst), udp.dport)
                    yield source, target, bytes(udp.data)


def test_every_message_is_read_and_passes_as_it_is() -> None:
    read = 0
    for _, _, payload in datagrams():
        if not is_keepalive(payload):
            message = parse(payload)
            assert isinstance(message, Message), (message, payload)
            assert Edits(message).result() == payload
            read += 1
    assert read > 50


def site(*, translated: bool) -> Site:
    network = ip_network("192.168.1.0/24")
    public = {network: PUBLIC} if translated else {}
    return Site(world=World(inside=(network,), public=dict(public)), phone=PHONE)


def test_without_nat_everything_passes_as_it_is() -> None:
    here = site(translated=False)
    for source, target, payload in datagrams():
        out = source == PHONE
        sends = here.inside(payload, target) if out else here.outside(payload, source)
        assert [send.payload for send in sends] == [payload]
    assert here.reports == []


def test_with_nat_the_phone_notices_nothing() -> None:
    """What the other side says about the phone is what it was told."""
    here = site(translated=True)
    own = str(PHONE.address).encode()
    for source, target, payload in datagrams():
        if source == PHONE:
            sends = here.inside(payload, target)
            left = parse(only(sends, Realm.OUTSIDE))
            assert isinstance(left, Message)
            assert own not in left.body
            assert left.vias[0].sent_by.address == PUBLIC
            for contact in left.addresses.get(b"contact", ()):
                assert contact.uri.endpoint == PUBLIC_PHONE
        else:
            seen = WRITTEN.sub(rb"\g<1>203.0.113.1:49152", payload)
            came, recorded = parse(only(here.outside(seen, source), Realm.INSIDE)), parse(payload)
            assert isinstance(came, Message) and isinstance(recorded, Message)
            assert came.value(b"contact") == recorded.value(b"contact")
            assert came.raw[: came.head.line_end] == recorded.raw[: recorded.head.line_end]
    assert here.reports == []
