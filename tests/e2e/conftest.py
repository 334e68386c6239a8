"""One lab for all of these tests; gateways and servers in it as each module wants them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e import servers
from tests.e2e.dialogue import Client, Server
from tests.e2e.gateway import (
    PUBLIC,
    SCRIPTED_PORT,
    SCRIPTED_PUBLIC_PORT,
    RunningGateway,
    configuration,
)
from tests.e2e.outsider import Outsider
from tests.e2e.servers import SMALL, FtpServer

StartGateway = Callable[..., RunningGateway]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Show with a failure what the gateways had to say: some failures come once in fifty runs."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if report.failed:
        for gateway in RunningGateway.running:
            report.sections.append(("a gateway", gateway.last_words()))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this test process."""
    with Lab.up("nat", f"e2e{os.getpid()}") as lab:
        yield lab


@pytest.fixture(scope="module")
def start_gateway(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[dict[str, Any]], RunningGateway]]:
    """Starts a gateway with a configuration, in place of the module's one before.

    Each is audited before it ends: no flow of its switch lets in what it should not.
    """
    running: list[RunningGateway] = []

    def end() -> None:
        while running:
            gateway = running.pop()
            try:
                gateway.audit()
            finally:
                gateway.stop()

    def start(config: dict[str, Any]) -> RunningGateway:
        end()
        lab.appctl("dpctl/flush-conntrack")
        gateway = RunningGateway(lab, tmp_path_factory.mktemp("gateway"), config)
        running.append(gateway)
        gateway.start()
        return gateway

    yield start
    end()


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """The gateway of config/lab.yaml."""
    return start_gateway(configuration())


@pytest.fixture(scope="session")
def ftp_servers(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], FtpServer]]:
    """vsftpd and pyftpdlib on each host that serves, by software and host.

    vsftpd opens active data connections from port 20, pyftpdlib from any.
    """
    base: Path = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        running = {}
        for name in ("server", "inserver", "plain"):
            host = lab.host(name)
            for kind, start in (("vsftpd", servers.vsftpd), ("pyftpdlib", servers.pyftpdlib)):
                running[kind, name] = start(host, base / f"{kind}-{name}")
                stack.callback(running[kind, name].stop)
        yield running


@pytest.fixture(scope="module")
def outsider(
    lab: Lab, gateway: RunningGateway, ftp_servers: dict[tuple[str, str], FtpServer]
) -> Iterator[Outsider]:
    """An outside host that is nobody's peer. None of its attempts may ever get anything."""
    outsider = Outsider(lab.host("outsider"), (PUBLIC, servers.VSFTPD_PORT))
    yield outsider
    answers = outsider.answers()
    outsider.close()
    assert answers == []


@pytest.fixture
def client(
    lab: Lab, gateway: RunningGateway, ftp_servers: dict[tuple[str, str], FtpServer]
) -> Iterator[Client]:
    """Inside behind NAT, talking to vsftpd outside."""
    with Client(lab.host("client"), "203.0.113.2", servers.VSFTPD_PORT) as client:
        yield client


@pytest.fixture
def nat_server(lab: Lab, gateway: RunningGateway) -> Iterator[Server]:
    """Outside, does as a test tells it."""
    with Server(lab.host("server"), "203.0.113.2", SCRIPTED_PORT, SMALL) as server:
        yield server


@pytest.fixture
def nat_client(lab: Lab, nat_server: Server) -> Iterator[Client]:
    """Inside behind NAT, talking to `nat_server`."""
    with Client(lab.host("client"), "203.0.113.2", SCRIPTED_PORT) as client:
        yield client


@pytest.fixture
def published_server(lab: Lab, gateway: RunningGateway) -> Iterator[Server]:
    """Inside and published, does as a test tells it."""
    with Server(lab.host("inserver"), "192.168.20.2", SCRIPTED_PORT, SMALL) as server:
        yield server


@pytest.fixture
def published_client(lab: Lab, published_server: Server) -> Iterator[Client]:
    """Outside, talking to `published_server`."""
    with Client(lab.host("server"), PUBLIC, SCRIPTED_PUBLIC_PORT) as client:
        yield client
