"""Many calls in a row, none of which fails, and nothing is left of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sip.calls import OUT, MakeSipp, call
from tests.e2e.sip.conftest import StartGateways
from tests.e2e.sip.gateways import Gateways

PER_SECOND = 50
"""Well below what `make bench` finds."""


@pytest.fixture(scope="module")
def gateways(start_gateways: StartGateways) -> Iterator[Gateways]:
    """All the calls are one host's: bounds that are meant for a phone do not fit."""
    quotas = {"pinholes": 20_000, "pinholes_per_host": 20_000}
    gateways = start_gateways({"messages_per_second": 10_000}, quotas=quotas)
    yield gateways
    gateways.wait_empty()


@pytest.mark.timeout(0)
def test_many_calls(sipp: MakeSipp, gateways: Gateways, request: pytest.FixtureRequest) -> None:
    calls = int(request.config.getoption("--sip-calls"))
    call(sipp, OUT, calls=calls, rate=PER_SECOND, timeout=60 + 2 * calls // PER_SECOND)
