"""A client and a server that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings

from ryu_alg.protocols.rtsp import RtspInspector, RtspOptions
from tests.engine.channel import Weather
from tests.engine.tcp_model import Profile
from tests.protocols.middlebox import (
    EngineBox,
    Peer,
    answers_after,
    network,
    profiles,
    seeds,
    weathers,
)
from tests.protocols.rtsp.connection import accept, ok, request, setup
from tests.protocols.rtsp.dialogues import SESSION, sdp

PORT = 554
PROFILE = Profile()
MESSAGE = re.compile(rb"(?:\$...(?:.{600}))*(.*?\r\n\r\n)", re.DOTALL)
PORTS = re.compile(rb"client_port=4[0-9]{4}-4[0-9]{4}")
OPTIONS = RtspOptions.model_validate({"rules": [{"action": "deny", "methods": "RECORD"}]})
"""With which interleaved media stay with the controller."""
FRAMES = b"".join(b"$\x00\x02\x58" + bytes([number]) * 600 for number in range(12))


def take_message(received: bytearray, start: int) -> tuple[bytes, int] | None:
    """The head of a message; it ends behind its body."""
    match = MESSAGE.match(received, start)
    if match is None:
        return None
    end = match.end()
    if length := re.search(rb"Content-Length: ([0-9]+)", match[1]):
        end += int(length[1])
    return None if end > len(received) else (match[1], end)


def serve(raw: bytes) -> bytes:
    """What the server answers."""
    found = re.search(rb"CSeq: ([0-9]+)", raw)
    assert found is not None
    cseq = int(found[1])
    if raw.startswith(b"DESCRIBE"):
        return ok(cseq, "Content-Type: application/sdp", body=sdp("198.51.100.7"))
    if raw.startswith(b"SETUP"):
        if b"interleaved" in raw:
            return accept(cseq, "RTP/AVP/TCP;unicast;interleaved=0-1")
        ports = re.search(rb"client_port=([0-9-]+)", raw)
        assert ports is not None
        return accept(
            cseq, f"RTP/AVP;unicast;client_port={ports[1].decode()};server_port=6256-6257"
        )
    if raw.startswith(b"PLAY"):
        return ok(cseq, SESSION) + (FRAMES if b"frames" in raw else b"")
    return ok(cseq)


def script(number: int, ports: str) -> bytes:
    return setup(number, f"RTP/AVP;unicast;client_port={ports}", url=f"rtsp://h/{number}")


STEPS = (
    request("DESCRIBE", 1),
    script(2, "4588-4589") + script(3, "14588-14589") + request("PLAY", 4, SESSION),
    b"",
    b"",
    setup(5, "RTP/AVP;unicast;client_port=25-26") + request("RECORD", 6, SESSION),
    b"",
    setup(7, "RTP/AVP/TCP;unicast;interleaved=0-1", SESSION, url="rtsp://h/7"),
    request("PLAY", 8, SESSION, "X: frames"),
    request("GET_PARAMETER", 9, SESSION, body=b"packets_received\r\n" * 200),
    request("TEARDOWN", 10, SESSION, url="rtsp://h"),
    None,
)
"""What the client sends first, and after each message that it has read; None: it closes."""


@dataclass(frozen=True)
class Read:
    """All that both ends have read."""

    client: bytes
    server: bytes
    most_media: int


def converse(
    weather: Weather, seed: int = 0, profile: Profile = PROFILE, answer_after: float = 0.01
) -> Read:
    """The whole conversation."""
    box = EngineBox(PORT, lambda gateway: RtspInspector(OPTIONS, gateway), answer_after)
    net = network(box, PORT, weather, seed, profile)
    steps = list(STEPS)
    client = Peer(net.client, lambda _: steps.pop(0), take_message)
    server = Peer(net.server, serve, take_message)
    net.timed = [client, server]
    net.start()
    first = steps.pop(0)
    assert first is not None
    net.client.write(first, net.now)
    net.drain()
    done = net.run(lambda: not steps and net.server.eof, deadline=600.0)
    assert done, (bytes(client.received), bytes(server.received), steps)
    assert not net.client.violations + net.server.violations
    assert box.media == {}
    return Read(
        bytes(client.received),
        PORTS.sub(b"client_port=(a pair)", bytes(server.received)),
        box.most_media,
    )


GOOD = converse(Weather())


def test_what_both_read() -> None:
    assert GOOD.most_media == 2
    assert GOOD.client.count(b"RTSP/1.0 200 OK") == 8
    assert FRAMES in GOOD.client
    assert b"client_port=4588-4589;" in GOOD.client
    assert b"client_port=14588-14589;" in GOOD.client
    assert GOOD.client.count(b"RTSP/1.0 461 ") == GOOD.client.count(b"RTSP/1.0 403 ") == 1
    assert GOOD.server.count(b"client_port=(a pair)\r\n") == 2
    assert GOOD.server.count(b"SETUP") == 3
    assert b"RECORD" not in GOOD.server


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(weather, seed, profile, answer_after) == GOOD
