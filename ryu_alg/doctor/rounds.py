"""One audit of a switch: reads its flows and the gateway's account of them, and compares."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ryu_alg.doctor.audit import Auditor, Finding, tally
from ryu_alg.doctor.flows import Flow
from ryu_alg.doctor.live import Live
from ryu_alg.rest.client import Gateway, GatewayError

ROUNDS = 4
"""What comes and goes while it is read looks wrong once; what is wrong does so each time."""
PAUSE = 1.0
"""Seconds between two rounds."""

Read = Callable[[], tuple[list[Flow], list[Flow]]]
"""What to look at, and what of the pipeline is missing."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit has found."""

    findings: tuple[Finding, ...]
    flows: Counter[str]
    """How many were looked at, by kind."""


def account(gateway: Gateway) -> Live:
    """What the gateway says that is open. Raises GatewayError."""
    try:
        return Live.parse(
            gateway.items("sessions"), gateway.items("pinholes"), gateway.items("bindings")
        )
    except (KeyError, ValueError, TypeError) as error:
        raise GatewayError("the gateway is of another version than this command") from error


def audit(
    gateway: Gateway,
    read: Read,
    *,
    pipeline_known: bool,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Read, and look again at what seems wrong. Raises GatewayError and what `read` raises."""
    wrong: dict[Finding, None] | None = None
    counts: Counter[str] = Counter()
    for round_ in range(ROUNDS):
        if round_:
            pause(PAUSE)
        before = account(gateway)
        flows, missing = read()
        auditor = Auditor(before.and_later(account(gateway)))
        counts = tally(flows)
        found = auditor.findings(flows, pipeline_known=pipeline_known)
        found += [Finding("missing", "not in the switch", flow.text) for flow in missing]
        # In order, and only what was found before, too.
        wrong = {it: None for it in found if wrong is None or it in wrong}
        if not wrong:
            break
    return Report(tuple(wrong or ()), counts)
