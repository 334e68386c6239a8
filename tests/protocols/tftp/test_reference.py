"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols import tftp
from ryu_alg.settings.protocols import InstalledProtocols
from ryu_alg.settings.reference import updated

DOCUMENT = Path(__file__).parents[3] / "docs" / "tftp.md"


def test_the_page_is_current() -> None:
    page = DOCUMENT.read_text()
    installed = {"tftp": InstalledProtocols(built_in_only=True)["tftp"]}
    assert page == updated(page, installed, whole=False), "run: make docs"
    assert "| `upload_limit` |" in page and "| `clients` |" in page


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = set(re.findall(r'"(tftp\.[a-z_]+)"', Path(tftp.__file__).read_text()))
    assert len(codes) > 8
    for code in codes:
        assert f"`{code}`" in text, code
