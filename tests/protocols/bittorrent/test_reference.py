"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols import bittorrent

DOCUMENT = Path(__file__).parents[3] / "docs" / "bittorrent.md"
_PREFIXES = {"http_announces": "http", "udp_tracker": "udp", "dht": "dht"}
"""Of codes that a module puts together."""


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    codes = set()
    for path in Path(bittorrent.__file__).parent.glob("*.py"):
        source = path.read_text()
        codes |= set(re.findall(r'"(bittorrent(?:\.[a-z_]+)+)"', source))
        if (prefix := _PREFIXES.get(path.stem)) is not None:
            ends = re.findall(r'(?:_RefusedError|_told)\("([a-z_]+)"', source)
            assert ends, path
            codes |= {f"bittorrent.{prefix}.{end}" for end in ends}
    assert len(codes) > 20
    for code in codes:
        assert f"`{code}`" in text, code


def test_every_module_is_in_the_overview() -> None:
    overview = bittorrent.__doc__ or ""
    for path in Path(bittorrent.__file__).parent.glob("*.py"):
        assert path.stem == "__init__" or f"\n{path.stem} " in overview, path
