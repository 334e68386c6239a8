"""The first SYN of a data connection finds its pinhole: a few hundred of `make first-syns`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ryu_alg.lab import Lab
from tests.bench.first_syns.count import CONTROL_PORTS, HOSTS, measure, ways
from tests.bench.first_syns.counters import REPEATED
from tests.bench.first_syns.syns import SynCapture, count_apart
from tests.bench.first_syns.transfers import Way
from tests.e2e.dialogue import Client, port_command
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration
from tests.e2e.servers import SMALL, VSFTPD_PORT, FtpServer
from tests.e2e.situations import NAT


@pytest.fixture(scope="module")
def gateway(
    start_gateway: Callable[..., RunningGateway],
    ftp_servers: dict[tuple[str, str], FtpServer],
) -> RunningGateway:
    """vsftpd picks passive ports that gateways deny, now and then."""
    return start_gateway(configuration(denied_ports=[]))


def test_none_is_lost(lab: Lab, gateway: RunningGateway) -> None:
    """Passive and active, RETR behind the reply and in one segment with the command before it, by
    one client and by eight at once, from outside servers and from an inside one."""
    result = measure(lab, [(way, 24) for way in ways((1, 8))], per_session=3)
    assert result.failures == []
    assert (result.transfers, result.data.connections) == (384, 384)
    assert result.data.lost == ()


def test_one_that_is_lost_is_counted(lab: Lab, gateway: RunningGateway) -> None:
    """Dropped on its way to the gateway; its repetition comes when the flow is gone."""
    drop = "priority=100,hard_timeout=1,tcp,tp_src=20,tcp_flags=0x002/0x012,actions=drop"
    lab.ovs_ofctl("add-flow", "br-wan", drop)
    way = Way(NAT, active=True, pipelined=False, at_once=1)
    result = measure(lab, [(way, 1)], per_session=1)
    assert result.failures == []
    (lost,) = result.data.lost
    assert (lost.host, lost.source) == ("server", ("203.0.113.2", 20))
    assert result.data.repeated >= 1
    assert result.counters[REPEATED] == (result.data + result.control).repeats


def test_a_client_that_listens_on_one_port_again(client: Client) -> None:
    """The server connects from port 20 each time: to the client, these are the same ports."""
    port = 0
    for _ in range(3):
        with client.listen(port) as listener:
            port = listener.getsockname()[1]
            assert client.ask(port_command(listener.getsockname())).code == 200
            assert client.retrieve(listener) == SMALL


@pytest.mark.usefixtures("gateway")
def test_a_server_that_connects_to_one_port_again(lab: Lab) -> None:
    """A published one, from port 20: to the datapath as well, these are the same ports."""
    port = 0
    with (
        SynCapture([lab.host(name) for name in HOSTS]) as capture,
        Client(lab.host("server"), PUBLIC, VSFTPD_PORT) as client,
    ):
        for _ in range(60):
            with client.listen(port) as listener:
                port = listener.getsockname()[1]
                assert client.ask(port_command(listener.getsockname())).code == 200
                assert client.retrieve(listener) == SMALL
        data, _ = count_apart(capture.take(), CONTROL_PORTS)
    assert data.connections == 60
    assert data.lost == ()
