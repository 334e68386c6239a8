"""doctor.rounds: what only seems wrong while things come and go is not told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ryu_alg.doctor.flows import Flow
from ryu_alg.doctor.rounds import PAUSE, ROUNDS, Report, audit
from ryu_alg.openflow import pinholes
from ryu_alg.rest.client import Gateway, GatewayError
from tests.doctor.test_audit import ACTIVE, CLIENT, ZONE, at, pinhole_item

FLOWS = [Flow.parse(text) for text in pinholes.pinhole_flows(ACTIVE, ZONE)]
OPEN = pinhole_item(ACTIVE, at(CLIENT, 5000))


class Told(Gateway):
    """Lists these pinholes, one answer after the other, and the last one from then on."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self._answers = list(answers)

    def items(self, name: str, after: int = 0) -> Iterator[dict[str, Any]]:
        if name != "pinholes":
            return iter(())
        return iter(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


def audited(gateway: Gateway, *dumps: list[Flow]) -> tuple[Report, list[float]]:
    pauses: list[float] = []
    left = list(dumps)

    def read() -> tuple[list[Flow], list[Flow]]:
        return (left.pop(0) if len(left) > 1 else left[0]), []

    return audit(gateway, read, pipeline_known=True, pause=pauses.append), pauses


def test_what_is_in_order_is_looked_at_once() -> None:
    report, pauses = audited(Told([OPEN]), FLOWS)
    assert (report.findings, pauses) == ((), [])
    assert report.flows["pinhole"] == len(FLOWS)


def test_closed_or_opened_while_it_is_read() -> None:
    assert audited(Told([OPEN], []), FLOWS) == audited(Told([], [OPEN]), FLOWS)
    assert audited(Told([OPEN], []), FLOWS)[0].findings == ()


def test_open_and_closed_between_two_answers() -> None:
    report, pauses = audited(Told([]), FLOWS, [])
    assert (report.findings, pauses) == ((), [PAUSE])


def test_what_stays_is_told() -> None:
    report, pauses = audited(Told([]), FLOWS)
    assert [finding.code for finding in report.findings] == ["cookie"] * len(FLOWS)
    assert len(pauses) == ROUNDS - 1


def test_only_what_was_wrong_each_time() -> None:
    report, _ = audited(Told([]), FLOWS, FLOWS[:1])
    assert [finding.flow for finding in report.findings] == [FLOWS[0].text]


def test_what_is_missing() -> None:
    report = audit(Told([]), lambda: ([], FLOWS[:1]), pipeline_known=True, pause=lambda _: None)
    assert [(it.code, it.flow) for it in report.findings] == [("missing", FLOWS[0].text)]


def test_a_gateway_of_another_version() -> None:
    with pytest.raises(GatewayError, match="another version"):
        audited(Told([{"id": 7}]), FLOWS)
