"""The order of what several witnesses report."""

from __future__ import annotations

from ryu_alg.lab.demo.timeline import Timeline


def test_sightings_come_out_by_their_time_and_not_early() -> None:
    timeline: Timeline[str] = Timeline()
    for time, what in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (2.0, "b again")):
        timeline.add(time, what)
    assert list(timeline.take(2.5)) == [(1.0, "a"), (2.0, "b"), (2.0, "b again")]
    assert list(timeline.take(2.5)) == []
    timeline.add(0.5, "late")
    assert list(timeline.take(9.0)) == [(0.5, "late"), (3.0, "c")]
