"""Whether a regular expression may backtrack: whether some text can be read in ever more ways.

Python tries one way after the other. There are exponentially many if a loop has two ways through it
for the same text, and a power of the length if what one loop takes, a second one behind it takes as
well. Both are decided on the positions of the expression (Glushkov's automaton): which character
classes there are, and which may follow which. Loops with a bound of more than `UNROLLED` count as
endless; assertions are passed over: both err on the side of finding something. What is possessive
or atomic is not entered again, so it is looked at by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

UNROLLED = 45
_ASSERTIONS = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)
_LOOPS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_BEGINNINGS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
_ANY = frozenset(range(256))
_BEGINNING = 256
"""It is there once, in front of everything."""


def ambiguity(
    pattern: re.Pattern[Any], *, anywhere: bool = False, whole: bool = True
) -> str | None:
    """What is wrong with it; None if nothing is. `anywhere`: it is searched for, not matched;
    `whole`: it has to reach the end."""
    parsed = list(_parser.parse(pattern.pattern, pattern.flags))
    graph = Graph(pattern.flags)
    if anywhere:
        parsed.insert(0, (sre.MIN_REPEAT, (0, sre.MAXREPEAT, [(sre.ANY_ALL, None)])))
    last = graph.sequence(parsed).last
    if not whole and parsed[-1][0] not in _ASSERTIONS:
        graph.accepting = frozenset(last)
    problem = graph.problem()
    while problem is None and graph.atomic:
        alone = Graph(pattern.flags)
        alone.atomic = graph.atomic[1:]
        alone.sequence(graph.atomic[0])
        problem, graph = alone.problem(), alone
    return problem


@dataclass(frozen=True)
class Part:
    """Positions that it may begin and end with, and whether it may be empty."""

    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    empty: bool = True


@dataclass
class Graph:
    """Positions, and what may follow them."""

    flags: int
    texts: list[frozenset[int]] = field(default_factory=list)
    """What stands at a position."""
    edges: dict[tuple[int, int], int] = field(default_factory=dict)
    """In how many ways one follows another."""
    atomic: list[Any] = field(default_factory=list)
    groups: dict[Any, Any] = field(default_factory=dict)
    accepting: frozenset[int] = frozenset()
    """Where it may end, whatever follows."""
    endless_nothing: bool = False
    _after: dict[int, list[int]] = field(default_factory=dict)
    _reached: dict[int, frozenset[int]] = field(default_factory=dict)

    def sequence(self, items: Any) -> Part:
        """One after the other."""
        whole = Part()
        for item in items:
            part = self.part(*item)
            whole = self.joined(whole, part, part.empty)
        return whole

    def joined(self, one: Part, other: Part, may_lack: bool) -> Part:
        """One behind the other, which may not be there."""
        self.link(one.last, other.first)
        return Part(
            one.first + other.first if one.empty else one.first,
            one.last + other.last if may_lack else other.last,
            one.empty and may_lack,
        )

    def part(self, kind: Any, what: Any) -> Part:
        """Anything."""
        if kind is sre.AT and what in _BEGINNINGS:
            return self.position(frozenset({_BEGINNING}))
        if kind in _ASSERTIONS:
            return Part()
        if kind is sre.SUBPATTERN:
            self.groups[what[0]] = what[3]
            return self.sequence(what[3])
        if kind is sre.GROUPREF:
            return self.sequence(self.groups[what])
        if kind is sre.BRANCH:
            parts = [self.sequence(branch) for branch in what[1]]
            return Part(
                tuple(p for part in parts for p in part.first),
                tuple(p for part in parts for p in part.last),
                any(part.empty for part in parts),
            )
        if kind is sre.POSSESSIVE_REPEAT:
            self.atomic.append([(sre.MAX_REPEAT, what)])
            return self.position(frozenset({-len(self.texts) - 1}))
        if kind is sre.ATOMIC_GROUP:
            self.atomic.append(what)
            return self.position(frozenset({-len(self.texts) - 1}))
        if kind in _LOOPS:
            return self.loop(*what)
        return self.position(characters(kind, what, self.flags))

    def loop(self, least: int, most: Any, body: Any) -> Part:
        """A repetition."""
        if most is not sre.MAXREPEAT and most <= UNROLLED:
            whole = Part()
            for number in range(most):
                again = self.sequence(body)
                whole = self.joined(whole, again, number >= least or again.empty)
            return whole
        part = self.sequence(body)
        self.endless_nothing = self.endless_nothing or part.empty
        self.link(part.last, part.first)
        return Part(part.first, part.last, part.empty or least == 0)

    def position(self, text: frozenset[int]) -> Part:
        """A character."""
        self.texts.append(text)
        here = (len(self.texts) - 1,)
        return Part(here, here, False)

    def link(self, before: tuple[int, ...], behind: tuple[int, ...]) -> None:
        """The one may follow the other."""
        for edge in product(before, behind):
            self.edges[edge] = self.edges.get(edge, 0) + 1

    def problem(self) -> str | None:
        """See `ambiguity`."""
        if self.endless_nothing:
            return "a loop around what may be empty"
        looping = [p for p in range(len(self.texts)) if p in self.reached(p)]
        for (one, other), ways in self.edges.items():
            if ways > 1 and one in self.reached(other):
                return f"two ways from {self.shown(one)} to {self.shown(other)} in a loop"
        for p in looping:
            if self.meets((p, p), (p, p), apart=True):
                return f"two ways around {self.shown(p)}"
        for p, q in product(looping, looping):
            if q in self.accepting or p == q or q not in self.reached(p):
                continue
            if self.texts[p] & self.texts[q] and self.meets((p, p, q), (p, q, q)):
                return f"{self.shown(p)} and {self.shown(q)} take the same"
        return None

    def reached(self, start: int) -> frozenset[int]:
        """All that is behind a position."""
        if start not in self._reached:
            seen: set[int] = set()
            todo = [start]
            while todo:
                new = set(self.after(todo.pop())) - seen
                seen |= new
                todo += new
            self._reached[start] = frozenset(seen)
        return self._reached[start]

    def after(self, position: int) -> list[int]:
        """What may follow it."""
        if not self._after:
            for one, other in self.edges:
                self._after.setdefault(one, []).append(other)
        return self._after.get(position, [])

    def meets(self, start: tuple[int, ...], end: tuple[int, ...], apart: bool = False) -> bool:
        """Whether one text leads from all of `start` to all of `end`; `apart`: and on the way
        they have been at different positions."""
        todo = [(start, False)]
        seen = set(todo)
        while todo:
            at, split = todo.pop()
            ahead = (self._ahead(each, last) for each, last in zip(at, end, strict=True))
            for step in product(*ahead):
                if not frozenset.intersection(*(self.texts[each] for each in step)):
                    continue
                parted = split or len(set(step)) > 1
                if step == end and (parted or not apart):
                    return True
                if (step, parted) not in seen:
                    seen.add((step, parted))
                    todo.append((step, parted))
        return False

    def _ahead(self, position: int, last: int) -> list[int]:
        """What may follow it on the way to `last`."""
        return [each for each in self.after(position) if each == last or last in self.reached(each)]

    def shown(self, position: int) -> str:
        text = bytes(sorted(c for c in self.texts[position] if 0 <= c < 256))
        return f"#{position} {text[:12]!r}"


def characters(kind: Any, what: Any, flags: int) -> frozenset[int]:
    """Those of the first 256 that fit, by trying."""
    return _fitting(repr((kind, what)), flags & re.IGNORECASE, _Held(kind, what))


class _Held:
    """Carries what cannot be hashed past a cache."""

    def __init__(self, *what: Any) -> None:
        self.what = what

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)


@cache
def _fitting(_name: str, ignoring_case: int, held: _Held) -> frozenset[int]:
    kind, what = held.what
    found = frozenset(_members(kind, what))
    if ignoring_case:
        folded = bytes(found).lower() + bytes(found).upper()
        found |= frozenset(folded)
    return found


_CATEGORIES = {
    sre.CATEGORY_SPACE: re.compile(rb"\s"),
    sre.CATEGORY_NOT_SPACE: re.compile(rb"\S"),
    sre.CATEGORY_DIGIT: re.compile(rb"\d"),
    sre.CATEGORY_NOT_DIGIT: re.compile(rb"\D"),
    sre.CATEGORY_WORD: re.compile(rb"\w"),
    sre.CATEGORY_NOT_WORD: re.compile(rb"\W"),
}


def _members(kind: Any, what: Any) -> Iterator[int]:
    if kind is sre.LITERAL:
        yield min(what, 255)
    elif kind is sre.NOT_LITERAL:
        yield from _ANY - {what}
    elif kind is sre.ANY:
        yield from _ANY - {0x0A}
    elif kind is sre.ANY_ALL:
        yield from _ANY
    elif kind is sre.RANGE:
        yield from range(what[0], min(what[1], 255) + 1)
    elif kind is sre.CATEGORY:
        yield from (c for c in _ANY if _CATEGORIES[what].match(bytes((c,))))
    elif kind is sre.IN:
        negated = bool(what) and what[0][0] is sre.NEGATE
        inside = frozenset(c for item in what[negated:] for c in _members(*item))
        yield from _ANY - inside if negated else inside
    else:
        raise NotImplementedError(kind)
