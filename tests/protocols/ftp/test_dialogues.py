"""Whole conversations: as written, cut anywhere, pipelined, saved and restored in between."""

from __future__ import annotations

import copy
import pickle

import pytest

from tests.protocols.ftp.dialogues import DIALOGUES, Dialogue
from tests.protocols.playbook import play, play_pipelined, play_split, result, steps

every_dialogue = pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda d: d.name)


@every_dialogue
def test_goes_as_written(dialogue: Dialogue) -> None:
    session = play(dialogue.text, dialogue.session())
    assert not any(session.held.values())


@every_dialogue
def test_cut_at_every_byte(dialogue: Dialogue) -> None:
    play_split(dialogue.text, dialogue.session)


@pytest.mark.parametrize("dialogue", [d for d in DIALOGUES if d.pipelined], ids=lambda d: d.name)
def test_pipelined(dialogue: Dialogue) -> None:
    play_pipelined(dialogue.text, dialogue.session)


@every_dialogue
def test_saved_and_restored_after_each_step(dialogue: Dialogue) -> None:
    session, whole = dialogue.session(), dialogue.session()
    for number, step in enumerate(steps(dialogue.text)):
        whole.feed(step.direction, step.data)
        half = len(step.data) // 2
        session.feed(step.direction, step.data[:half])
        if number % 2:
            session = pickle.loads(pickle.dumps(session))
        else:
            session = copy.deepcopy(session)
        session.feed(step.direction, step.data[half:])
    assert result(session) == result(whole)


@every_dialogue
def test_the_dialogue_alone_is_enough_to_go_on(dialogue: Dialogue) -> None:
    session, whole = dialogue.session(), dialogue.session()
    for step in steps(dialogue.text):
        whole.feed(step.direction, step.data)
        saved = pickle.dumps(session.inspector.dialogue)
        session.inspector = type(session.inspector)(dialogue.options, session.gateway)
        session.inspector.dialogue = pickle.loads(saved)
        session.feed(step.direction, step.data)
    assert result(session) == result(whole)
