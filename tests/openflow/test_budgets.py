"""A flood uses up its own budget, in a real switch, and nobody else's."""

from __future__ import annotations

import time
from contextlib import closing
from ipaddress import ip_address

import pytest

from ryu_alg import packets
from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.openflow import packet_in
from ryu_alg.openflow.cookies import Kind, parse
from ryu_alg.openflow.greedy import LASTS, Held
from ryu_alg.openflow.known_hosts import KnownHosts
from ryu_alg.openflow.messages import MessageType
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.render import Meter
from tests.openflow.bench import BRIDGE, Bench, Host, OpenFlowClient
from tests.openflow.conftest import PORTS, VOICE
from tests.openflow.frames import SYN, tcp_frame

pytestmark = pytest.mark.lab

ACK = 16
FEW = 5
"""Packets that a meter lets through at once; then one more each fifth of a second."""
FLOOD = 100
"""No more than the switch reads at once: what overflows its socket would be lost for nothing."""
OTHERS = 50
SERVER, STRANGER = "203.0.113.50", "203.0.113.99"
PUBLIC, SERVICE = "203.0.113.1", "203.0.113.2"


@pytest.fixture(scope="module")
def plan() -> PipelinePlan:
    """Every test here has a gateway for UDP, too."""
    return VOICE


def restrict(gateway: Bench, name: str, *meters: Meter) -> None:
    for meter in meters:
        band = f"type=drop,rate={FEW},burst_size={FEW}"
        number = meter.of(PORTS[name])
        gateway.ofctl("mod-meter", BRIDGE, f"meter={number},pktps,burst,band={band}")


def syn(host: Host, source: str, target: str, port: int) -> bytes:
    return tcp_frame(host, source, target, (port, 21), SYN)


def datagram(host: Host, source: str, port: int = 5060) -> bytes:
    """To what stands for a telephone inside."""
    return packets.build_udp(
        eth_src=bytes.fromhex(host.mac.replace(":", "")),
        eth_dst=bytes.fromhex("02a160000001"),
        src=ip_address(source).packed,
        dst=ip_address(PUBLIC).packed,
        sport=port,
        dport=50_000,
        payload=b"OPTIONS",
    )


def send(host: Host, *frames: bytes) -> None:
    with closing(host.raw()) as raw:
        for frame in frames:
            raw.send(frame)


def arrived(controller: OpenFlowClient) -> list[tuple[str, int]]:
    """The sources of all that was punted, in any order, once nothing more comes."""
    found = []
    while True:
        message = controller.next(
            MessageType.PACKET_IN,
            0.5,
            lambda m: (
                (parse(packet_in.decode(m).cookie) or (None,))[0] in (Kind.PUNT, Kind.DATAGRAM)
            ),
        )
        if message is None:
            return found
        packet = packets.decode(packet_in.decode(message).frame)
        assert not isinstance(packet, packets.Malformed)
        found.append((str(ip_address(packet.src)), packet.sport))


def test_syns_leave_the_budget_of_connections_alone(
    gateway: Bench, controller: OpenFlowClient
) -> None:
    wan = gateway.hosts["wan"]
    restrict(gateway, "wan", Meter.FIRST)
    flood = [syn(wan, STRANGER, PUBLIC, 10_000 + number) for number in range(FLOOD)]
    answers = [
        tcp_frame(wan, SERVER, PUBLIC, (21, 49_152 + number), ACK) for number in range(OTHERS)
    ]
    send(wan, *flood, *answers)
    sources = [source for source, _ in arrived(controller)]
    assert sources.count(SERVER) == len(answers)
    assert FEW <= sources.count(STRANGER) < FLOOD / 2


def test_a_flood_on_one_port_leaves_the_others_served(
    gateway: Bench, controller: OpenFlowClient
) -> None:
    wan, lan = gateway.hosts["wan"], gateway.hosts["lan"]
    restrict(gateway, "wan", Meter.FIRST, Meter.KNOWN)
    send(wan, *(syn(wan, STRANGER, PUBLIC, 10_000 + number) for number in range(FLOOD)))
    send(lan, *(syn(lan, "192.168.10.2", SERVER, 3000 + number) for number in range(OTHERS)))
    sources = [source for source, _ in arrived(controller)]
    assert sources.count("192.168.10.2") == OTHERS
    assert FEW <= sources.count(STRANGER) < FLOOD / 2


def test_datagrams_of_known_hosts_have_a_budget_of_their_own(
    gateway: Bench, controller: OpenFlowClient
) -> None:
    wan = gateway.hosts["wan"]
    restrict(gateway, "wan", Meter.FIRST)
    gateway.load(KnownHosts(VOICE.networks).met(ip_address(SERVER).packed, 0.0))
    flood = [datagram(wan, STRANGER, 10_000 + number) for number in range(FLOOD)]
    send(wan, *flood, *([datagram(wan, SERVER)] * OTHERS))
    sources = [source for source, _ in arrived(controller)]
    assert sources.count(SERVER) == OTHERS
    assert FEW <= sources.count(STRANGER) < FLOOD / 2


def test_what_is_held_down_leaves_room_for_others(
    gateway: Bench, controller: OpenFlowClient
) -> None:
    wan = gateway.hosts["wan"]
    restrict(gateway, "wan", Meter.GREEDY)
    greedy, public = Endpoint(ip_address(SERVER), 21), Endpoint(ip_address(PUBLIC), 49_152)
    gateway.load([Held(PORTS["wan"], Transport.TCP, greedy, public).flow])
    flood = [tcp_frame(wan, SERVER, PUBLIC, (21, 49_152), ACK)] * FLOOD
    others = [tcp_frame(wan, SERVER, PUBLIC, (2121, 49_153), ACK)] * OTHERS
    send(wan, *flood, *others)
    ports = [port for _, port in arrived(controller)]
    assert ports.count(2121) == OTHERS
    assert FEW <= ports.count(21) < FLOOD / 2


def test_what_goes_on_stays_held_down(gateway: Bench, controller: OpenFlowClient) -> None:
    """What the flow's meter drops is something that comes, too."""
    wan = gateway.hosts["wan"]
    restrict(gateway, "wan", Meter.GREEDY)
    greedy, public = Endpoint(ip_address(SERVER), 21), Endpoint(ip_address(PUBLIC), 49_152)
    flow = Held(PORTS["wan"], Transport.TCP, greedy, public).flow
    idle = f"idle_timeout={LASTS}"
    assert idle in flow
    gateway.load([flow.replace(idle, "idle_timeout=2")])

    def held() -> bool:
        return "priority=350" in gateway.ofctl("dump-flows", BRIDGE, "table=15")

    over = time.monotonic() + 5
    while time.monotonic() < over:
        send(wan, *[tcp_frame(wan, SERVER, PUBLIC, (21, 49_152), ACK)] * FEW)
        assert held()
        time.sleep(0.1)
    over = time.monotonic() + 15
    while held():
        assert time.monotonic() < over
        time.sleep(0.1)
