"""Whole sessions, cut wherever they can be, saved and restored in between."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

import pytest

from tests.protocols.xmpp.dialogues import DIALOGUES, Arrival, Dialogue
from tests.protocols.xmpp.session import LOGIN, TO_CLIENT, TO_SERVER, Session

EXPECTED = {
    "bytestream": [
        "xmpp.rewritten",
        "xmpp.candidate.refused",
    ],
    "jingle": ["xmpp.rewritten"],
    "in band, and text": [],
    "starttls": ["xmpp.opaque"],
    "stripped": ["xmpp.feature.removed", "xmpp.rewritten", "xmpp.starttls.refused"],
    "required": ["xmpp.starttls.required"],
    "relayed": ["xmpp.rewritten"],
    "link-local": ["xmpp.rewritten"],
}


def play(session: Session, arrivals: Iterable[Arrival]) -> Session:
    for direction, data in arrivals:
        session.feed(direction, data)
    return session


def result(session: Session) -> object:
    """What both sides and everybody else have seen of a session."""
    reports = [(report.code, report.detail) for report in session.reports]
    phase = session.inspector.dialogue.phase
    return session.left, session.events, reports, phase


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_what_happens(dialogue: Dialogue) -> None:
    session = play(dialogue.session(), dialogue.arrivals)
    assert session.codes == EXPECTED[dialogue.name]
    assert not session.aborted
    assert session.held == {TO_SERVER: b"", TO_CLIENT: b""}
    if dialogue.name in ("in band, and text", "starttls"):
        assert not session.touched
        for direction in (TO_SERVER, TO_CLIENT):
            sent = [data for towards, data in dialogue.arrivals if towards is direction]
            assert session.left[direction] == b"".join(sent)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_cut_in_two_anywhere(dialogue: Dialogue) -> None:
    logins = dialogue.name in ("bytestream", "stripped")  # all log in alike
    whole = result(play(dialogue.session(), dialogue.arrivals))
    for number, (direction, data) in enumerate(dialogue.arrivals):
        if number < len(LOGIN) and dialogue.arrivals[number] is LOGIN[number] and not logins:
            continue
        before = play(dialogue.session(), dialogue.arrivals[:number])
        for cut in range(1, len(data)):
            session = deepcopy(before)
            session.feed(direction, data[:cut])
            session.save_and_restore()
            session.feed(direction, data[cut:])
            assert result(play(session, dialogue.arrivals[number + 1 :])) == whole, (number, cut)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_byte_by_byte(dialogue: Dialogue) -> None:
    session = dialogue.session()
    for direction, data in dialogue.arrivals:
        for byte in data:
            session.feed(direction, bytes([byte]))
    assert result(session) == result(play(dialogue.session(), dialogue.arrivals))


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_ahead_of_each_other(dialogue: Dialogue) -> None:
    """A client that waits for nothing, and a server that answers it all at once."""
    session = dialogue.session()
    for wanted in (TO_SERVER, TO_CLIENT):
        play(session, [(way, data) for way, data in dialogue.arrivals if way is wanted])
    whole = play(dialogue.session(), dialogue.arrivals)
    if dialogue.name in ("bytestream", "jingle", "in band, and text", "starttls", "relayed"):
        assert session.left == whole.left
        assert not session.aborted
