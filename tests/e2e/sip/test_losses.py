"""Messages that are lost, come twice, or are never answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from ryu_alg.lab import Lab
from tests.e2e.sip.agents import Callee, Caller
from tests.e2e.sip.calls import OUT_OVER_PROXY, MakeSipp
from tests.e2e.sip.proxy import Proxy
from tests.e2e.sip.relay import LossyRelay
from tests.e2e.sip.sites import ALICE, CAROL, OUTSIDER

pytestmark = pytest.mark.usefixtures("gateways")
CALLS = 100


@pytest.fixture
def relay(lab: Lab) -> Iterator[LossyRelay]:
    """In front of carol, on another host."""
    relay = LossyRelay(lab.host("outsider"), OUTSIDER, (CAROL, 5060), lost=0.2, repeated=0.1)
    yield relay
    relay.stop()


def test_every_fifth_message_is_lost(lab: Lab, relay: LossyRelay) -> None:
    """The callee is where the relay is, as far as the caller and the gateway know."""
    with (
        closing(Callee(lab.host("carol"), CAROL, f"{OUTSIDER}:5060")) as callee,
        closing(Caller(lab.host("alice"), ALICE)) as caller,
    ):
        caller.call((OUTSIDER, 5060), CALLS)
        assert len(caller.answered) == len(caller.done) == len(callee.ended) == CALLS
    assert relay.dropped > CALLS / 2 and relay.repeated > CALLS / 10


def test_the_proxy_dies_while_it_rings(sipp: MakeSipp, proxy: Proxy, mode: str) -> None:
    """The caller, who gives up, hears nothing more, or what the B2BUA makes of that. That nothing
    stays behind is seen to before the gateways end."""
    route = OUT_OVER_PROXY
    sipp(
        *route.callee,
        "register",
        remote=route.target,
        service="carol",
        keys={"contact": "udp", "expires": "300"},
    ).run()
    callee = sipp(*route.callee, "uas-rings").start()
    caller = sipp(
        *route.caller, "uac-cancel", remote=route.target, service="carol", timeout=45
    ).start()
    callee.wait_message("180 Ringing")
    proxy.kill()
    try:
        if mode == "b2bua":
            caller.wait()
        else:
            with pytest.raises(AssertionError):
                caller.wait()
    finally:
        proxy.start()
