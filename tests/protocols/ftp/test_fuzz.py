"""Whatever comes: nothing raises, nothing opens that was not asked for, nothing else changes."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.protocols.ftp import FtpOptions
from ryu_alg.protocols.ftp.verbs import VERBS
from tests.protocols.ftp.dialogues import DIALOGUES, Dialogue
from tests.protocols.ftp.session import Session
from tests.protocols.fuzzing import Arrival, any_bytes, mutations
from tests.protocols.gateway import BEHIND_NAT, IPV6, OUTSIDE, PUBLISHED
from tests.protocols.playbook import result, steps
from tests.protocols.session import TO_CLIENT, TO_SERVER

FROM_CLIENT = [
    *(b"PORT 192,168,10,2,4,5", b"PORT 198,51,100,9,4,5", b"port 1,2,3,4,5,6", b"PORT "),
    *(b"EPRT |1|192.168.10.2|1029|", b"EPRT |2|2001:db8:1::9|1029|", b"EPRT |1|1.2.3.4|70000|"),
    *(b"PASV", b"EPSV", b"EPSV ALL", b"EPSV 2", b"LPSV", b"LPRT 4,4", b"AUTH TLS", b"ABOR"),
    *(b"\xff\xf4\xff\xf2ABOR", b"USER bob", b"USER root", b"PASS x", b"REIN", b"QUIT", b"NOOP"),
    *(b"RETR x", b"STOR x", b" stor\tx", b"DELE /a/../b", b"\xff\xf1DELE x", b"\xff\xfdSTOR x"),
    *(b"", b"\0", b"NOOP\rDELE x", b"POST / HTTP/1.1", b"x" * 600, b"\xff", b"\xff\xff\xfb"),
]
FROM_SERVER = [
    *(b"220 hi", b"220-hi", b"120 wait", b"200 ok", b"200-ok", b"150 here", b"226 done", b"331 x"),
    *(b"230 in", b"425 no", b"426 gone", b"500 what", b"550 no", b"421 bye", b"234 tls", b"522 x"),
    *(b"227 Mode (198,51,100,7,4,5)", b"227-(192,168,20,2,4,5)", b"227 192, 168, 20, 2, 4, 5"),
    *(b"227 x", b"227 (10,0,0,1,4,5)", b"227 (198,51,100,7,0,5)", b"229 (|||1029|)", b"229 x"),
    *(b"229-(|||1029|)", b"", b" inner", b"2", b"x" * 600, b"\xff\xfc\x01200 ok"),
]
LINE_ENDS = st.sampled_from([b"\r\n"] * 6 + [b"\n", b"", b" \r\n", b"\r"])
OPTIONS = [
    FtpOptions(),
    FtpOptions(auth="allow", foreign_port="replace", foreign_pasv="replace"),
    FtpOptions.model_validate({"profile": "read-only", "fxp_hosts": ["0.0.0.0/0", "::/0"]}),
    FtpOptions.model_validate({"rules": [{"action": "deny", "users": "root"}]}),
]


def line(known: list[bytes]) -> st.SearchStrategy[bytes]:
    text = st.one_of(st.sampled_from(known), st.sampled_from(known), st.binary(max_size=12))
    return st.builds(bytes.__add__, text, LINE_ENDS)


arrivals = st.lists(
    st.one_of(
        st.tuples(st.just(TO_SERVER), line(FROM_CLIENT)),
        st.tuples(st.just(TO_CLIENT), line(FROM_SERVER)),
    ),
    max_size=30,
)
beginnings: st.SearchStrategy[list[Arrival]] = st.sampled_from(
    [[], [(TO_CLIENT, b"220 hi\r\n"), (TO_SERVER, b"NOOP\r\n"), (TO_CLIENT, b"200 ok\r\n")]]
)
sessions = st.builds(
    Session, st.sampled_from(OPTIONS), st.sampled_from([BEHIND_NAT, PUBLISHED, OUTSIDE, IPV6])
)


def lines(stream: bytes) -> list[bytes]:
    """What a simple server would read as commands: first words, without TELNET signals."""
    found = []
    for raw in stream.split(b"\n"):
        words = re.sub(rb"\xff[\xf0-\xfa]", b"", raw).upper().split()
        found.append(words[0] if words else b"")
    return found


def check(session: Session, arrived: list[Arrival]) -> None:
    """What holds for every session."""
    asking = {b"PORT", b"EPRT", b"PASV", b"EPSV"}
    asked = sum(word in asking for word in lines(session.left[TO_SERVER]))
    assert len(session.opened) <= asked
    assert all(1024 <= entry.port <= 65535 for entry in session.gateway.asked)
    assert not session.opened or session.left[TO_CLIENT]
    assert len(session.inspector.dialogue.pending) <= 256
    for direction in (TO_SERVER, TO_CLIENT):
        whole = b"".join(data for towards, data in arrived if towards is direction)
        if not session.touched:
            assert (session.left[direction] + session.held[direction]) == whole
        if not session.aborted:
            assert whole.endswith(session.held[direction])
    if session.inspector.negotiator.options.profile == "read-only":
        writing = {verb.name.encode() for verb in VERBS.values() if verb.writes}
        assert writing.isdisjoint(lines(session.left[TO_SERVER]))


@given(sessions, beginnings, arrivals)
@settings(max_examples=300, deadline=None)
def test_lines_in_any_order(session: Session, begin: list[Arrival], rest: list[Arrival]) -> None:
    for direction, data in begin + rest:
        session.feed(direction, data)
    if not session.aborted:
        check(session, begin + rest)
    session.end(TO_CLIENT)
    session.end(TO_SERVER)
    assert len(session.opened) <= len(session.gateway.armed)


@given(sessions, any_bytes)
@settings(max_examples=200, deadline=None)
def test_any_bytes(session: Session, arrived: list[Arrival]) -> None:
    for direction, data in arrived:
        session.feed(direction, data)
    assert session.opened == set()


@given(sessions, st.lists(line(FROM_SERVER), max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_server_alone_opens_nothing(session: Session, said: list[bytes]) -> None:
    for data in said:
        session.server(data)
    assert session.gateway.asked == []


@given(sessions, st.lists(line(FROM_CLIENT), max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_client_alone_opens_nothing(session: Session, said: list[bytes]) -> None:
    for data in said:
        session.client(data)
    session.end(TO_SERVER)
    assert session.opened == set()


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Dialogue, list[Arrival]]:
    dialogue = draw(st.sampled_from(DIALOGUES))
    script = [(step.direction, step.data) for step in steps(dialogue.text)]
    return dialogue, draw(mutations(script, st.sampled_from(FROM_CLIENT + FROM_SERVER)))


@given(mutated(), st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_mutated_dialogues(case: tuple[Dialogue, list[Arrival]], size: int) -> None:
    dialogue, script = case
    whole, pieces = dialogue.session(), dialogue.session()
    for direction, data in script:
        # A server that answers what is held, and has not reached it, is early or late by chance.
        step = len(data) + 1 if whole.held[TO_SERVER] and direction is TO_CLIENT else size
        whole.feed(direction, data)
        for start in range(0, len(data), step):
            pieces.feed(direction, data[start : start + step])
    assert whole.aborted or result(whole) == result(pieces)
    if not whole.aborted:
        check(whole, script)
