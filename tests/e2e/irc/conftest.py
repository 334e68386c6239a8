"""A gateway that knows IRC, and a server on each side of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration, ftp
from tests.e2e.irc.programs import PORT, Ircd, WeeChat
from tests.e2e.irc.user import User

OUTSIDE = "203.0.113.2"
OUTSIDE_IPV6 = "2001:db8:1::2"
INSIDE = "192.168.20.2"
PUBLIC_PORT = 60667
"""Of the inside server, for those outside."""
StartGateway = Callable[..., RunningGateway]
StartUser = Callable[..., User]
StartWeeChat = Callable[..., WeeChat]


def irc_configuration(**options: Any) -> dict[str, Any]:
    """config/lab.yaml with IRC, and an inside server published."""
    config = configuration(protocols={**ftp(), "irc": {"options": options}})
    inside, public = f"{INSIDE}:{PORT}", f"{PUBLIC}:{PUBLIC_PORT}"
    config["published"].append({"public": public, "inside": inside, "protocol": "irc"})
    return config


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(irc_configuration())


@pytest.fixture(scope="session")
def ircds(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One outside, one inside."""
    base = tmp_path_factory.mktemp("ircds")
    running = [
        Ircd(lab.host("server"), base / "outside", (OUTSIDE, OUTSIDE_IPV6)),
        Ircd(lab.host("inserver"), base / "inside", (INSIDE,)),
    ]
    yield
    for it in running:
        it.stop()


@pytest.fixture
def user(lab: Lab, gateway: RunningGateway, ircds: None) -> Iterator[StartUser]:
    """Makes users: on a host, of a name, at a server."""
    made: list[User] = []

    def start(host: str, nick: str, server: str = OUTSIDE, port: int = PORT) -> User:
        made.append(User(lab.host(host), nick, server, port))
        return made[-1]

    yield start
    for it in made:
        it.close()


@pytest.fixture
def weechat(
    lab: Lab, gateway: RunningGateway, ircds: None, tmp_path: Path
) -> Iterator[StartWeeChat]:
    """Starts WeeChat: on a host, as a user, at a server."""
    made: list[WeeChat] = []

    def start(host: str, nick: str, server: str = OUTSIDE) -> WeeChat:
        made.append(WeeChat(lab.host(host), tmp_path / nick, nick, server))
        return made[-1]

    yield start
    for it in made:
        it.stop()
