"""Whole conversations: what opens, what changes, and that it does not matter how they are cut."""

from __future__ import annotations

import pytest

from tests.protocols.rtsp.connection import TO_CLIENT, TO_SERVER, Connection
from tests.protocols.rtsp.dialogues import DIALOGUES, Dialogue

named = pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)


def run(dialogue: Dialogue, size: int | None = None, cut: int | None = None) -> Connection:
    """Play it, with each arrival whole, in pieces of a size, or cut in two."""
    connection = Connection(dialogue.conversation)
    for direction, data in dialogue.arrivals:
        if cut is not None:
            pieces = [data[:cut], data[cut:]]
        else:
            step = size or len(data)
            pieces = [data[start : start + step] for start in range(0, len(data), step)]
        for piece in pieces:
            if piece:
                connection.feed(direction, piece)
    return connection


def seen(connection: Connection) -> tuple[object, ...]:
    return (connection.left, connection.held, connection.codes, connection.opaque)


@named
def test_what_opens(dialogue: Dialogue) -> None:
    connection = Connection(dialogue.conversation)
    opened = set()
    for direction, data in dialogue.arrivals:
        connection.feed(direction, data)
        opened |= connection.gateway.open()
    assert len(opened) == dialogue.opened
    assert connection.opaque is dialogue.opaque
    assert not connection.aborted
    assert connection.held == {TO_SERVER: b"", TO_CLIENT: b""}


@named
def test_cut_anywhere(dialogue: Dialogue) -> None:
    whole = seen(run(dialogue))
    longest = max(len(data) for _, data in dialogue.arrivals)
    for cut in range(1, longest):
        assert seen(run(dialogue, cut=cut)) == whole, cut
    for size in (1, 2, 3, 7, 100):
        assert seen(run(dialogue, size=size)) == whole, size


@named
def test_no_inside_address_leaves(dialogue: Dialogue) -> None:
    connection = run(dialogue)
    for direction, data in dialogue.arrivals:
        reader = dialogue.conversation.actual(direction.sender.other)
        if b"192.168." in data and connection.gateway.public_of(reader.address) == reader.address:
            assert b"192.168." not in connection.left[direction]


@named
def test_without_translation_nothing_changes(dialogue: Dialogue) -> None:
    ends = dialogue.conversation
    if ends.client != ends.client_seen or ends.server != ends.server_seen:
        return
    connection = run(dialogue)
    for direction in (TO_SERVER, TO_CLIENT):
        came = b"".join(data for towards, data in dialogue.arrivals if towards is direction)
        assert connection.left[direction] == came
