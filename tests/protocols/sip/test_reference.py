"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.sip import reference
from ryu_alg.protocols.sip.names import INFORMATIVE, REFERRING, ROUTING

DOCUMENT = Path(__file__).parents[3] / "docs" / "sip.md"


def test_one_row_a_header() -> None:
    rows = reference.headers()
    assert "`P-Asserted-Identity`" in [row[0] for row in rows]
    assert len(rows) == 1 + len((*ROUTING, *REFERRING, *INFORMATIVE))


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    source = Path(reference.__file__).parent
    codes = set()
    for path in (*source.glob("*.py"), *(source / "media").glob("*.py")):
        codes |= set(re.findall(r'"(sip(?:\.[a-z_]+){2,})"', path.read_text()))
    assert len(codes) > 30
    for code in codes:
        assert f"`{code}`" in text, code
