"""UDP control packets, whole and in fragments: what a real switch punts, what becomes of it."""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address

import pytest

from ryu_alg import packets
from ryu_alg.engine.commands import EmitDatagram
from ryu_alg.engine.events import DatagramArrived
from ryu_alg.engine.segment import Datagram
from ryu_alg.inspection import Realm
from ryu_alg.openflow import packet_in, punts
from ryu_alg.openflow.cookies import Kind, parse
from ryu_alg.openflow.datagrams import NO_PROTOCOL, DatagramProtocols
from ryu_alg.openflow.fragmentation import fragments
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.messages import MessageType
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.render import Meter
from ryu_alg.openflow.switch import Cause, Switch
from tests.openflow.bench import BRIDGE, PATIENCE, Bench, Host, OpenFlowClient
from tests.openflow.conftest import PHONES, PLAN, PORTS, SIP, VOICE, install
from tests.openflow.control import packet_of

pytestmark = pytest.mark.lab

PROTOCOLS = DatagramProtocols(VOICE)

ROUTER = bytes.fromhex("02a160000001")

End = tuple[str, int]

CONTROL = {
    "to a server": ("lan", ("192.168.10.2", 3000), ("192.0.2.1", 5060), SIP),
    "its other port": ("lan", ("192.168.10.2", 3000), ("192.0.2.1", 5070), SIP),
    "another protocol": ("lan", ("192.168.10.2", 3000), ("203.0.113.50", 2427), PHONES),
    "from the port of a server": ("lan", ("192.168.10.2", 5060), ("192.0.2.1", 7777), SIP),
    "between inside networks": ("lan", ("192.168.10.2", 3000), ("192.168.20.2", 5060), SIP),
    "an inside server answers": ("dmz", ("192.168.20.2", 5060), ("192.168.10.2", 3000), SIP),
    "a published one sends": ("dmz", ("192.168.20.2", 5065), ("203.0.113.50", 7777), SIP),
    "to a published one": ("wan", ("203.0.113.50", 7777), ("203.0.113.2", 5080), SIP),
    "from inside": ("lan", ("192.168.10.2", 7777), ("192.168.20.2", 5065), SIP),
    "answer to a control port": ("wan", ("203.0.113.50", 5060), ("203.0.113.1", 49_152), SIP),
    "answer of another": ("wan", ("203.0.113.50", 2427), ("203.0.113.2", 53_247), PHONES),
    "anybody": ("wan", ("203.0.113.50", 7777), ("203.0.113.1", 50_000), NO_PROTOCOL),
    "without NAT": ("wan", ("203.0.113.50", 5060), ("198.51.100.2", 3000), SIP),
    "without NAT, to the port": ("wan", ("203.0.113.50", 3000), ("198.51.100.2", 5060), SIP),
    "IPv6": ("plain", ("2001:db8:30::2", 3000), ("2001:db8:1::fe", 5060), SIP),
    "IPv6, answer": ("wan", ("2001:db8:1::fe", 5060), ("2001:db8:30::2", 3000), SIP),
    "hairpin": ("lan", ("192.168.10.2", 5060), ("203.0.113.1", 50_000), NO_PROTOCOL),
    "hairpin to itself": ("lan", ("192.168.10.2", 3000), ("203.0.113.1", 53_000), NO_PROTOCOL),
    "hairpin to a service": ("lan", ("192.168.10.2", 3000), ("203.0.113.2", 5080), SIP),
}
ORDINARY = {
    "another port": ("lan", ("192.168.10.2", 3000), ("192.0.2.1", 5061)),
    "another server": ("lan", ("192.168.10.2", 3000), ("192.0.2.1", 2427)),
    "not the control partition": ("wan", ("203.0.113.50", 5060), ("203.0.113.1", 49_151)),
    "beyond": ("wan", ("203.0.113.50", 5060), ("203.0.113.1", 53_248)),
    "the service's inside port": ("wan", ("203.0.113.50", 7777), ("203.0.113.2", 5065)),
    "the service's port elsewhere": ("wan", ("203.0.113.50", 7777), ("203.0.113.1", 5080)),
    "hairpin": ("lan", ("192.168.10.2", 5060), ("203.0.113.1", 40_000)),
    "hairpin to a server's port": ("lan", ("192.168.10.2", 3000), ("203.0.113.1", 5060)),
    "without NAT": ("wan", ("203.0.113.50", 3000), ("198.51.100.2", 3001)),
}


