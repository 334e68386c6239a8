"""The neighbour table finds real hosts' MAC addresses through a real switch."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from typing import assert_never

import pytest

from ryu_alg.openflow.actions import compile_actions
from ryu_alg.openflow.cookies import Kind, parse
from ryu_alg.openflow.flowtext import Command, flow_mod
from ryu_alg.openflow.messages import MessageType, packet_out
from ryu_alg.openflow.neighbours import InstallFlow, Neighbours, RemoveFlow, SendFrame, links
from ryu_alg.openflow.packet_in import decode
from ryu_alg.openflow.plan import PipelinePlan
from tests.openflow.bench import Bench, wait_until
from tests.openflow.conftest import PORTS, neighbour_flows

pytestmark = pytest.mark.lab


@pytest.fixture
def served(gateway: Bench, plan: PipelinePlan) -> Iterator[Neighbours]:
    """The gateway without a known neighbour, and a thread that looks after them."""
    for flow in neighbour_flows(gateway):
        gateway.ofctl("--strict", "del-flows", "gw", flow.split(" actions=")[0])
    for host in gateway.hosts.values():
        host.sh("ip", "neigh", "flush", "all")
    client = gateway.client()
    client.send(struct.pack("!BBHIHH", 4, 9, 12, 0, 0, 0xFFFF))
    client.settle()
    table = Neighbours(links(plan, PORTS), plan.mac)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            message = client.next(MessageType.PACKET_IN, timeout=0.05)
            now = time.monotonic()
            commands = table.tick(now)
            if message is not None:
                received = decode(message)
                kind, number = parse(received.cookie) or (None, 0)
                if kind is Kind.NEIGHBOUR:
                    commands += table.frame_arrived(number, received.frame, now)
                elif kind is Kind.NEIGHBOUR_MISS and received.next_hop is not None:
                    commands += table.packet_waits(
                        received.network, received.next_hop, received.frame, now
                    )
            for command in commands:
                match command:
                    case InstallFlow(text):
                        client.send(flow_mod(text))
                    case RemoveFlow(text):
                        client.send(flow_mod(text, Command.DELETE_STRICT))
                    case SendFrame(port, frame):
                        client.send(packet_out(frame, compile_actions(f"output:{port}")))
                    case _:
                        assert_never(command)

    thread = threading.Thread(target=serve)
    thread.start()
    yield table
    over.set()
    thread.join()
    client.close()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("lan", "192.0.2.1"),
        ("lan", "203.0.113.50"),
        ("lan", "192.168.20.2"),
        ("plain", "2001:db8:1::fe"),
        ("plain", "2001:db8:ffff::1"),
    ],
)
def test_the_first_packet_arrives(
    gateway: Bench, served: Neighbours, name: str, target: str
) -> None:
    assert gateway.hosts[name].ping(target)
    assert gateway.hosts[name].ping(target)


def test_a_host_that_is_not_there_costs_three_questions(gateway: Bench, served: Neighbours) -> None:
    assert not gateway.hosts["lan"].ping("192.168.20.99", timeout=1)
    wait_until(lambda: all(known.mac for known in list(served._neighbours.values())))
    assert [flow for flow in served.flows() if "reg2=2" in flow] == []
