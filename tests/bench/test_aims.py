"""Aims: met, not met, or nothing to say it by."""

from tests.bench.aims import aims, table
from tests.bench.measures import QUICK, Measurement
from tests.bench.report import Report


def _run(name: str, **result: float) -> Measurement:
    return Measurement(name, {"count": 1, **result}, {}, None)


def _report(*failures: str, **ours: float) -> Report:
    """Of one round, in which the others do a hundred of everything, in a millisecond each."""
    theirs = [
        _run("sessions_16", per_second=100.0),
        _run("active_16", per_second=100.0),
        _run("noop", p50=1e-3, p99=1e-3),
        _run("download", per_second=100e6),
    ]
    own = [
        _run("noop", p50=ours.pop("noop"), p99=1.0),
        *(_run(name, per_second=per_second) for name, per_second in ours.items()),
        Measurement("invite", {"p50": 1.0, "p99": 1.0, "failures": failures}, {}, None),
    ]
    return Report("", QUICK, {}, [{"ovs-nat": theirs, "kernel": theirs, "ryu_alg": own}])


def test_what_is_reached_is_met() -> None:
    report = _report(sessions_16=50.0, active_16=51.0, noop=1.99e-3, download=98e6)
    assert [aim.met for aim in aims(report)] == [True] * 5


def test_what_is_not_reached_is_not_met() -> None:
    report = _report("lost", sessions_16=49.9, active_16=1.0, noop=2.1e-3, download=97e6)
    assert [aim.met for aim in aims(report)] == [False] * 5
    assert [row[2:] for row in table(report).rows] == [
        ("0.970", "**not met**"),
        ("0.499", "**not met**"),
        ("0.010", "**not met**"),
        ("1.100", "**not met**"),
        ("1", "**not met**"),
    ]


def test_what_was_not_measured_is_said_to_be() -> None:
    word = "not measured"
    report = _report(noop=1e-3, download=98e6)
    assert [row[3] for row in table(report).rows] == ["met", word, word, "met", "met"]
