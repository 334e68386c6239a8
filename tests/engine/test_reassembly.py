"""Out-of-order pieces, against a model that keeps one byte per offset."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.engine.reassembly import Reassembly

SEGMENTS = st.lists(st.tuples(st.integers(1, 30), st.binary(min_size=1, max_size=8)), max_size=20)


@given(SEGMENTS)
def test_the_first_copy_of_every_byte_wins(segments: list[tuple[int, bytes]]) -> None:
    subject = Reassembly(max_bytes=1000, max_pieces=1000)
    model: dict[int, int] = {}
    for start, data in segments:
        kept, differed = subject.add(start, data)
        places = {start + index: byte for index, byte in enumerate(data)}
        assert kept
        assert differed == any(model.get(at, byte) != byte for at, byte in places.items())
        model = {**places, **model}
    assert subject.size == len(model)
    found = {
        start + index: byte
        for start, piece in zip(subject.starts, subject.pieces, strict=True)
        for index, byte in enumerate(piece)
    }
    assert found == model
    assert subject.starts == sorted(subject.starts)


def test_it_is_bounded_in_bytes_and_pieces() -> None:
    subject = Reassembly(max_bytes=10, max_pieces=2)
    assert subject.add(1, b"12345") == (True, False)
    assert subject.add(11, b"123456") == (False, False)
    assert subject.size == 5
    assert subject.add(21, b"1") == (True, False)
    assert subject.add(31, b"1") == (False, False)
    assert subject.take(3) == b"345"
    assert subject.size == 1
