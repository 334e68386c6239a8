"""Who has to wait when more comes than can be done."""

from __future__ import annotations

import socket

from ryu_alg.openflow.overload import PATIENCE, ROOM, Overload, waiting

FLOOD, USER = b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"
LATE = PATIENCE * 2


def busy() -> Overload:
    """Something has always waited since 0.0 s."""
    overload = Overload()
    assert not overload.sheds(USER, 0, 0.0)
    for _ in range(10):
        overload.took(FLOOD, 0.01)
    overload.took(USER, 0.01)
    return overload


def test_who_takes_most_of_the_time_is_dropped() -> None:
    overload = busy()
    assert overload.sheds(FLOOD, ROOM, LATE)
    assert not overload.sheds(USER, ROOM, LATE)
    assert not overload.sheds(b"\x0a\x00\x00\x03", ROOM, LATE)
    assert overload.sheds(FLOOD, ROOM, LATE)
    assert overload.shed == 2


def test_a_burst_has_its_time() -> None:
    assert not busy().sheds(FLOOD, ROOM * 10, PATIENCE / 2)


def test_a_few_packets_may_always_wait() -> None:
    assert not busy().sheds(FLOOD, ROOM - 1, LATE)


def test_nothing_is_held_against_anybody_when_nothing_waits() -> None:
    overload = busy()
    assert not overload.sheds(FLOOD, 0, LATE)
    assert not overload.sheds(FLOOD, ROOM, LATE * 2)


def test_many_who_take_a_little_are_not_told_apart() -> None:
    overload = Overload()
    for number in range(20_000):
        overload.took(number.to_bytes(4, "big"), 0.001)
    assert not overload.sheds(bytes(4), ROOM, LATE)
    assert not overload.sheds((19_999).to_bytes(4, "big"), ROOM, LATE)


def test_what_waits_in_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert waiting(ours.fileno()) == 0
        theirs.send(bytes(100))
        assert waiting(ours.fileno()) == 100
