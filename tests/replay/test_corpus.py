"""Recorded sessions of real programs, where they are at hand, through a gateway with NAT."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ryu_alg.replay.capture import Capture, Output
from ryu_alg.replay.entries import Entry
from ryu_alg.replay.replay import Replay, engine_config, pipeline_plan
from ryu_alg.replay.vantage import At, guessed
from ryu_alg.settings import load
from tests.replay.wire import Replayed

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CONFIG = """
gateway: {datapath_id: "0000000000000001", mac: "02:a1:60:00:00:01", ct_zone: 4242}
realms:
  inside: [{name: lan, port: lan, addresses: [%s], nat: [203.0.113.1]}]
  outside: [{name: wan, port: wan, addresses: [203.0.113.1/24], next_hop: [203.0.113.254]}]
public:
  addresses: [203.0.113.1]
  ports: {napt: 1024-32767, data: 32768-49151, control: 49152-53247}
protocols: {%s: {}}
"""
RECORDED = {
    "ftp_ipv4.pcap": ("141.142.220.1/24", "ftp", 2, 4),
    "ftp_retr.pcap": ("141.142.228.1/24", "ftp", 0, 1),
    "irc-dcc-send.pcapng": ("10.0.0.1/28", "irc", 2, 2),
    "sip_wireshark.pcap": ("192.168.1.1/24", "sip", None, 0),
}
"""By capture: the network inside, the protocol, rewrites, and data connections."""


def replay_of(tmp_path: Path, name: str, text: str) -> Replayed:
    """Replay a capture of the corpus, which was taken inside, with a configuration."""
    config = tmp_path / "gateway.yaml"
    config.write_text(text)
    settings = load(config)
    entries: list[Entry] = []
    capture = Capture(CORPUS / name)
    engine = engine_config(settings)
    assert guessed((captured.ip for captured in capture), engine) is At.INSIDE
    out = tmp_path / "out.pcap"
    with Output(out) as output:
        replay = Replay(engine, pipeline_plan(settings), At.INSIDE, output, entries.append)
        for captured in capture:
            replay.feed(captured)
        replay.finish()
    return Replayed(entries, replay.counts, [captured.ip for captured in Capture(out)])


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_sessions(tmp_path: Path, name: str) -> None:
    if not (CORPUS / name).exists():
        pytest.skip("the corpus is not at hand")
    network, protocol, rewrites, used = RECORDED[name]
    replay = replay_of(tmp_path, name, CONFIG % (network, protocol))
    codes = Counter(replay.codes())
    assert codes["session.opened"] == 1
    assert rewrites is None or codes["rewrite"] == rewrites
    assert codes["pinhole.used"] == used
    assert replay.counts["refused"] == replay.counts["ordinary"] == replay.counts["stray"] == 0
    assert bool(replay.counts["data"]) == bool(used)
    assert not codes.keys() & {"inspector.failed", "capture.gap", "session.mid_stream"}
