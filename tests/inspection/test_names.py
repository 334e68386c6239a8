"""Names and patterns: in doubt, denied."""

from __future__ import annotations

import pytest

from ryu_alg.inspection.names import SHOWN, may_fit, path_spellings, printable, surely_fits


@pytest.mark.parametrize(
    "path",
    [b"/etc/passwd", b"//etc//passwd", b"/x/../etc/./passwd", b"\\etc\\passwd", b"/ETC/Passwd"],
)
def test_what_is_denied_is_denied_in_every_spelling(path: bytes) -> None:
    assert may_fit(["/etc/*"], path_spellings(path))


@pytest.mark.parametrize("path", [b"/pub/../etc/x", b"/pub/..\\..\\x", b"/PUB/x", b"pub/x", b""])
def test_what_is_allowed_must_fit_in_every_spelling(path: bytes) -> None:
    assert not surely_fits(["/pub/*"], path_spellings(path))


def test_what_fits() -> None:
    assert surely_fits(["/pub/*", "x"], path_spellings(b"/pub/a/b"))
    assert surely_fits(["dir/"], path_spellings(b"dir/"))
    assert not may_fit(["/pub/*"], path_spellings(b"/etc/x"))
    assert not may_fit([], path_spellings(b"x"))


def test_bytes_that_are_no_text_are_names_too() -> None:
    assert may_fit(["/pub/*"], path_spellings(b"/pub/\xff\xfe"))


def test_what_is_shown_is_one_short_line() -> None:
    assert printable("/grün".encode()) == "/grün"
    assert printable(b"a\r\nb\x1b[2J\xff") == r"a\r\nb\x1b[2J\xff"
    assert len(printable(b"x" * 1000)) == SHOWN
