"""Many calls in a row, none of which fails, and nothing is left of them."""

from __future__ import annotations

import pytest

from tests.e2e.sip.calls import OUT, MakeSipp, call

pytestmark = pytest.mark.usefixtures("gateways", "proxy")
PER_SECOND = 50
"""Well below what `make bench` finds."""


@pytest.mark.timeout(0)
def test_many_calls(sipp: MakeSipp, request: pytest.FixtureRequest) -> None:
    calls = int(request.config.getoption("--sip-calls"))
    call(sipp, OUT, calls=calls, rate=PER_SECOND, timeout=60 + 2 * calls // PER_SECOND)
