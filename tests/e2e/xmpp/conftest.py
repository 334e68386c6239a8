"""A server outside, one inside, and users wherever a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e.xmpp.prosody import Prosody
from tests.e2e.xmpp.users import User

MakeUser = Callable[..., User]


@pytest.fixture(scope="package")
def prosody(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """Outside, on 203.0.113.2 and 2001:db8:1::2."""
    server = Prosody(lab.host("server"), tmp_path_factory.mktemp("prosody"))
    yield server
    server.stop()


@pytest.fixture(scope="package")
def inside_prosody(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """Inside, published."""
    server = Prosody(lab.host("inserver"), tmp_path_factory.mktemp("inside-prosody"))
    yield server
    server.stop()


@pytest.fixture
def user(lab: Lab, tmp_path: Path) -> Iterator[MakeUser]:
    """Makes a user on a host; ended with the test."""
    made: list[User] = []

    def make(host: str, name: str, server: Prosody, address: str, **more: Any) -> User:
        made.append(User(lab.host(host), tmp_path, name, server, address, **more))
        return made[-1]

    yield make
    for it in made:
        it.stop()
