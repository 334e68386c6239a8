"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols import rtsp

DOCUMENT = Path(__file__).parents[3] / "docs" / "rtsp.md"


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = set()
    for path in Path(rtsp.__file__).parent.glob("*.py"):
        codes |= set(re.findall(r'"(rtsp\.[a-z_.]+)"', path.read_text()))
    assert len(codes) > 15
    for code in codes:
        assert f"`{code}`" in text, code
