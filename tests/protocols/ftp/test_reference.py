"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.ftp import reference
from ryu_alg.protocols.ftp.commands import Malformed
from ryu_alg.protocols.ftp.options import FtpOptions, Rule
from ryu_alg.protocols.ftp.verbs import VERBS

DOCUMENT = Path(__file__).parents[3] / "docs" / "ftp.md"


def test_one_row_a_verb() -> None:
    titles, *rows = reference.verbs()
    assert [row[0] for row in rows] == list(VERBS)
    assert {len(row) for row in rows} == {len(titles)}


def test_every_option_is_documented() -> None:
    text = DOCUMENT.read_text()
    for name in (*FtpOptions.model_fields, *Rule.model_fields):
        assert f"`{name}`" in text, name


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    source = Path(reference.__file__).parent
    codes = {f"ftp.line.{why.value}" for why in Malformed}
    for path in source.glob("*.py"):
        codes |= set(re.findall(r'"(ftp(?:\.[a-z_]+)+)"', path.read_text()))
    for reason in ("syntax", "foreign_address", "privileged", "family", "refused"):
        assert f'"{reason}"' in (source / "negotiation.py").read_text()
        codes |= {f"ftp.port.{reason}", f"ftp.pasv.{reason}"}
    assert len(codes) > 20
    for code in codes:
        assert f"`{code}`" in text, code
