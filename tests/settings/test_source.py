"""YAML text as plain data, with lines."""

from __future__ import annotations

from typing import Any

import pytest

from ryu_alg.settings.source import Source, SourceError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21", 21),
        ("-5", -5),
        ("1.5", 1.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("word", "word"),
        ('"21"', "21"),
        ("'~'", "~"),
        ("!!str 21", "21"),
    ],
)
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    assert Source(f"key: {text}\n").data == {"key": value}


@pytest.mark.parametrize(
    "text",
    ["0000000000000001", "010", "0x10", "on", "no", "12:34:56", "2026-01-01", "1_000", "1e3"],
)
def test_what_yaml_1_1_would_read_otherwise_is_text(text: str) -> None:
    assert Source(f"key: {text}\n").data == {"key": text}


def test_a_number_that_python_would_not_read_is_text() -> None:
    number = "-" + "9" * 5000
    assert Source(f"key: {number}\n").data == {"key": number}


def test_lines_of_keys_and_items() -> None:
    source = Source("# comment\na:\n  b: 1\n  c:\n    - x\n    - {d: 2,\n       e: 3}\n")

    assert source.data == {"a": {"b": 1, "c": ["x", {"d": 2, "e": 3}]}}
    lines: list[tuple[tuple[Any, ...], int]] = [
        ((), 2),
        (("a",), 2),
        (("a", "b"), 3),
        (("a", "c"), 4),
        (("a", "c", 0), 5),
        (("a", "c", 1), 6),
        (("a", "c", 1, "d"), 6),
        (("a", "c", 1, "e"), 7),
    ]
    for path, line in lines:
        assert source.line(path) == line


def test_the_line_of_an_absent_key_is_that_of_the_nearest_above() -> None:
    source = Source("a:\n  b: 1\n")

    assert source.line(("a", "c", 0, "d")) == 1
    assert source.line(("a", "b", "c")) == 2
    assert source.line(("z",)) == 1


def test_anchors_and_aliases() -> None:
    source = Source("a: &x [1, 2]\nb: *x\n")

    assert source.data == {"a": [1, 2], "b": [1, 2]}
    assert source.line(("b",)) == 2


def test_a_bomb_of_aliases_is_refused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 10):
        items = ", ".join([f"*a{level - 1}"] * 10)
        levels.append(f"a{level}: &a{level} [{items}]")

    with pytest.raises(SourceError, match="too large"):
        Source("\n".join(levels))


@pytest.mark.parametrize("depth", [100, 100_000])
def test_a_tower_of_brackets_is_refused(depth: int) -> None:
    with pytest.raises(SourceError, match=r"too (large|deeply nested)"):
        Source("[" * depth + "]" * depth)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\na: 2\n", 2, "twice, first on line 1"),
        ("a: 1\n? [b, c]\n: 2\n", 2, "a key must be a word"),
        ("a: 1\nb: !secret x\n", 2, "the tag !secret"),
        ("a: 1\nb: !!set {x}\n", 2, "the tag tag:yaml.org,2002:set"),
        ("a: 1\nb: 'x\n", 3, "not YAML"),
        ("a: 1\nb: @x\n", 2, "not YAML"),
        ("a: \x01\n", 1, "not YAML"),
        ("\n# nothing\n", 1, "empty"),
    ],
)
def test_what_is_not_read(text: str, line: int, what: str) -> None:
    with pytest.raises(SourceError) as caught:
        Source(text)

    assert caught.value.line == line
    assert what in caught.value.finding.wrong
