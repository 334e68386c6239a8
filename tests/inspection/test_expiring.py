"""Bounded tables with times, and rates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection import Realm
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.limits import Rate, Rates


def test_entries_are_over_in_order() -> None:
    table: Expiring[str, int] = Expiring(10)
    for number, (key, until) in enumerate([("a", 30.0), ("b", 10.0), ("c", 20.0)]):
        assert table.put(key, number, until)
    assert table.next_timeout() == 10.0
    assert table.expired(20.0) == [("b", 1), ("c", 2)]
    assert list(table) == ["a"]
    assert table.expired(29.9) == []


def test_the_last_quarter_is_not_for_everybody() -> None:
    table: Expiring[int, int] = Expiring(8)
    crowded = []
    for number in range(8):
        crowded.append(table.crowded)
        assert table.put(number, number, 10.0)
    assert crowded == [False] * 6 + [True] * 2


def test_a_full_table_takes_nothing_new() -> None:
    table: Expiring[str, int] = Expiring(1)
    assert table.put("a", 1, 10.0)
    assert table.full
    assert not table.put("b", 2, 10.0)
    assert table.put("a", 3, 20.0)
    assert (table.get("a"), table.until("a"), table.get("b")) == (3, 20.0, None)


def test_another_time_counts() -> None:
    table: Expiring[str, int] = Expiring(2)
    table.put("a", 1, 10.0)
    table.keep("a", 50.0)
    table.keep("nobody", 50.0)
    assert table.expired(20.0) == []
    table.keep("a", 30.0)
    assert table.next_timeout() == 30.0
    assert table.discard("a") == 1
    assert table.discard("a") is None
    assert table.next_timeout() is None


def test_of_equal_times_the_one_set_first_is_over_first() -> None:
    table: Expiring[str, int] = Expiring(9)
    for key in "abcd":
        table.put(key, 0, 10.0)
    table.keep("c", 50.0)
    table.keep("c", 10.0)
    table.put("a", 1, 10.0)
    table.keep("d", 10.0)
    assert table.expired(10.0) == [("b", 0), ("d", 0), ("c", 0), ("a", 1)]


def test_an_entry_that_is_kept_again_and_again_takes_no_more_room() -> None:
    table: Expiring[str, int] = Expiring(9)
    for time in range(1000):
        table.put("a", 0, float(time))
    assert len(table._queue) == 1
    assert table.expired(998.0) == []
    assert table.expired(999.0) == [("a", 0)]


changes = st.tuples(
    st.sampled_from(["put", "keep", "discard", "expired"]), st.integers(0, 5), st.integers(0, 50)
)


@given(st.lists(changes, max_size=300))
def test_it_is_a_dictionary_with_times(script: list[tuple[str, int, int]]) -> None:
    table: Expiring[int, int] = Expiring(4)
    plain: dict[int, int] = {}
    for change, key, time in script:
        match change:
            case "put":
                fits = key in plain or len(plain) < 4
                assert table.put(key, key, time) == fits
                if fits:
                    plain[key] = time
            case "keep":
                table.keep(key, time)
                if key in plain:
                    plain[key] = time
            case "discard":
                assert (table.discard(key) is not None) == (plain.pop(key, None) is not None)
            case _:
                over = {each for each, until in plain.items() if until <= time}
                assert {each for each, _ in table.expired(time)} == over
                plain = {each: until for each, until in plain.items() if each not in over}
        assert {each: table.until(each) for each in table} == plain
        assert table.next_timeout() == min(plain.values(), default=None)
        assert len(table._queue) <= 2 * len(plain) + 65


def test_a_rate() -> None:
    rate = Rate(10)
    assert [rate.take(100.0) for _ in range(21)] == [True] * 20 + [False]
    assert [rate.take(100.5) for _ in range(6)] == [True] * 5 + [False]
    assert [rate.take(999.0) for _ in range(21)] == [True] * 20 + [False]
    assert not rate.take(998.0)  # a clock that goes back gives nothing


def test_either_side_has_a_rate_of_its_own() -> None:
    rates = Rates(1)
    assert [rates.take(Realm.OUTSIDE, 100.0) for _ in range(3)] == [True, True, False]
    assert [rates.take(Realm.INSIDE, 100.0) for _ in range(3)] == [True, True, False]
    assert rates.take(Realm.OUTSIDE, 101.0)
