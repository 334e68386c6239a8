"""A changed configuration file, applied to the running gateway."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.dialogue import Client, Server
from tests.e2e.gateway import PUBLIC, SCRIPTED_PORT, RunningGateway, configuration, ftp


def by_signal(gateway: RunningGateway, config: dict[str, Any]) -> None:
    first = gateway.last_event()
    gateway.write(config)
    gateway.hang_up()
    gateway.wait_event("config.applied", first)


def by_rest(gateway: RunningGateway, config: dict[str, Any]) -> None:
    gateway.apply(config)


@pytest.fixture(autouse=True)
def restored(gateway: RunningGateway) -> Iterator[None]:
    """Each test begins with the same configuration."""
    yield
    gateway.apply(configuration())


@pytest.mark.parametrize("apply", [by_signal, by_rest])
def test_running_sessions_go_on(
    apply: Callable[[RunningGateway, dict[str, Any]], None],
    lab: Lab,
    gateway: RunningGateway,
    nat_client: Client,
    nat_server: Server,
) -> None:
    """With their transfers; what has changed holds for new ones."""
    nat_server.content = os.urandom(200_000)
    nat_server.released.clear()
    data = network.connect(nat_client.host, *nat_client.ask(b"PASV\r\n").endpoint(nat_client.peer))
    assert nat_client.ask(b"RETR big\r\n").code == 150
    apply(gateway, configuration(protocols=ftp(profile="read-only")))
    with Client(lab.host("client"), "203.0.113.2", SCRIPTED_PORT) as later:
        assert later.ask(b"STOR x\r\n").code == 550
    nat_server.released.set()
    assert nat_client.fetch(data) == nat_server.content
    assert nat_client.reply().code == 226
    assert nat_client.ask(b"STOR x\r\n").code == 502  # the server's own answer
    endpoint = nat_client.ask(b"EPSV\r\n").endpoint(nat_client.peer)
    assert nat_client.retrieve_from(endpoint) == nat_server.content


@pytest.mark.parametrize("apply", [by_signal, by_rest])
def test_changed_flows(
    apply: Callable[[RunningGateway, dict[str, Any]], None],
    lab: Lab,
    gateway: RunningGateway,
    nat_client: Client,
    nat_server: Server,
) -> None:
    """A service published by the new file can be reached, and running transfers go on."""
    nat_server.content = os.urandom(200_000)
    nat_server.released.clear()
    data = network.connect(nat_client.host, *nat_client.ask(b"PASV\r\n").endpoint(nat_client.peer))
    assert nat_client.ask(b"RETR big\r\n").code == 150
    with network.listen(lab.host("inserver"), "192.168.20.2", 8000) as listener:
        config = configuration()
        config["published"].append({"public": f"{PUBLIC}:80", "inside": "192.168.20.2:8000"})
        first = gateway.last_event()
        apply(gateway, config)
        gateway.wait_event("switch.ready", first)
        reach(lab, listener)
    nat_server.released.set()
    assert nat_client.fetch(data) == nat_server.content
    assert nat_client.reply().code == 226


def reach(lab: Lab, listener: socket.socket) -> None:
    with network.connect(lab.host("outsider"), PUBLIC, 80) as connection:
        accepted, peer = listener.accept()
        with accepted:
            assert peer[0] == "203.0.113.3"
            connection.sendall(b"hello")
            assert accepted.recv(5) == b"hello"


def test_a_bad_file_is_refused_whole(lab: Lab, gateway: RunningGateway, nat_server: Server) -> None:
    """By both ways; the old configuration stays in force."""
    sha = gateway.status()["config"]["sha256"]
    bad = configuration(protocols=ftp(profile="read-only"), timers={"session_idel": 5})
    first = gateway.last_event()
    gateway.write(bad)
    status, problem = gateway.request("POST", "config")
    assert status == 422
    assert [it["key"] for it in problem["errors"]] == ["timers.session_idel"]
    gateway.config_file.write_text("gateway: [")
    refused = gateway.last_event()
    gateway.hang_up()
    gateway.wait_event("config.refused", refused)
    assert gateway.events(first, "config.applied") == []
    assert gateway.status()["config"]["sha256"] == sha
    with Client(lab.host("client"), "203.0.113.2", SCRIPTED_PORT) as client:
        assert client.ask(b"STOR x\r\n").code == 502
