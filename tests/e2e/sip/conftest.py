"""One lab for the SIP tests, and one pair of gateways for each mode.

Whatever the switches send meanwhile is parsed by tshark, and in the end nothing of any call is
left in them: that takes a minute, so it is seen to once for all tests of a mode.
"""

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
from tests.e2e.sip.sites import PROXY, SITES

MakeSipp = Callable[..., Sipp]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this test process: two sites, and a network between them."""
    with Lab.up("sip", f"sip{os.getpid()}") as lab:
        for site in SITES:
            # Media between inside hosts are the switch's alone. Open vSwitch's own time-outs are
            # half a minute; a test cannot wait for those that the RFCs ask for.
            lab.ovs_vsctl("del-zone-tp", "netdev", f"zone={site.zone}")
        yield lab


@pytest.fixture(scope="session", params=["transparent", "b2bua"])
def mode(request: pytest.FixtureRequest) -> str:
    """How SIP goes through the gateways."""
    return str(request.param)


@pytest.fixture(scope="session")
def capture(lab: Lab, mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capture]:
    """What the switches send while these tests run; nothing of it may be malformed."""
    capture = Capture(lab, tmp_path_factory.mktemp(f"capture-{mode}"))
    yield capture
    capture.stop()
    assert capture.complaints() == []


@pytest.fixture(scope="session")
def gateways(
    lab: Lab, mode: str, capture: Capture, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateways]:
    """Both gateways. In the end, nothing of any call is left in them."""
    lab.appctl("dpctl/flush-conntrack")
    options = {"mode": mode, "b2bua": {"inside_names": ["*.inside.example"]}}
    gateways = Gateways(lab, tmp_path_factory.mktemp(f"gateways-{mode}"), options)
    try:
        yield gateways
        gateways.audit()
        gateways.wait_empty()
    finally:
        gateways.stop()


@pytest.fixture(scope="session")
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
