"""The synthetic switch against the bare loop, and what is made of its figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ryu_alg.inspection import Realm
from ryu_alg.openflow import packet_in
from tests.bench.errors import BenchError
from tests.bench.punts.controllers import running
from tests.bench.punts.conversations import Noops, Ports
from tests.bench.punts.reckoning import Report
from tests.bench.punts.switch import Run, Switch


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with (
        running("bare loop", tmp_path, None) as (port, _),
        closing(Switch(port)) as connected,
    ):
        yield connected


def test_what_goes_to_a_controller_comes_back(switch: Switch) -> None:
    talks = [Noops(number, known=True) for number in range(8)]
    run = switch.run(talks, 0.0)
    assert run.punts == 16  # until each is at rest
    for talk in talks:
        talk.check()


def test_with_one_in_flight_each_latency_is_known(switch: Switch) -> None:
    run = switch.run([Noops(0, known=True)], 0.01)
    assert len(run.latencies) == run.punts >= 2


def test_an_echo_is_no_gateway(switch: Switch) -> None:
    talk = Noops(0)
    switch.exchange(talk)
    talk.check()
    assert talk.public == talk.client, "what an echo makes of an address"


def test_a_lost_packet_is_no_answer() -> None:
    talk = Noops(0, known=True)
    talk.next()
    with pytest.raises(BenchError, match="0 came back"):
        talk.check()


def test_another_payload_is_no_answer() -> None:
    talk, other = Noops(0, known=True), Noops(0, known=True)
    talk.next()
    other.next()
    answer = packet_in.decode(other.next()).frame
    talk.came(answer)
    with pytest.raises(BenchError):
        talk.check()


def test_a_port_that_was_not_rewritten_is_no_answer() -> None:
    talk = Ports(0)
    while talk.beginning:
        talk.came(packet_in.decode(talk.next()).frame)
    talk.check()
    talk.public = bytes((203, 0, 113, 1))
    asked = packet_in.decode(talk.next()).frame
    talk.came(asked)
    with pytest.raises(BenchError):
        talk.check()


def test_a_punt_says_where_it_came_from() -> None:
    punt = packet_in.decode(Noops(0, known=True).next())
    assert (punt.in_port, punt.realm, punt.network) == (1, Realm.INSIDE, 1)


def test_ratios_are_of_the_same_round() -> None:
    def runs(rate: int) -> dict[int, Run]:
        return {1: Run(rate, 1.0, 0.5, [0.001] * 4)}

    rounds = [
        {"bare loop": runs(90), "Ryu echo": runs(10), "FTP": runs(60), "SIP": runs(20)},
        {"bare loop": runs(900), "Ryu echo": runs(100), "FTP": runs(600), "SIP": runs(200)},
    ]
    report = Report("today", {}, rounds)
    assert report.ratio("FTP", "Ryu echo").low == report.ratio("FTP", "Ryu echo").high == 6
    assert [met for _, _, met in report.aims()] == [True, True, False, False]
    assert report.busiest() == 0.5
    assert "| FTP | 330 (60-600) |" in report.markdown()
    assert report.json()["contestants"]["FTP"]["latency_us_p50"]["median"] == pytest.approx(1000)
