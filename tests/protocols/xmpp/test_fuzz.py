"""Whatever comes: nothing raises, nothing opens but for whose address it is, memory is bounded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Direction, Party, Realm
from ryu_alg.protocols.xmpp.dialogue import Phase
from ryu_alg.protocols.xmpp.offers import MAX_CANDIDATES, MAX_OFFERS
from ryu_alg.protocols.xmpp.tokens import TAG_LIMIT
from tests.protocols.fuzzing import Arrival, any_bytes, mutations
from tests.protocols.gateway import BEHIND_NAT, IPV6, OUTSIDE, PUBLISHED, WITHIN
from tests.protocols.xmpp.dialogues import DIALOGUES, IN_BAND, Dialogue
from tests.protocols.xmpp.session import (
    AUTH,
    CLIENT_HEADER,
    FEATURES,
    LOGIN,
    PROCEED,
    STARTTLS,
    SUCCESS,
    TO_CLIENT,
    TO_SERVER,
    Session,
)
from tests.protocols.xmpp.stanzas import PEER, candidate, error, jingle, offer, result, streamhost
from tests.protocols.xmpp.test_dialogues import play
from tests.protocols.xmpp.test_dialogues import result as outcome

OPTIONS = [
    {},
    {"starttls": "strip", "other_hosts": "remove", "stanza_limit": 4096},
    {"relayed_hosts": ["0.0.0.0/0", "::/0"], "peers": ["198.51.100.0/24"]},
]
HOSTS = ["192.168.10.2", "203.0.113.1", "192.168.20.2", "198.51.100.9", "2001:db8:1::9", "x", ""]
PORTS = ["8010", "1", "0", "70000", "", "x"]
hosts = st.builds(
    lambda host, port, write: write(host, port),
    st.sampled_from(HOSTS),
    st.sampled_from(PORTS),
    st.sampled_from([streamhost, candidate]),
)
several = st.lists(hosts, max_size=4)
JUNK = [
    *(b"<", b">", b"</", b"/>", b"'", b'"', b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?xml", b"?>"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#x0;", b"\xff", b"\0", b" ", b"\n", b"iq"),
    *(b"<iq type='set'>", b"</iq>", b"<stream:stream>", b"</stream:stream>", b"xmlns='a'"),
    *(b"<query xmlns='http://jabber.org/protocol/bytestreams'>", b"<jingle xmlns='", b"<a>" * 40),
    *(CLIENT_HEADER, FEATURES, AUTH, SUCCESS, STARTTLS, PROCEED, IN_BAND, result(), error()),
]
pieces = st.one_of(
    st.sampled_from(JUNK),
    st.binary(max_size=6),
    st.builds(lambda inner, to: offer(*inner, to=to), several, st.sampled_from([PEER, "", "x"])),
    st.builds(
        lambda action, inner: jingle(action, *inner, to=PEER, sender=PEER),
        st.sampled_from(["session-initiate", "session-accept", "transport-info", "x"]),
        several,
    ),
)
arrivals = st.lists(st.tuples(st.sampled_from(Direction), pieces), max_size=20)
beginnings: st.SearchStrategy[list[Arrival]] = st.sampled_from([[], list(LOGIN), list(LOGIN[:2])])
sessions = st.builds(
    lambda between, options: Session(between, **options),
    st.sampled_from([BEHIND_NAT, PUBLISHED, WITHIN, OUTSIDE, IPV6]),
    st.sampled_from(OPTIONS),
)


def check(session: Session, arrived: list[Arrival]) -> None:
    """What holds for every session."""
    gateway, dialogue = session.gateway, session.inspector.dialogue
    options = session.inspector.options
    ends = gateway.conversation
    for asked in gateway.asked:
        peer = gateway.realm_of(ends.actual(asked.listener.other).address)
        assert asked.third_party is None or (
            options.relayed_hosts
            and asked.listener is Party.SERVER
            and gateway.realm_of(asked.third_party) is Realm.INSIDE
            and peer is Realm.OUTSIDE
        )
        if asked.peers:
            assert asked.listener is Party.CLIENT
            assert gateway.realm_of(ends.client.address) is Realm.INSIDE
            assert peer is Realm.OUTSIDE
            assert set(asked.peers) <= set(options.peers)
    assert len(session.opened) == len(gateway.armed)
    assert len(dialogue.offers) <= MAX_OFFERS
    assert all(len(entry.expectations) <= MAX_CANDIDATES for entry in dialogue.offers)
    assert all(len(stream.header) <= 4096 for stream in dialogue.streams.values())
    for direction in (TO_SERVER, TO_CLIENT):
        whole = b"".join(data for towards, data in arrived if towards is direction)
        left, held = session.left[direction], session.held[direction]
        if session.aborted:
            continue
        assert whole.endswith(held)
        waits = direction is TO_SERVER and (
            dialogue.asked or (dialogue.authenticating and not dialogue.authenticated)
        )
        assert waits or len(held) <= max(options.stanza_limit, TAG_LIMIT)
        if not session.touched:
            assert left + held == whole
        if dialogue.phase is Phase.OPEN:
            # No stanza is dropped, and none added: both sides may count them.
            assert left.count(b"</iq>") == whole[: len(whole) - len(held)].count(b"</iq>")


@given(sessions, beginnings, arrivals)
@settings(max_examples=300, deadline=None)
def test_pieces_in_any_order(session: Session, begin: list[Arrival], rest: list[Arrival]) -> None:
    play(session, begin + rest)
    check(session, begin + rest)


@given(sessions, any_bytes)
@settings(max_examples=100, deadline=None)
def test_any_bytes(session: Session, arrived: list[Arrival]) -> None:
    play(session, arrived)
    assert session.gateway.asked == []


@given(sessions, st.lists(pieces, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_server_alone_lets_nobody_in(session: Session, said: list[bytes]) -> None:
    for data in (LOGIN[1][1], LOGIN[3][1], LOGIN[5][1], *said):
        session.server(data)
    assert not session.inspector.dialogue.authenticated
    assert all(asked.listener is Party.SERVER for asked in session.gateway.asked)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Dialogue, list[Arrival]]:
    dialogue = draw(st.sampled_from(DIALOGUES))
    return dialogue, draw(mutations(dialogue.arrivals, pieces))


@given(mutated(), st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_mutated_dialogues(case: tuple[Dialogue, list[Arrival]], size: int) -> None:
    dialogue, script = case
    whole = play(dialogue.session(), script)
    pieces = dialogue.session()
    for direction, data in script:
        for start in range(0, len(data), size):
            pieces.feed(direction, data[start : start + size])
    assert whole.aborted == pieces.aborted
    assert whole.aborted or outcome(whole) == outcome(pieces)
    check(whole, script)
