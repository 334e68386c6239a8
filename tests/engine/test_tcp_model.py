"""The model endpoints through a middlebox that does nothing: they must not need one."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from ryu_alg.engine.segment import Segment
from ryu_alg.inspection.endpoints import Direction
from tests.engine.channel import Application, Emission, Network, Weather
from tests.engine.tcp_model import OVER, Endpoint, Profile, State

CLIENT = (b"\x0a\x00\x00\x01", 40000)
SERVER = (b"\x0a\x00\x00\x02", 21)


class Wire:
    """A middlebox that forwards."""

    def next_timeout(self) -> float | None:
        return None

    def expire(self, now: float) -> None:
        raise AssertionError("nothing is due")

    def collect(self, now: float) -> list[Emission]:
        return []

    def receive(self, direction: Direction, segment: Segment, now: float) -> list[Emission]:
        return [(direction, segment)]


def connect(
    client: Profile, server: Profile, weather: Weather | None = None, seed: str = "0"
) -> Network:
    names = ("client-box", "box-server", "server-box", "box-client")
    return Network(
        Endpoint("client", client, CLIENT, SERVER),
        Endpoint("server", server, SERVER, CLIENT),
        Wire(),
        weather=dict.fromkeys(names, weather) if weather else {},
        seed=seed,
    )


@pytest.mark.parametrize("seed", range(150))
def test_endpoints_understand_each_other(seed: int) -> None:
    random = Random(seed)

    def profile() -> Profile:
        scale = random.choice((None, 0, 3, 7))
        return Profile(
            isn=random.choice(
                (0, 1, (1 << 32) - random.randrange(1, 2000), random.getrandbits(32))
            ),
            mss=random.choice((None, 40, 100, 536, 1460)),
            window_scale=scale,
            buffer=random.choice((4000, 5000, 65535) if scale else (100, 1000, 5000, 65535)),
            nagle=random.random() < 0.5,
            delayed_ack=random.choice((0.0, 0.04)),
            byte_probes=random.random() < 0.5,
        )

    def script(data: bytes) -> list[tuple[float, bytes]]:
        steps = []
        while data:
            size = random.randrange(1, 400)
            steps.append((random.choice((0.0, 0.001, 0.1)), data[:size]))
            data = data[size:]
        return steps

    def pace() -> tuple[float, int] | None:
        return random.choice((None, (0.05, 50), (0.5, 700)))

    weather = Weather(
        jitter=random.choice((0.0, 0.03)),
        drop=random.choice((0, 10, 30)),
        repeat=random.choice((0, 10)),
        split=random.choice((0, 20)),
        merge=random.choice((0, 20)),
        overlap=random.choice((0, 20)),
    )
    network = connect(profile(), profile(), weather, str(seed))
    up, down = random.randbytes(random.randrange(4000)), random.randbytes(random.randrange(4000))
    eof = random.choice((True, False))
    client = Application(network.client, script(up), close_after_eof=eof, pace=pace())
    server = Application(network.server, script(down), close_after_eof=not eof, pace=pace())
    network.timed = [client, server]
    network.start()
    assert network.run(
        lambda: (
            network.client.state in OVER
            and network.server.state in OVER
            and client.received == down
            and server.received == up
        )
    ), (network.client, network.server)
    assert not network.client.was_reset and not network.server.was_reset
    assert network.client.violations == network.server.violations == []


def test_nagle_waits_for_the_acknowledgement() -> None:
    network = connect(Profile(nagle=True), Profile(delayed_ack=0.2))
    network.start()
    network.pause(0.1)
    network.client.write(b"a", network.now)
    network.client.write(b"b", network.now)
    network.drain()
    network.pause(0.1)
    assert bytes(network.server.stream) == b"a"
    network.pause(0.2)
    assert bytes(network.server.stream) == b"ab"


def test_a_closed_window_opens_again_though_the_update_is_lost() -> None:
    network = connect(Profile(), Profile(buffer=100))
    network.start()
    network.pause(0.1)
    network.client.write(bytes(250), network.now)
    network.drain()
    network.pause(3.0)
    assert len(network.server.stream) == 100 and network.client.counters["window_probe"] > 2
    network.server.read(100, network.now)
    network.server.outbox.clear()
    network.pause(10.0)
    assert len(network.server.stream) == 200


def test_keepalive_keeps_and_gives_up() -> None:
    network = connect(Profile(keepalive=1.0), Profile())
    network.start()
    network.pause(10.0)
    assert network.client.counters["probe"] >= 9 and not network.client.timed_out
    network.server.receive = lambda segment, now: None  # type: ignore[method-assign]
    network.pause(10.0)
    assert network.client.timed_out and network.client.state is State.CLOSED


def test_wrong_acknowledgements_and_resets_are_noticed() -> None:
    network = connect(Profile(isn=100), Profile(isn=500))
    network.start()
    network.pause(0.1)
    client = network.client
    good = Segment(*SERVER[:1], CLIENT[0], SERVER[1], CLIENT[1], 501, 101, 0x10, 1000)
    client.receive(replace(good, ack=102), network.now)
    assert client.violations and client.outbox
    client.receive(replace(good, seq=502, flags=0x14), network.now)
    assert client.state is State.ESTABLISHED and client.counters["challenge"] == 2
    client.receive(replace(good, flags=0x14), network.now)
    assert client.was_reset and client.state is State.CLOSED


def test_urgent_pointer_arrives() -> None:
    network = connect(Profile(mss=10), Profile())
    network.start()
    network.pause(0.1)
    network.client.write(b"x" * 30, network.now)
    network.client.write(b"!", network.now, urgent=True)
    network.client.write(b"y" * 30, network.now)
    network.drain()
    network.pause(1.0)
    assert network.server.urgent_seen == 31 and len(network.server.stream) == 61
