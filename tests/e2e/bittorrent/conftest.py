"""A gateway that knows BitTorrent, a tracker outside, and clients wherever a test wants them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e.bittorrent import tracker as trackers
from tests.e2e.bittorrent.peers import Aria2, Peer
from tests.e2e.bittorrent.torrent import Torrent
from tests.e2e.bittorrent.tracker import Tracker
from tests.e2e.conftest import StartGateway
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration
from tests.e2e.leftovers import Leftovers

ADDRESSES = {
    "client": "192.168.10.2",
    "inserver": "192.168.20.2",
    "plain": "198.51.100.2",
    "server": "203.0.113.2",
    "outsider": "203.0.113.3",
}
IPV6 = {"plain": "2001:db8:30::2", "server": "2001:db8:1::2", "outsider": "2001:db8:1::3"}
INSIDE = ["192.168.0.0/16", "198.51.100.0/24", "2001:db8:30::/64"]
DATA_PORTS = range(32768, 49152)
"""Of which a public port is one."""
PORT = 6881
DOORBELL, DOORBELL_INSIDE = 180, 8000
"""A published service: that it answers shows that what was sent before has arrived."""

StartPeer = Callable[..., Peer]
StartAria2 = Callable[..., Aria2]


def bittorrent(**options: Any) -> dict[str, Any]:
    """config/lab.yaml with BitTorrent alone, and short timers."""
    return configuration(
        protocols={
            "bittorrent": {"ports": [trackers.PORT], "options": {"hosts": INSIDE, **options}}
        },
        published=[{"public": f"{PUBLIC}:{DOORBELL}", "inside": f"192.168.20.2:{DOORBELL_INSIDE}"}],
        timers={"data_idle": 5, "datagram_idle": 10, "time_wait": 1},
    )


def is_public(endpoint: str) -> bool:
    """Whether it is one that the gateway has made up."""
    address, _, port = endpoint.rpartition(":")
    return address == PUBLIC and int(port) in DATA_PORTS


def punts(gateway: RunningGateway) -> int:
    """Packets that have come to the controller because of BitTorrent."""
    return int(gateway.status()["punts"].get("bittorrent", 0))


def tracked(url: str) -> tuple[str, ...]:
    """Options of aria2. Its UDP socket is the DHT's, where it knows nobody."""
    return f"--bt-tracker={url}", "--enable-dht=true"


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(bittorrent())


@dataclass(frozen=True)
class Torrents:
    big: Torrent
    """64 MB."""
    small: Torrent


@pytest.fixture(scope="package")
def torrents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Torrents]:
    directory = tmp_path_factory.mktemp("torrents")
    yield Torrents(
        Torrent.make(directory, "big", 64_000_000), Torrent.make(directory, "small", 8_000_000)
    )
    shutil.rmtree(directory)


@pytest.fixture(scope="package")
def tracker(
    lab: Lab, torrents: Torrents, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tracker]:
    """On the outside server's host."""
    directory = tmp_path_factory.mktemp("tracker") / "root"
    known = (torrents.big, torrents.small)
    tracker = Tracker(lab.host("server"), ADDRESSES["server"], directory, known)
    yield tracker
    tracker.stop()


@pytest.fixture(scope="module")
def nothing_left(gateway: RunningGateway) -> Iterator[None]:
    """When all clients have left, nothing is there that was not before. That takes a while: the
    port of one that leaves stays until all of its trackers have been told."""
    left = Leftovers(gateway, conversations=False)
    yield
    left.wait_none()


@pytest.fixture
def peer(lab: Lab, nothing_left: None, tmp_path: Path) -> Iterator[StartPeer]:
    """Starts libtorrent: on a host, with these settings. They leave with the test."""
    started: list[Peer] = []

    def start(host: str, *settings: dict[str, Any], port: int = PORT, ipv6: bool = False) -> Peer:
        endpoint = f"[{IPV6[host]}]:{port}" if ipv6 else f"{ADDRESSES[host]}:{port}"
        merged = {key: value for some in settings for key, value in some.items()}
        directory = tmp_path / f"{host}-{port}-{len(started)}"
        started.append(Peer(lab.host(host), endpoint, directory, merged))
        return started[-1]

    yield start
    _leave(started)


@pytest.fixture
def aria2(lab: Lab, nothing_left: None, tmp_path: Path) -> Iterator[StartAria2]:
    """Starts aria2: on a host, for a torrent. They leave with the test."""
    started: list[Aria2] = []

    def start(host: str, torrent: Torrent, *options: str, seed: bool = False) -> Aria2:
        directory = tmp_path / f"{host}-aria2-{len(started)}"
        started.append(Aria2(lab.host(host), directory, torrent, *options, seed=seed))
        return started[-1]

    yield start
    _leave(started)


def _leave(clients: Sequence[Peer | Aria2]) -> None:
    for it in clients:
        it.say_goodbye()
    with ExitStack() as stack:  # all of them, whatever becomes of one
        for it in clients:
            stack.callback(shutil.rmtree, it.directory)
            stack.callback(it.stop)
            stack.callback(it.leave)