@pytest.fixture(scope="module")
def plan() -> PipelinePlan:
    """Every test here has a gateway for UDP."""
    return VOICE


def frame(host: Host, source: End, target: End, payload: bytes = b"OPTIONS") -> bytes:
    return packets.build_udp(
        eth_src=bytes.fromhex(host.mac.replace(":", "")),
        eth_dst=ROUTER,
        src=ip_address(source[0]).packed,
        dst=ip_address(target[0]).packed,
        sport=source[1],
        dport=target[1],
        payload=payload,
    )


def send(host: Host, *frames: bytes) -> None:
    with closing(host.raw()) as raw:
        for one in frames:
            raw.send(one)


def packed(end: End) -> tuple[bytes, int]:
    return ip_address(end[0]).packed, end[1]


def realm_of(name: str) -> Realm:
    return Realm.OUTSIDE if name == "wan" else Realm.INSIDE


def punted(controller: OpenFlowClient, timeout: float = PATIENCE) -> packet_in.PacketIn | None:
    """The next packet of ours that was punted, of whatever kind."""
    kinds = (Kind.PUNT, Kind.DATAGRAM, Kind.FRAGMENT)
    received = controller.next(
        MessageType.PACKET_IN,
        timeout,
        lambda m: (parse(packet_in.decode(m).cookie) or (None,))[0] in kinds,
    )
    return None if received is None else packet_in.decode(received)


@pytest.mark.parametrize("name", CONTROL)
def test_control_datagrams_are_punted(
    gateway: Bench, controller: OpenFlowClient, name: str
) -> None:
    port, source, target, protocol = CONTROL[name]
    sent = frame(gateway.hosts[port], source, target)
    send(gateway.hosts[port], sent)
    punt = punted(controller)
    assert punt is not None and punt.frame == sent
    named = (Kind.DATAGRAM, 0) if protocol == NO_PROTOCOL else (Kind.PUNT, protocol)
    assert parse(punt.cookie) == named
    assert (punt.in_port, punt.network, punt.realm) == (PORTS[port], PORTS[port], realm_of(port))

    event = punts.control_packet(punt.frame, realm_of(port), protocol)
    assert isinstance(event, DatagramArrived)
    assert event.datagram.payload == b"OPTIONS"
    # In fragments, the same would be decided.
    assert PROTOCOLS.of(realm_of(port), packed(source), packed(target)) == protocol


@pytest.mark.parametrize("name", ORDINARY)
def test_other_datagrams_are_not(gateway: Bench, controller: OpenFlowClient, name: str) -> None:
    port, source, target = ORDINARY[name]
    send(gateway.hosts[port], frame(gateway.hosts[port], source, target))
    assert punted(controller, timeout=0.5) is None
    assert PROTOCOLS.of(realm_of(port), packed(source), packed(target)) is None


def test_a_bad_checksum_is_no_datagram(gateway: Bench) -> None:
    lan = gateway.hosts["lan"]
    good = frame(lan, ("192.168.10.2", 3000), ("192.0.2.1", 5060))
    bad = good[:-1] + b"X"
    assert punts.control_packet(bad, Realm.INSIDE, SIP) == "punt.bad_checksum"
    none = good[:40] + b"\0\0" + good[42:]
    assert isinstance(punts.control_packet(none, Realm.INSIDE, SIP), DatagramArrived)


