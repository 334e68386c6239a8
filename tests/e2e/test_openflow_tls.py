"""How Open vSwitch itself connects: over TLS, with certificates on both sides, and else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import GATEWAY, Lab
from tests.certificates import Authority, Identity
from tests.e2e.conftest import StartGateway
from tests.e2e.dialogue import Client
from tests.e2e.gateway import RunningGateway, configuration
from tests.e2e.servers import SMALL, FtpServer
from tests.e2e.situations import NAT

BRIDGE = "br-alg"
TARGET = "ssl:127.0.0.1:6653"
ELSEWHERE = "192.0.2.9"
"""Of the gateway's machine, and not loopback."""


class Switch:
    """The lab's switch, and what it shows to its controller."""

    def __init__(self, lab: Lab, controllers: Authority) -> None:
        self._lab, self._controllers = lab, controllers

    def connect(self, own: Identity) -> None:
        """Begin again, with this certificate."""
        ca = self._controllers.certificate
        self._lab.ovs_vsctl("del-controller", BRIDGE)
        self._lab.ovs_vsctl("set-ssl", str(own.key), str(own.certificate), str(ca))
        self.set_controller(TARGET)

    def as_before(self) -> None:
        target = self._lab.topology.bridges[BRIDGE].controller
        assert target is not None
        self.set_controller(target)
        self._lab.ovs_vsctl("del-ssl")

    def set_controller(self, target: str) -> None:
        settings = ("connection_mode=out-of-band", "inactivity_probe=5000", "max_backoff=1000")
        change = ("--", "set", "controller", BRIDGE, *settings)
        self._lab.ovs_vsctl("set-controller", BRIDGE, target, *change)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def switches(files: Path) -> Authority:
    return Authority(files, "switches")


@pytest.fixture(scope="module")
def own(switches: Authority) -> Identity:
    """The switch's."""
    return switches.sign("switch")


@pytest.fixture(scope="module")
def controllers(files: Path) -> Authority:
    return Authority(files, "controllers")


@pytest.fixture(scope="module")
def switch(lab: Lab, controllers: Authority) -> Iterator[Switch]:
    switch = Switch(lab, controllers)
    yield switch
    switch.as_before()


@pytest.fixture(scope="module")
def gateway(
    switch: Switch,
    own: Identity,
    switches: Authority,
    controllers: Authority,
    start_gateway: StartGateway,
) -> RunningGateway:
    switch.connect(own)
    it = controllers.sign("gateway")
    tls = {"certificate": it.certificate, "private_key": it.key, "ca": switches.certificate}
    return start_gateway(
        configuration(openflow={"tls": {name: str(file) for name, file in tls.items()}})
    )


def transfer(lab: Lab) -> None:
    """Active and passive, through NAT."""
    with Client(lab.host("client"), NAT.address, 21) as client, client.listen() as listener:
        assert client.retrieve_from(client.ask(b"PASV\r\n").endpoint(client.peer)) == SMALL
        host, port = listener.getsockname()
        assert client.ask(f"EPRT |1|{host}|{port}|\r\n".encode()).code == 200
        assert client.retrieve(listener) == SMALL


def test_a_transfer(
    lab: Lab, gateway: RunningGateway, ftp_servers: dict[tuple[str, str], FtpServer]
) -> None:
    transfer(lab)
    status, said = gateway.doctor("--audit")
    assert status == 0, said
    (check,) = [check for check in said["checks"] if check["name"] == "transport"]
    assert check["outcome"] == "ok" and "TLS" in check["detail"]


def test_another_authority_and_back(
    lab: Lab,
    gateway: RunningGateway,
    switch: Switch,
    own: Identity,
    files: Path,
    ftp_servers: dict[tuple[str, str], FtpServer],
) -> None:
    """A switch with a certificate of another authority is refused, and shown; the right one
    is served again, sessions and all."""
    with Client(lab.host("client"), NAT.address, 21) as client:
        before = gateway.last_event()
        switch.connect(Authority(files / "other", "switches").sign("switch"))
        gateway.wait_event("switch.disconnected", before)
        refused = gateway.wait_event("switch.tls_refused", before)
        assert "certificate is not accepted" in refused["detail"]
        assert gateway.events(before, "switch.connected") == []
        assert not gateway.status()["connected"]

        switch.connect(own)
        gateway.wait_event("switch.ready", before)
        assert client.ask(b"NOOP\r\n").code == 200
    transfer(lab)


def test_the_controller_comes_back(
    lab: Lab, gateway: RunningGateway, ftp_servers: dict[tuple[str, str], FtpServer]
) -> None:
    gateway.kill()
    gateway.start()
    transfer(lab)


def test_a_switch_that_would_forward_everything_is_not_served(
    lab: Lab, gateway: RunningGateway, switch: Switch, own: Identity
) -> None:
    before = gateway.last_event()
    lab.ovs_vsctl("set-fail-mode", BRIDGE, "standalone")
    try:
        switch.connect(own)
        told = gateway.wait_event("switch.not_secure", before)
        assert "set-fail-mode" in told["detail"]
        assert gateway.events(before, "switch.connected") == []
        assert not gateway.status()["connected"]
    finally:
        lab.ovs_vsctl("set-fail-mode", BRIDGE, "secure")
    gateway.wait_event("switch.ready", before)


def test_plain_tcp_to_elsewhere_is_told(
    lab: Lab, switch: Switch, start_gateway: StartGateway
) -> None:
    """It has to be configured on both sides, and stays visible."""
    lab.host(GATEWAY).run(["ip", "address", "add", f"{ELSEWHERE}/32", "dev", "lo"], check=True)
    switch.set_controller(f"tcp:{ELSEWHERE}:6653")
    gateway = start_gateway(configuration(openflow={"bind": ELSEWHERE}))
    assert gateway.wait_event("switch.exposed")["detail"].startswith(ELSEWHERE)
    _, said = gateway.doctor()
    (check,) = [check for check in said["checks"] if check["name"] == "transport"]
    assert check["outcome"] == "note" and f"ssl:{ELSEWHERE}:6653" in check["remedy"]
