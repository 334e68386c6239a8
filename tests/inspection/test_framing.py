"""Lines within a stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection.framing import Line, Unframed, take_line


def test_a_line_ends_with_lf() -> None:
    assert take_line(b"NOOP\r\nQUIT\r\n", 0, 512) == Line(b"NOOP\r\n")
    assert take_line(b"NOOP\r\nQUIT\n", 6, 512) == Line(b"QUIT\n")


def test_text_is_without_the_end() -> None:
    assert Line(b"NOOP\r\n").text == b"NOOP"
    assert Line(b"NOOP\n").text == b"NOOP"
    assert Line(b"NOOP\r\r\n").text == b"NOOP"
    assert Line(b"NOOP \rx\r\n").text == b"NOOP \rx"


def test_an_unfinished_line() -> None:
    assert take_line(b"NOOP\r", 0, 512) is Unframed.PARTIAL
    assert take_line(b"", 0, 512) is Unframed.PARTIAL
    assert take_line(b"NOOP\r\n", 6, 512) is Unframed.PARTIAL


def test_the_limit_counts_the_end() -> None:
    assert take_line(b"abc\n", 0, 4) == Line(b"abc\n")
    assert take_line(b"abcd\n", 0, 4) is Unframed.OVERLONG
    assert take_line(b"abcd", 0, 4) is Unframed.OVERLONG
    assert take_line(b"abc", 0, 4) is Unframed.PARTIAL


@given(data=st.binary(), limit=st.integers(min_value=1, max_value=20))
def test_more_bytes_change_no_line(data: bytes, limit: int) -> None:
    found = take_line(data, 0, limit)
    for more in (b"x", b"\n", b"x" * limit):
        if found is not Unframed.PARTIAL:
            assert take_line(data + more, 0, limit) == found
