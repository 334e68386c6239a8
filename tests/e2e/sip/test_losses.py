"""Messages that are lost, come twice, or are never answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.e2e.sip.calls import OUT, OUT_OVER_PROXY, MakeSipp
from tests.e2e.sip.conftest import MODES
from tests.e2e.sip.gateways import Gateways
from tests.e2e.sip.proxy import Proxy
from tests.e2e.sip.relay import LossyRelay
from tests.e2e.sip.sites import CAROL, OUTSIDER, PROXY

pytestmark = pytest.mark.usefixtures("gateways")
CALLS = 30


@pytest.fixture(scope="module", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def relay(lab: Lab) -> Iterator[LossyRelay]:
    """In front of carol, on another host."""
    relay = LossyRelay(lab.host("outsider"), OUTSIDER, (CAROL, 5060), lost=0.2, repeated=0.1)
    yield relay
    relay.stop()


def test_every_fifth_message_is_lost(sipp: MakeSipp, relay: LossyRelay, gateways: Gateways) -> None:
    """The callee is where the relay is, as far as the caller and the gateway know."""
    callee = sipp(
        *OUT.callee,
        "uas",
        calls=CALLS,
        replace={"sip:callee@[local_ip]:[local_port]": f"sip:callee@{OUTSIDER}:5060"},
        # It sees calls end that the caller has ended before it knew of an answer.
        options=("-max_retrans", "10"),
    ).start()
    sipp(
        *OUT.caller,
        "uac",
        remote=f"{OUTSIDER}:5060",
        service="carol",
        calls=CALLS,
        options=("-d", "200", "-max_retrans", "10"),
    ).run()
    callee.wait()
    assert relay.dropped > CALLS / 2 and relay.repeated > CALLS / 10
    gateways.wait_empty()


@pytest.fixture
def mortal_proxy(lab: Lab, tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(lab.host("proxy"), tmp_path, PROXY)
    yield proxy
    proxy.stop()


def test_the_proxy_dies_while_it_rings(
    sipp: MakeSipp, mortal_proxy: Proxy, gateways: Gateways
) -> None:
    """The caller is told so, or tries in vain; in the end nothing is left."""
    route = OUT_OVER_PROXY
    sipp(
        *route.callee,
        "register",
        remote=route.target,
        service="carol",
        keys={"contact": "udp", "expires": "300"},
    ).run()
    callee = sipp(*route.callee, "uas-rings").start()
    caller = sipp(*route.caller, "uac", remote=route.target, service="carol").start()
    caller.wait_message("180 Ringing")
    mortal_proxy.kill()
    with pytest.raises(AssertionError):
        caller.wait()
    callee.stop()
    gateways.wait_empty()
