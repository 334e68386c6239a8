"""Rewriting by spans."""

from __future__ import annotations

from ryu_alg.inspection import Forward, Opaque, Replace
from ryu_alg.inspection.edits import Decisions, splice

EDITS = [((4, 6), b"x"), ((0, 0), b"<"), ((10, 10), b">"), ((5, 8), b"never"), ((8, 9), b"")]


def test_splice() -> None:
    raw = b"0123456789"
    assert splice(raw, EDITS) == b"<0123x679>"
    assert splice(raw, []) == raw


def test_neighbouring_forwards_are_one() -> None:
    decisions = Decisions()
    decisions.forward(0)
    decisions.forward(3)
    decisions.forward(4)
    decisions.replace(2, b"")
    decisions.forward(1)
    decisions.do(Opaque())
    assert decisions.effects == [Forward(7), Replace(2, b""), Forward(1), Opaque()]


def test_edits_become_effects() -> None:
    decisions = Decisions()
    decisions.edit(0, 11, EDITS)
    assert decisions.effects == [
        *(Replace(0, b"<"), Forward(4), Replace(2, b"x"), Forward(2), Replace(1, b"")),
        *(Forward(1), Replace(0, b">"), Forward(1)),
    ]


def test_edits_within_something_that_begins_later() -> None:
    decisions = Decisions()
    decisions.forward(3)
    decisions.edit(3, 10, [((4, 6), b"x")])
    assert decisions.effects == [Forward(4), Replace(2, b"x"), Forward(4)]
