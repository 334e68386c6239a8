"""A client and a server that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.protocols.ftp import FtpInspector, FtpOptions
from tests.engine.channel import Weather
from tests.engine.tcp_model import Profile
from tests.protocols.middlebox import (
    EngineBox,
    Script,
    Scripted,
    answers_after,
    network,
    profiles,
    seeds,
    weathers,
)

PORT = 21
OPTIONS = FtpOptions.model_validate({"rules": [{"action": "deny", "commands": "DELE"}]})
USUAL = Profile()
ADDRESS = re.compile(
    rb"203,0,113,1,[0-9]+,[0-9]+|\|1\|203\.0\.113\.1\|4[0-9]{4}\||\|\|\|4[0-9]{4}\|"
)
FEATURES = b"211-You have:\r\n227 (198,51,100,7,4,5)\r\n" + b" MDTM\r\n" * 300 + b"211 End\r\n"
LIST = b"150 Here.\r\n226 Done.\r\n"


def lines(*text: str) -> bytes:
    return "".join(f"{line}\r\n" for line in text).encode()


LOGIN_CLIENT: Script = (
    (b"220 Ready.\r\n", lines("USER anna", "PASS secret", "DELE a", "FEAT", "NOOP")),
)
LOGIN_SERVER: Script = (
    (b"", lines("220-Wait", "220 Ready.")),
    (b"USER anna\r\n", lines("331 Password, please.")),
    (b"PASS secret\r\n", lines("230 Welcome.")),
    (b"FEAT\r\n", FEATURES),
    (b"NOOP\r\n", lines("200 Nothing.")),
)
END_CLIENT: Script = ((b"221 Goodbye.\r\n", b""),)
END_SERVER: Script = ((b"QUIT\r\n", lines("221 Goodbye.")),)


@dataclass(frozen=True)
class Talk:
    """What both say, and where they are."""

    published: bool
    client: Script
    server: Script


ACTIVE = Talk(
    published=False,
    client=(
        *LOGIN_CLIENT,
        (
            b"200 Nothing.\r\n",
            lines(
                "PORT 192,168,10,2,19,137",
                "RETR a",
                "PORT 192,168,10,9,19,138",
                "EPRT |1|192.168.10.2|5003|",
                "STOR b",
                "EPRT |1|192.168.10.2|80|",
                "DELE c",
                "PASV",
                "LIST",
                "QUIT",
            ),
        ),
        *END_CLIENT,
    ),
    server=(
        *LOGIN_SERVER,
        (b"PORT ", lines("200 PORT.")),
        (b"RETR a\r\n", LIST),
        (b"EPRT ", lines("200 EPRT.")),
        (b"STOR b\r\n", LIST),
        (b"PASV\r\n", lines("227 Entering Passive Mode (198,51,100,7,200,10).")),
        (b"LIST\r\n", LIST),
        *END_SERVER,
    ),
)
PASSIVE = Talk(
    published=True,
    client=(
        *LOGIN_CLIENT,
        (
            b"200 Nothing.\r\n",
            lines("PASV", "RETR a", "DELE b", "PASV", "EPSV", "STOR c", "PORT 198,51,100,7,19,137"),
        ),
        (b"200 PORT.\r\n", lines("LIST", "EPSV", "QUIT")),
        *END_CLIENT,
    ),
    server=(
        *LOGIN_SERVER,
        (b"PASV\r\n", lines("227-Entering", "227 Passive Mode (192,168,10,2,200,10).")),
        (b"RETR a\r\n", LIST),
        (b"PASV\r\n", lines("227 Entering Passive Mode (192,168,10,9,200,11).")),
        (b"EPSV\r\n", lines("229 Entering Extended Passive Mode (|||51212|)")),
        (b"STOR c\r\n", LIST),
        (b"PORT ", lines("200 PORT.")),
        (b"LIST\r\n", LIST),
        (b"EPSV\r\n", lines("229 Entering Extended Passive Mode (|||80|)")),
        *END_SERVER,
    ),
)
TALKS = {"active": ACTIVE, "passive": PASSIVE}


@dataclass(frozen=True)
class Read:
    """All that both ends have read, and how many pinholes there were."""

    client: bytes
    server: bytes
    opened: int
    left: int


def converse(
    talk: Talk,
    weather: Weather,
    seed: int = 0,
    profile: Profile = USUAL,
    answer_after: float = 0.01,
) -> Read:
    """The whole conversation."""
    box = EngineBox(
        PORT,
        lambda gateway: FtpInspector(OPTIONS, gateway),
        answer_after,
        published=talk.published,
    )
    net = network(box, PORT, weather, seed, profile)
    client, server = Scripted(net.client, talk.client), Scripted(net.server, talk.server)
    net.timed = [client, server]
    net.start()
    server.expire(net.now)
    done = net.run(lambda: net.server.eof and net.client.eof, deadline=600.0)
    assert done, (bytes(client.received), bytes(server.received))
    for peer in (client, server):
        peer.expire(net.now)
    assert not net.client.violations + net.server.violations
    return Read(
        ADDRESS.sub(b"(public)", bytes(client.received)),
        ADDRESS.sub(b"(public)", bytes(server.received)),
        box.opened,
        len(box.open),
    )


GOOD = {name: converse(talk, Weather()) for name, talk in TALKS.items()}
DENIED = b"550 Permission denied by the gateway.\r\n"


def commands(script: Script) -> list[bytes]:
    return [line for _, said in script for line in said.splitlines(keepends=True)]


def test_active() -> None:
    read = GOOD["active"]
    assert (read.opened, read.left) == (3, 0)
    own = (b"DELE a\r\n", b"PORT 192,168,10,9,19,138\r\n", b"EPRT |1|192.168.10.2|80|\r\n")
    passing = [line for line in commands(ACTIVE.client) if line not in (*own, b"DELE c\r\n")]
    told = b"".join(passing)
    told = told.replace(b"192,168,10,2,19,137", b"(public)")
    assert read.server == told.replace(b"|1|192.168.10.2|5003|", b"(public)")
    answers = [answer for _, answer in ACTIVE.server]
    answers.insert(3, DENIED)
    answers.insert(8, b"501 The address is not the client's own.\r\n")
    answers.insert(11, b"501 Ports below 1024 are not served.\r\n" + DENIED)
    assert read.client == b"".join(answers)


def test_passive() -> None:
    read = GOOD["passive"]
    assert (read.opened, read.left) == (3, 0)
    denied = (b"DELE a\r\n", b"DELE b\r\n")
    passing = [line for line in commands(PASSIVE.client) if line not in denied]
    assert read.server == b"".join(passing)
    answers = [answer for _, answer in PASSIVE.server]
    answers[5] = answers[5].replace(b"192,168,10,2,200,10", b"(public)")
    answers[7] = DENIED + b"425 The address is not the server's own.\r\n"
    answers[8] = answers[8].replace(b"|||51212|", b"(public)")
    answers[12] = b"425 Ports below 1024 are not served.\r\n"
    answers.insert(3, DENIED)
    assert read.client == b"".join(answers)


@given(st.sampled_from(sorted(TALKS)), weathers, seeds, profiles, answers_after)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    name: str, weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(TALKS[name], weather, seed, profile, answer_after) == GOOD[name]
