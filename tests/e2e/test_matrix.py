"""Every client with every server, in every mode, wherever both are: files arrive whole, and
nobody else gets anything by the way that was opened for them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e import clients
from tests.e2e.clients import Conversation, Job, LongLived, Moments
from tests.e2e.gateway import RunningGateway
from tests.e2e.network import Background
from tests.e2e.outsider import Outsider
from tests.e2e.servers import FtpServer
from tests.e2e.situations import SITUATIONS, Mode, Situation

SIZE = 384 * 1024
Servers = dict[tuple[str, str], FtpServer]
PROGRAMS: dict[str, Callable[[Job], Conversation]] = {
    "curl": clients.curl,
    "lftp": clients.lftp,
    "tnftp": clients.tnftp,
}


def combinations(clients: tuple[str, ...]) -> list[object]:
    """All that there are: lftp has no EPRT over IPv4, PORT and PASV are IPv4 only."""
    return [
        pytest.param(
            client, kind, mode, situation, id=f"{client}-{kind}-{mode.value}-{situation.name}"
        )
        for situation in SITUATIONS
        for kind in ("vsftpd", "pyftpdlib")
        for client in clients
        for mode in situation.modes
        if not (client == "lftp" and mode is Mode.EPRT and not situation.ipv6)
    ]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def source(ftp_servers: Servers) -> bytes:
    """What every server has under the name `source`."""
    content = os.urandom(SIZE)
    for server in ftp_servers.values():
        (server.root / "source").write_bytes(content)
    return content


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("upload") / "upload"
    file.write_bytes(os.urandom(SIZE))
    return file


@pytest.fixture(scope="module")
def long_lived() -> Iterator[LongLived]:
    made = LongLived()
    yield made
    made.close()


class Watcher:
    """Has the outsider try each pinhole as soon as the gateway tells of it, and at the end."""

    def __init__(self, gateway: RunningGateway, outsider: Outsider, situation: Situation) -> None:
        self.gateway = gateway
        self.outsider = outsider
        self.situation = situation
        self.seen: dict[int, int] = {}
        """Ports of the pinholes that were opened, by the id of the event."""
        self._first = gateway.last_event()
        self._over = False
        self._thread = Background(self._watch)

    def _watch(self) -> None:
        while not self._over:
            self._look()

    def _look(self) -> None:
        after = max(self.seen, default=self._first)
        for event in self.gateway.events(after, "pinhole.opened"):
            port = int(re.findall(r"-> \S+:(\d+)", event["detail"])[0])
            self.seen[event["id"]] = port
            self.outsider.attempt(self.situation.protected, port, "when it opened")

    def end(self) -> None:
        self._over = True
        self._thread.join()
        self._look()
        for port in self.seen.values():
            self.outsider.attempt(self.situation.protected, port, "afterwards")


@pytest.mark.parametrize(("client", "kind", "mode", "situation"), combinations(tuple(PROGRAMS)))
def test_programs(
    client: str,
    kind: str,
    mode: Mode,
    situation: Situation,
    lab: Lab,
    gateway: RunningGateway,
    ftp_servers: Servers,
    outsider: Outsider,
    source: bytes,
    upload: Path,
    tmp_path: Path,
) -> None:
    """The programs that people use."""
    server = ftp_servers[kind, situation.server]
    uploaded = server.incoming / client
    job = Job(
        host=lab.host(situation.client),
        situation=situation,
        port=situation.port(kind),
        mode=mode,
        upload=upload,
        name=uploaded.name,
        source="source",
        download=tmp_path / "download",
    )
    watcher = Watcher(gateway, outsider, situation)
    try:
        conversation = PROGRAMS[client](job)
    finally:
        watcher.end()
    assert conversation.modes == {mode.value}, conversation.transcript
    assert digest(job.download.read_bytes()) == digest(source)
    assert digest(uploaded.read_bytes()) == digest(upload.read_bytes())
    uploaded.unlink()
    assert len(watcher.seen) == 2
    assert outsider.answers() == []


@pytest.mark.parametrize(("client", "kind", "mode", "situation"), combinations(("ftplib",)))
def test_outsider(
    client: str,
    kind: str,
    mode: Mode,
    situation: Situation,
    lab: Lab,
    gateway: RunningGateway,
    ftp_servers: Servers,
    outsider: Outsider,
    source: bytes,
    upload: Path,
    long_lived: LongLived,
) -> None:
    """A client that waits at the moments when an outsider might get in."""
    server = ftp_servers[kind, situation.server]
    ftp = long_lived.client(lab.host(situation.client), situation, situation.port(kind), mode)
    ports: list[int] = []
    first = gateway.last_event()

    def before() -> None:
        opened = gateway.events(first, "pinhole.opened")
        ports.append(int(re.findall(r"-> \S+:(\d+)", opened[-1]["detail"])[0]))
        outsider.attempt(situation.protected, ports[-1], "before")

    def during() -> None:
        outsider.attempt(situation.protected, ports[-1], "during")

    ftp.moments = Moments(announced=before, moving=during)
    received = ftp.get("source")
    outsider.attempt(situation.protected, ports[-1], "after")
    ftp.put(upload.read_bytes(), "incoming/ftplib")
    outsider.attempt(situation.protected, ports[-1], "after")
    assert digest(received) == digest(source)
    uploaded = server.incoming / "ftplib"
    assert digest(uploaded.read_bytes()) == digest(upload.read_bytes())
    uploaded.unlink()
    assert len(ports) == 2
    assert outsider.attempts >= 6
    assert outsider.answers() == []


def test_the_outsider_can_knock(lab: Lab, outsider: Outsider) -> None:
    """The same attempt does get an answer where one is due."""
    visible = Outsider(outsider.host, outsider.doorbell)
    visible.attempt(*outsider.doorbell, "a published service")
    assert len(visible.answers()) == 1
    visible.close()


def test_data_never_visits_the_controller(
    gateway: RunningGateway, long_lived: LongLived, lab: Lab, ftp_servers: Servers, source: bytes
) -> None:
    """A file is hundreds of packets; its control conversation is some dozens."""
    situation = SITUATIONS[0]
    ftp = long_lived.client(lab.host("client"), situation, 21, Mode.PASV)
    ftp.moments = Moments()
    gateway.status()
    before = gateway.status()
    for _ in range(4):
        assert digest(ftp.get("source")) == digest(source)

    def counted() -> dict[str, Any] | None:
        now = gateway.status()
        return now if now["data_bytes"] - before["data_bytes"] >= 4 * SIZE else None

    after = gateway.wait_for(counted, "the data to be counted")
    packets = after["data_packets"] - before["data_packets"]
    punted = after["punts"]["ftp"] - before["punts"]["ftp"]
    assert packets > 4 * SIZE / 1460
    assert punted < 4 * 16
