"""Whether conversations are said whole, and what is made of the figures."""

from __future__ import annotations

import pytest

from tests.bench.parsers.__main__ import Reading
from tests.bench.parsers.conversations import conversations
from tests.bench.parsers.reckoning import Report
from tests.bench.parsers.stopwatch import Stopwatch
from tests.fuzz import records

CONVERSATIONS = conversations()


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_every_protocol_is_read(name: str) -> None:
    watch = Stopwatch()
    Reading(name, CONVERSATIONS[name]).once(watch)
    assert watch.messages >= len(CONVERSATIONS[name])
    assert watch.size > 0


def test_at_least_once_however_short_the_time() -> None:
    assert Reading("tftp", CONVERSATIONS["tftp"]).run(0.0).messages >= len(CONVERSATIONS["tftp"])


def test_each_byte_counts_once() -> None:
    said = [b"220 ready\r\n", b"USER u\r\n", b"331 password\r\n", b"PA", b"SS p\r\n", b"230 in\r\n"]
    script = list(zip("<><>><", said, strict=True))
    watch = Stopwatch()
    Reading("ftp", [records.written(0, script)]).once(watch)
    assert watch.messages == len(said)
    assert watch.size == sum(map(len, said))


def test_figures_are_of_processor_time() -> None:
    rounds = [{"ftp": Stopwatch(100, 2000, 0.01)}, {"ftp": Stopwatch(300, 6000, 0.01)}]
    report = Report("today", {}, rounds)
    assert report.messages("ftp").low == pytest.approx(10_000)
    assert report.megabytes("ftp").high == pytest.approx(0.6)
    assert report.mean_size("ftp") == 20
    assert "| FTP | 20 | 20,000 (10,000-30,000) |" in report.markdown()
    assert report.json()["protocols"]["ftp"]["bytes_per_message"] == 20
