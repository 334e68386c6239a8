"""sipp on both sides of the gateway, in both modes: calls, registrations, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.e2e.sip import audio
from tests.e2e.sip.calls import (
    BETWEEN_SITES,
    BOTH_INSIDE,
    IN,
    OUT,
    OUT_OVER_PROXY,
    ROUTES,
    MakeSipp,
    Route,
    call,
    registered,
)
from tests.e2e.sip.capture import Capture
from tests.e2e.sip.gateways import Gateways
from tests.e2e.sip.sipp import fresh_port
from tests.e2e.sip.sites import (
    ALICE,
    AMBER,
    EAST,
    INSIDE_PORTS,
    OUTSIDE_PORTS,
    PROXY,
    TIMERS,
)

pytestmark = pytest.mark.usefixtures("gateways", "proxy")

LONG = "x" * 2400
"""Makes a message of 3,000 bytes."""
NAME = "laptop.inside.example"
"""What nobody outside should hear of."""


def test_a_call_to_a_public_endpoint_of_another_inside_host(
    sipp: MakeSipp, gateways: Gateways, lab: Lab, tmp_path: Path
) -> None:
    """It turns around in the gateway; the audio goes directly."""
    with registered(sipp, BOTH_INSIDE), audio.echoed(lab.host("alice"), ALICE, tmp_path):
        (public,) = (
            binding["public"]
            for binding in gateways.east.get("bindings")["bindings"]
            if binding["inside"] == f"{AMBER}:5060"
        )
        callee = sipp(*BOTH_INSIDE.callee, "uas", options=("-rtp_echo",)).start()
        sipp(*BOTH_INSIDE.caller, "uac-audio", remote=public, service="amber").run()
        callee.wait()


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_registrations(sipp: MakeSipp, transport: str) -> None:
    port = fresh_port()
    sipp(
        *("alice", ALICE, "registrations"),
        remote=f"{PROXY}:5060",
        service="alice",
        transport=transport,
        port=port,
        replace={"OWN": ALICE.replace(".", r"\.") + f":{port}"},
    ).run()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_calls(sipp: MakeSipp, lab: Lab, tmp_path: Path, route: Route) -> None:
    """Registered where it takes a proxy, with audio that is heard and comes back."""
    host, address = route.caller
    with audio.echoed(lab.host(host), address, tmp_path):
        call(sipp, route, "uac-audio")


@pytest.mark.parametrize("route", [OUT, IN, BETWEEN_SITES], ids=lambda route: route.name)
def test_the_callee_hangs_up(sipp: MakeSipp, route: Route) -> None:
    call(sipp, route, "uac-ended", "uas-ends", calls=3, callee_options=("-d", "200"))


@pytest.mark.parametrize("route", [OUT, IN, BETWEEN_SITES], ids=lambda route: route.name)
def test_the_caller_gives_up(sipp: MakeSipp, route: Route) -> None:
    call(sipp, route, "uac-cancel", "uas-cancel", calls=3)


@pytest.mark.parametrize("route", [OUT_OVER_PROXY, IN, BETWEEN_SITES], ids=lambda route: route.name)
def test_hold_and_resume(sipp: MakeSipp, route: Route) -> None:
    call(sipp, route, "uac-hold", "uas-hold", calls=3)


@pytest.mark.parametrize("route", [OUT, OUT_OVER_PROXY], ids=lambda route: route.name)
def test_calls_over_tcp(sipp: MakeSipp, route: Route) -> None:
    call(sipp, route, calls=3, transport="t1")


def test_a_call_to_a_registered_host_over_tcp(sipp: MakeSipp) -> None:
    """It comes over the connection that the host registered with (RFC 5626)."""
    callee = sipp(
        *("alice", ALICE, "registered"),
        remote=f"{PROXY}:5060",
        service="alice",
        transport="t1",
        port=fresh_port(),
        answers="uas",
        options=("-d", "3000"),
    ).start()
    callee.wait_message("SIP/2.0 200")
    sipp(
        *(*IN.caller, "uac"),
        remote=IN.target,
        service="alice",
        transport="t1",
        port=fresh_port(),
        options=("-d", "200"),
    ).run()
    callee.wait()


@pytest.mark.parametrize("route", [OUT, IN], ids=lambda route: route.name)
def test_messages_in_fragments(sipp: MakeSipp, capture: Capture, route: Route) -> None:
    long = {
        "Content-Type: application/sdp": f"Subject: {LONG}\n      Content-Type: application/sdp"
    }
    call(sipp, route, calls=2, replace=long)


def test_quiet_calls_last(sipp: MakeSipp, gateways: Gateways) -> None:
    """No audio, and no signalling for longer than an idle UDP binding is kept."""
    seconds = 3 * int(TIMERS["datagram_idle"].rstrip("s"))
    call(
        *(sipp, IN, "uac-ended", "uas-ends"),
        caller_options=(),
        callee_options=("-d", str(1000 * seconds)),
    )


def test_media_of_both_inside_go_directly(
    sipp: MakeSipp, gateways: Gateways, lab: Lab, tmp_path: Path
) -> None:
    with audio.echoed(lab.host("alice"), ALICE, tmp_path):
        call(sipp, BOTH_INSIDE, "uac-audio")
    assert all(EAST.public not in line for line in gateways.east.connections())


def test_the_inside_stays_hidden(sipp: MakeSipp, mode: str, capture: Capture) -> None:
    """In what has been sent outside so far: addresses, names and Call-IDs of the inside.

    In transparent mode names, Call-ID, From and To are the endpoints' own."""
    named = {
        "From: <sip:caller@[local_ip]:[local_port]>": f"From: <sip:caller@{NAME}>",
        "Content-Type": f"User-Agent: {NAME}\n      Server: {NAME}\n      Content-Type",
    }
    call(sipp, OUT_OVER_PROXY, replace=named)
    inside = {identity for it in capture.messages(*INSIDE_PORTS) for identity in it.call_ids}
    outside = capture.messages(*OUTSIDE_PORTS)
    assert inside and outside
    if mode == "transparent":
        lines = {line for it in outside for line in it.text.splitlines() if b"192.168." in line}
        assert all(line.startswith((b"From:", b"To:", b"Call-ID:")) for line in lines), lines
        return
    forbidden = [b"192.168.", NAME.encode(), *(identity.encode() for identity in inside)]
    assert not {word for it in outside for word in forbidden if word in it.text}
