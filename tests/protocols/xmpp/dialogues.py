"""Whole sessions: what both sides send, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ryu_alg.inspection import Conversation, Direction
from tests.protocols.gateway import BEHIND_NAT, PUBLISHED
from tests.protocols.xmpp.session import (
    AUTH,
    CLIENT_HEADER,
    FEATURES,
    LOGIN,
    PROCEED,
    SERVER_HEADER,
    STARTTLS,
    TO_CLIENT,
    TO_SERVER,
    Session,
)
from tests.protocols.xmpp.stanzas import (
    PEER,
    SELF,
    candidate,
    error,
    jingle,
    offer,
    result,
    streamhost,
)

Arrival = tuple[Direction, bytes]
OWN = "192.168.10.2"
IN_BAND = (
    b"<iq from='%b' to='%b' id='i1' type='set'><data xmlns='http://jabber.org/protocol/ibb'"
    b" seq='0' sid='i781hf64'>qANQR1DBwU4DX7jmYZnncm</data></iq>"
) % (SELF.encode(), PEER.encode())
END = b"</stream:stream>"


@dataclass(frozen=True)
class Dialogue:
    """One session, and what the gateway is told about such."""

    name: str
    arrivals: tuple[Arrival, ...]
    between: Conversation = BEHIND_NAT
    options: dict[str, Any] = field(default_factory=dict)

    def session(self) -> Session:
        return Session(self.between, **self.options)


DIALOGUES = (
    Dialogue(
        "bytestream",
        (
            *LOGIN,
            (TO_SERVER, offer(streamhost(OWN, 8010), streamhost("198.51.100.99", 7777))),
            (TO_CLIENT, result()),
            (TO_SERVER, b" " + offer(streamhost(OWN, 80), iq="o2")),
            (TO_CLIENT, error("o2") + b"\n"),
            (TO_SERVER, END),
            (TO_CLIENT, END),
        ),
    ),
    Dialogue(
        "jingle",
        (
            *LOGIN,
            (TO_SERVER, jingle("session-initiate", candidate(OWN, 5086), to=PEER)),
            (TO_CLIENT, b"<iq type='result' id='j1' from='%b'/>" % PEER.encode()),
            (TO_CLIENT, jingle("session-accept", candidate("198.51.100.5", 1), sender=PEER)),
            (TO_CLIENT, jingle("transport-info", b"<candidate-used cid='c1'/>", sender=PEER)),
            (TO_SERVER, jingle("session-terminate", to=PEER)),
        ),
    ),
    Dialogue(
        "in band, and text",
        (
            *LOGIN,
            (TO_SERVER, IN_BAND),
            (TO_CLIENT, b"<message><body><![CDATA[]]<]]]></body><x a='>'/></message>" + IN_BAND),
            (TO_SERVER, b"<presence/><r xmlns='urn:xmpp:sm:3'/>\n"),
        ),
    ),
    Dialogue(
        "starttls",
        (
            (TO_SERVER, CLIENT_HEADER),
            (TO_CLIENT, SERVER_HEADER + FEATURES),
            (TO_SERVER, STARTTLS + b"\x16\x03<"),
            (TO_CLIENT, PROCEED + b"\x16\x03>"),
            (TO_SERVER, offer(streamhost(OWN, 8010))),
        ),
    ),
    Dialogue(
        "stripped",
        (
            *LOGIN,
            (TO_SERVER, offer(streamhost(OWN, 8010))),
            (TO_SERVER, STARTTLS + AUTH),
            (TO_CLIENT, END),
        ),
        options={"starttls": "strip", "other_hosts": "remove"},
    ),
    Dialogue(
        "required",
        (
            (TO_SERVER, CLIENT_HEADER),
            (
                TO_CLIENT,
                SERVER_HEADER + FEATURES.replace(b"-tls'/>", b"-tls'><required/></starttls>"),
            ),
            (TO_SERVER, END),
        ),
        options={"starttls": "strip"},
    ),
    Dialogue(
        "relayed",
        (*LOGIN, (TO_CLIENT, offer(streamhost("192.168.20.3", 8010))), (TO_SERVER, error())),
        PUBLISHED,
        {"relayed_hosts": ["192.168.20.0/24"]},
    ),
    Dialogue(
        "link-local",
        (
            (TO_SERVER, CLIENT_HEADER),
            (TO_CLIENT, SERVER_HEADER + b"<stream:features/>"),
            (TO_SERVER, offer(streamhost(OWN, 8010))),
            (TO_CLIENT, offer(streamhost("198.51.100.7", 8010)) + result()),
        ),
    ),
)
