"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.sip import reference
from ryu_alg.protocols.sip.names import INFORMATIVE, REFERRING, ROUTING

DOCUMENT = Path(__file__).parents[3] / "docs" / "sip.md"


def test_one_row_a_header() -> None:
    table = reference.header_table()
    assert "| `P-Asserted-Identity` |" in table
    assert table.count("\n") == len((*ROUTING, *REFERRING, *INFORMATIVE)) + 2


def test_the_page_is_current(tmp_path: Path) -> None:
    copy = tmp_path / "sip.md"
    copy.write_text(DOCUMENT.read_text())
    reference.main(copy)
    assert copy.read_text() == DOCUMENT.read_text(), "run: make docs"


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    source = Path(reference.__file__).parent
    codes = set()
    for path in (*source.glob("*.py"), *(source / "media").glob("*.py")):
        codes |= set(re.findall(r'"(sip(?:\.[a-z_]+){2,})"', path.read_text()))
    assert len(codes) > 30
    for code in codes:
        assert f"`{code}`" in text, code
