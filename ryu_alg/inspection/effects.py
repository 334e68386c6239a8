"""What an inspector wants done. Plain data: the engine carries it out, or refuses.

`Forward` and `Replace` decide bytes from the front of the direction being inspected, in the
order in which they are returned. Bytes that no effect decides are held and offered again.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection.endpoints import Direction


@dataclass(frozen=True, slots=True)
class Forward:
    """The next `length` bytes leave as they came."""

    length: int


@dataclass(frozen=True, slots=True)
class Replace:
    """The next `length` bytes leave as `data`: b"" deletes them, `length` 0 inserts."""

    length: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Inject:
    """`data` is appended to what leaves in `direction`, behind all that was decided there."""

    direction: Direction
    data: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """The other side accepted: the pinhole of this armed expectation opens.

    Nothing that is decided by this effect list or later leaves, and nothing more is
    inspected, until the switch has confirmed the pinhole.
    """

    expectation: int


@dataclass(frozen=True, slots=True)
class Close:
    """The expectation is withdrawn; unused, its pinhole goes. Established data goes on."""

    expectation: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """Inspection ends for good: all that follows, both ways, leaves as it came."""


@dataclass(frozen=True, slots=True)
class Abort:
    """The session is reset towards both parties."""

    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Something worth showing: counted under `code`, shown with `detail` (no secrets)."""

    code: str
    """Stable, lower case, dotted: `ftp.port.foreign_address`."""
    detail: str


Effect = Forward | Replace | Inject | Open | Close | Opaque | Abort | Report
