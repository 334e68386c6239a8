"""All pinholes, to be counted and shown: whoever has one says here what becomes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ryu_alg.engine.rising import Rising
from ryu_alg.engine.views import PinholeState


@dataclass(slots=True)
class Numbers:
    """One sequence of ids: none is there twice."""

    last: int = 0

    def next(self) -> int:
        """The next one, above 0."""
        self.last += 1
        return self.last


@dataclass(slots=True)
class PinholeTable(Numbers):
    """By number. Expectations, bindings and exchanges share the sequence."""

    owners: dict[int, object] = field(default_factory=dict)
    """Who has it, and knows all about it."""
    order: Rising[object] = field(init=False)
    states: Counter[PinholeState] = field(default_factory=Counter)
    """How many are how far."""

    def __post_init__(self) -> None:
        self.order = Rising(self.owners)

    def add(self, number: int, owner: object) -> None:
        """There is one, with the number that was given out last."""
        self.owners[number] = owner
        self.order.added(number)

    def remove(self, number: int) -> None:
        """It is over."""
        self.owners.pop(number, None)

    def moved(self, before: PinholeState | None, after: PinholeState | None) -> None:
        """One is in another state. None: it is not open to anybody, nor is to be."""
        if before is not None:
            self.states[before] -= 1
        if after is not None:
            self.states[after] += 1
