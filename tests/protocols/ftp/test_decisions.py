"""The effects of one inspection."""

from __future__ import annotations

from ryu_alg.inspection import Direction, Forward, Inject, Opaque, Replace, Report
from ryu_alg.protocols.ftp.decisions import Decisions


def test_neighbouring_forwards_are_one() -> None:
    decisions = Decisions(Direction.TO_SERVER)
    decisions.forward(0)
    decisions.forward(3)
    decisions.forward(4)
    decisions.delete(2)
    decisions.forward(1)
    assert decisions.effects == [Forward(7), Replace(2, b""), Forward(1)]
    assert decisions.decided == 10


def test_a_rewritten_line() -> None:
    decisions = Decisions(Direction.TO_SERVER)
    decisions.rewrite(b"PORT a \r\n", [(5, 6)], b"bc")
    report = Report("ftp.rewritten", "PORT a -> PORT bc")
    assert decisions.effects == [report, Forward(5), Replace(1, b"bc"), Forward(3)]


def test_a_line_rewritten_twice() -> None:
    decisions = Decisions(Direction.TO_CLIENT)
    decisions.rewrite(b"abcdef", [(4, 5), (0, 2)], b"x")
    assert decisions.effects[1:] == [Replace(2, b"x"), Forward(2), Replace(1, b"x"), Forward(1)]
    assert decisions.effects[0] == Report("ftp.rewritten", "abcdef -> xcdxf")


def test_nothing_to_rewrite() -> None:
    decisions = Decisions(Direction.TO_SERVER)
    decisions.rewrite(b"PORT a\r\n", [(5, 6)], None)
    assert decisions.effects == [Forward(8)]


def test_an_answer_stands_where_the_servers_would() -> None:
    decisions = Decisions(Direction.TO_SERVER)
    decisions.answer(b"550\r\n")
    assert decisions.effects == [Inject(Direction.TO_CLIENT, b"550\r\n")]
    decisions = Decisions(Direction.TO_CLIENT)
    decisions.forward(1)
    decisions.answer(b"550\r\n")
    decisions.do(Opaque())
    assert decisions.effects == [Forward(1), Replace(0, b"550\r\n"), Opaque()]
    assert decisions.decided == 1
