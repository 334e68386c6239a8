"""Who comes first among those who wait, and who has to go when there are too many."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.openflow.fair_queue import MOST, MOST_OF_ONE, FairQueue

FLOOD, USER, OTHER = b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02", b"\x0a\x00\x00\x03"
MILLISECOND = 0.001


def serve(queue: FairQueue[int], seconds: float = MILLISECOND) -> tuple[bytes, int]:
    sender, item = queue.take()
    queue.took(sender, seconds)
    return sender, item


def test_who_comes_late_overtakes_a_flood() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(100):
        queue.put(FLOOD, number)
    assert serve(queue) == (FLOOD, 0)
    queue.put(USER, 0)
    assert serve(queue) == (USER, 0)
    assert serve(queue) == (FLOOD, 1)


def test_time_counts_and_not_packets() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(100):
        queue.put(FLOOD, number)
        queue.put(USER, number)
    served = [serve(queue, 5 * MILLISECOND)[0]]
    while len(served) < 60:
        sender, _ = queue.take()
        queue.took(sender, 5 * MILLISECOND if sender == FLOOD else MILLISECOND)
        served.append(sender)
    assert served.count(USER) == 5 * served.count(FLOOD)


def test_who_has_one_after_the_other_is_not_forgotten() -> None:
    """Each of whose packets comes when the one before has been served."""
    queue: FairQueue[int] = FairQueue()
    queue.put(FLOOD, 0)
    for number in range(100):
        queue.put(USER, number)
    served = []
    for number in range(40):
        sender, _ = queue.take()
        queue.took(sender, 9 * MILLISECOND if sender == FLOOD else MILLISECOND)
        served.append(sender)
        if sender == FLOOD:
            queue.put(FLOOD, number)
    assert served.count(FLOOD) == 4


def test_new_names_are_worth_a_turn_each() -> None:
    """And not all the time that those who were there before have had."""
    queue: FairQueue[int] = FairQueue()
    for number in range(100):
        queue.put(USER, number)
    for number in range(50):
        assert serve(queue) == (USER, number)
    names = [number.to_bytes(4, "big") for number in range(10)]
    for name in names:
        for number in range(50):
            queue.put(name, number)
    served = [serve(queue)[0] for _ in range(110)]
    assert served[:11] == [*names, USER]
    assert served.count(USER) == 10


def test_nothing_is_held_against_anybody_when_nothing_waits() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.put(FLOOD, 0)
    serve(queue, 5.0)
    queue.put(FLOOD, 1)
    queue.put(USER, 1)
    assert [serve(queue)[0] for _ in range(2)] == [FLOOD, USER]


def test_one_alone_has_its_bound() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(MOST_OF_ONE):
        assert not queue.put(FLOOD, number)
    assert queue.put(FLOOD, MOST_OF_ONE) == (FLOOD,)
    assert not queue.put(USER, 0)
    assert queue.shed == 1
    while queue:
        serve(queue)
    assert queue.shed == 0


def test_when_it_is_full_those_who_have_most_lose_their_newest() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(MOST_OF_ONE):
        queue.put(FLOOD, number)
    for number in range(MOST - MOST_OF_ONE):
        queue.put(OTHER, number)
    assert {*queue.put(USER, 0), *queue.put(USER, 1)} == {FLOOD, OTHER}
    assert queue.shed == 2
    served = defaultdict(list)
    while queue:
        sender, item = serve(queue)
        served[sender].append(item)
    assert served[USER] == [0, 1]
    assert served[FLOOD] == list(range(MOST_OF_ONE - 1))
    assert served[OTHER] == list(range(MOST - MOST_OF_ONE - 1))


def test_a_large_packet_may_cost_several_small_ones() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(MOST_OF_ONE):
        queue.put(FLOOD, number)
        queue.put(OTHER, number)
    dropped = queue.put(USER, 0, 10 * 1024 - 1)
    assert len(dropped) == queue.shed == 10
    assert {*dropped} == {FLOOD, OTHER}


def test_large_packets_count_by_their_size() -> None:
    queue: FairQueue[int] = FairQueue()
    size = 65_000
    taken = sum(not queue.put(FLOOD, number, size) for number in range(100))
    assert taken == MOST_OF_ONE // (1 + size // 1024)


def test_nobody_is_remembered_for_ever() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.put(USER, 0, 1)
    queue.put(USER, 1, 1)
    for number in range(10 * MOST):
        queue.put((number + 2**24).to_bytes(4, "big"), number)
        serve(queue, 1.0 if number % 2 else 0.0)
        if len(queue._lines) < 2:
            queue.put(USER, number)
    assert len(queue._taken) <= 2 * MOST + 1


def test_nothing_waits() -> None:
    with pytest.raises(ValueError, match="empty"):
        FairQueue[int]().take()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 5), st.sampled_from((0, 1500, 65_000, 300_000))),
            st.floats(0, 0.01),
        ),
        max_size=400,
    )
)
def test_order_bounds_and_turns(events: list[tuple[int, int] | float]) -> None:
    """Of one sender, in order; never more than there is room for; and whoever is served has taken
    no more, since both wait, than anybody who goes on waiting, but for one packet."""
    queue: FairQueue[int] = FairQueue()
    waiting: dict[bytes, list[int]] = defaultdict(list)
    together: dict[tuple[bytes, bytes], float] = defaultdict(float)
    longest = 0.0
    for number, event in enumerate(events):
        if isinstance(event, tuple):
            sender, size = bytes((event[0],)), event[1]
            dropped = queue.put(sender, number, size)
            waiting[sender].append(number)
            for whose in dropped:
                waiting[whose].pop()
        elif queue:
            sender, item = queue.take()
            assert waiting[sender].pop(0) == item
            longest = max(longest, event)
            for other, items in waiting.items():
                if other != sender and items:
                    together[sender, other] += event
                    assert together[sender, other] <= 2 * longest + 1e-9 + together[other, sender]
            for pair in [it for it in together if sender in it and not waiting[sender]]:
                del together[pair]
            queue.took(sender, event)
        assert queue._size == sum(queue._sizes.values()) <= MOST
        assert all(size <= MOST_OF_ONE for size in queue._sizes.values())
        assert bool(queue) == any(waiting.values())
