"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols import xmpp
from ryu_alg.protocols.xmpp.dialogue import Layer
from ryu_alg.protocols.xmpp.tokens import Unframed

DOCUMENT = Path(__file__).parents[3] / "docs" / "xmpp.md"


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = {f"xmpp.{layer.value}.refused" for layer in Layer}
    codes |= {f"xmpp.stream.{why.value}" for why in Unframed if why is not Unframed.PARTIAL}
    source = Path(xmpp.__file__).parent
    for path in source.glob("*.py"):
        codes |= set(re.findall(r'"(xmpp(?:\.[a-z_]+)+)"', path.read_text()))
        removed = re.findall(r'\.remove\(candidate, "([a-z_]+)"', path.read_text())
        codes |= {f"xmpp.candidate.{why}" for why in removed}
    assert len(codes) > 12
    for code in codes:
        assert f"`{code}`" in text, code
