"""One lab for the SIP tests. Whatever the switches send in any of them is parsed by tshark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e.sip.capture import Capture
from tests.e2e.sip.gateways import Gateways
from tests.e2e.sip.proxy import Proxy
from tests.e2e.sip.sipp import Sipp
from tests.e2e.sip.sites import PROXY

MODES = ("transparent", "b2bua")
StartGateways = Callable[..., Gateways]
MakeSipp = Callable[..., Sipp]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this test process: two sites, and a network between them."""
    with Lab.up("sip", f"sip{os.getpid()}") as lab:
        yield lab


@pytest.fixture(scope="module")
def mode() -> str:
    """How SIP goes through the gateways; modules that try both have a fixture of their own."""
    return "transparent"


@pytest.fixture(scope="module", autouse=True)
def capture(lab: Lab, mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capture]:
    """What the switches send while a module's tests run; nothing of it may be malformed."""
    capture = Capture(lab, tmp_path_factory.mktemp(f"capture-{mode}"))
    yield capture
    capture.stop()
    assert capture.complaints() == []


@pytest.fixture(scope="module")
def start_gateways(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Gateways]]:
    """Starts both gateways with options of SIP, in place of the module's before."""
    running: list[Gateways] = []

    def start(options: dict[str, Any], **sections: Any) -> Gateways:
        while running:
            running.pop().stop()
        lab.appctl("dpctl/flush-conntrack")
        running.append(Gateways(lab, tmp_path_factory.mktemp("gateways"), options, **sections))
        return running[0]

    yield start
    while running:
        running.pop().stop()


@pytest.fixture(scope="module")
def gateways(start_gateways: StartGateways, mode: str) -> Iterator[Gateways]:
    """Both gateways. In the end, nothing of any call is left in them."""
    gateways = start_gateways({"mode": mode})
    yield gateways
    gateways.wait_empty()


@pytest.fixture(scope="module")
def proxy(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """kamailio, outside."""
    proxy = Proxy(lab.host("proxy"), tmp_path_factory.mktemp("proxy"), PROXY)
    yield proxy
    proxy.stop()


@pytest.fixture
def sipp(lab: Lab, tmp_path: Path) -> Iterator[MakeSipp]:
    """Makes a sipp on a host; what still runs after the test is ended."""
    made: list[Sipp] = []

    def make(host: str, address: str, scenario: str, **more: Any) -> Sipp:
        directory = tmp_path / f"{len(made)}-{host}-{scenario}"
        made.append(Sipp(lab.host(host), directory, address, scenario, **more))
        return made[-1]

    yield make
    for it in made:
        it.stop()
