"""Bencoding, beside BEP 3."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.bencode import (
    MAX_DEPTH,
    MAX_VALUES,
    BencodeError,
    Dictionary,
    Number,
    Sequence,
    Text,
    Value,
)

Plain = int | bytes | list["Plain"] | dict[bytes, "Plain"]


def plain(value: Value) -> Plain:
    """What was read, without its places."""
    match value:
        case Text(_, _, data):
            return data
        case Number(_, _, number):
            return number
        case Sequence(_, _, items):
            return [plain(item) for item in items]
        case Dictionary(_, _, items):
            return {key: plain(item) for key, item in items.items()}


def encoded(value: Plain) -> bytes:
    match value:
        case bytes():
            return bencode.text(value)
        case int():
            return bencode.number(value)
        case list():
            return b"l" + b"".join(map(encoded, value)) + b"e"
        case dict():
            return bencode.dictionary({key: encoded(item) for key, item in value.items()})


def values_of(value: Value) -> list[Value]:
    """A value and all that it holds."""
    match value:
        case Sequence(_, _, items):
            return [value, *(inner for item in items for inner in values_of(item))]
        case Dictionary(_, _, items):
            return [value, *(inner for item in items.values() for inner in values_of(item))]
        case _:
            return [value]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"4:spam", b"spam"),
        (b"0:", b""),
        (b"i3e", 3),
        (b"i-3e", -3),
        (b"i0e", 0),
        (b"l4:spam4:eggse", [b"spam", b"eggs"]),
        (b"le", []),
        (b"d3:cow3:moo4:spam4:eggse", {b"cow": b"moo", b"spam": b"eggs"}),
        (b"d4:spaml1:a1:bee", {b"spam": [b"a", b"b"]}),
        (b"de", {}),
    ],
)
def test_the_examples_of_bep_3(data: bytes, value: Plain) -> None:
    assert plain(bencode.parse(data)) == value
    assert encoded(value) == data


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"i", b"ie", b"i-e", b"i-0e", b"i03e", b"i-03e", b"i3", b"i 3e", b"i+3e", b"i3.0e"),
        *(b"-1:", b"01:a", b"5:spam", b":", b"4spam", b"1", b"+1:a", b" 1:a", b"x"),
        *(b"l", b"li1e", b"d", b"d1:a", b"d1:ae", b"di1ei1ee", b"d1:ai1e1:ai2ee", b"e"),
        *(b"i3ei4e", b"dex", b"i" + b"1" * 21 + b"e", b"9" * 21 + b":"),
        "i\u0663e".encode(),
    ],
)
def test_what_is_malformed(data: bytes) -> None:
    with pytest.raises(BencodeError):
        bencode.parse(data)


def test_bounds() -> None:
    bencode.parse(b"l" * MAX_DEPTH + b"i1e" + b"e" * MAX_DEPTH)
    with pytest.raises(BencodeError):
        bencode.parse(b"l" * (MAX_DEPTH + 1) + b"i1e" + b"e" * (MAX_DEPTH + 1))
    with pytest.raises(BencodeError):
        bencode.parse(b"l" * 100_000)
    bencode.parse(b"l" + b"0:" * (MAX_VALUES - 1) + b"e")
    with pytest.raises(BencodeError):
        bencode.parse(b"l" + b"0:" * MAX_VALUES + b"e")


def test_what_follows_a_value() -> None:
    value, end = bencode.parse_prefix(b"i12e5:hello")
    assert (plain(value), end) == (12, 4)


def test_what_a_dictionary_is_asked_for() -> None:
    value = bencode.parse(b"d1:ad1:bi1ee1:ni5e1:t3:abce")
    assert isinstance(value, Dictionary)
    assert value.text(b"t") == b"abc" and value.number(b"n") == 5
    assert value.text(b"n") is None and value.number(b"t") is None
    assert value.dictionary(b"t") is None and value.text(b"x") is None
    inner = value.dictionary(b"a")
    assert inner is not None and inner.number(b"b") == 1


def test_values_are_replaced_where_they_stand() -> None:
    data = b"d1:ai1e1:b3:abce"
    value = bencode.parse(data)
    assert isinstance(value, Dictionary)
    one, two = value.items[b"a"], value.items[b"b"]
    assert bencode.edited(data, [(two, b"0:"), (one, b"i1000e")]) == b"d1:ai1000e1:b0:e"
    assert bencode.edited(data, []) == data


# -- whatever comes --------------------------------------------------------------------------------

plains = st.recursive(
    st.one_of(st.integers(-(2**63), 2**64 - 1), st.binary(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.binary(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)
PIECES = [b"d", b"l", b"e", b"i", b"0", b"1", b"-", b":", b"1:a", b"i1e", b"2:id", b"20:"]
fragments = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=30)


def depth(value: Plain) -> int:
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case _:
            return 0


@settings(max_examples=300, deadline=None)
@given(plains)
def test_what_is_written_is_read(value: Plain) -> None:
    data = encoded(value)
    if depth(value) > MAX_DEPTH:
        with pytest.raises(BencodeError):
            bencode.parse(data)
        return
    read = bencode.parse(data)
    assert plain(read) == value
    for inner in values_of(read):
        assert plain(bencode.parse(data[inner.start : inner.end])) == plain(inner)
        assert bencode.edited(data, [(inner, data[inner.start : inner.end])]) == data


@settings(max_examples=500, deadline=None)
@given(fragments.map(b"".join))
def test_any_bytes(data: bytes) -> None:
    try:
        value, end = bencode.parse_prefix(data)
    except BencodeError:
        return
    assert 0 < end <= len(data)
    assert all(
        0 <= inner.start < inner.end <= end and bencode.parse(data[inner.start : inner.end])
        for inner in values_of(value)
    )
