"""Ports where inside hosts wait for anybody, and datagrams that are punted by their size, through a
real switch whose controller is this test."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import ip_address

import pytest

from ryu_alg import packets
from ryu_alg.engine.commands import CloseListener, Command, OpenListener, PassDatagram, Watched
from ryu_alg.engine.segment import Datagram
from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.openflow.cookies import Kind, parse
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.packet_in import PacketIn
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.switch import Switch
from tests.openflow.bench import PATIENCE, Bench, OpenFlowClient, wait_until
from tests.openflow.conftest import PORTS, SWARM, TORRENTS, install
from tests.openflow.control import packet_of

pytestmark = pytest.mark.lab

WATCHED = Watched((400, 500), 0x33)
SHORTEST, LONGEST = 60, 300
"""Of first datagrams, in SWARM."""


@pytest.fixture(scope="module")
def plan() -> PipelinePlan:
    return SWARM


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


NAT = OpenListener(
    7,
    at("192.168.10.2", 6881),
    at("203.0.113.1", 40_000),
    admits=False,
    tcp_mark=0x11,
    udp_mark=0x22,
    watched=None,
)
IPV6 = replace(NAT, inside=at("2001:db8:30::2", 6881), public=at("2001:db8:30::2", 6881))
PEERS = {
    NAT: (at("203.0.113.50", 6000), at("203.0.113.254", 6001)),
    IPV6: (at("2001:db8:1::fe", 6000), at("2001:db8:1::fe", 6001)),
}
BOTH = pytest.mark.parametrize("port", [NAT, IPV6], ids=["nat", "ipv6"])


@dataclass
class Gateway:
    """A controller that has ports opened in a switch, and hosts around that."""

    bench: Bench
    controller: OpenFlowClient
    switch: Switch

    def do(self, *commands: Command) -> None:
        self.switch.carry_out(commands)
        self.controller.settle()
        self.bench.revalidate()

    def inside(self, port: OpenListener, kind: socket.SocketKind) -> socket.socket:
        host = "lan" if port.inside.address.version == 4 else "plain"
        return self.bench.hosts[host].listen(str(port.inside.address), port.inside.port, kind)

    def peer(self, endpoint: Endpoint) -> socket.socket:
        return self.bench.hosts["wan"].listen(
            str(endpoint.address), endpoint.port, socket.SOCK_DGRAM
        )

    def punted(self, kind: Kind) -> tuple[PacketIn, packets.Packet]:
        found = packet_of(self.controller, kind)
        assert found is not None
        packet = packets.decode(found.frame)
        assert isinstance(packet, packets.Packet)
        return found, packet

    def unpunted(self) -> bool:
        """Whether nothing more is on its way to the controller."""
        self.controller.settle()
        return packet_of(self.controller, Kind.LISTENER, timeout=0.2) is None

    def mark(self, port: OpenListener, remote: Endpoint) -> str:
        ends = f"src={port.inside.address}", f"dst={remote.address}", f"dport={remote.port}"
        (line,) = (line for line in self.bench.conntrack() if all(end in line for end in ends))
        return line.partition("mark=")[2].partition(",")[0]


@pytest.fixture
def open_gateway(gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan) -> Gateway:
    xids = iter(range(1000, 1_000_000))
    return Gateway(
        gateway, controller, Switch(plan, PORTS, controller.send, lambda: next(xids), Media())
    )


def tell(
    sender: socket.socket, endpoint: Endpoint, receiver: socket.socket, payload: bytes = b"x"
) -> Endpoint:
    """A datagram arrives, as it was: who it seems to be from."""
    sender.sendto(payload, (str(endpoint.address), endpoint.port))
    data, peer = receiver.recvfrom(2000)
    assert data == payload
    return at(peer[0], peer[1])


def sent_on(
    packet: packets.Packet, realm: Realm, *, payload: bytes | None = None, answered: bool = False
) -> PassDatagram:
    body = packet.payload if payload is None else payload
    datagram = Datagram(packet.src, packet.dst, packet.sport, packet.dport, body)
    return PassDatagram(datagram, realm, answered)


@BOTH
def test_what_it_sends_has_one_public_port_for_everybody(
    open_gateway: Gateway, port: OpenListener
) -> None:
    open_gateway.do(port)
    first, second = PEERS[port]
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as inside,
        closing(open_gateway.peer(first)) as one,
        closing(open_gateway.peer(second)) as other,
    ):
        assert tell(inside, first, one) == port.public
        assert tell(inside, second, other) == port.public
        assert tell(one, port.public, inside) == first
        assert int(open_gateway.mark(port, first)) == port.udp_mark


@BOTH
def test_nobody_gets_in_unless_it_admits(open_gateway: Gateway, port: OpenListener) -> None:
    stranger, _ = PEERS[port]
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as udp,
        closing(open_gateway.inside(port, socket.SOCK_STREAM)) as tcp,
        closing(open_gateway.peer(stranger)) as peer,
    ):
        open_gateway.do(port)
        peer.sendto(b"lost", (str(port.public.address), port.public.port))
        with pytest.raises(TimeoutError):
            open_gateway.bench.hosts["wan"].connect(
                str(port.public.address), port.public.port, timeout=0.5
            )
        open_gateway.do(replace(port, admits=True))
        assert tell(peer, port.public, udp) == stranger
        assert tell(udp, stranger, peer) == port.public
        with closing(
            open_gateway.bench.hosts["wan"].connect(
                str(port.public.address), port.public.port, (str(stranger.address), 0)
            )
        ) as outside:
            accepted, _ = tcp.accept()
            with closing(accepted):
                accepted.sendall(b"pieces")
                assert outside.recv(10) == b"pieces"
                open_gateway.do(CloseListener(port.id))
                accepted.sendall(b"more")
                assert outside.recv(10) == b"more"
        with pytest.raises(TimeoutError):
            open_gateway.bench.hosts["wan"].connect(
                str(port.public.address), port.public.port, timeout=0.5
            )


@BOTH
@pytest.mark.parametrize("size", [SHORTEST, LONGEST])
def test_the_first_datagram_of_a_size_is_punted_and_goes_on(
    open_gateway: Gateway, port: OpenListener, size: int
) -> None:
    node, _ = PEERS[port]
    payload = bytes(size)
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as inside,
        closing(open_gateway.peer(node)) as peer,
    ):
        inside.sendto(payload, (str(node.address), node.port))
        found, packet = open_gateway.punted(Kind.FIRST_DATAGRAM)
        assert parse(found.cookie) == (Kind.FIRST_DATAGRAM, TORRENTS)
        assert (found.realm, packet.sport, packet.payload) == (Realm.INSIDE, 6881, payload)
        open_gateway.do(port, sent_on(packet, Realm.INSIDE, payload=b"another"))
        data, source = peer.recvfrom(2000)
        assert (data, at(source[0], source[1])) == (b"another", port.public)
        tell(peer, port.public, inside)
        assert tell(inside, node, peer, payload) == port.public  # the exchange has begun


@BOTH
@pytest.mark.parametrize("size", [SHORTEST - 1, LONGEST + 1])
def test_first_datagrams_of_other_sizes_stay_in_the_switch(
    open_gateway: Gateway, port: OpenListener, size: int
) -> None:
    node, _ = PEERS[port]
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as inside,
        closing(open_gateway.peer(node)) as peer,
    ):
        tell(inside, node, peer, bytes(size))


def test_first_datagrams_to_well_known_ports_stay_in_the_switch(open_gateway: Gateway) -> None:
    for number in (53, 1023):
        server = at("203.0.113.50", number)
        with (
            closing(open_gateway.inside(NAT, socket.SOCK_DGRAM)) as inside,
            closing(open_gateway.peer(server)) as peer,
        ):
            tell(inside, server, peer, bytes(100))


@BOTH
def test_a_watched_endpoint_is_punted_by_size_for_as_long_as_it_is_watched(
    open_gateway: Gateway, port: OpenListener
) -> None:
    watched = replace(port, watched=WATCHED)
    open_gateway.do(watched)
    node, another = PEERS[port]
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as inside,
        closing(open_gateway.peer(node)) as peer,
        closing(open_gateway.peer(another)) as other,
    ):
        for size in (1, 399, 501, 1200):
            assert tell(inside, node, peer, bytes(size)) == port.public
        assert tell(inside, another, other, bytes(100)) == port.public  # a first one, but known
        for size in WATCHED.sizes:
            inside.sendto(bytes(size), (str(node.address), node.port))
            found, packet = open_gateway.punted(Kind.LISTENER)
            assert (parse(found.cookie), found.realm) == ((Kind.LISTENER, port.id), Realm.INSIDE)
            assert packet.payload == bytes(size)
            open_gateway.do(sent_on(packet, Realm.INSIDE))
            assert peer.recv(2000) == bytes(size)
        assert tell(peer, port.public, inside) == node
        open_gateway.do(port)
        assert tell(inside, node, peer, bytes(450)) == port.public


@BOTH
def test_nothing_escapes_by_what_the_datapath_has_cached(
    open_gateway: Gateway, port: OpenListener
) -> None:
    node, another = PEERS[port]
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as inside,
        closing(open_gateway.peer(node)) as peer,
        closing(open_gateway.peer(another)) as other,
    ):
        source = tell(inside, another, other)  # of no size that matters
        tell(other, source, inside)
        tell(inside, another, other)
        with open_gateway.bench.stale_datapath():
            inside.sendto(bytes(100), (str(node.address), node.port))
            _, first = open_gateway.punted(Kind.FIRST_DATAGRAM)
            watched = replace(port, watched=WATCHED)
            open_gateway.switch.carry_out([watched, sent_on(first, Realm.INSIDE)])
            assert peer.recv(2000) == bytes(100)
            tell(peer, port.public, inside)
            inside.sendto(bytes(450), (str(node.address), node.port))
            _, packet = open_gateway.punted(Kind.LISTENER)
            assert packet.payload == bytes(450)


@BOTH
@pytest.mark.parametrize("known", [True, False])
def test_the_answer_to_what_was_sent_on_is_punted_once(
    open_gateway: Gateway, port: OpenListener, known: bool
) -> None:
    open_gateway.do(replace(port, watched=WATCHED))
    node, _ = PEERS[port]
    with (
        closing(open_gateway.inside(port, socket.SOCK_DGRAM)) as inside,
        closing(open_gateway.peer(node)) as peer,
    ):
        if known:
            tell(inside, node, peer)
            for _ in range(3):
                tell(peer, port.public, inside, b"cached")
        inside.sendto(bytes(450), (str(node.address), node.port))
        _, question = open_gateway.punted(Kind.LISTENER)
        # Without a barrier, and without waiting for the datapath: the answer comes at once.
        open_gateway.switch.carry_out([sent_on(question, Realm.INSIDE, answered=True)])
        assert peer.recv(2000) == bytes(450)
        for turn in range(2):
            peer.sendto(b"answer", (str(port.public.address), port.public.port))
            found, answer = open_gateway.punted(Kind.LISTENER)
            assert (found.realm, answer.payload) == (Realm.OUTSIDE, b"answer")
            assert at(str(ip_address(answer.dst)), answer.dport) == port.inside
            back = replace(
                sent_on(answer, Realm.OUTSIDE).datagram,
                dst=port.public.address.packed,
                dport=port.public.port,
            )
            again = turn == 0
            open_gateway.switch.carry_out([PassDatagram(back, Realm.OUTSIDE, answered=again)])
            data, source = inside.recvfrom(100)
            assert (data, at(source[0], source[1])) == (b"answer", node)
        for _ in range(3):
            assert tell(peer, port.public, inside, b"ordinary") == node
        assert open_gateway.unpunted()


def test_the_outbound_policy_counts(gateway: Bench, controller: OpenFlowClient) -> None:
    plan = replace(SWARM, outbound_default=False, outbound=())
    install(gateway, plan)
    switch = Switch(plan, PORTS, controller.send, lambda: 1, Media())
    bench = Gateway(gateway, controller, switch)
    bench.do(replace(NAT, watched=WATCHED))
    node, _ = PEERS[NAT]
    with (
        closing(bench.inside(NAT, socket.SOCK_DGRAM)) as inside,
        closing(bench.peer(node)) as peer,
    ):
        peer.settimeout(0.5)
        inside.sendto(b"x", (str(node.address), node.port))
        with pytest.raises(TimeoutError):
            peer.recv(10)
        peer.settimeout(PATIENCE)


HAIRPINS = pytest.mark.parametrize(
    ("host", "address", "seen"),
    [
        ("lan", "192.168.10.3", "203.0.113.2"),
        ("dmz", "192.168.20.2", "203.0.113.1"),
        ("plain", "198.51.100.2", "198.51.100.2"),
    ],
)


@HAIRPINS
def test_an_inside_host_connects_by_the_public_port(
    open_gateway: Gateway, host: str, address: str, seen: str
) -> None:
    public = str(NAT.public.address), NAT.public.port
    other = open_gateway.bench.hosts[host]
    with closing(open_gateway.inside(NAT, socket.SOCK_STREAM)) as waiting:
        open_gateway.do(NAT)
        with pytest.raises(TimeoutError):
            other.connect(*public, (address, 0), timeout=0.5)
        open_gateway.do(replace(NAT, admits=True))
        with closing(other.connect(*public, (address, 0))) as peer:
            accepted, (source, _) = waiting.accept()
            with closing(accepted):
                assert source == seen
                peer.sendall(b"question")
                assert accepted.recv(10) == b"question"
                accepted.sendall(b"answer")
                assert peer.recv(10) == b"answer"


@HAIRPINS
def test_an_inside_host_sends_to_the_public_port(
    open_gateway: Gateway, host: str, address: str, seen: str
) -> None:
    other = open_gateway.bench.hosts[host]
    with (
        closing(open_gateway.inside(NAT, socket.SOCK_DGRAM)) as waiting,
        closing(other.listen(address, 6881, socket.SOCK_DGRAM)) as peer,
    ):
        open_gateway.do(replace(NAT, admits=True))
        for _ in range(3):
            source = tell(peer, NAT.public, waiting)
            assert str(source.address) == seen
        for _ in range(3):
            assert tell(waiting, source, peer) == NAT.public
            assert tell(peer, NAT.public, waiting) == source


@pytest.mark.parametrize(
    ("host", "group", "drop"),
    [
        ("lan", "239.192.152.143", "table=0,ip,nw_dst=224.0.0.0/3"),
        ("wan", "239.192.152.143", "table=0,ip,nw_dst=224.0.0.0/3"),
        ("plain", "ff15::efc0:988f", "table=0,ipv6,ipv6_dst=ff00::/8"),
        ("wan", "ff15::efc0:988f", "table=0,ipv6,ipv6_dst=ff00::/8"),
    ],
)
def test_local_service_discovery_does_not_cross(
    open_gateway: Gateway, host: str, group: str, drop: str
) -> None:
    open_gateway.do(replace(NAT, admits=True), replace(IPV6, id=8, admits=True))
    before = open_gateway.bench.packets(drop)
    sender = open_gateway.bench.hosts[host]
    port = 6771  # BEP 14

    def announce() -> None:
        family = socket.AF_INET6 if ":" in group else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as announcing:
            announcing.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
            if family == socket.AF_INET6:
                announcing.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 10)
            else:
                announcing.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 10)
            announcing.sendto(b"BT-SEARCH * HTTP/1.1\r\n", (group, port))

    sender.inside(announce)
    wait_until(lambda: open_gateway.bench.packets(drop) > before)
