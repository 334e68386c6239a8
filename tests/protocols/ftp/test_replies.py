"""One line of the server."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.ftp import replies


@pytest.mark.parametrize(
    ("raw", "code", "more", "text"),
    [
        (b"220 hello\r\n", 220, False, 4),
        (b"220-hello\n", 220, True, 4),
        (b"220\r\n", 220, False, 3),
        (b"220\n", 220, False, 3),
        (b"220 ", 220, False, 4),
        (b"631 cHJvdGVjdGVk\r\n", 631, False, 4),
        (b"\xff\xfc\x01200 ok\r\n", 200, False, 7),
    ],
)
def test_code_and_text(raw: bytes, code: int, more: bool, text: int) -> None:
    line = replies.parse(raw)
    assert line is not None
    assert (line.code, line.more, line.text) == (code, more, text)


@pytest.mark.parametrize(
    "raw", [b" 220 x\r\n", b"22 x\r\n", b"2200 x\r\n", b"abc\r\n", b"\r\n", b"720 x\r\n", b"220x\n"]
)
def test_no_code(raw: bytes) -> None:
    assert replies.parse(raw) is None


@pytest.mark.parametrize(
    ("code", "properties"),
    [
        (120, {"preliminary", "may_open"}),
        (150, {"preliminary"}),
        (200, {"accepts", "goes_on"}),
        (220, {"accepts", "goes_on", "may_open"}),
        (331, {"goes_on"}),
        (421, {"may_open"}),
        (500, {"not_understood", "may_open"}),
        (550, {"may_open"}),
        (631, set()),
    ],
)
def test_classes(code: int, properties: set[str]) -> None:
    line = replies.parse(b"%d x\r\n" % code)
    names = ("preliminary", "accepts", "goes_on", "not_understood", "may_open")
    assert {name for name in names if getattr(line, name)} == properties


def test_make() -> None:
    assert replies.make(550, "No.") == b"550 No.\r\n"