class Stand:
    """The part of the application that serves fragments."""

    def __init__(self, controller: OpenFlowClient) -> None:
        self.controller = controller
        self.counters: Counter[str] = Counter()
        self.served = 0
        self.fragments = punts.Fragments(self.counters)
        self.switch = Switch(VOICE, PORTS, controller.send, iter(range(1, 1000)).__next__, Media())

    def next(self, timeout: float = PATIENCE) -> DatagramArrived | None:
        """Serve punted fragments until a control datagram is whole, or no more come."""
        while (punt := packet_of(self.controller, Kind.FRAGMENT, timeout)) is not None:
            assert punt.realm is not None
            self.served += 1
            found = self.fragments.arrived(punt.frame, punt.realm, PROTOCOLS, 1.0)
            if isinstance(found, punts.Reassembled):
                return found.event
            if found is not None:
                self.switch.send_ordinary(Cause(punt, fragments=found.fragments), found, 1.0)
        return None


@pytest.fixture
def stand(controller: OpenFlowClient) -> Stand:
    return Stand(controller)


BIG = bytes(range(256)) * 12


@pytest.mark.parametrize("name", CONTROL)
@pytest.mark.parametrize("reverse", [False, True])
def test_fragments_of_control_datagrams_become_whole(
    gateway: Bench, stand: Stand, name: str, reverse: bool
) -> None:
    port, source, target, protocol = CONTROL[name]
    host = gateway.hosts[port]
    pieces = fragments(frame(host, source, target, BIG), 77)
    assert len(pieces) == 3
    send(host, *(reversed(pieces) if reverse else pieces))
    event = stand.next()
    assert event is not None
    assert (event.realm, event.protocol) == (realm_of(port), protocol)
    datagram = event.datagram
    assert ((datagram.src, datagram.sport), (datagram.dst, datagram.dport)) == (
        packed(source),
        packed(target),
    )
    assert datagram.payload == BIG
    assert not stand.counters


def test_overlapping_fragments_drop_the_datagram(gateway: Bench, stand: Stand) -> None:
    lan = gateway.hosts["lan"]
    whole = frame(lan, ("192.168.10.2", 3000), ("192.0.2.1", 5060), BIG)
    pieces, shifted = fragments(whole, 77), fragments(whole, 77, 1492)
    send(lan, pieces[0], shifted[1], *pieces[1:])
    assert stand.next(timeout=0.5) is None
    assert stand.counters == {"punt.fragment.overlap": 3}


def test_small_fragments_are_fragments(gateway: Bench, stand: Stand) -> None:
    """Conntrack of the userspace datapath takes no small one: control datagrams do not depend
    on it."""
    lan = gateway.hosts["lan"]
    whole = frame(lan, ("192.168.10.2", 3000), ("192.0.2.1", 5060), BIG)
    send(lan, *fragments(whole, 77, 300))
    event = stand.next()
    assert event is not None and event.datagram.payload == BIG


def test_more_fragments_than_are_kept(gateway: Bench, stand: Stand) -> None:
    lan = gateway.hosts["lan"]
    for number in range(80):
        whole = frame(lan, ("192.168.10.2", 3000), ("192.0.2.1", 5060), BIG)
        send(lan, fragments(whole, number)[0])
    assert stand.next(timeout=0.5) is None
    assert stand.counters == {"punt.fragment.host_full": 16}
    other = frame(lan, ("192.168.10.3", 3000), ("192.0.2.1", 5060), BIG)
    send(lan, *fragments(other, 1))
    assert stand.next() is not None


def test_fragments_are_metered(gateway: Bench, stand: Stand) -> None:
    lan = gateway.hosts["lan"]
    few = 20
    meter, band = Meter.FRAGMENTS.of(PORTS["lan"]), f"type=drop,rate={few},burst_size={few}"
    gateway.ofctl("mod-meter", BRIDGE, f"meter={meter},pktps,burst,band={band}")
    ends = ("192.168.10.2", 3000), ("192.0.2.1", 5060)
    for number in range(100):
        send(lan, *fragments(frame(lan, *ends, BIG), number))
    received = 0
    while packet_of(stand.controller, Kind.FRAGMENT, timeout=0.5) is not None:
        received += 1
    assert few <= received < 150


