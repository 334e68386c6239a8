"""Which of a host's endpoints goes first, compared with looking at all of them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.engine import datagram_deadlines
from ryu_alg.engine.config import Quotas, Timers
from ryu_alg.engine.control_bindings import Control
from ryu_alg.engine.datagram_deadlines import UNKNOWN_IDLE, deadline
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.host_endpoints import HostEndpoints
from tests.engine.toy_datagrams import PLAIN_PHONE, at, config

IDLE = 100.0
NEVER = float("inf")


def endpoints() -> HostEndpoints:
    settings = config(timers=Timers(datagram_idle=IDLE), quotas=Quotas(sessions_per_host=500))
    table = Engine(settings, random=Random(7)).datagrams.controls
    host = at(PLAIN_PHONE).address
    return HostEndpoints(1, "toy", host, settings, table)


def opened(own: HostEndpoints, port: int, now: float) -> Control:
    control = own.open(at(PLAIN_PHONE, port), now)
    assert isinstance(control, Control)
    return control


def goes(control: Control, earliest: float) -> float:
    """When one goes, if none that is known goes before `earliest`."""
    if not control.known:
        return control.last_activity + UNKNOWN_IDLE
    return max(control.last_activity + IDLE, control.held_until, earliest)


def check(own: HostEndpoints, earliest: float) -> None:
    scanned = min((goes(control, earliest) for control in own.live.values()), default=NEVER)
    assert own.next_timeout(earliest) == scanned


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("open", "traffic", "known", "hold", "release", "wait", "wait")),
        st.integers(5060, 5066),
        st.sampled_from((0.0, 1.0, 2.0, 30.0, 99.0, 250.0)),
        st.sampled_from((-NEVER, 0.0, 50.0, 120.0)),
    ),
    max_size=120,
)


@settings(max_examples=400, deadline=None)
@given(steps=STEPS)
def test_the_first_to_go_is_found_as_by_looking_at_all_of_them(
    steps: list[tuple[str, int, float, float]],
) -> None:
    own, now = endpoints(), 1000.0
    for what, port, seconds, ahead in steps:
        earliest = now + ahead
        control = own.live.get(at(PLAIN_PHONE, port))
        match what:
            case "open":
                opened(own, port, now)
            case "traffic" if control is not None:
                own.touch(control, now)
            case "known" if control is not None:
                own.known(control)
            case "hold" if control is not None:
                own.hold(control, now + ahead)
            case "release" if control is not None:
                own.release(control, now)
            case "wait":
                now += seconds
                stay = [one for one in own.live.values() if goes(one, earliest) > now]
                own.release_idle(earliest, now)
                assert list(own.live.values()) == stay
                assert len(own.table) == len(stay)
        check(own, earliest)


def test_what_is_held_again_and_again_takes_no_more_room() -> None:
    own = endpoints()
    controls = [opened(own, port, 0.0) for port in (5060, 5062)]
    for control in controls:
        own.known(control)
    for turn in range(1000):
        for control in controls:
            own.hold(control, 500.0 - turn / 10)
    assert own._deadlines is not None
    assert len(own._deadlines._known.entries) < 100
    check(own, -NEVER)


def test_packets_of_one_endpoint_do_not_look_at_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, looks = endpoints(), 0

    def counted(control: Control, idle: float) -> float:
        nonlocal looks
        looks += 1
        return deadline(control, idle)

    for port in range(5000, 5200):
        own.known(opened(own, port, 0.0))
    busy = own.live[at(PLAIN_PHONE, 5100)]
    own.next_timeout(-NEVER)
    monkeypatch.setattr(datagram_deadlines, "deadline", counted)
    for turn in range(100):
        own.touch(busy, float(turn))
        own.next_timeout(-NEVER)
    assert looks <= 400
