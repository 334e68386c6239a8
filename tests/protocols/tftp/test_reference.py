"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols import tftp

DOCUMENT = Path(__file__).parents[3] / "docs" / "tftp.md"


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = set(re.findall(r'"(tftp\.[a-z_]+)"', Path(tftp.__file__).read_text()))
    assert len(codes) > 8
    for code in codes:
        assert f"`{code}`" in text, code
