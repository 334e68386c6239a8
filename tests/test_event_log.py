"""Events: all are counted, and a flood of one kind hides no other."""

from __future__ import annotations

import logging

import pytest

from ryu_alg.engine.commands import Publish
from ryu_alg.event_log import KEPT, SHOWN_PER_SECOND, EventLog

NOW = 1_800_000_000.0


def test_an_event_is_counted_kept_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    log = EventLog()
    with caplog.at_level(logging.INFO, "ryu_alg"):
        log.add(Publish("session.opened", "a to b", 7, "ftp"), NOW)
    (event,) = log.kept
    assert (event.id, event.code, event.detail) == (1, "session.opened", "a to b")
    assert (event.session, event.protocol, event.time) == (7, "ftp", NOW)
    assert caplog.messages == ["#7 session.opened a to b"]


def test_a_flood_is_counted_and_shown_in_part(caplog: pytest.LogCaptureFixture) -> None:
    log = EventLog()
    with caplog.at_level(logging.INFO, "ryu_alg"):
        for number in range(1000):
            log.add(Publish("session.refused", str(number)), NOW + number / 2000)
        log.add(Publish("pinhole.opened", "of somebody else"), NOW + 0.9)
        log.add(Publish("session.refused", "later"), NOW + 1.5)
    assert log.counts == {"session.refused": 1001, "pinhole.opened": 1}
    details = [event.detail for event in log.kept]
    assert details[:SHOWN_PER_SECOND] == [str(number) for number in range(SHOWN_PER_SECOND)]
    left = 1000 - SHOWN_PER_SECOND
    assert details[SHOWN_PER_SECOND:] == ["of somebody else", f"and {left} more", "later"]
    assert len(caplog.messages) == len(details)
    assert [event.id for event in log.kept] == list(range(1, len(details) + 1))


def test_the_oldest_make_way() -> None:
    log = EventLog()
    for number in range(KEPT + 1):
        log.add(Publish("session.opened", str(number)), NOW + number)
    assert [log.kept[0].detail, log.kept[-1].detail] == ["1", str(KEPT)]
