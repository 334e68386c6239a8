"""The neighbour table: what it asks, learns, refuses and forgets."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from ryu_alg.openflow import neighbours
from ryu_alg.openflow.discovery import read
from ryu_alg.openflow.flowtext import Command, flow_mod
from ryu_alg.openflow.neighbours import InstallFlow, Link, Neighbours, RemoveFlow, SendFrame
from ryu_alg.openflow.plan import PipelinePlan
from tests.openflow.conftest import PORTS
from tests.openflow.test_discovery import ROUTER, advertisement, arp

HOST = bytes.fromhex("020000000007")
OTHER = bytes.fromhex("020000000008")
LAN = Link(1, 11, (ip_interface("192.168.10.1/24"),), ip_address("fe80::1"))
SIX = Link(
    3,
    13,
    (ip_interface("198.51.100.1/24"), ip_interface("2001:db8::1/64")),
    ip_address("fe80::1"),
)
TARGET = ip_address("192.168.10.2")
FLOW = (
    "cookie=0xa160060000000001,table=5,priority=100,reg2=1,ip,reg0=0xc0a80a02"
    " actions=set_field:02:00:00:00:00:07->eth_dst,output:11"
)


@pytest.fixture
def table() -> Neighbours:
    return Neighbours([LAN, SIX], "02:a1:60:00:00:01")


def frame(number: int = 0) -> bytes:
    return bytes(12) + b"\x08\x00" + bytes([number]) * 40


def claim(host: int) -> bytes:
    return arp(1, address=f"192.168.{10 + host // 250}.{2 + host % 250}")


def test_a_packet_waits_for_the_answer(table: Neighbours) -> None:
    (question,) = table.packet_waits(1, TARGET, frame(1), 100.0)
    assert isinstance(question, SendFrame)
    assert question.port == 11
    assert question.frame[:14] == b"\xff" * 6 + ROUTER + b"\x08\x06"
    assert question.frame[-4:] == TARGET.packed
    assert table.packet_waits(1, TARGET, frame(2), 100.1) == []

    assert table.frame_arrived(1, arp(2), 100.2) == [
        InstallFlow(FLOW),
        SendFrame(11, HOST + frame(1)[6:]),
        SendFrame(11, HOST + frame(2)[6:]),
    ]
    assert table.flows() == [FLOW]
    # A packet that was on its way to the controller meanwhile:
    assert table.packet_waits(1, TARGET, frame(3), 100.3) == [SendFrame(11, HOST + frame(3)[6:])]


def test_its_flows_are_flows() -> None:
    flow_mod(FLOW)


def test_ipv6_is_asked_for_from_an_address_of_its_kind(table: Neighbours) -> None:
    for target, source in (("2001:db8::7", "2001:db8::1"), ("fe80::7", "fe80::1")):
        (question,) = table.packet_waits(3, ip_address(target), frame(), 0.0)
        assert isinstance(question, SendFrame)
        asked = read(question.frame)
        assert asked is not None
        assert asked.address == ip_address(source).packed
    commands = table.frame_arrived(3, advertisement(), 0.1)
    assert commands[0] == InstallFlow(
        "cookie=0xa160060000000003,table=5,priority=100,reg2=3,ipv6,"
        "xxreg1=0x20010db8000000000000000000000007"
        " actions=set_field:02:00:00:00:00:07->eth_dst,output:13"
    )
    assert isinstance(commands[1], SendFrame)


def test_three_questions_then_nothing(table: Neighbours) -> None:
    table.packet_waits(1, TARGET, frame(), 100.0)
    assert table.next_timeout() == 101.0
    assert table.tick(100.9) == []
    assert len(table.tick(101.0)) == 1
    assert len(table.tick(102.0)) == 1
    assert table.tick(103.0) == []
    assert table.next_timeout() is None
    # Its packets are gone; an answer now says nothing.
    assert table.frame_arrived(1, arp(2), 103.1) == []
    assert len(table.packet_waits(1, TARGET, frame(), 104.0)) == 1


def test_who_asks_for_us_is_known(table: Neighbours) -> None:
    assert table.frame_arrived(1, arp(1), 0.0) == [InstallFlow(FLOW)]
    assert table.frame_arrived(1, arp(1), 1.0) == []


def test_a_live_hosts_address_cannot_be_taken(table: Neighbours) -> None:
    """Whoever claims it, the host is asked where it is known; and not for each claim."""
    table.frame_arrived(1, arp(1), 0.0)
    (question,) = table.frame_arrived(1, arp(1, mac=OTHER, ether=OTHER), 2.0)
    assert isinstance(question, SendFrame)
    assert question.frame[:6] == HOST
    assert table.frame_arrived(1, arp(2, mac=OTHER, ether=OTHER), 2.1) == []
    assert table.frame_arrived(1, arp(2), 2.2) == []
    for hundredths in range(300, 1000):
        assert table.frame_arrived(1, arp(1, mac=OTHER, ether=OTHER), hundredths / 100) == []
    assert table.tick(299.0) == []
    assert table.flows() == [FLOW]
    assert len(table.frame_arrived(1, arp(1, mac=OTHER, ether=OTHER), 299.5)) == 1
    assert len(table._due) < 5


@pytest.mark.parametrize("known_for", [0.0, 299.9, 300.0])
def test_a_silent_hosts_address_changes_hands(table: Neighbours, known_for: float) -> None:
    table.frame_arrived(1, arp(1), 0.0)
    table.tick(known_for)
    table.frame_arrived(1, arp(1, mac=OTHER, ether=OTHER), known_for)
    assert table.flows() == [FLOW]
    for after in (1.0, 2.0):
        assert [type(c) for c in table.tick(known_for + after)] == [SendFrame]
    moved = FLOW.replace("00:07", "00:08")
    assert table.tick(known_for + 3.0) == [InstallFlow(moved)]
    assert table.flows() == [moved]
    table.tick(known_for + 302.0)
    assert table.flows() == [moved]


def test_a_known_neighbour_is_asked_again_and_forgotten_when_silent(table: Neighbours) -> None:
    table.frame_arrived(1, arp(1), 0.0)
    assert table.tick(299.0) == []
    (question,) = table.tick(300.0)
    assert isinstance(question, SendFrame)
    assert question.frame[:6] == HOST, "asked directly"
    assert table.frame_arrived(1, arp(2), 300.1) == []
    assert table.tick(310.0) == []

    for late in (600.1, 601.1, 602.1):
        assert len(table.tick(late)) == 1
    (removal,) = table.tick(603.1)
    assert removal == RemoveFlow("table=5,priority=100,reg2=1,ip,reg0=0xc0a80a02")
    flow_mod(removal.text, Command.DELETE_STRICT)
    assert table.flows() == []
    assert table.next_timeout() is None


def test_questions_of_a_neighbour_put_off_asking_it(table: Neighbours) -> None:
    for now in range(0, 1000, 100):
        table.frame_arrived(1, arp(1), float(now))
        assert table.tick(float(now)) == []
    assert len(table._due) == 1


@pytest.mark.parametrize(
    "frame",
    [
        arp(1, address="192.168.11.2"),
        arp(1, address="192.168.10.0"),
        arp(1, address="192.168.10.255"),
        arp(1, address="192.168.10.1"),
        arp(1, mac=ROUTER, ether=ROUTER),
        arp(1, mac=bytes(6), ether=bytes(6)),
        arp(1, mac=b"\xff" * 6, ether=b"\xff" * 6),
        arp(2),
        advertisement(),
        b"",
    ],
)
def test_what_is_not_credible_teaches_nothing(table: Neighbours, frame: bytes) -> None:
    assert table.frame_arrived(1, frame, 0.0) == []
    assert table.flows() == []


def test_an_answer_that_does_not_override_changes_nothing(table: Neighbours) -> None:
    table.packet_waits(3, ip_address("2001:db8::7"), frame(), 0.0)
    table.frame_arrived(3, advertisement(), 0.1)
    before = table.flows()
    meek = advertisement(flags=0x4000_0000, option=b"\x02\x01" + OTHER)
    assert table.frame_arrived(3, meek, 0.2) == []
    assert table.flows() == before
    (question,) = table.frame_arrived(3, advertisement(option=b"\x02\x01" + OTHER), 0.3)
    assert isinstance(question, SendFrame)
    assert table.flows() == before


@pytest.mark.parametrize(
    ("network", "target"),
    [
        (1, "192.168.11.2"),
        (1, "192.168.10.255"),
        (1, "192.168.10.1"),
        (1, "fe80::7"),
        (3, "fe80::1"),
        (3, "2001:db8:1::1"),
        (9, "192.168.10.2"),
    ],
)
def test_nobody_is_asked_for_what_cannot_be_there(
    table: Neighbours, network: int, target: str
) -> None:
    assert table.packet_waits(network, ip_address(target), frame(), 0.0) == []


def test_few_packets_wait(table: Neighbours) -> None:
    for number in range(20):
        table.packet_waits(1, TARGET, frame(number), 0.0)
    released = table.frame_arrived(1, arp(2), 0.1)
    assert len(released) == 1 + neighbours.WAITING_PACKETS
    assert released[1] == SendFrame(11, HOST + frame(0)[6:]), "the first ones"


def test_few_neighbours_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "RESOLVING", 3)
    table = Neighbours([LAN, SIX], "02:a1:60:00:00:01")
    asked = [table.packet_waits(1, TARGET + number, frame(), 0.0) for number in range(5)]
    assert [len(commands) for commands in asked] == [1, 1, 1, 0, 0]
    # Other networks have their own bound, and an answer makes room.
    assert table.packet_waits(3, ip_address("198.51.100.7"), frame(), 0.0)
    table.frame_arrived(1, arp(2), 0.1)
    assert table.packet_waits(1, TARGET + 4, frame(), 0.2)


def test_there_is_a_bound_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "NEIGHBOURS", 2)
    table = Neighbours([LAN], "02:a1:60:00:00:01")
    for host in range(4):
        table.frame_arrived(1, claim(host), 0.0)
    assert len(table.flows()) == 2
    assert table.packet_waits(1, TARGET + 9, frame(), 0.0) == []


def test_a_point_to_point_prefix_has_no_broadcast_address() -> None:
    link = Link(1, 1, (ip_interface("192.0.2.0/31"),), ip_address("fe80::1"))
    assert link.source_for(ip_address("192.0.2.1")) == ip_address("192.0.2.0")


def test_links_come_from_the_plan(plan: PipelinePlan) -> None:
    found = neighbours.links(plan, PORTS)
    assert [(link.number, link.port) for link in found] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert found[0].link_local == plan.link_local
