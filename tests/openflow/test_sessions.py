"""The flows of sessions, in a real switch whose controller is this test."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.engine.commands import (
    CountData,
    DestinationNat,
    FiveTuple,
    KeepPunting,
    Offload,
    OffloadPath,
    Pinhole,
    SourceNat,
)
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow import pinholes
from ryu_alg.openflow.cookies import EVERY, Kind, cookie, parse
from ryu_alg.openflow.flowtext import delete_by_cookie, flow_mod
from ryu_alg.openflow.messages import MessageType
from ryu_alg.openflow.plan import PipelinePlan
from tests.openflow.bench import PATIENCE, Bench, Host, OpenFlowClient, wait_until
from tests.openflow.control import packet_of, put
from tests.openflow.frames import SYN, ip_frame, tcp, tcp_frame, with_checksum

pytestmark = pytest.mark.lab

MARK = 0x1234

# An outside server connects to an inside client behind NAT: FTP's active mode.
ACTIVE = Pinhole(
    id=7,
    mark=MARK,
    transport=Transport.TCP,
    peers=(ip_network("203.0.113.50/32"),),
    seen=Endpoint(ip_address("203.0.113.1"), 40_000),
    connecting_realm=Realm.OUTSIDE,
    translate=DestinationNat(Endpoint(ip_address("192.168.10.2"), 5000)),
    idle=20,
    hard=60,
)
# An inside client behind NAT connects to an outside server: passive mode.
PASSIVE = Pinhole(
    id=8,
    mark=MARK,
    transport=Transport.TCP,
    peers=(ip_network("192.168.10.3/32"),),
    seen=Endpoint(ip_address("203.0.113.50"), 6001),  # denied by the outbound policy
    connecting_realm=Realm.INSIDE,
    translate=SourceNat(ip_address("203.0.113.2"), 40_100, 40_100),
    idle=20,
    hard=60,
)
# Without NAT, from outside.
PLAIN = replace(
    ACTIVE,
    id=9,
    peers=(ip_network("203.0.113.50/32"),),
    seen=Endpoint(ip_address("198.51.100.2"), 5000),
    translate=None,
)
PLAIN_IPV6 = replace(
    ACTIVE,
    id=10,
    peers=(ip_network("2001:db8:1::fe/128"),),
    seen=Endpoint(ip_address("2001:db8:30::2"), 5000),
    translate=None,
)


@pytest.fixture
def lan(gateway: Bench) -> Host:
    return gateway.hosts["lan"]


@pytest.fixture
def plain(gateway: Bench) -> Host:
    return gateway.hosts["plain"]


@pytest.fixture
def wan(gateway: Bench) -> Host:
    return gateway.hosts["wan"]


def opening(pinhole: Pinhole, zone: int) -> list[bytes]:
    return [flow_mod(flow) for flow in pinholes.pinhole_flows(pinhole, zone)]


@contextmanager
def used(
    client: Host, server: Host, pinhole: Pinhole, source: str, listen_at: Endpoint
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection through a pinhole by which data went both ways: the client's end, and the
    server's."""
    seen = pinhole.seen
    with (
        closing(server.listen(str(listen_at.address), listen_at.port)) as listener,
        closing(client.connect(str(seen.address), seen.port, (source, 0))) as connection,
        closing(listener.accept()[0]) as accepted,
    ):
        accepted.settimeout(PATIENCE)
        connection.sendall(b"question")
        assert accepted.recv(100) == b"question"
        accepted.sendall(b"answer")
        assert connection.recv(100) == b"answer"
        yield connection, accepted


def refused(client: Host, pinhole: Pinhole, source: str) -> bool:
    try:
        client.connect(
            str(pinhole.seen.address), pinhole.seen.port, (source, 0), timeout=0.7
        ).close()
    except TimeoutError:
        return True
    return False


