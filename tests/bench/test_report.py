"""Medians, ratios, tables and JSON of made-up rounds."""

import json
from dataclasses import replace

import pytest

from tests.bench.measures import FIGURES, QUICK, Measurement
from tests.bench.report import BEGIN, END, Report, Spread, Table, replaced


def _turn(speed: float, punts: int | None = None, *, helps: bool = True) -> list[Measurement]:
    """A gateway's measurements, as if it did `speed` of everything in a second."""
    cpu = {"controller": 0.5, "switch": 0.25} if punts else {}
    timed = {"count": 100 * speed, "per_second": speed, "p50": 1 / speed, "p99": 2 / speed}
    return [
        *(Measurement(name, timed, cpu, punts) for name in ("sessions_1", "sessions_16")),
        *(Measurement("active_16", timed, cpu, punts) for _ in range(helps)),
        Measurement("noop", timed, cpu, punts),
        Measurement("download", {"count": 100e6, "per_second": 100e6 * speed}, cpu, punts),
        *(Measurement(name, timed, cpu, punts) for name in ("calls", "invite") if helps),
        *(Measurement(f"transfers_{n}", timed, cpu, punts) for n in (1, 16) if helps),
        *(Measurement(f"announces_{over}", timed, cpu, punts) for over in ("http", "udp")),
        Measurement("inbound", {"count": 64e6, "per_second": 64e6 * speed}, cpu, punts),
    ]


@pytest.fixture
def report() -> Report:
    rounds = [
        {
            "bridge": _turn(10 * pace),
            "ovs-nat": _turn(8 * pace, helps=False),
            "kernel": _turn(40 * pace),
            "ryu_alg": _turn(4 * pace, punts=1000),
        }
        for pace in (1.0, 2.0, 6.0)
    ]
    return Report("2030-01-01 00:00 UTC", QUICK, {"Processors": "1 x abacus"}, rounds)


def test_a_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([3.0, 1.0, 2.0]).text(1) == "2.0 (1.0-3.0)"
    assert Spread.of([1234.0]).text(0) == "1,234"


def test_medians_over_the_rounds(report: Report) -> None:
    sessions = FIGURES[0]
    assert report.figure(sessions, "bridge") == Spread(20.0, 10.0, 60.0)


def test_ratios_are_made_round_by_round(report: Report) -> None:
    for figure in FIGURES:
        of_peer = report.ratio(figure, "ryu_alg", "bridge")
        assert of_peer
        expected = 0.4 if figure.better.value == "higher" else 2.5
        assert of_peer.low == pytest.approx(expected)
        assert of_peer.high == pytest.approx(expected)


def test_a_gateway_without_a_protocol_has_no_figures_of_it(report: Report) -> None:
    calls = next(figure for figure in FIGURES if figure.key == "calls")
    assert report.figure(calls, "ovs-nat") is None
    assert report.ratio(calls, "ovs-nat", "bridge") is None
    assert report.difference(calls, "ryu_alg", "ovs-nat") is None
    assert report.ratio(calls, "ryu_alg", "kernel") == Spread(0.1, 0.1, 0.1)
    figures, ratios, _ = report.tables()
    row = next(row for row in figures.rows if row[0] == calls.heading)
    assert row[2] == "-"
    row = next(row for row in ratios.rows if row[0] == calls.title)
    assert row[1:] == ("0.40", "-", "0.10")
    assert report.json()["figures"]["calls"]["peers"]["ovs-nat"] is None


def test_the_controllers_cost(report: Report) -> None:
    cost = report.cost("sessions_1")
    assert cost is not None
    assert cost["punts_per_operation"] == pytest.approx(3000 / 3600)
    assert cost["controller_us_per_punt"] == pytest.approx(500.0)
    assert cost["switch_us_per_punt"] == pytest.approx(250.0)
    assert cost["punts_per_second"] == pytest.approx(2000.0)


def test_the_tables_have_a_row_for_each_figure(report: Report) -> None:
    figures, ratios, spent = report.tables()
    assert len(figures.rows) == len(FIGURES) + 1
    failed = ("Failed sessions, calls, transfers and announces", "0", "0", "0", "0")
    assert figures.rows[-1] == failed
    assert len(ratios.rows) == len(FIGURES)
    assert figures.head[1:] == ("(a) bridge", "(b) ovs-nat", "(d) kernel", "(e) ryu_alg")
    assert ratios.head[1:] == ("e/a", "e/b", "e/d")
    assert len(spent.rows) == 8
    for table in (figures, ratios, spent):
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_limits_that_were_reached_are_told(report: Report) -> None:
    assert report.limits() == {}
    for limits in ({"punt.shed": 17}, {"punt.shed": 3, "quota.host": 1}):
        limited = Measurement("sessions_1", {"per_second": 1.0}, {}, 1, limits)
        report = replace(report, rounds=[*report.rounds, {"ryu_alg": [limited]}])
    assert report.limits() == {"sessions_1": {"punt.shed": 20, "quota.host": 1}}


def test_the_json_has_figures_ratios_and_single_measurements(report: Report) -> None:
    found = json.loads(json.dumps(report.json()))
    sessions = found["figures"]["sessions_1"]
    assert sessions["peers"]["kernel"]["median"] == 80.0
    assert sessions["ratios"]["kernel"]["median"] == 0.1
    assert len(found["rounds"]) == 3
    assert [run["name"] for run in found["rounds"][0]["ryu_alg"]][-1] == "inbound"
    assert found["machine"] == {"Processors": "1 x abacus"}


def test_markdown() -> None:
    table = Table("T", ("", "a"), (("x", "1"),))
    assert table.markdown() == "T\n\n|  | a |\n| --- | ---: |\n| x | 1 |"


def test_the_document_keeps_what_is_around_the_tables(report: Report) -> None:
    document = f"# Before\n{BEGIN}\nold\n{END}\nafter\n"
    changed = replaced(document, report.markdown())
    assert changed.startswith(f"# Before\n{BEGIN}\n")
    assert changed.endswith(f"{END}\nafter\n")
    assert "old" not in changed
    assert "abacus" in changed
    assert replaced(changed, report.markdown()) == changed


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        replaced("nothing", "new")
