"""Timers and quotas that make sense together, and a REST endpoint that is not open to all."""

from __future__ import annotations

from collections.abc import Iterator

from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import Finding

TIMERS_RISING = (
    ("keepalive_interval", "session_idle", "or the session expires before its first probe"),
    ("keepalive_interval", "keepalive_limit", "or nothing is ever kept alive"),
)
"""(a, b, why): timer a must be less than timer b."""

TIMERS_NOT_FALLING = (
    ("session_setup", "session_idle", "or a session that was never set up outlives one that was"),
    ("half_closed", "session_idle", "or a half-closed session outlives an open one"),
    ("pinhole_unused", "pinhole_hard", "or it never has an effect"),
)
"""(a, b, why): timer a must not be more than timer b."""

QUOTAS_NOT_FALLING = (
    ("sessions_per_host", "sessions"),
    ("pinholes_per_session", "pinholes_per_host"),
    ("pinholes_per_host", "pinholes"),
)
"""(a, b): quota a must not be more than quota b."""


def findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with `timers`, `quotas` and `rest`."""
    timers = settings.timers
    for name, other, why in TIMERS_RISING:
        value, bound = getattr(timers, name), getattr(timers, other)
        if value >= bound:
            yield Finding(
                ("timers", name),
                f"{value:g}s is not less than {other} ({bound:g}s)",
                f"it must be, {why}",
            )
    for name, other, why in TIMERS_NOT_FALLING:
        value, bound = getattr(timers, name), getattr(timers, other)
        if value > bound:
            yield Finding(
                ("timers", name),
                f"{value:g}s is more than {other} ({bound:g}s)",
                f"it must not be, {why}",
            )
    for name, other in QUOTAS_NOT_FALLING:
        count, limit = getattr(settings.quotas, name), getattr(settings.quotas, other)
        if count > limit:
            yield Finding(
                ("quotas", name),
                f"{count} is more than {other} ({limit}), so it never has an effect",
                f"write at most {limit}, or raise {other}",
            )
    yield from _rest(settings)


def _rest(settings: Settings) -> Iterator[Finding]:
    if not settings.rest.bind.is_loopback and settings.rest.token_file is None:
        yield Finding(
            ("rest", "bind"),
            f"{settings.rest.bind} can be reached from other machines, and there is no token",
            "name a token_file, or bind 127.0.0.1",
        )
