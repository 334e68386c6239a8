"""What counts as a rate that held, and what is read of sipp's statistics."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.calls import Attempt, result
from tests.bench.errors import BenchError

HELD = Attempt(100, calls=150, successful=150, failed=0, retransmissions=0, seconds=1.51)


def test_a_rate_that_held() -> None:
    assert HELD.held
    # Repeated messages are UDP's daily life.
    assert replace(HELD, retransmissions=7).held


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(replace(HELD, successful=149, failed=1), id="one failed"),
        pytest.param(replace(HELD, successful=149), id="one without an end"),
        pytest.param(replace(HELD, failed=1), id="one too many"),
        pytest.param(replace(HELD, seconds=1.8), id="slower than planned"),
    ],
)
def test_a_rate_that_did_not_hold(attempt: Attempt) -> None:
    assert not attempt.held


STATISTICS = (
    "StartTime;CurrentTime;SuccessfulCall(C);FailedCall(C);Retransmissions(C);\n"
    "2030-01-01\t00:00:00.5\t1893456000.5;2030-01-01\t00:00:00.5\t1893456000.5;0;0;0;\n"
    "2030-01-01\t00:00:00.5\t1893456000.5;2030-01-01\t00:00:02.25\t1893456002.25;148;2;5;\n"
)


def test_the_last_line_of_the_statistics_counts(tmp_path: Path) -> None:
    statistics = tmp_path / "caller.csv"
    statistics.write_text(STATISTICS, encoding="ascii")
    found = result(100, 150, statistics, tmp_path / "caller.log")
    assert found == Attempt(100, 150, successful=148, failed=2, retransmissions=5, seconds=1.75)


@pytest.mark.parametrize("text", [None, "", "StartTime;\nnow;\n"])
def test_no_statistics_are_an_error_with_sipps_own_words(tmp_path: Path, text: str | None) -> None:
    statistics, log = tmp_path / "caller.csv", tmp_path / "caller.log"
    if text is not None:
        statistics.write_text(text, encoding="ascii")
    log.write_text("Starting\nUnable to bind\n", encoding="utf-8")
    with pytest.raises(BenchError, match="its log ends with: Unable to bind"):
        result(100, 150, statistics, log)
