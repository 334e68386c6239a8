"""A client and a server that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read the same as over good ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.protocols.xmpp import XmppInspector, XmppOptions
from tests.engine.channel import Weather
from tests.engine.tcp_model import Endpoint, Profile
from tests.protocols.middlebox import EngineBox, network
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

Script = tuple[tuple[bytes, bytes], ...]
"""What to wait for, and what to answer then."""
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


@dataclass
class Peer:
    """Says what its script says, one after the other, and closes."""

    endpoint: Endpoint
    script: Script
    received: bytearray = field(default_factory=bytearray)
    _step: int = 0
    _read: int = 0

    def next_timeout(self) -> float | None:
        return 0.0 if self.endpoint.unread else None

    def expire(self, now: float) -> None:
        self.received += self.endpoint.read(1 << 30, now)
        while self._step < len(self.script):
            wanted, answer = self.script[self._step]
            at = self.received.find(wanted, self._read)
            if at < 0:
                return
            self._read = at + len(wanted)
            self._step += 1
            self.endpoint.write(answer, now)
        if self._step == len(self.script):
            self._step += 1
            self.endpoint.close(now)


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
    client, server = Peer(net.client, CLIENT), Peer(net.server, SERVER)
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


def per_cent(most: int) -> st.SearchStrategy[int]:
    return st.one_of(st.just(0), st.integers(1, most))


weathers = st.builds(
    Weather,
    jitter=st.sampled_from([0.0, 0.005, 0.2]),
    drop=per_cent(15),
    repeat=per_cent(20),
    split=per_cent(60),
    merge=per_cent(60),
    overlap=per_cent(40),
)
profiles = st.builds(
    Profile,
    isn=st.sampled_from([0, 2**32 - 700, 12345]),
    mss=st.sampled_from([1460, 536, 100]),
    buffer=st.sampled_from([65535, 3000]),
    nagle=st.booleans(),
    delayed_ack=st.sampled_from([0.0, 0.04]),
)


@given(weathers, st.integers(0, 2**32), profiles, st.sampled_from([0.0, 0.01, 0.5]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert converse(weather, seed, profile, answer_after) == GOOD
