"""Applications of Ryu's own in the same process: all get what they got without the gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ryu_alg.lab import Lab
from ryu_alg.openflow.cookies import EVERY_ID, Kind, cookie
from tests.e2e.dialogue import Client, port_command
from tests.e2e.gateway import RunningGateway, configuration
from tests.e2e.servers import SMALL

DATAPATH = "1"
LAN_PORT = "lan"


@pytest.fixture(scope="module")
def gateway(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Beside a learning switch that logs counters, and Ryu's REST endpoint for switches."""
    lab.appctl("dpctl/flush-conntrack")
    applications = ("ryu.app.simple_monitor_13", "ryu.app.ofctl_rest")
    directory = tmp_path_factory.mktemp("gateway")
    gateway = RunningGateway(lab, directory, configuration(), applications=applications)
    gateway.start()
    yield gateway
    gateway.audit()
    gateway.stop()


@pytest.fixture(autouse=True)
def ftp_beside(client: Client) -> Iterator[None]:
    """A session whose PORT is rewritten, and whose data connection comes in afterwards."""
    with client.listen() as listener:
        assert client.ask(port_command(listener.getsockname())).code == 200
        yield
        assert client.retrieve(listener) == SMALL


def stats(gateway: RunningGateway, what: str, body: Any = None) -> Any:
    """What Ryu's REST endpoint says of the switch."""
    method = "GET" if body is None else "POST"
    status, answer = gateway.request(method, f"{what}/{DATAPATH}", "/stats", body)
    assert status == 200, answer
    return answer[DATAPATH]


def test_counters_of_flows_over_rest(gateway: RunningGateway) -> None:
    """Beside those that the gateway asks for itself. All flows would be too much for Ryu, which
    cannot write all actions as JSON."""
    gateway.status()
    (all_flows,) = stats(gateway, "aggregateflow")
    assert all_flows["flow_count"] > 100 and all_flows["packet_count"] > 0
    dropped = stats(gateway, "flow", {"cookie": cookie(Kind.DROP), "cookie_mask": EVERY_ID})
    assert len({flow["table_id"] for flow in dropped}) > 3
    assert {flow["cookie"] >> 40 for flow in dropped} == {cookie(Kind.DROP) >> 40}


def test_descriptions_over_rest(gateway: RunningGateway) -> None:
    assert stats(gateway, "desc")["hw_desc"] == "Open vSwitch"
    ports = {port["name"] for port in stats(gateway, "portdesc")}
    assert LAN_PORT in ports


def test_counters_of_ports_are_logged(gateway: RunningGateway) -> None:
    """By green threads that ask every ten seconds."""
    line = re.compile(r"^0{15}1 +[0-9a-f]+( +\d+){6}$", re.MULTILINE)
    gateway.wait_for(lambda: line.search(gateway.log.read_text()), "counters in the log", 60)
