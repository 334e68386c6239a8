"""A client and a server that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings

from ryu_alg.protocols.xmpp import XmppInspector, XmppOptions
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
from tests.protocols.xmpp.dialogues import END, IN_BAND
from tests.protocols.xmpp.session import (
    AUTH,
    CLIENT_HEADER,
    FEATURES,
    MECHANISMS,
    SERVER_HEADER,
    STARTTLS,
    SUCCESS,
)
from tests.protocols.xmpp.stanzas import PEER, candidate, error, jingle, offer, result, streamhost

PORT = 5222
OWN, PROXY = "192.168.10.2", streamhost("198.51.100.99", 7777, "proxy.example.net")
PUBLIC = re.compile(rb"203\.0\.113\.1['\"](?: jid='[^']*')? port='4[0-9]{4}'")
OPTIONS = XmppOptions(starttls="strip")
USUAL = Profile()
PHOTO = b"<message><body>" + b"QUJD" * 1500 + b"<![CDATA[<iq/>]]></body></message>"

CLIENT: Script = (
    (b"</stream:features>", AUTH),
    (SUCCESS, CLIENT_HEADER),
    (b"<stream:features/>", offer(streamhost(OWN, 8010), PROXY) + PHOTO + IN_BAND),
    (b"id='o1'", offer(streamhost(OWN, 80), PROXY, iq="o2")),
    (b"id='o2'", jingle("session-initiate", candidate(OWN, 5086), to=PEER)),
    (b"candidate-error", END),
)
SERVER: Script = (
    (b">", SERVER_HEADER + FEATURES),
    (AUTH, SUCCESS),
    (CLIENT_HEADER, SERVER_HEADER + b"<stream:features/>"),
    (b"id='o1'", PHOTO + result()),
    (b"id='o2'", error("o2") + IN_BAND),
    (b"session-initiate", jingle("transport-info", b"<candidate-error/>", sender=PEER)),
    (END, END),
)


@dataclass(frozen=True)
class Read:
    """All that both ends have read, and how many pinholes there were."""

    client: bytes
    server: bytes
    opened: int
    left: int


def converse(
    weather: Weather, seed: int = 0, profile: Profile = USUAL, answer_after: float = 0.01
) -> Read:
    """The whole conversation."""
    box = EngineBox(PORT, lambda gateway: XmppInspector(OPTIONS, gateway), answer_after)
    net = network(box, PORT, weather, seed, profile)
    client, server = Scripted(net.client, CLIENT), Scripted(net.server, SERVER)
    net.timed = [client, server]
    net.start()
    net.client.write(CLIENT_HEADER, net.now)
    net.drain()
    done = net.run(lambda: net.server.eof and net.client.eof, deadline=600.0)
    assert done, (bytes(client.received), bytes(server.received))
    for peer in (client, server):
        peer.expire(net.now)
    assert not net.client.violations + net.server.violations
    told = PUBLIC.sub(b"(public)", bytes(server.received))
    return Read(bytes(client.received), told, box.opened, len(box.open))


GOOD = converse(Weather())


def test_what_both_read() -> None:
    assert STARTTLS not in GOOD.client
    said = b"".join(answer for _, answer in SERVER)
    assert GOOD.client == said.replace(FEATURES, FEATURES.replace(STARTTLS, b""))
    assert MECHANISMS in GOOD.client
    assert GOOD.server.count(b"(public)") == 2
    assert offer(PROXY, iq="o2") in GOOD.server
    assert PHOTO + IN_BAND in GOOD.server
    assert OWN.encode() not in GOOD.server
    assert (GOOD.opened, GOOD.left) == (2, 0)


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(weather, seed, profile, answer_after) == GOOD
