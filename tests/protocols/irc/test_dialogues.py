"""Whole conversations: as written, cut anywhere, saved and restored in between."""

from __future__ import annotations

import pickle

import pytest

from tests.protocols.irc.dialogues import DIALOGUES, Dialogue
from tests.protocols.playbook import play, play_split, result, steps

every_dialogue = pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda d: d.name)


@every_dialogue
def test_goes_as_written(dialogue: Dialogue) -> None:
    session = play(dialogue.script, dialogue.session())
    assert session.aborted or not any(session.held.values())


@every_dialogue
def test_cut_at_every_byte(dialogue: Dialogue) -> None:
    play_split(dialogue.script, dialogue.session)


@every_dialogue
def test_saved_and_restored_after_each_step(dialogue: Dialogue) -> None:
    session, whole = dialogue.session(), dialogue.session()
    for step in steps(dialogue.script):
        whole.feed(step.direction, step.data)
        half = len(step.data) // 2
        session.feed(step.direction, step.data[:half])
        session = pickle.loads(pickle.dumps(session))
        session.feed(step.direction, step.data[half:])
    assert result(session) == result(whole)
