"""Short floods of each kind: whoever means no harm notices nothing, and nothing is left.

What they cost is measured by `python -m tests.bench.floods`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.bench.calls import callee
from tests.bench.floods.measure import said
from tests.bench.floods.site import (
    FLOODS,
    SERVER,
    Attack,
    Flood,
    Users,
    configuration,
    silent,
)
from tests.e2e import servers
from tests.e2e.conftest import StartGateway
from tests.e2e.gateway import SCRIPTED_PORT, RunningGateway
from tests.e2e.servers import FtpServer

SECONDS = 2.0
RATES = {"ftp": 5.0, "sip": 5.0}
SHORT = {"time_wait": "4s", "session_setup": "4s", "datagram_idle": "4s", "data_idle": "4s"}
"""Soon enough to wait until nothing is left."""


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """With SIP, which is published too."""
    config = configuration(timers=SHORT)
    config["protocols"]["ftp"]["ports"].append(SCRIPTED_PORT)
    return start_gateway(config)


@pytest.fixture(scope="module", autouse=True)
def site(
    lab: Lab,
    gateway: RunningGateway,
    ftp_servers: dict[tuple[str, str], FtpServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """The users' servers, and who says nothing to floods."""
    directory: Path = tmp_path_factory.mktemp("floods")
    # Above every port that gateways deny by default.
    ftp = servers.vsftpd(lab.host("server"), directory / "ftp", SCRIPTED_PORT)
    try:
        with (
            callee(lab.host("server"), SERVER, directory, "-set", "at_once", "true"),
            silent(lab),
        ):
            yield
    finally:
        ftp.stop()


@pytest.mark.parametrize("flood", FLOODS, ids=lambda it: it.name)
def test_flood(lab: Lab, gateway: RunningGateway, flood: Flood) -> None:
    """Every transaction of the users succeeds, the switch stays connected, the flood shows."""
    before = said(lab, gateway)
    with Attack(lab, flood, 1.5 * SECONDS) as attack:
        outcomes = Users(lab, SECONDS, RATES, SCRIPTED_PORT).outcomes()
        sent = attack.over().sent
    came = said(lab, gateway).since(before)
    for kind, outcome in outcomes.items():
        assert outcome.failures == [], kind
        assert outcome.durations, kind
    assert came.events.get("switch.disconnected", 0) == 0
    assert came.echo_lost == 0
    assert sent > 0
    # A meter has dropped some, or what comes through counts.
    assert came.meters or came.events.get("ftp.rewritten", 0) > 50, came


def test_no_pinhole_is_left(gateway: RunningGateway) -> None:
    """What was announced ends with its session, or unused."""
    gateway.wait_for(lambda: not gateway.pinholes(), "no pinhole to be left", 60)
