"""What is carried over from round to round."""

from tests.bench.measures import Measurement, usual_rate


def _turn(*rates: int) -> list[Measurement]:
    calls = [Measurement("calls", {"per_second": rate}, {}, None) for rate in rates]
    return [Measurement("noop", {"per_second": 7.0}, {}, None), *calls]


def test_a_bad_turn_does_not_spoil_the_next_search() -> None:
    assert usual_rate([_turn(200), _turn(240), _turn(40)]) == 200


def test_without_earlier_calls_there_is_no_rate() -> None:
    assert usual_rate([]) is None
    assert usual_rate([_turn()]) is None
