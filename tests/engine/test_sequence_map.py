"""The map between the sequence spaces, against a model that maps byte by byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.engine.sequence_map import SequenceMap

PIECES = st.lists(
    st.tuples(st.integers(0, 6), st.none() | st.integers(0, 6)).filter(lambda p: p != (0, None)),
    max_size=12,
)
"""(input length, output length; None: unchanged)."""


@given(PIECES, st.data())
def test_it_maps_as_a_list_of_pieces_does(
    pieces: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    subject = SequenceMap()
    source = target = 1
    spans = []
    for length, replaced in pieces:
        out = length if replaced is None else replaced
        if replaced is not None:
            subject = subject.add(source, length, target, out)
        spans.append((source, source + length, target, target + out, replaced is None))
        source, target = source + length, target + out
    assert subject.shift == target - source
    forgotten = data.draw(st.integers(1, target))
    subject = subject.without(forgotten)
    assert all(edit.out_end > forgotten for edit in subject.edits)
    for offset in range(forgotten, target + 1):
        assert subject.input_acknowledged(offset) == _acknowledged(spans, offset)


def _acknowledged(spans: list[tuple[int, int, int, int, bool]], offset: int) -> int:
    """The input offset up to which every piece has left wholly below `offset`."""
    reached = 1
    for start, end, out_start, out_end, unchanged in spans:
        if offset >= out_end:
            reached = end
        elif unchanged:
            return start + max(0, offset - out_start)
        else:
            return start
    return reached


def test_a_place_in_an_edit_maps_to_its_edges() -> None:
    subject = SequenceMap()
    subject = subject.add(10, 4, 10, 7)
    assert (subject.output_start(12), subject.output_end(12)) == (10, 17)
    assert (subject.output_start(14), subject.output_start(9)) == (17, 9)
