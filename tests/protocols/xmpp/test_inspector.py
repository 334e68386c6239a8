"""Streams: where they begin, go on and end, what makes them unreadable, and what is none."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Direction
from ryu_alg.protocols.xmpp.dialogue import Phase
from tests.protocols.xmpp.session import (
    AUTH,
    CLIENT_HEADER,
    FEATURES,
    HELD_AT_MOST,
    MECHANISMS,
    PROCEED,
    SERVER_HEADER,
    STARTTLS,
    SUCCESS,
    TO_CLIENT,
    TO_SERVER,
    Session,
)
from tests.protocols.xmpp.stanzas import offer, streamhost

OWN = "192.168.10.2"
COMPRESS = b"<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"
COMPRESSED = b"<compressed xmlns='http://jabber.org/protocol/compress'/>"
COMPRESSION = (
    b"<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
)
ERROR = b"<stream:error><%b xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
END = b"</stream:stream>"


def begun(**options: str) -> Session:
    """Both headers have passed."""
    session = Session(**options)
    session.client(CLIENT_HEADER)
    session.server(SERVER_HEADER)
    return session.forget()


# -- beginnings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"P",
        b"\x80",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
        b"<policy-file-request/>",
        b"<html>",
        b"<stream>",
        b"<stream:stream>",
        b"<stream:stream xmlns:stream='http://etherx.jabber.org/other'>",
        b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>",
        b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' a='%b'>" % (b"x" * 4096),
        b"<?xml version='1.1'?>",
        b"<?xml version='1.0' encoding='UTF-16'?>",
        b"<?xml version='1.0' " + b" " * 200,
        b"<?php ?>",
        b"<!DOCTYPE stream [<!ENTITY a 'b'>]>" + CLIENT_HEADER,
        b"<!--",
        b"<a " + b"x" * 9000,
        b"</stream:stream>",
        b"<![CDATA[",
    ],
)
@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_not_xmpp(direction: Direction, data: bytes) -> None:
    session = Session()
    if direction is TO_CLIENT:
        session.client(CLIENT_HEADER)
    session.feed(direction, data)
    assert session.codes == ["xmpp.not_xmpp"]
    assert session.aborted
    assert b"<a" not in session.left[direction]


@pytest.mark.parametrize(
    "data",
    [
        b" \r\n",
        b"<?xml version = '1.0' encoding=\"utf-8\" standalone='yes' ?>\n",
        b"<?xml version='1.0'?>",
        b"",
    ],
)
def test_prologues(data: bytes) -> None:
    header = b'<s:stream xmlns:s="http://etherx.jabber.org/streams" xmlns="jabber:client" >'
    session = Session()
    assert session.client(data + header) == data + header
    assert session.inspector.dialogue.streams[TO_SERVER].header == header


def test_tls_from_the_beginning() -> None:
    session = Session()
    assert session.client(b"\x16\x03\x01\x02") == b"\x16\x03\x01\x02"
    assert session.codes == ["xmpp.opaque"]
    assert session.opaque
    strict = Session(starttls="strip")
    assert strict.client(b"\x16\x03\x01\x02") == b""
    assert strict.codes == ["xmpp.tls.refused"]
    assert strict.aborted


def test_only_the_client_begins_tls() -> None:
    session = Session()
    session.server(b"\x16\x03\x01\x02")
    assert session.codes == ["xmpp.not_xmpp"]


# -- what would make the rest unreadable --------------------------------------------------------


@pytest.mark.parametrize(("ask", "agree"), [(STARTTLS, PROCEED), (COMPRESS, COMPRESSED)])
def test_an_unreadable_session(ask: bytes, agree: bytes) -> None:
    session = begun()
    assert session.server(FEATURES) == FEATURES
    # What is behind the request is not read, whatever it looks like.
    assert session.client(ask + offer(streamhost(OWN, 8010))) == ask
    assert not session.opaque
    session.server(agree + b"\x16")
    assert session.opaque
    assert session.left[TO_CLIENT].endswith(agree + b"\x16")
    assert session.left[TO_SERVER] == ask + offer(streamhost(OWN, 8010))
    assert session.gateway.asked == []
    assert not session.touched


def test_a_server_may_decline() -> None:
    session = begun()
    session.client(STARTTLS + b"<presence/>")
    session.server(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + END)
    assert session.left[TO_SERVER] == STARTTLS + b"<presence/>"
    assert not session.opaque


@pytest.mark.parametrize("said", [PROCEED, COMPRESSED])
def test_nobody_has_asked(said: bytes) -> None:
    session = begun()
    assert session.server(said) == said
    session.client(COMPRESS if said is PROCEED else STARTTLS)
    assert session.server(said) == said
    assert not session.opaque


def test_what_is_stripped() -> None:
    session = begun(starttls="strip")
    features = b"<stream:features>\n%b%b" + MECHANISMS + b"%b</stream:features>"
    sent = features % (STARTTLS, COMPRESSION, STARTTLS.replace(b"/>", b"></starttls>"))
    assert session.server(sent) == features % (b"", b"", b"")
    assert session.codes == ["xmpp.feature.removed"] * 3


def test_nothing_to_strip() -> None:
    session = begun(starttls="strip")
    features = b"<stream:features>" + MECHANISMS + b"</stream:features><stream:features/>"
    assert session.server(features) == features
    assert not session.touched


def test_a_server_that_insists() -> None:
    session = begun(starttls="strip")
    required = STARTTLS.replace(b"/>", b"><required/></starttls>")
    got = session.server(b"<stream:features>" + required + b"</stream:features>" + b"<a/>")
    assert got == ERROR % b"policy-violation" + END
    assert session.left[TO_SERVER] == END
    assert session.codes == ["xmpp.starttls.required"]
    assert session.client(AUTH + END) == b""
    assert session.server(END) == b""
    assert not session.aborted


@pytest.mark.parametrize(
    ("ask", "denial", "code"),
    [
        (STARTTLS, b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "starttls"),
        (
            COMPRESS,
            b"<failure xmlns='http://jabber.org/protocol/compress'><setup-failed/></failure>",
            "compression",
        ),
    ],
)
def test_asking_for_what_is_not_offered(ask: bytes, denial: bytes, code: str) -> None:
    session = begun(starttls="strip")
    assert session.client(ask + b"\x16") == END
    assert session.left[TO_CLIENT] == denial + END
    assert session.codes == [f"xmpp.{code}.refused"]


# -- the course of a stream ---------------------------------------------------------------------


def test_a_stream_begins_anew_when_the_client_is_let_in() -> None:
    session = begun()
    # A client that does not wait (XEP-0305) waits here.
    assert session.client(AUTH + CLIENT_HEADER) == AUTH
    session.server(SUCCESS)
    assert session.left[TO_SERVER] == AUTH + CLIENT_HEADER
    assert session.inspector.dialogue.authenticated


def test_nobody_is_let_in_who_has_not_asked() -> None:
    session = begun()
    assert session.server(SUCCESS) == SUCCESS
    assert not session.inspector.dialogue.authenticated
    session.client(CLIENT_HEADER)
    assert session.codes == ["xmpp.stream.malformed"]


def test_a_stream_begins_anew_once() -> None:
    session = Session().log_in()
    session.client(CLIENT_HEADER[CLIENT_HEADER.index(b"<stream") :])
    assert session.codes == ["xmpp.stream.malformed"]


def test_a_new_header_brings_its_namespaces() -> None:
    session = begun()
    session.client(AUTH)
    session.server(SUCCESS)
    session.client(CLIENT_HEADER.replace(b"xmlns=", b"xmlns:c="))
    sent = offer(streamhost(OWN, 8010))
    session.forget().client(sent)
    assert session.left[TO_SERVER] == sent, "not of a client's namespace"
    sent = sent.replace(b"<iq", b"<c:iq").replace(b"/iq", b"/c:iq")
    session.forget().client(sent)
    assert session.left[TO_SERVER] == offer(streamhost("203.0.113.1", 32769)).replace(
        b"<iq", b"<c:iq"
    ).replace(b"/iq", b"/c:iq")


def test_long_stanzas_pass_as_they_come() -> None:
    session = Session().log_in()
    parts = [
        b"<iq type='set' id='1'><vCard xmlns='vcard-temp'><PHOTO>" + b"QUJD" * 16_000,
        b"QUJD" * 16_000 + b"</PHOTO></vCard></iq>",
        b"<message><body><![CDATA[" + b"]]" * 30_000,
        b"]]" * 30_000 + b">]]></body></message>",
    ]
    for part in parts:
        session.client(part)
        assert len(session.held[TO_SERVER]) < 8
    assert session.left[TO_SERVER] == b"".join(parts)
    assert not session.touched


def test_the_end_of_a_section_in_pieces() -> None:
    session = Session().log_in()
    for part in (b"<message><a/><![CDATA[<a>]", b"]", b"></message>"):
        session.client(part)
    assert offer(streamhost("203.0.113.1", 32769)) in session.client(offer(streamhost(OWN, 8010)))


@pytest.mark.parametrize("space", [0, 1])
def test_a_long_offer_is_refused(space: int) -> None:
    session = Session(stanza_limit=4096).log_in()
    stanza = offer(streamhost(OWN, 8010))
    stanza = stanza.replace(b"<streamhost", b" " * (4096 - len(stanza) + space) + b"<streamhost")
    session.client(stanza)
    if space:
        assert session.codes == ["xmpp.stream.overlong"]
        assert session.left == {TO_SERVER: END, TO_CLIENT: ERROR % b"policy-violation" + END}
    else:
        assert session.codes == ["xmpp.rewritten"]


@pytest.mark.parametrize(
    "data",
    [
        b"text",
        b"<![CDATA[x]]>",
        b"<!-- -->",
        b"<!DOCTYPE a>",
        b"<?xml version='1.0'?>",
        b"<a:b/>",
        b"<iq a='&lol;'/>",
        b"<iq a='1' a='2'/>",
        b"<iq type='set' id='1'><query xmlns='http://jabber.org/protocol/bytestreams'></iq></query>",
        b"<iq type='set'><jingle xmlns='urn:xmpp:jingle:1'>&lol;</jingle></iq>",
        b"<iq type='set'><jingle xmlns='urn:xmpp:jingle:1'><!ENTITY lol 'lol'></jingle></iq>",
        b"<iq><!--",
        b"<presence a=<",
        b"< a/>",
        b"\xff",
    ],
)
@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_malformed(direction: Direction, data: bytes) -> None:
    session = Session().log_in()
    session.feed(direction, data)
    assert session.codes == ["xmpp.stream.malformed"]
    assert session.left == {
        direction: END,
        direction.opposite: ERROR % b"not-well-formed" + END,
    }
    session.feed(direction, b"<presence/>")
    session.feed(direction.opposite, b"<presence/>")
    assert session.left[direction] == END
    assert session.inspector.dialogue.phase is Phase.CLOSED


def test_malformed_within_a_stanza() -> None:
    session = Session().log_in()
    session.client(b"<message><body>text<!--")
    assert session.left[TO_SERVER] == b"<message><body>text"
    assert session.left[TO_CLIENT] == ERROR % b"not-well-formed" + END


def test_malformed_while_the_other_side_is_within_a_stanza() -> None:
    session = Session().log_in()
    session.server(b"<message><body>te")
    session.client(b"<!--")
    assert session.aborted


def test_an_ended_stream_stays_so() -> None:
    session = Session().log_in()
    assert session.client(END + b"\n") == END + b"\n"
    session.client(b"<presence/>")
    assert session.codes == ["xmpp.stream.malformed"]
    assert session.left[TO_SERVER] == END + b"\n"


def test_a_tag_in_pieces_is_bounded() -> None:
    session = Session().log_in()
    sent = 0
    while not session.codes:
        session.client(b"<message " if not sent else b"a" * 512)
        sent += 512
        assert sent < HELD_AT_MOST
    assert session.codes == ["xmpp.stream.overlong"]


def test_a_tag_in_one_piece_is_bounded_alike() -> None:
    session = Session().log_in()
    session.client(b"<presence " + b" " * 9000 + b"/>")
    assert session.codes == ["xmpp.stream.overlong"]
