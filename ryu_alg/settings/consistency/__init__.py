"""What no single key can tell: whether the parts of a configuration fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings.consistency import (
    limits,
    openflow,
    outbound,
    protocols,
    public,
    published,
    realms,
)
from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import Finding

__all__ = ["contradictions"]


def contradictions(settings: Settings, installed: Mapping[str, ProtocolSpec]) -> Iterator[Finding]:
    """Everything in `settings` that does not fit together.

    `installed` has at least the protocols that `settings` names.
    """
    yield from openflow.findings(settings)
    yield from realms.findings(settings)
    yield from public.findings(settings)
    yield from published.findings(settings, installed)
    yield from outbound.findings(settings)
    yield from protocols.findings(settings, installed)
    yield from limits.findings(settings)