CASES = {
    "active": (ACTIVE, "wan", "203.0.113.50", "lan", Endpoint(ip_address("192.168.10.2"), 5000)),
    "passive": (PASSIVE, "lan", "192.168.10.3", "wan", PASSIVE.seen),
    "plain": (PLAIN, "wan", "203.0.113.50", "plain", PLAIN.seen),
    "plain-ipv6": (PLAIN_IPV6, "wan", "2001:db8:1::fe", "plain", PLAIN_IPV6.seen),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pinhole_admits_exactly_one_connection(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, case: str
) -> None:
    pinhole, client_name, source, server_name, listen_at = CASES[case]
    client, server = gateway.hosts[client_name], gateway.hosts[server_name]
    assert refused(client, pinhole, source)

    put(controller, *opening(pinhole, plan.ct_zone))
    with used(client, server, pinhole, source, listen_at) as (connection, accepted):
        peer = accepted.getpeername()
        if isinstance(pinhole.translate, SourceNat):
            assert peer[:2] == (str(pinhole.translate.address), pinhole.translate.low)
        else:
            assert peer[0] == source
        notice = packet_of(controller, Kind.PINHOLE)
        assert notice is not None
        assert parse(notice.cookie) == (Kind.PINHOLE, pinhole.id)

        assert refused(client, pinhole, source)
        assert refused(client, pinhole, source)

        # Without the pinhole, the connection goes on.
        put(controller, pinholes.close_pinhole(pinhole.id))
        assert not [f for f in gateway.dump() if f"{cookie(Kind.PINHOLE, pinhole.id):#x}" in f]
        connection.sendall(b"more")
        assert accepted.recv(100) == b"more"
        accepted.sendall(b"more")
        assert connection.recv(100) == b"more"
        assert refused(client, pinhole, source)


@pytest.mark.parametrize("case", ["active", "passive"])
def test_a_first_packet_that_the_datapath_still_drops_does_not_use_the_pinhole(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, case: str
) -> None:
    """The barrier does not wait until the datapath looks at its cached flows again."""
    pinhole, client_name, source, server_name, listen_at = CASES[case]
    client, server = gateway.hosts[client_name], gateway.hosts[server_name]
    if isinstance(pinhole.translate, SourceNat):
        # Another port than before, which the server remembers (TIME-WAIT).
        pinhole = replace(pinhole, translate=replace(pinhole.translate, low=40_101, high=40_101))
    with closing(server.listen(str(listen_at.address), listen_at.port)) as listener:
        assert refused(client, pinhole, source)  # now the datapath has a flow that drops
        with gateway.stale_datapath():
            put(controller, *opening(pinhole, plan.ct_zone))
            before = gateway.tcp_drops()
            begun = client.begin(str(pinhole.seen.address), pinhole.seen.port, source)
            wait_until(lambda: gateway.tcp_drops() > before)
        with closing(begun):
            listener.accept()[0].close()
            assert packet_of(controller, Kind.PINHOLE) is not None
            assert refused(client, pinhole, source)


def test_a_first_packet_does_not_meet_the_drop_of_another_port(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    knocked = replace(ACTIVE, seen=replace(ACTIVE.seen, port=ACTIVE.seen.port + 1))
    assert refused(wan, knocked, "203.0.113.50")
    with gateway.stale_datapath():
        put(controller, *opening(ACTIVE, plan.ct_zone))
        inside = Endpoint(ip_address("192.168.10.2"), 5000)
        with used(wan, lan, ACTIVE, "203.0.113.50", inside):
            pass


@pytest.mark.parametrize("flags", [0x10, 0x11, 0x14, 0x12], ids=["ack", "fin", "rst", "syn-ack"])
def test_what_is_left_of_an_older_connection_does_not_use_the_pinhole(
    gateway: Bench,
    controller: OpenFlowClient,
    plan: PipelinePlan,
    wan: Host,
    lan: Host,
    flags: int,
) -> None:
    """Conntrack takes any packet for the first of a connection that it does not know."""
    put(controller, *opening(ACTIVE, plan.ct_zone))
    with closing(wan.raw()) as raw:
        ports = (6000, ACTIVE.seen.port)
        raw.send(tcp_frame(wan, "203.0.113.50", str(ACTIVE.seen.address), ports, flags))
    inside = Endpoint(ip_address("192.168.10.2"), 5000)
    with used(wan, lan, ACTIVE, "203.0.113.50", inside):
        pass


def test_a_pinhole_is_for_its_peers(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    put(controller, *opening(ACTIVE, plan.ct_zone))
    with closing(lan.listen("192.168.10.2", 5000)):
        assert refused(wan, ACTIVE, "203.0.113.254")
        assert refused(wan, replace(ACTIVE, seen=replace(ACTIVE.seen, port=40_001)), "203.0.113.50")


def test_a_pinhole_for_several_networks_admits_one_connection_in_all(
    controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    networks = (ip_network("203.0.113.254/32"), ip_network("203.0.113.0/25"))
    pinhole = replace(ACTIVE, peers=networks)
    put(controller, *opening(pinhole, plan.ct_zone))
    inside = Endpoint(ip_address("192.168.10.2"), 5000)
    with used(wan, lan, pinhole, "203.0.113.50", inside):
        assert refused(wan, pinhole, "203.0.113.254")
        assert refused(wan, pinhole, "203.0.113.50")


def test_a_used_pinhole_does_not_concern_others_who_connect_there(
    controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    """Two inside clients of a server that has one passive port."""
    seen = Endpoint(ip_address("203.0.113.50"), 7001)
    first = replace(PASSIVE, seen=seen)
    put(controller, *opening(first, plan.ct_zone))
    with used(lan, wan, first, "192.168.10.3", seen):
        assert refused(lan, first, "192.168.10.3")
        lan.connect("203.0.113.50", 7001, ("192.168.10.2", 0)).close()


@pytest.mark.parametrize("counting", [True, False])
@pytest.mark.parametrize("still_open", [True, False])
def test_a_repeated_first_packet_passes(
    gateway: Bench,
    controller: OpenFlowClient,
    plan: PipelinePlan,
    wan: Host,
    lan: Host,
    counting: bool,
    still_open: bool,
) -> None:
    """The server is deaf at first: its host drops the SYN, and gets the next one."""
    put(controller, *opening(ACTIVE, plan.ct_zone))
    if counting:
        put(controller, flow_mod(pinholes.counter_flow(CountData(MARK, 30, 4))))
    with closing(lan.listen("192.168.10.2", 5000)) as listener:
        with lan.deaf(5000) as something_came:
            begun = wan.begin(str(ACTIVE.seen.address), ACTIVE.seen.port, "203.0.113.50")
            something_came()
            assert packet_of(controller, Kind.PINHOLE) is not None
            if not still_open:
                put(controller, pinholes.close_pinhole(ACTIVE.id))
        with closing(begun):
            listener.accept()[0].close()


def test_an_unused_pinhole_expires_and_says_so(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, wan: Host
) -> None:
    put(controller, *opening(replace(ACTIVE, idle=1), plan.ct_zone))
    removed = controller.next(MessageType.FLOW_REMOVED)
    assert removed is not None
    assert parse(struct.unpack_from("!Q", removed, 8)[0]) == (Kind.PINHOLE, ACTIVE.id)
    assert refused(wan, ACTIVE, "203.0.113.50")


def test_data_is_counted_while_it_moves(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    put(controller, *opening(ACTIVE, plan.ct_zone))
    inside = Endpoint(ip_address("192.168.10.2"), 5000)
    with used(wan, lan, ACTIVE, "203.0.113.50", inside) as (connection, accepted):
        put(controller, flow_mod(pinholes.counter_flow(CountData(MARK, 2, 4))))
        connection.sendall(b"x" * 20_000)
        received = 0
        while received < 20_000:
            received += len(accepted.recv(65_536))
        removed = controller.next(MessageType.FLOW_REMOVED)
        assert removed is not None
        own, packets, octets = (
            struct.unpack_from("!Q", removed, 8)[0],
            *struct.unpack_from("!QQ", removed, 32),
        )
        assert parse(own) == (Kind.DATA, MARK)
        assert packets > 15
        assert octets > 20_000
        # The counter is gone, the pinhole's block is not: the connection goes on.
        connection.sendall(b"more")
        assert accepted.recv(100) == b"more"
        put(controller, flow_mod(pinholes.counter_flow(CountData(MARK, 2, 4))))
        accepted.sendall(b"more")
        assert connection.recv(100) == b"more"

    request = pinholes.data_counters_request(77)
    controller.send(request)
    reply = controller.next(MessageType.MULTIPART_REPLY)
    assert reply is not None
    assert struct.unpack_from("!I", reply, 4)[0] == 77
    # One flow: after header (8), multipart header (8), 24 bytes to its cookie.
    assert parse(struct.unpack_from("!Q", reply, 16 + 24)[0]) == (Kind.DATA, MARK)


def test_a_range_admits_any_number_of_connections_to_equal_ports(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    translate = DestinationNat(Endpoint(ip_address("192.168.10.2"), 60_000))
    seen = Endpoint(ip_address("203.0.113.1"), 60_000)
    served = replace(ACTIVE, id=11, seen=seen, translate=translate, last_port=60_006)
    put(controller, *opening(served, plan.ct_zone))
    for port in (60_000, 60_000, 60_003, 60_006):
        with (
            closing(lan.listen("192.168.10.2", port)) as listener,
            closing(wan.connect("203.0.113.1", port, ("203.0.113.50", 0))) as connection,
            closing(listener.accept()[0]) as accepted,
        ):
            accepted.sendall(b"answer")
            assert connection.recv(100) == b"answer"
        notice = packet_of(controller, Kind.PINHOLE)
        assert notice is not None and parse(notice.cookie) == (Kind.PINHOLE, 11)
    beyond = replace(served, seen=replace(seen, port=60_007))
    assert refused(wan, beyond, "203.0.113.50")
    put(controller, pinholes.close_pinhole(11))
    assert refused(wan, served, "203.0.113.50")


def test_a_session_is_punted_whatever_the_static_flows_say(
    gateway: Bench, controller: OpenFlowClient, lan: Host
) -> None:
    client, server = ip_address("192.168.10.2").packed, ip_address("203.0.113.50").packed
    public = ip_address("203.0.113.1").packed
    there, back = FiveTuple(client, 3000, server, 999), FiveTuple(server, 999, public, 50_000)
    kept = KeepPunting(6, ((Realm.INSIDE, there), (Realm.OUTSIDE, back)))
    put(controller, *map(flow_mod, pinholes.kept_punt_flows(kept)))
    with pytest.raises(TimeoutError):
        lan.connect("203.0.113.50", 999, ("192.168.10.2", 3000), timeout=0.5)
    punt = packet_of(controller, Kind.KEPT_PUNT)
    assert punt is not None and punt.realm is Realm.INSIDE
    put(controller, pinholes.stop_punting(6))
    assert not [flow for flow in gateway.dump() if f"{cookie(Kind.KEPT_PUNT, 6):#x}" in flow]


def test_a_cut_stops_established_data(
    gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan, wan: Host, lan: Host
) -> None:
    put(controller, *opening(ACTIVE, plan.ct_zone))
    inside = Endpoint(ip_address("192.168.10.2"), 5000)
    with used(wan, lan, ACTIVE, "203.0.113.50", inside) as (connection, accepted):
        put(controller, flow_mod(pinholes.cut_flow(MARK, 60)))
        gateway.revalidate()
        connection.sendall(b"more")
        accepted.settimeout(1)
        with pytest.raises(TimeoutError):
            accepted.recv(100)
        put(controller, delete_by_cookie(cookie(Kind.CUT, MARK), EVERY))
        accepted.settimeout(PATIENCE)
        assert accepted.recv(100) == b"more"


def test_an_offloaded_connection_is_translated_by_flows(
    gateway: Bench, controller: OpenFlowClient, wan: Host, lan: Host
) -> None:
    client, server = ip_address("192.168.10.2").packed, ip_address("203.0.113.50").packed
    public = ip_address("203.0.113.1").packed
    offload = Offload(
        5,
        (
            OffloadPath(
                Realm.INSIDE,
                FiveTuple(client, 3000, server, 21),
                FiveTuple(public, 50_000, server, 21),
            ),
            OffloadPath(
                Realm.OUTSIDE,
                FiveTuple(server, 21, public, 50_000),
                FiveTuple(server, 21, client, 3000),
            ),
        ),
        30,
    )
    put(controller, *map(flow_mod, pinholes.offload_flows(offload)))
    with closing(wan.listen("203.0.113.50", 21)) as listener:
        connection = lan.connect("203.0.113.50", 21, ("192.168.10.2", 3000))
        accepted, peer = listener.accept()
        with closing(connection), closing(accepted):
            assert peer == ("203.0.113.1", 50_000)
            accepted.sendall(b"220 \r\n")
            assert connection.recv(100) == b"220 \r\n"
    put(controller, pinholes.end_offload(5))
    assert not [flow for flow in gateway.dump() if f"{cookie(Kind.OFFLOAD, 5):#x}" in flow]


@pytest.mark.parametrize(
    ("name", "source", "target", "ports"),
    [
        ("lan", "192.168.10.2", "192.0.2.1", (3000, 21)),
        ("lan", "192.168.10.2", "192.0.2.1", (3000, 2121)),
        ("lan", "192.168.10.2", "192.168.20.2", (3000, 21)),
        ("lan", "192.168.10.2", "192.168.20.2", (3000, 2100)),
        ("dmz", "192.168.20.2", "192.168.10.2", (21, 3000)),
        ("dmz", "192.168.20.2", "203.0.113.50", (2100, 3000)),
        ("dmz", "192.168.20.2", "192.168.10.2", (2100, 3000)),
        ("wan", "203.0.113.50", "203.0.113.1", (21, 49_152)),
        ("wan", "203.0.113.50", "203.0.113.2", (2121, 53_247)),
        ("wan", "203.0.113.50", "203.0.113.1", (3000, 21)),
        ("wan", "203.0.113.50", "198.51.100.2", (21, 3000)),
        ("wan", "2001:db8:1::fe", "2001:db8:30::2", (21, 3000)),
        ("plain", "2001:db8:30::2", "2001:db8:1::fe", (3000, 21)),
    ],
)
def test_control_packets_are_punted(
    gateway: Bench,
    controller: OpenFlowClient,
    name: str,
    source: str,
    target: str,
    ports: tuple[int, int],
) -> None:
    host = gateway.hosts[name]
    with closing(host.raw()) as raw:
        raw.send(tcp_frame(host, source, target, ports, SYN))
    punt = packet_of(controller, Kind.PUNT)
    assert punt is not None
    assert parse(punt.cookie) == (Kind.PUNT, 0)
    assert punt.frame == tcp_frame(host, source, target, ports, SYN)
    number = {"lan": 1, "dmz": 2, "plain": 3, "wan": 4}[name]
    realm = Realm.OUTSIDE if name == "wan" else Realm.INSIDE
    assert (punt.in_port, punt.network, punt.realm) == (number, number, realm)


@pytest.mark.parametrize(
    ("name", "source", "target", "ports"),
    [
        ("lan", "192.168.10.2", "192.0.2.1", (3000, 22)),
        ("wan", "203.0.113.50", "203.0.113.1", (21, 49_151)),
        ("wan", "203.0.113.50", "203.0.113.1", (21, 53_248)),
        ("wan", "203.0.113.50", "203.0.113.1", (3000, 49_152)),
        ("wan", "203.0.113.50", "203.0.113.2", (3000, 21)),
        ("wan", "203.0.113.50", "198.51.100.2", (3000, 21)),
    ],
)
def test_other_packets_are_not(
    gateway: Bench,
    controller: OpenFlowClient,
    name: str,
    source: str,
    target: str,
    ports: tuple[int, int],
) -> None:
    host = gateway.hosts[name]
    with closing(host.raw()) as raw:
        raw.send(tcp_frame(host, source, target, ports, SYN))
    assert packet_of(controller, Kind.PUNT, timeout=0.5) is None


def test_icmp_errors_about_control_connections_are_punted(
    gateway: Bench, controller: OpenFlowClient, wan: Host
) -> None:
    """Conntrack has never heard of the connection."""
    control = tcp_frame(wan, "203.0.113.1", "192.0.2.1", (49_200, 21), SYN)[14:]
    icmp = with_checksum(b"\x03\x04\x00\x00\x00\x00\x05\x00" + control, 2)
    frame = ip_frame(wan, "203.0.113.254", "203.0.113.1", 1, icmp)
    with closing(wan.raw()) as raw:
        raw.send(frame)
    punt = packet_of(controller, Kind.ICMP_ERROR)
    assert punt is not None
    assert punt.frame == frame


def test_a_fragmented_control_packet_goes_nowhere(
    gateway: Bench, controller: OpenFlowClient, wan: Host
) -> None:
    dmz = gateway.hosts["dmz"]  # the outbound policy does not stop it either
    payload = tcp("192.168.20.2", "192.0.2.1", (3000, 21), SYN, b"x" * 2000)
    with closing(dmz.raw()) as raw, closing(wan.raw()) as other:
        for offset in (0, 1400):
            part = payload[offset : offset + 1400]
            flags = (0x2000 if offset == 0 else 0) | offset // 8
            raw.send(ip_frame(dmz, "192.168.20.2", "192.0.2.1", 6, part, flags))
        assert packet_of(controller, Kind.PUNT, timeout=1) is None
        assert not arrived(other, b"x" * 20)


def arrived(raw: socket.socket, content: bytes) -> bool:
    raw.settimeout(0.3)
    try:
        while True:
            if content in raw.recv(2000):
                return True
    except TimeoutError:
        return False
