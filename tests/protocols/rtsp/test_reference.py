"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.rtsp import reference

DOCUMENT = Path(__file__).parents[3] / "docs" / "rtsp.md"


def test_the_page_is_current(tmp_path: Path) -> None:
    copy = tmp_path / "rtsp.md"
    copy.write_text(DOCUMENT.read_text())
    reference.main(copy)
    assert "| `media_hosts` |" in copy.read_text()
    assert copy.read_text() == DOCUMENT.read_text(), "run: make docs"


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = set()
    for path in Path(reference.__file__).parent.glob("*.py"):
        codes |= set(re.findall(r'"(rtsp\.[a-z_.]+)"', path.read_text()))
    assert len(codes) > 15
    for code in codes:
        assert f"`{code}`" in text, code
