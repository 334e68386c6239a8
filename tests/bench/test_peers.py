"""Every gateway comes up, passes every kind of load once, and leaves nothing behind."""

import os
from functools import partial
from pathlib import Path

import pytest

from ryu_alg.lab import lab as labs
from ryu_alg.lab import namespaces
from tests.bench.measures import FIGURES, Scale, loads, measure, profiles
from tests.bench.peers import PEERS, ryu_alg
from tests.bench.profile import profiled

pytestmark = pytest.mark.lab

TINY = Scale(
    rounds=1,
    sessions_seconds=0.1,
    noop_seconds=0.1,
    downloads=1,
    calls_seconds=0.1,
    first_attempts=1,
    attempts=1,
    invite_seconds=0.1,
    transfers_seconds=0.1,
    announces_seconds=0.1,
    torrents=True,
    budget_seconds=60.0,
    profile_seconds=0.5,
)
ACTIVE = {"active_16"}
TFTP = {"transfers_1", "transfers_16"}
SIP = {"calls", "invite_p50", "invite_p99"}
BITTORRENT = {"announces_http", "announces_udp", "inbound"}


@pytest.mark.parametrize("name", PEERS)
def test_a_turn(name: str) -> None:
    lab_name = f"tb{os.getpid()}"
    with PEERS[name](lab_name) as peer:
        assert peer.name == name
        runs = [measure(peer, *load) for load in loads(TINY, peer)]
        has = ((peer.active, ACTIVE), (peer.sip, SIP), (peer.tftp, TFTP), (peer.swarm, BITTORRENT))
        missing = {key for there, keys in has if not there for key in keys}
    figures = {key: value for run in runs for key, value in run.figures().items()}
    assert set(figures) == {figure.key for figure in FIGURES} - missing
    assert all(value > 0 for value in figures.values())
    assert not [failure for run in runs for failure in run.failures]
    assert all(run.result["media"] for run in runs if run.name == "invite")
    assert all((run.punts is not None) == (name == "ryu_alg") for run in runs)
    assert not labs.directory(lab_name).exists()
    assert not namespaces.with_prefix(f"alg-{lab_name}-")


def test_a_profile_names_what_the_controller_does(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    with ryu_alg(f"tp{os.getpid()}", samples) as peer:
        _, load = next(iter(profiles(TINY, 10)))
        text = profiled(peer.processes["controller"], samples, partial(load, peer))
    assert "ryu_alg/engine/" in text
