"""Whatever comes: nothing raises, nothing opens that was not asked for, nothing else changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Direction
from ryu_alg.protocols.irc import IrcOptions
from ryu_alg.protocols.irc.messages import LINE_LIMIT
from ryu_alg.protocols.irc.offers import MAX_ANNOUNCED
from ryu_alg.protocols.irc.verbs import VERBS
from tests.protocols.fuzzing import Arrival, any_bytes, mutations
from tests.protocols.gateway import BEHIND_NAT, IPV6, PUBLISHED
from tests.protocols.irc.dialogues import DIALOGUES, Dialogue
from tests.protocols.irc.session import Session, options
from tests.protocols.playbook import result, steps
from tests.protocols.session import TO_CLIENT, TO_SERVER

NUMBERS = [
    *(b"3232238082", b"3405803777", b"192.168.10.2", b"2001:db8:1::9", b"3325256713", b"199"),
    *(b"5000", b"22", b"0", b"65535", b"65536", b"32769", b"1", b"99999999999999999999999"),
]
WORDS = [*(name.encode() for name in VERBS), b"SSEND", b"VOICE", b"chat", b'"a b"', b'"a', b"a.exe"]
words = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.binary(max_size=4),
)
dccs = st.one_of(
    st.builds(
        b"DCC SEND %s %s %s %s".__mod__,
        st.tuples(*(st.sampled_from(part) for part in (WORDS, NUMBERS, NUMBERS, NUMBERS))),
    ),
    st.lists(words, max_size=6).map(lambda found: b" ".join([b"DCC", *found])),
    st.sampled_from([b"D\x10CC CHAT chat 3232238082 5000", b"ACTION", b"", b"DCC"]),
)
texts = st.lists(st.one_of(dccs.map(lambda text: b"\1" + text + b"\1"), dccs), max_size=4).map(
    b"".join
)
heads = st.sampled_from(
    [
        *(b"PRIVMSG bob :", b"NOTICE bob :", b":bob!b@h PRIVMSG amy :", b"@a=b :bob NOTICE amy :"),
        *(b"PRIVMSG bob ", b"TOPIC bob :", b":irc 001 amy :", b":amy NICK :eve", b"STARTTLS "),
        *(b":irc 670 amy :", b":irc 691 amy :", b"", b"\0", b"\r", b":", b"@", b"PRIVMSG"),
    ]
)
lines = st.builds(
    lambda head, text, end: head + text + end,
    heads,
    texts,
    st.sampled_from([b"\r\n"] * 6 + [b"\n", b"", b"\r", b" \r\n", b"x" * LINE_LIMIT + b"\r\n"]),
)
arrivals = st.lists(st.tuples(st.sampled_from(Direction), lines), max_size=20)
OPTIONS = [
    IrcOptions(),
    options(dcc="refuse"),
    options(deny_files="*.exe", max_size=10000, tls="allow"),
]
sessions = st.builds(
    Session, st.sampled_from(OPTIONS), st.sampled_from([BEHIND_NAT, PUBLISHED, IPV6])
)


def check(session: Session, arrived: list[Arrival]) -> None:
    """What holds for every session."""
    own = session.gateway.conversation.client
    for armed in session.gateway.armed:
        assert armed.listener.address == own.address
        assert 1024 <= armed.listener.port <= 65535
    announcing = session.left[TO_SERVER].upper().count(b"DCC")
    assert len(session.opened) <= announcing
    assert not session.gateway.armed or session.inspector.dialogue.registered
    assert session.inspector.options.dcc == "allow" or not session.gateway.armed
    assert len(session.inspector.dialogue.announced) <= MAX_ANNOUNCED
    assert session.closed | session.opened == {armed.id for armed in session.gateway.armed}
    assert not session.closed & session.opened
    for direction in (TO_SERVER, TO_CLIENT):
        whole = b"".join(data for towards, data in arrived if towards is direction)
        if not session.aborted and not session.inspector.dialogue.starting_tls:
            assert len(session.held[direction]) < LINE_LIMIT
        if not session.touched:
            assert whole.startswith(session.left[direction] + session.held[direction])


@given(sessions, arrivals, st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_conversation(session: Session, arrived: list[Arrival], welcomed: bool) -> None:
    begin: list[Arrival] = []
    if welcomed:
        begin = [(TO_SERVER, b"NICK amy\r\n"), (TO_CLIENT, b":irc 001 amy :Welcome\r\n")]
    for direction, data in begin + arrived:
        session.feed(direction, data)
    check(session, begin + arrived)
    session.end(TO_CLIENT)
    session.end(TO_SERVER)


@given(sessions, any_bytes)
@settings(max_examples=200, deadline=None)
def test_any_bytes(session: Session, arrived: list[Arrival]) -> None:
    for direction, data in arrived:
        session.feed(direction, data)
    assert session.gateway.armed == []


@given(sessions, st.lists(lines, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_server_opens_nothing(session: Session, said: list[bytes]) -> None:
    session.talk()
    for data in said:
        session.server(data)
    assert session.gateway.asked == []


@given(sessions, st.lists(lines, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_client_alone_opens_nothing(session: Session, said: list[bytes]) -> None:
    for data in said:
        session.client(data)
    assert session.gateway.asked == []


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Dialogue, list[Arrival]]:
    dialogue = draw(st.sampled_from(DIALOGUES))
    script = [(step.direction, step.data) for step in steps(dialogue.script)]
    return dialogue, draw(mutations(script, st.one_of(lines, dccs)))


@given(mutated(), st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_mutated_dialogues(case: tuple[Dialogue, list[Arrival]], size: int) -> None:
    dialogue, script = case
    whole, pieces = dialogue.session(), dialogue.session()
    for direction, data in script:
        whole.feed(direction, data)
        for start in range(0, len(data), size):
            pieces.feed(direction, data[start : start + size])
    check(whole, script)
    if not whole.aborted:
        assert result(whole) == result(pieces)
