"""How the switch and its database are reached."""

from __future__ import annotations

from collections.abc import Iterator

from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import Finding


def findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with `openflow`, and with what `gateway` needs of it."""
    database = settings.gateway.ovsdb or ""
    if database.startswith("ssl:") and settings.openflow.tls is None:
        yield Finding(
            ("gateway", "ovsdb"),
            f"{database} needs certificates",
            "name them under openflow.tls, or write unix:PATH or tcp:127.0.0.1:6640",
        )
