"""A client and a server that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings

from ryu_alg.protocols.irc import IrcInspector, IrcOptions
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

PORT = 6667
BOB = b":bob!b@198.51.100.9 PRIVMSG amy :"
OFFER = re.compile(rb"PRIVMSG bob :\x01DCC SEND (\S+) 3405803777 (4[0-9]{4}) 9000\x01")
RESUME = re.compile(rb"\x01DCC RESUME (\S+) ([0-9]+) 4500\x01")
PUBLIC = re.compile(rb"\b4[0-9]{4}\b")
OPTIONS = IrcOptions(deny_files=("*.exe",))
USUAL = Profile()


def take_line(received: bytearray, start: int) -> tuple[bytes, int] | None:
    end = received.find(b"\r\n", start)
    return None if end < 0 else (bytes(received[start:end]), end + 2)


def serve(line: bytes) -> bytes | None:
    """The server, and bob, who goes on with what he is offered."""
    if line.startswith(b"USER"):
        return b":irc 001 amy :Welcome\r\n" + b":irc 372 amy :- today\r\n" * 40
    if (offer := OFFER.fullmatch(line)) is not None:
        return BOB + b"\1DCC RESUME %s %s 4500\1\r\n" % offer.groups()
    if line.startswith(b"PRIVMSG bob :\1DCC ACCEPT"):
        return BOB + b"thank you\r\n" + BOB + b"\1DCC SEND cat.exe 3325256713 5000 10\1\r\n"
    return b""


def client() -> Callable[[bytes], bytes | None]:
    """amy, who offers two files, and leaves when bob has what he wants."""
    thanks = 0

    def react(line: bytes) -> bytes | None:
        nonlocal thanks
        if b" 001 " in line:
            offers = [
                b"PRIVMSG bob :\1DCC SEND %s 3232238082 %d 9000\1\r\n" % file
                for file in ((b"a.jpg", 5000), (b"b.exe", 5001), (b"c.jpg", 15002))
            ]
            return offers[0] + b"PRIVMSG bob :" + b"x" * 400 + b"\r\n" + offers[1] + offers[2]
        if (resume := RESUME.search(line)) is not None:
            return b"PRIVMSG bob :\1DCC ACCEPT %s %s 4500\1\r\n" % resume.groups()
        if b"withheld" in line:
            thanks += 1
            return None if thanks == 2 else b""
        return b""

    return react


@dataclass(frozen=True)
class Read:
    """All that both ends have read."""

    client: list[bytes]
    """Its lines: when a refusal comes among the server's is a matter of time."""
    server: bytes
    opened: int


def converse(
    weather: Weather, seed: int = 0, profile: Profile = USUAL, answer_after: float = 0.01
) -> Read:
    """The whole conversation."""
    box = EngineBox(PORT, lambda gateway: IrcInspector(OPTIONS, gateway), answer_after)
    net = network(box, PORT, weather, seed, profile)
    amy, server = Peer(net.client, client(), take_line), Peer(net.server, serve, take_line)
    net.timed = [amy, server]
    net.start()
    net.client.write(b"NICK amy\r\nUSER amy 0 * :Amy\r\n", net.now)
    net.drain()
    done = net.run(lambda: net.server.eof, deadline=600.0)
    assert done, (bytes(amy.received), bytes(server.received))
    assert not net.client.violations + net.server.violations
    lines = sorted(bytes(amy.received).split(b"\r\n"))
    return Read(lines, PUBLIC.sub(b"(public)", bytes(server.received)), box.opened)


GOOD = converse(Weather())


def test_what_both_read() -> None:
    assert GOOD.opened == 2
    for name, port in ((b"a.jpg", b"5000"), (b"c.jpg", b"15002")):
        assert BOB + b"\1DCC RESUME %s %s 4500\1" % (name, port) in GOOD.client
        for what in (b"SEND %s 3405803777 (public) 9000", b"ACCEPT %s (public) 4500"):
            assert b"\1DCC " + what % name + b"\1\r\n" in GOOD.server
    assert b"b.exe" not in GOOD.server
    notices = [line for line in GOOD.client if line.startswith(b":gateway.invalid NOTICE amy :")]
    assert [b"not sent" in notice for notice in notices].count(True) == 1
    assert [b"withheld" in notice for notice in notices].count(True) == 2


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(weather, seed, profile, answer_after) == GOOD
