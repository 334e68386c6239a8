"""ffmpeg and GStreamer as clients of GStreamer's server, on both sides of the gateway.

What is counted are frames that came through and were decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from ryu_alg.lab import Lab
from tests.e2e.gateway import PUBLIC, RunningGateway
from tests.e2e.rtsp.conftest import PORT
from tests.e2e.rtsp.players import (
    FRAMES,
    MediaServer,
    Player,
    ffmpeg,
    gstreamer,
    media_server,
    record,
)


@dataclass(frozen=True)
class Situation:
    """Who is where."""

    name: str
    client: str
    server: str
    address: str
    """That the server listens at."""
    authority: str
    """The server, for the client."""

    def url(self, name: str) -> str:
        return f"rtsp://{self.authority}/{name}"


NAT = Situation("nat", "client", "server", "203.0.113.2", f"203.0.113.2:{PORT}")
PUBLISHED = Situation("published", "server", "inserver", "192.168.20.2", PUBLIC)
IPV6_OUT = Situation("ipv6-out", "plain", "server", "2001:db8:1::2", f"[2001:db8:1::2]:{PORT}")
IPV6_IN = Situation("ipv6-in", "server", "plain", "2001:db8:30::2", f"[2001:db8:30::2]:{PORT}")


@pytest.fixture(scope="module")
def servers(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Situation, MediaServer]]:
    """GStreamer's server in each situation."""
    with ExitStack() as stack:
        yield {
            it: stack.enter_context(
                media_server(
                    lab.host(it.server), it.address, PORT, tmp_path_factory.mktemp(it.name)
                )
            )
            for it in (NAT, PUBLISHED, IPV6_OUT, IPV6_IN)
        }


@pytest.mark.parametrize("player", [ffmpeg, gstreamer])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("situation", [NAT, PUBLISHED], ids=lambda it: it.name)
def test_play(
    lab: Lab,
    gateway: RunningGateway,
    servers: dict[Situation, MediaServer],
    situation: Situation,
    transport: str,
    player: Player,
) -> None:
    _play(lab, gateway, situation, transport, player)


@pytest.mark.parametrize("situation", [IPV6_OUT, IPV6_IN], ids=lambda it: it.name)
def test_play_over_ipv6(
    lab: Lab,
    gateway: RunningGateway,
    servers: dict[Situation, MediaServer],
    situation: Situation,
) -> None:
    _play(lab, gateway, situation, "udp", ffmpeg)


def _play(
    lab: Lab, gateway: RunningGateway, situation: Situation, transport: str, player: Player
) -> None:
    before = gateway.last_event()
    assert player(lab.host(situation.client), situation.url("picture"), transport) >= FRAMES
    if transport == "udp":
        # RTP and RTCP; and with the session, they are shut.
        assert len(gateway.events(before, "pinhole.opened")) == 2
    else:
        assert gateway.events(before, "session.offloaded")
        assert not gateway.events(before, "pinhole.opened")
    gateway.wait_for(lambda: not gateway.pinholes(), "nothing to be open")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("situation", [NAT, PUBLISHED], ids=lambda it: it.name)
def test_record(
    lab: Lab,
    gateway: RunningGateway,
    servers: dict[Situation, MediaServer],
    situation: Situation,
    transport: str,
) -> None:
    before = gateway.last_event()
    servers[situation].forget()
    record(lab.host(situation.client), situation.url("record"), transport)
    servers[situation].wait_recorded(FRAMES)
    if transport == "tcp":
        assert gateway.events(before, "session.offloaded")
    gateway.wait_for(lambda: not gateway.pinholes(), "nothing to be open")
