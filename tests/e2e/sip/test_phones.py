"""Real phones, registered with passwords at a real proxy, each behind a gateway of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.e2e.sip.gateways import Gateways
from tests.e2e.sip.phone import Phone, converse, phone
from tests.e2e.sip.proxy import Proxy
from tests.e2e.sip.sites import ALICE, AMBER, BOB, PROXY

pytestmark = pytest.mark.usefixtures("gateways")
AT = {"alice": (ALICE, 440), "amber": (AMBER, 550), "bob": (BOB, 660)}
"""Each phone's address and tone."""


@pytest.fixture(scope="module", params=["udp", "tcp"])
def phones(
    lab: Lab,
    gateways: Gateways,
    proxy: Proxy,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Phone]]:
    """All registered, over one transport."""
    directory: Path = tmp_path_factory.mktemp("phones")
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                phone(
                    *(lab.host(name), directory / name, address, f"{name}-phone@{PROXY}"),
                    tone=tone,
                    transport=request.param,
                )
            )
            for name, (address, tone) in AT.items()
        }


def test_between_two_sites(phones: dict[str, Phone]) -> None:
    converse(phones["alice"], phones["bob"])


def test_at_one_site(phones: dict[str, Phone]) -> None:
    converse(phones["alice"], phones["amber"])