def udp(host: Host, address: str, port: int) -> socket.socket:
    return host.listen(address, port, socket.SOCK_DGRAM)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("lan", ("192.168.10.2", 3000), ("192.0.2.1", 7000)),
        ("plain", ("2001:db8:30::2", 3000), ("2001:db8:1::fe", 7000)),
    ],
)
def test_ordinary_fragments_go_on_and_do_not_come_again(
    gateway: Bench, stand: Stand, name: str, inside: End, outside: End
) -> None:
    """One datagram each way; control datagrams between the same hosts are found all the same."""
    host, wan = gateway.hosts[name], gateway.hosts["wan"]
    with closing(udp(host, *inside)) as client, closing(udp(wan, *outside)) as server:
        client.sendto(BIG, outside)
        assert stand.next(timeout=0.5) is None
        data, peer = server.recvfrom(10_000)
        assert data == BIG
        server.sendto(BIG, peer)
        assert stand.next(timeout=0.5) is None
        assert client.recv(10_000) == BIG
        assert stand.served == 6
        for _ in range(3):
            client.sendto(BIG, outside)
            assert server.recv(10_000) == BIG
            server.sendto(BIG, peer)
            assert client.recv(10_000) == BIG
        assert stand.next(timeout=0.5) is None
        assert stand.served == 6

        client.sendto(BIG, (outside[0], 5060))
        event = stand.next()
        assert event is not None and event.datagram.payload == BIG


def test_ordinary_fragments_to_a_public_address_are_dropped(gateway: Bench, stand: Stand) -> None:
    lan = gateway.hosts["lan"]
    send(lan, *fragments(frame(lan, ("192.168.10.2", 3000), ("203.0.113.1", 7000), BIG), 77))
    assert stand.next(timeout=0.5) is None
    assert not [line for line in gateway.conntrack() if line.startswith("udp")]


@pytest.mark.parametrize("size", [10, 1472, 1473, 3000, 65_507])
@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("wan", ("203.0.113.1", 50_000), ("203.0.113.50", 5060)),
        ("lan", ("203.0.113.50", 5060), ("192.168.10.2", 3000)),
        ("plain", ("2001:db8:1::fe", 5060), ("2001:db8:30::2", 3000)),
    ],
)
def test_datagrams_of_any_length_leave(
    gateway: Bench, stand: Stand, name: str, source: End, target: End, size: int
) -> None:
    payload = (BIG * 30)[:size]
    with closing(udp(gateway.hosts[name], *target)) as receiver:
        emitted = Datagram(*_flat(source, target), payload)
        stand.switch.carry_out([EmitDatagram(emitted)])
        data, peer = receiver.recvfrom(70_000)
        assert data == payload
        beyond = replace(emitted, payload=bytes(65_508))
        assert stand.switch.carry_out([EmitDatagram(beyond)]) == 0
        assert peer[:2] == source


def _flat(source: End, target: End) -> tuple[bytes, bytes, int, int]:
    return packed(source)[0], packed(target)[0], source[1], target[1]


def test_a_gateway_without_udp_protocols_punts_none(
    gateway: Bench, controller: OpenFlowClient
) -> None:
    install(gateway, PLAN)
    lan = gateway.hosts["lan"]
    to_server = ("192.168.10.2", 3000), ("192.0.2.1", 5060)
    send(lan, frame(lan, *to_server), *fragments(frame(lan, *to_server, BIG), 77))
    assert punted(controller, timeout=0.5) is None
    assert not [flow for flow in gateway.dump() if "nw_frag=yes" in flow and "udp" in flow]
