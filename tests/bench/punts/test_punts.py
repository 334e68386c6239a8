"""The synthetic switch against the bare loop, and what is made of its figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from ryu_alg import packets
from ryu_alg.inspection import Realm
from ryu_alg.openflow import packet_in
from tests.bench.errors import BenchError
from tests.bench.punts.controllers import running
from tests.bench.punts.conversations import (
    Calls,
    Echoed,
    Noops,
    Options,
    Ports,
    Registrations,
    Telephones,
)
from tests.bench.punts.reckoning import BARE, ECHO, PARSED, Report
from tests.bench.punts.switch import Run, Switch

_PUBLIC = IPv4Address("203.0.113.1")


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with (
        running("bare loop", tmp_path, None) as (port, _),
        closing(Switch(port)) as connected,
    ):
        yield connected


def test_what_goes_to_a_controller_comes_back(switch: Switch) -> None:
    talks = [Echoed(number) for number in range(8)]
    run = switch.run(talks, 0.0)
    assert run.punts == 16  # until each is at rest
    for talk in talks:
        talk.check()


def test_with_one_in_flight_each_latency_is_known(switch: Switch) -> None:
    run = switch.run([Echoed(0)], 0.01)
    assert len(run.latencies) == run.punts >= 2


def test_an_echo_is_no_gateway(switch: Switch) -> None:
    talk = Noops(0)
    switch.exchange(talk)
    talk.check()
    assert talk.public == talk.client, "what an echo makes of an address"


def test_a_lost_packet_is_no_answer() -> None:
    talk = Echoed(0)
    talk.next()
    with pytest.raises(BenchError, match="0 came back"):
        talk.check()


def test_another_payload_is_no_answer() -> None:
    talk, other = Echoed(0), Echoed(0)
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
    punt = packet_in.decode(Echoed(0).next())
    assert (punt.in_port, punt.realm, punt.network) == (1, Realm.INSIDE, 1)


def test_ratios_are_of_the_same_round() -> None:
    def runs(rate: int) -> dict[int, Run]:
        run = Run(rate, 1.0, 0.5)
        for kind in ("command", "reply", "command", "reply"):
            run.note(kind, 0.001)
        return {1: run}

    rounds = [
        {
            BARE: runs(90 * times),
            ECHO: runs(10 * times),
            PARSED: runs(5 * times),
            "FTP": runs(60 * times),
            "SIP OPTIONS": runs(20 * times),
        }
        for times in (1, 10)
    ]
    report = Report("today", {}, rounds)
    assert report.ratio("FTP", ECHO).low == report.ratio("FTP", ECHO).high == 6
    assert [met for _, _, met in report.aims()] == [True, True, True, False, False, False]
    assert report.busiest() == 0.5
    assert "| FTP | 330 (60-600) |" in report.markdown()
    assert "| FTP: reply | 1,000 | 1,000 |" in report.markdown()
    assert report.json()["contestants"]["FTP"]["latency_us_p50"]["median"] == pytest.approx(1000)


def _moved(talk: Telephones, payload: bytes | None = None) -> bytes:
    """The next frame of the client as a NAT would send it on that does not know SIP."""
    sent = packets.decode(packet_in.decode(talk.next()).frame)
    assert isinstance(sent, packets.Packet)
    return packets.build_udp(
        eth_src=bytes(6),
        eth_dst=bytes(6),
        src=_PUBLIC.packed,
        dst=sent.dst,
        sport=50000,
        dport=sent.dport,
        payload=payload or sent.payload,
    )


@pytest.mark.parametrize("kind", [Options, Registrations, Calls])
def test_a_message_that_was_not_rewritten_is_no_answer(kind: type[Telephones]) -> None:
    talk = kind(0)
    talk.came(_moved(talk))
    with pytest.raises(BenchError, match="Via"):
        talk.check()


@pytest.mark.parametrize(("port", "right"), [(4000, False), (32769, False), (32770, True)])
def test_media_without_ports_of_their_own_are_no_answer(port: int, right: bool) -> None:
    talk = Calls(0)
    payload = f"INVITE\r\nVia: {_PUBLIC}\r\n\r\nv=0\r\nm=audio {port} RTP/AVP 0\r\n".encode()
    talk.came(_moved(talk, payload=payload))
    if right:
        talk.check()
        return
    with pytest.raises(BenchError, match="media"):
        talk.check()
