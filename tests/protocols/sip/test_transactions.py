"""Each arrow of the figures of RFC 3261 section 17 and RFC 6026, and each timer."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.sip.transactions.figures import (
    FIGURES,
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Figure,
    Happening,
    State,
    Trigger,
)
from ryu_alg.protocols.sip.transactions.timers import Timer, Times
from ryu_alg.protocols.sip.transactions.transaction import (
    Deliver,
    Failed,
    Output,
    Transaction,
    Transmit,
)

TIMES = Times()
H, T, S = Happening, Timer, State
TU, OUT, ACK = Deliver(), Transmit(b"message"), Transmit(b"ack")
LATE, BROKEN = Failed(timeout=True), Failed(timeout=False)

# How to get to each state, and what each trigger does there, from the figures' text.
ROUTES: dict[str, dict[State, list[Happening]]] = {
    "INVITE client": {
        S.CALLING: [],
        S.PROCEEDING: [H.PROVISIONAL],
        S.COMPLETED: [H.FAILURE],
        S.ACCEPTED: [H.SUCCESS],
    },
    "non-INVITE client": {
        S.TRYING: [],
        S.PROCEEDING: [H.PROVISIONAL],
        S.COMPLETED: [H.SUCCESS],
    },
    "INVITE server": {
        S.PROCEEDING: [],
        S.COMPLETED: [H.FAILURE],
        S.CONFIRMED: [H.FAILURE, H.ACK],
        S.ACCEPTED: [H.SUCCESS],
    },
    "non-INVITE server": {
        S.TRYING: [],
        S.PROCEEDING: [H.PROVISIONAL],
        S.COMPLETED: [H.SUCCESS],
    },
}
ARROWS: list[tuple[Figure, State, Trigger, State, list[Output]]] = [
    (INVITE_CLIENT, S.CALLING, T.A, S.CALLING, [OUT]),
    (INVITE_CLIENT, S.CALLING, T.B, S.TERMINATED, [LATE]),
    (INVITE_CLIENT, S.CALLING, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (INVITE_CLIENT, S.CALLING, H.PROVISIONAL, S.PROCEEDING, [TU]),
    (INVITE_CLIENT, S.CALLING, H.SUCCESS, S.ACCEPTED, [TU]),
    (INVITE_CLIENT, S.CALLING, H.FAILURE, S.COMPLETED, [ACK, TU]),
    (INVITE_CLIENT, S.PROCEEDING, H.PROVISIONAL, S.PROCEEDING, [TU]),
    (INVITE_CLIENT, S.PROCEEDING, H.SUCCESS, S.ACCEPTED, [TU]),
    (INVITE_CLIENT, S.PROCEEDING, H.FAILURE, S.COMPLETED, [ACK, TU]),
    (INVITE_CLIENT, S.PROCEEDING, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (INVITE_CLIENT, S.COMPLETED, H.FAILURE, S.COMPLETED, [ACK]),
    (INVITE_CLIENT, S.COMPLETED, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (INVITE_CLIENT, S.COMPLETED, T.D, S.TERMINATED, []),
    (INVITE_CLIENT, S.ACCEPTED, H.SUCCESS, S.ACCEPTED, [TU]),
    (INVITE_CLIENT, S.ACCEPTED, T.M, S.TERMINATED, []),
    (NON_INVITE_CLIENT, S.TRYING, T.E, S.TRYING, [OUT]),
    (NON_INVITE_CLIENT, S.TRYING, T.F, S.TERMINATED, [LATE]),
    (NON_INVITE_CLIENT, S.TRYING, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (NON_INVITE_CLIENT, S.TRYING, H.PROVISIONAL, S.PROCEEDING, [TU]),
    (NON_INVITE_CLIENT, S.TRYING, H.SUCCESS, S.COMPLETED, [TU]),
    (NON_INVITE_CLIENT, S.TRYING, H.FAILURE, S.COMPLETED, [TU]),
    (NON_INVITE_CLIENT, S.PROCEEDING, T.E, S.PROCEEDING, [OUT]),
    (NON_INVITE_CLIENT, S.PROCEEDING, T.F, S.TERMINATED, [LATE]),
    (NON_INVITE_CLIENT, S.PROCEEDING, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (NON_INVITE_CLIENT, S.PROCEEDING, H.PROVISIONAL, S.PROCEEDING, [TU]),
    (NON_INVITE_CLIENT, S.PROCEEDING, H.SUCCESS, S.COMPLETED, [TU]),
    (NON_INVITE_CLIENT, S.PROCEEDING, H.FAILURE, S.COMPLETED, [TU]),
    (NON_INVITE_CLIENT, S.COMPLETED, T.K, S.TERMINATED, []),
    (INVITE_SERVER, S.PROCEEDING, H.REQUEST, S.PROCEEDING, []),
    (INVITE_SERVER, S.PROCEEDING, H.PROVISIONAL, S.PROCEEDING, [OUT]),
    (INVITE_SERVER, S.PROCEEDING, H.SUCCESS, S.ACCEPTED, [OUT]),
    (INVITE_SERVER, S.PROCEEDING, H.FAILURE, S.COMPLETED, [OUT]),
    (INVITE_SERVER, S.PROCEEDING, H.TRANSPORT, S.PROCEEDING, [BROKEN]),
    (INVITE_SERVER, S.COMPLETED, H.REQUEST, S.COMPLETED, [OUT]),
    (INVITE_SERVER, S.COMPLETED, H.ACK, S.CONFIRMED, []),
    (INVITE_SERVER, S.COMPLETED, H.TRANSPORT, S.COMPLETED, [BROKEN]),
    (INVITE_SERVER, S.COMPLETED, T.G, S.COMPLETED, [OUT]),
    (INVITE_SERVER, S.COMPLETED, T.H, S.TERMINATED, [LATE]),
    (INVITE_SERVER, S.CONFIRMED, T.I, S.TERMINATED, []),
    (INVITE_SERVER, S.ACCEPTED, H.REQUEST, S.ACCEPTED, []),
    (INVITE_SERVER, S.ACCEPTED, H.ACK, S.ACCEPTED, [TU]),
    (INVITE_SERVER, S.ACCEPTED, H.SUCCESS, S.ACCEPTED, [OUT]),
    (INVITE_SERVER, S.ACCEPTED, H.TRANSPORT, S.ACCEPTED, [BROKEN]),
    (INVITE_SERVER, S.ACCEPTED, T.L, S.TERMINATED, []),
    (NON_INVITE_SERVER, S.TRYING, H.REQUEST, S.TRYING, []),
    (NON_INVITE_SERVER, S.TRYING, H.PROVISIONAL, S.PROCEEDING, [OUT]),
    (NON_INVITE_SERVER, S.TRYING, H.SUCCESS, S.COMPLETED, [OUT]),
    (NON_INVITE_SERVER, S.TRYING, H.FAILURE, S.COMPLETED, [OUT]),
    (NON_INVITE_SERVER, S.PROCEEDING, H.REQUEST, S.PROCEEDING, [OUT]),
    (NON_INVITE_SERVER, S.PROCEEDING, H.PROVISIONAL, S.PROCEEDING, [OUT]),
    (NON_INVITE_SERVER, S.PROCEEDING, H.SUCCESS, S.COMPLETED, [OUT]),
    (NON_INVITE_SERVER, S.PROCEEDING, H.FAILURE, S.COMPLETED, [OUT]),
    (NON_INVITE_SERVER, S.PROCEEDING, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (NON_INVITE_SERVER, S.COMPLETED, H.REQUEST, S.COMPLETED, [OUT]),
    (NON_INVITE_SERVER, S.COMPLETED, H.TRANSPORT, S.TERMINATED, [BROKEN]),
    (NON_INVITE_SERVER, S.COMPLETED, T.J, S.TERMINATED, []),
]
STATUS = {H.PROVISIONAL: 180, H.SUCCESS: 200, H.FAILURE: 486}


def is_client(figure: Figure) -> bool:
    return figure in (INVITE_CLIENT, NON_INVITE_CLIENT)


def move(transaction: Transaction, happening: Happening, now: float) -> list[Output]:
    if is_client(transaction.figure) or happening not in STATUS:
        return transaction.receive(happening, now)
    return transaction.send(STATUS[happening], b"message", now)


def brought_to(figure: Figure, state: State, *, reliable: bool = False) -> Transaction:
    payload = b"message" if is_client(figure) else b""
    transaction = Transaction(figure, TIMES, reliable, payload, b"ack")
    transaction.start(0.0)
    for happening in ROUTES[figure.name][state]:
        move(transaction, happening, 0.0)
    assert transaction.state is state
    return transaction


def fire(transaction: Transaction, timer: Timer) -> list[Output]:
    """Time passes until `timer` fires; what others do before is not looked at."""
    assert timer in transaction.figure.timers[transaction.state]
    lone = Transaction(transaction.figure, TIMES, False, transaction.payload, b"ack")
    lone.state = transaction.state
    lone._running = {timer: transaction._running[timer]}
    outputs = lone.expire(lone._running[timer].deadline)
    transaction.state = lone.state
    return outputs


def test_each_arrow_of_each_figure_has_its_row() -> None:
    rows = {(figure.name, state, trigger) for figure, state, trigger, _, _ in ARROWS}
    arrows = {(figure.name, *origin) for figure in FIGURES for origin in figure.arrows}
    assert rows == arrows


@pytest.mark.parametrize(
    ("figure", "state", "trigger", "to", "outputs"),
    ARROWS,
    ids=[f"{row[0].name}-{row[1].value}-{row[2].value}".replace(" ", "-") for row in ARROWS],
)
def test_arrow(
    figure: Figure, state: State, trigger: Trigger, to: State, outputs: list[Output]
) -> None:
    transaction = brought_to(figure, state)
    if isinstance(trigger, Timer):
        assert fire(transaction, trigger) == outputs
    else:
        assert move(transaction, trigger, 1.0) == outputs
    assert transaction.state is to


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name.replace(" ", "-"))
def test_what_has_no_arrow_has_no_effect(figure: Figure) -> None:
    for state in ROUTES[figure.name]:
        for happening in Happening:
            if (state, happening) in figure.arrows:
                continue
            transaction = brought_to(figure, state)
            timeout = transaction.next_timeout()
            assert move(transaction, happening, 1.0) == []
            assert transaction.state is state
            assert transaction.next_timeout() == timeout


def sent_at(transaction: Transaction) -> list[float]:
    """When it transmits by itself, until it is over."""
    times = []
    while (deadline := transaction.next_timeout()) is not None:
        if any(isinstance(output, Transmit) for output in transaction.expire(deadline)):
            times.append(deadline)
    return times


def test_an_invite_nobody_answers_is_sent_seven_times_in_32_seconds() -> None:
    transaction = brought_to(INVITE_CLIENT, S.CALLING)
    assert sent_at(transaction) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert transaction.over


def test_another_request_nobody_answers_is_sent_eleven_times() -> None:
    transaction = brought_to(NON_INVITE_CLIENT, S.TRYING)
    assert sent_at(transaction) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_a_request_that_is_worked_on_is_sent_every_t2() -> None:
    transaction = brought_to(NON_INVITE_CLIENT, S.PROCEEDING)
    assert sent_at(transaction) == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]


def test_a_final_response_to_invite_is_sent_until_it_is_acknowledged() -> None:
    assert sent_at(brought_to(INVITE_SERVER, S.COMPLETED))[:5] == [0.5, 1.5, 3.5, 7.5, 11.5]
    transaction = brought_to(INVITE_SERVER, S.CONFIRMED)
    assert sent_at(transaction) == []
    assert transaction.over


@pytest.mark.parametrize(
    ("timer", "seconds", "over_tcp"),
    [
        (T.A, 0.5, None),
        (T.B, 32.0, 32.0),
        (T.D, 32.0, 0.0),
        (T.E, 0.5, None),
        (T.F, 32.0, 32.0),
        (T.G, 0.5, None),
        (T.H, 32.0, 32.0),
        (T.I, 5.0, 0.0),
        (T.J, 32.0, 0.0),
        (T.K, 5.0, 0.0),
        (T.L, 32.0, 32.0),
        (T.M, 32.0, 32.0),
    ],
)
def test_table_4(timer: Timer, seconds: float, over_tcp: float | None) -> None:
    assert TIMES.first(timer, reliable=False) == seconds
    assert TIMES.first(timer, reliable=True) == over_tcp


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name.replace(" ", "-"))
def test_over_a_reliable_transport_nothing_is_repeated(figure: Figure) -> None:
    for state in ROUTES[figure.name]:
        assert sent_at(brought_to(figure, state, reliable=True)) == []


def test_a_slow_clock_is_made_up_for_once() -> None:
    transaction = brought_to(NON_INVITE_CLIENT, S.TRYING)
    assert transaction.expire(10.0) == [OUT]
    assert transaction.expire(100.0) == [OUT, LATE]
    assert transaction.over


def test_a_response_that_comes_too_late_is_not_sent() -> None:
    transaction = brought_to(NON_INVITE_SERVER, S.COMPLETED)
    assert transaction.send(500, b"other", 1.0) == []
    assert transaction.receive(H.REQUEST, 2.0) == [OUT]


def test_a_request_that_comes_again_is_answered_with_the_last_response() -> None:
    transaction = brought_to(INVITE_SERVER, S.PROCEEDING)
    transaction.send(100, b"trying", 0.0)
    transaction.send(180, b"ringing", 0.0)
    assert transaction.receive(H.REQUEST, 0.1) == [Transmit(b"ringing")]
