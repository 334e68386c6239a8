"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.irc import reference
from ryu_alg.protocols.irc.dcc import Fault
from ryu_alg.protocols.irc.messages import Malformed
from ryu_alg.protocols.irc.verbs import VERBS

DOCUMENT = Path(__file__).parents[3] / "docs" / "irc.md"


def test_one_row_a_verb() -> None:
    assert len(reference.verbs()) == 1 + len(VERBS)


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = {f"irc.dcc.{why.value}" for why in Fault}
    codes |= {f"irc.line.{why.value}" for why in Malformed if why is not Malformed.SYNTAX}
    for path in Path(reference.__file__).parent.glob("*.py"):
        source = path.read_text()
        codes |= set(re.findall(r'"(irc(?:\.[a-z_]+)+)"', source))
        reasons = re.findall(r'Refused\(\s*"([a-z_]+)"', source)
        codes |= {f"irc.dcc.{reason}" for reason in reasons}
    assert len(codes) >= 17
    for code in codes:
        assert f"`{code}`" in text, code
