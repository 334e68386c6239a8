"""The pipeline is put in place at once, and again, while traffic goes on."""

from __future__ import annotations

import struct
import subprocess
import threading
from dataclasses import replace
from ipaddress import ip_network

import pytest

from ryu_alg.inspection import Transport
from ryu_alg.openflow.bundle import installation
from ryu_alg.openflow.messages import MessageType
from ryu_alg.openflow.plan import InterceptedProtocol, MeterRates, PipelinePlan
from ryu_alg.openflow.render import meter_rates, render
from tests.openflow.bench import Bench, OpenFlowClient
from tests.openflow.conftest import PORTS, neighbour_flows

pytestmark = pytest.mark.lab

ONF, BUNDLE_CONTROL, COMMIT_REPLY = 0x4F4E_4600, 2300, 5


def is_commit_reply(received: bytes, xid: int) -> bool:
    """Whether a received message says that the bundle of `xid` is in place."""
    if len(received) < 24 or received[1] != MessageType.EXPERIMENTER:
        return False
    answered, experimenter, kind, _, control = struct.unpack_from("!4xIIIIH", received)
    return (answered, experimenter, kind, control) == (xid, ONF, BUNDLE_CONTROL, COMMIT_REPLY)


def put(client: OpenFlowClient, plan: PipelinePlan, xid: int, *more: str) -> None:
    sent = installation([*render(plan, PORTS), *more], meter_rates(plan), xid)
    client.send(*sent.meters, *sent.bundle)
    reply = client.next(MessageType.EXPERIMENTER, where=lambda m: is_commit_reply(m, xid))
    assert reply is not None


def test_a_bundle_replaces_every_flow(gateway: Bench, plan: PipelinePlan) -> None:
    expected = gateway.dump()
    gateway.load(["table=0,priority=7,in_port=9 actions=drop"])
    client = gateway.client()
    put(client, plan, 5, *neighbour_flows(gateway))
    assert gateway.dump() == expected
    client.close()


def test_meters_are_made_and_changed(gateway: Bench, plan: PipelinePlan) -> None:
    gateway.ofctl("del-meters", "gw")
    client = gateway.client()
    for rate in (100, 300):
        put(client, replace(plan, meters=MeterRates(rate, rate, rate, rate, rate)), rate)
        meters = gateway.ofctl("dump-meters", "gw")
        networks = len(plan.networks)
        assert meters.count(f"rate={rate} ") == len(meter_rates(plan)) - networks
        assert meters.count(f"rate={rate // 2} ") == networks
        assert gateway.dump("table=1,tcp"), "its flows are still there"
    client.close()


def test_a_bundle_that_fails_changes_nothing(gateway: Bench, plan: PipelinePlan) -> None:
    before = gateway.dump()
    client = gateway.client()
    sent = installation(["table=0,ip actions=meter:99,output:1"], meter_rates(plan), 6)
    client.send(*sent.meters, *sent.bundle)
    error = client.next(MessageType.ERROR, where=lambda m: m[4:8] == struct.pack("!I", 6))
    assert error is not None
    reply = client.next(
        MessageType.EXPERIMENTER, timeout=0.5, where=lambda m: is_commit_reply(m, 6)
    )
    assert reply is None
    assert gateway.dump() == before
    client.close()


def test_other_messages_are_no_commit_reply() -> None:
    assert not is_commit_reply(b"", 1)
    assert not is_commit_reply(struct.pack("!BBHI16x", 4, 4, 24, 1), 1)


def test_traffic_goes_on_and_nothing_else_gets_through(gateway: Bench, plan: PipelinePlan) -> None:
    """Allowed and forbidden packets, hundreds of them, while the pipeline is replaced."""
    plans = (
        plan,
        replace(plan, protocols=(*plan.protocols, _protocol("extra", 1, 9999))),
    )
    outputs: dict[str, str] = {}

    def flood(name: str, host: str, *command: str) -> None:
        done = subprocess.run(
            ["ip", "netns", "exec", gateway.hosts[host].namespace, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        outputs[name] = done.stdout + done.stderr

    ping = ("ping", "-n", "-q", "-i", "0.005", "-c", "600", "-W", "2")
    floods = [
        threading.Thread(target=flood, args=("allowed", "lan", *ping, "192.0.2.1")),
        threading.Thread(target=flood, args=("answered", "plain", *ping, "2001:db8:30::1")),
        threading.Thread(target=flood, args=("forbidden", "wan", *ping, "198.51.100.2")),
    ]
    for thread in floods:
        thread.start()
    client = gateway.client()
    xid = 100
    while any(thread.is_alive() for thread in floods):
        xid += 1
        put(client, plans[xid % 2], xid, *neighbour_flows(gateway))
    for thread in floods:
        thread.join()
    client.close()
    assert xid > 105
    assert "600 received" in outputs["allowed"]
    assert "600 received" in outputs["answered"]
    assert " 0 received" in outputs["forbidden"]


def _protocol(name: str, index: int, port: int) -> InterceptedProtocol:
    everywhere = (ip_network("0.0.0.0/0"),)
    return InterceptedProtocol(index, name, Transport.TCP, (port,), everywhere)
