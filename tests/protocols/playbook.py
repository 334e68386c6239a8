r"""Conversations as text: what arrives, and what must leave and happen because of it.

    >> the client sends            << the server sends
    -> leaves for the server       <- leaves for the client
    >= the client sends, and it leaves as it came
    <= the server sends, and it leaves as it came
    !! events: open N, close N, abort, opaque, codes of reports; those that stand behind one
       arrival, in order

A line means itself and CR LF, with the escapes of a Python string; one that ends in \c has
no line end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ryu_alg.inspection import Direction
from tests.protocols.session import TO_CLIENT, TO_SERVER, StreamSession


@dataclass
class Step:
    """One arrival and its consequences."""

    direction: Direction
    data: bytes
    leaves: dict[Direction, bytes] = field(default_factory=lambda: {TO_SERVER: b"", TO_CLIENT: b""})
    events: list[str] = field(default_factory=list)


def _bytes(text: str) -> bytes:
    if text.endswith("\\c"):
        return text[:-2].encode("latin-1").decode("unicode_escape").encode("latin-1")
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1") + b"\r\n"


def steps(text: str) -> list[Step]:
    """The steps of a playbook. Arrivals in one direction without consequences are joined."""
    found: list[Step] = []
    for line in text.strip().splitlines():
        mark, _, rest = line.strip().partition(" ")
        match mark:
            case ">>" | ">=" | "<<" | "<=":
                direction = TO_SERVER if mark[0] == ">" else TO_CLIENT
                step = Step(direction, _bytes(rest))
                if mark[1] == "=":
                    step.leaves[direction] += step.data
                found.append(step)
            case "->":
                found[-1].leaves[TO_SERVER] += _bytes(rest)
            case "<-":
                found[-1].leaves[TO_CLIENT] += _bytes(rest)
            case "!!":
                found[-1].events += [event.strip() for event in rest.split(",")]
            case "":
                pass
            case _:
                raise ValueError(f"not a line of a playbook: {line!r}")
    return found


def play(text: str, session: StreamSession) -> StreamSession:
    """Run it step by step; each step must have exactly the consequences written."""
    for step in steps(text):
        before = dict(session.left)
        seen = len(session.events)
        session.feed(step.direction, step.data)
        for direction in (TO_SERVER, TO_CLIENT):
            got = session.left[direction][len(before[direction]) :]
            assert got == step.leaves[direction], (step, direction, got)
        assert session.events[seen:] == step.events, step
    return session


def result(session: StreamSession) -> tuple[object, ...]:
    """All that the world sees of a session."""
    return (session.left, session.held, session.events, session.aborted, session.opaque)


def play_split(text: str, new: Callable[[], StreamSession]) -> None:
    """Run it with each arrival cut in two at each position, and byte by byte: all the same."""
    whole = new()
    script = steps(text)
    for step in script:
        whole.feed(step.direction, step.data)
    longest = max(len(step.data) for step in script)
    for cut in range(1, longest):
        session = new()
        for step in script:
            session.feed(step.direction, step.data[:cut])
            if step.data[cut:]:
                session.feed(step.direction, step.data[cut:])
        assert result(session) == result(whole), cut
    session = new()
    for step in script:
        for byte in step.data:
            session.feed(step.direction, bytes([byte]))
    assert result(session) == result(whole)


def play_pipelined(text: str, new: Callable[[], StreamSession]) -> None:
    """Run it with all that the client sends sent at once, before the server says anything."""
    script = steps(text)
    whole, session = new(), new()
    for step in script:
        whole.feed(step.direction, step.data)
    session.client(b"".join(step.data for step in script if step.direction is TO_SERVER))
    for step in script:
        if step.direction is TO_CLIENT:
            session.server(step.data)
    assert session.left == whole.left
    assert sorted(session.events) == sorted(whole.events)
