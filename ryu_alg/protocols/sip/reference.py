"""Tables in the documentation, their titles first: `ryu_alg.settings.reference` puts them there."""

from __future__ import annotations

from ryu_alg.protocols.sip.message import Fault
from ryu_alg.protocols.sip.names import COMPACT, INFORMATIVE, LEADING, REFERRING, ROUTING

_SHORT = {long: short for short, long in COMPACT.items()}


def headers() -> list[tuple[str, ...]]:
    """Which headers are read, and what becomes of one that cannot be."""
    rows: list[tuple[str, ...]] = [("header", "short", "public address of its own", "unreadable")]
    for name in (*ROUTING, *REFERRING, *INFORMATIVE):
        own = "left alone" if name in LEADING else "translated"
        bad = "left as it is" if name in INFORMATIVE else "400"
        short = _SHORT.get(name)
        rows.append((f"`{_title(name)}`", f"`{short.decode()}`" if short else "", own, bad))
    return rows


def faults() -> list[tuple[str, ...]]:
    """Why a message is refused as such, and what its sender reads."""
    rows: list[tuple[str, ...]] = [("event", "phrase of the response")]
    return rows + [(f"`sip.malformed.{fault.name.lower()}`", fault.value) for fault in Fault]


def _title(name: bytes) -> str:
    return name.decode().title().replace("-Id", "-ID").replace("-IDentity", "-Identity")
