"""Messages with a start line, header fields and a body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection.headers import (
    Framed,
    Head,
    HeadLimits,
    Unread,
    content_length,
    take_head,
    take_message,
)

LIMITS = HeadLimits(line=64, head=256, fields=4)
LENGTH = frozenset({b"content-length", b"l"})


def head_of(data: bytes, start: int = 0, limits: HeadLimits = LIMITS) -> Head:
    head = take_head(data, start, limits)
    assert isinstance(head, Head)
    return head


def test_fields_say_where_they_stand() -> None:
    data = b"junkHELLO x\r\nA: one\r\nb :\ttwo \r\n\r\nbody"
    head = head_of(data, 4)

    assert data[head.start : head.line_end] == b"HELLO x"
    assert [field.name for field in head.fields] == [b"a", b"b"]
    assert [data[f.value_start : f.value_end] for f in head.fields] == [b"one", b"two"]
    assert [data[f.start : f.end] for f in head.fields] == [b"A: one\r\n", b"b :\ttwo \r\n"]
    assert data[head.end :] == b"body"


def test_a_folded_field_is_one() -> None:
    data = b"HELLO\nA:\r\n one\n\ttwo\r\nB:\n\n"
    head = head_of(data)

    assert [data[f.value_start : f.value_end] for f in head.fields] == [b"one\n\ttwo", b""]
    assert head.end == len(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"HELLO", Unread.PARTIAL),
        (b"HELLO\r\n", Unread.PARTIAL),
        (b"HELLO\r\nA: 1\r\n", Unread.PARTIAL),
        (b"HELLO\r\nA: 1\r\n\r", Unread.PARTIAL),
        (b"HELLO\r\n 1\r\n\r\n", Unread.SYNTAX),
        (b"HELLO\r\nA\r\n\r\n", Unread.SYNTAX),
        (b"HELLO\r\n: x\r\n\r\n", Unread.SYNTAX),
        (b"HELLO\r\nA B: x\r\n\r\n", Unread.SYNTAX),
        (b"HELLO\r\nA: \0\r\n\r\n", Unread.SYNTAX),
        (b"HELLO\r\nA: x\rB: y\r\n\r\n", Unread.SYNTAX),
        (b"x" * 64, Unread.OVERLONG),
        (b"HELLO\r\nA: " + b"x" * 64, Unread.OVERLONG),
        (b"HELLO\r\n" + b"A: 1\r\n" * 5 + b"\r\n", Unread.OVERLONG),
        (b"HELLO\r\nA: 1\r\n" + b" xxxxxxxxxxxx\r\n" * 40, Unread.OVERLONG),
    ],
)
def test_what_is_no_head(data: bytes, why: Unread) -> None:
    assert take_head(data, 0, LIMITS) is why


def test_an_escaped_nul_in_a_quoted_string_passes() -> None:
    head_of(b'HELLO\r\nA: "\\\0"\r\n\r\n')


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        (b"", None),
        (b"L: 7\r\n", 7),
        (b"Content-Length:0\r\n", 0),
        (b"Content-Length: 7\r\nl: 7\r\n", Unread.SYNTAX),
        (b"l: -1\r\n", Unread.SYNTAX),
        (b"l: +1\r\n", Unread.SYNTAX),
        (b"l: 1 2\r\n", Unread.SYNTAX),
        (b"l:\r\n", Unread.SYNTAX),
        (b"l: 99999999999\r\n", Unread.SYNTAX),
        ("l: ²\r\n".encode(), Unread.SYNTAX),
    ],
)
def test_the_length_of_the_body(fields: bytes, length: int | Unread | None) -> None:
    data = b"HELLO\r\n" + fields + b"\r\n"

    assert content_length(data, head_of(data), LENGTH) == length


def test_messages_of_a_stream() -> None:
    stream = b"ONE\r\nl: 3\r\n\r\nabcTWO\r\nl: 0\r\n\r\nTHR"
    first = take_message(stream, 0, LIMITS, 100, LENGTH)
    assert isinstance(first, Framed)
    assert stream[first.head.end : first.end] == b"abc"
    second = take_message(stream, first.end, LIMITS, 100, LENGTH)
    assert isinstance(second, Framed)
    assert take_message(stream, second.end, LIMITS, 100, LENGTH) is Unread.PARTIAL


def test_a_stream_needs_lengths() -> None:
    assert take_message(b"ONE\r\n\r\n", 0, LIMITS, 100, LENGTH) is Unread.UNKNOWN_LENGTH
    assert take_message(b"ONE\r\nl: x\r\n\r\n", 0, LIMITS, 100, LENGTH) is Unread.SYNTAX
    assert take_message(b"ONE\r\nl: 101\r\n\r\n", 0, LIMITS, 100, LENGTH) is Unread.OVERLONG


@given(st.binary(max_size=300), st.integers(0, 10))
def test_any_bytes(data: bytes, start: int) -> None:
    head = take_head(data, start, LIMITS)
    if isinstance(head, Head):
        assert start <= head.line_end <= head.end <= len(data)
        for field in head.fields:
            assert field.start < field.value_start <= field.value_end <= field.end <= head.end


def test_a_head_within_other_bytes_is_the_same_without_them() -> None:
    data = b"HELLO x\r\nA: one\r\n two\r\nb :\t\r\n\r\nbody"
    for junk in (b"", b"j", b"junk\r\n"):
        assert head_of(junk + data, len(junk)).moved(-len(junk)) == head_of(data)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z-]{0,8}", fullmatch=True),
            st.from_regex(r"[!-~](?:[ -~]{0,8}[!-~])?", fullmatch=True),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read(fields: list[tuple[str, str]]) -> None:
    data = b"HELLO\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields).encode() + b"\r\n"
    head = head_of(data)

    assert [(f.name.decode(), data[f.value_start : f.value_end].decode()) for f in head.fields] == [
        (name.lower(), value) for name, value in fields
    ]


@given(st.integers(0, 40))
def test_however_it_is_cut_it_is_the_same(cut: int) -> None:
    stream = b"ONE\r\nA: 1\r\n 2\r\nl: 3\r\n\r\nabc"
    whole = take_message(stream, 0, LIMITS, 100, LENGTH)
    part = take_message(stream[:cut], 0, LIMITS, 100, LENGTH)

    assert part is Unread.PARTIAL if cut < len(stream) else part == whole
