"""A gateway in this process, small levels of it, and what is made of the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.errors import BenchError
from tests.bench.punts.conversations import Noops
from tests.bench.scale import controlled, levels, soak
from tests.bench.scale.controlled import Controlled
from tests.bench.scale.levels import ADMIT, ANY, FEW, PAGE, SAME, Calls, Level
from tests.bench.scale.reckoning import Report
from tests.bench.scale.site import Site
from tests.bench.scale.soak import Soak
from tests.bench.scale.talks import Call, Greeted, Visitor


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_session_talks_through_the_gateway(site: Site) -> None:
    talk = Noops(0)
    while talk.beginning:
        site.exchange(talk, talk.next())
    for _ in range(4):
        site.exchange(talk, talk.next())
    talk.check()
    assert talk.public != talk.client
    assert site.sessions == 1


def test_a_call_has_media_until_time_is_over(site: Site) -> None:
    call = Call(0)
    while call.beginning:
        site.exchange(call, call.next())
    call.check()
    assert len(site.gateway.engine.tables.bindings.live) == 1
    site.expire()
    assert site.sessions == 0


def test_visitors_leave_nothing_behind(site: Site) -> None:
    visitor = Visitor(0)
    site.exchange(visitor, visitor.next())
    assert site.sessions == 1
    site.exchange(visitor, visitor.next())
    assert site.sessions == 0


def test_a_reset_has_to_arrive(site: Site) -> None:
    talk = Greeted(0)
    while talk.beginning:
        site.exchange(talk, talk.next())
    talk.leave()
    site.exchange(talk, talk.next())
    talk.check()
    talk.leave()
    talk.next()
    with pytest.raises(BenchError):
        talk.check()


def test_levels_keep_their_sessions(tmp_path: Path) -> None:
    few, more = levels.measure(tmp_path, (FEW, FEW + 20), 2, 40)
    assert (few.sessions, more.sessions) == (FEW, FEW + 20)
    for level in (few, more):
        assert len(level.rounds) == 2
        assert all(each[key] > 0 for each in level.rounds for key in (SAME, ANY, ADMIT, PAGE))


def test_calls_have_media(tmp_path: Path) -> None:
    assert levels.calls(tmp_path, 20).calls == 20


def test_the_synthetic_switch_has_sessions_that_stay_and_others_that_come(tmp_path: Path) -> None:
    with controlled.gateways([tmp_path / "level", tmp_path / "soak"], None) as [few, soaked]:
        (level,) = controlled.measure([few], (FEW,), 1, 0.1)
        assert level.rounds[0]["took"] > 0
        found = soak.measure(soaked, 1.0)
    assert found.sessions > 64
    assert found.punts > found.sessions


def _report(seconds: float, last: int) -> Report:
    def rounds(*values: float) -> list[dict[str, float]]:
        return [dict.fromkeys((SAME, ANY, ADMIT, PAGE, "took", "busy"), each) for each in values]

    return Report(
        "today",
        {},
        [Level(100, 0.0, 1.0, rounds(10, 20)), Level(1000, 2000.0, 1.0, rounds(11, 22))],
        Calls(10, 5000.0, 1.0, 1.0),
        [Controlled(100, 0.0, rounds(10, 20)), Controlled(1000, 0.0, rounds(12, 24))],
        Soak(1000.0, seconds, 700, 3, [(0.0, 90), (seconds / 3, 1000), (seconds, last)]),
    )


def test_aims_are_met_or_not() -> None:
    report = _report(60.0, 1005)
    met = [each for _, _, _, each in report.aims()]
    assert met == [True, True, False, True, False, True, True]
    assert "| 1,000 | 16.5 (11.0-22.0) | 1.10 |" in report.markdown()
    assert report.json()["aims"][2]["met"] is False


def test_memory_that_grows_is_no_aim_met() -> None:
    assert [each for _, _, _, each in _report(60.0, 1100).aims()][-2] is False
    assert [each for _, _, _, each in _report(5.0, 1100).aims()][-2] is None
