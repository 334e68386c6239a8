"""What is carried over from round to round, and which events say that a limit was reached."""

from tests.bench.measures import Measurement, reached, usual_rate


def _turn(*rates: int) -> list[Measurement]:
    calls = [Measurement("calls", {"per_second": rate}, {}, None) for rate in rates]
    return [Measurement("noop", {"per_second": 7.0}, {}, None), *calls]


def test_a_bad_turn_does_not_spoil_the_next_search() -> None:
    assert usual_rate([_turn(200), _turn(240), _turn(40)]) == 200


def test_without_earlier_calls_there_is_no_rate() -> None:
    assert usual_rate([]) is None
    assert usual_rate([_turn()]) is None


def test_limits_that_were_reached_since() -> None:
    before = {"punt.greedy": 2, "quota.host": 1, "session.end": 3}
    after = {"punt.greedy": 2, "quota.host": 4, "session.end": 9, "sip.limit.calls": 1}
    assert reached(before, after) == {"quota.host": 3, "sip.limit.calls": 1}
    assert reached({}, {"ports.exhausted": 1, "session.ports_exhausted": 2, "tftp.request": 7}) == {
        "ports.exhausted": 1,
        "session.ports_exhausted": 2,
    }
