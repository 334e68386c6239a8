"""The page about the B2BUA says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.sip.b2bua import core
from ryu_alg.protocols.sip.b2bua.bodies import OUTWARD_TYPES
from ryu_alg.protocols.sip.b2bua.calls import MAX_BRANCHES
from ryu_alg.protocols.sip.b2bua.endings import LINGER
from ryu_alg.protocols.sip.b2bua.headers import (
    BODY_HEADERS,
    CROSSING,
    EXTENSIONS,
    IDENTITIES,
    KNOWN_EXTENSIONS,
)
from ryu_alg.protocols.sip.b2bua.sessions import MIN_SESSION

PAGE = (Path(__file__).parents[4] / "docs" / "sip-b2bua.md").read_text()


def test_all_that_crosses_is_named() -> None:
    names = [*CROSSING, *BODY_HEADERS, *IDENTITIES, *EXTENSIONS, *KNOWN_EXTENSIONS, *OUTWARD_TYPES]
    assert [name for name in names if f"`{name.decode()}`" not in PAGE] == []


def test_all_events_are_named_and_no_other() -> None:
    code = "".join(path.read_text() for path in Path(core.__file__).parent.glob("*.py"))
    events = set(re.findall(r'"(sip\.[a-z0-9]+\.[a-z_]+)"', code))
    assert events == set(re.findall(r"`(sip\.[a-z0-9]+\.[a-z_]+)`", PAGE))


def test_numbers_are_right() -> None:
    assert f"up to {MAX_BRANCHES};" in PAGE
    assert f"for {LINGER / 60:.0f} minutes" in PAGE
    assert f"below {MIN_SESSION}\nseconds" in PAGE
