"""The inspector as the engine sees it: bounds, refusals of the gateway, ends."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from ryu_alg.inspection import Conversation, Direction, Forward, Refusal
from ryu_alg.protocols.irc import PROTOCOL, IrcInspector
from ryu_alg.protocols.irc.messages import LINE_LIMIT
from ryu_alg.protocols.irc.offers import MAX_ANNOUNCED
from ryu_alg.protocols.irc.requests import MAX_DCCS
from tests.protocols.gateway import BEHIND_NAT, IPV6
from tests.protocols.irc.session import IrcGateway, Session, options
from tests.protocols.session import TO_CLIENT, TO_SERVER

CHAT = b"PRIVMSG bob :\1DCC CHAT chat 3232238082 %d\1\r\n"


def test_the_protocol_makes_inspectors() -> None:
    assert PROTOCOL.stream is not None
    inspector = PROTOCOL.stream(PROTOCOL.options(), IrcGateway(BEHIND_NAT))
    assert isinstance(inspector, IrcInspector)
    assert inspector.inspect(Direction.TO_CLIENT, b"PING x\r\nPING y\r\nPI") == [Forward(16)]
    assert inspector.inspect(Direction.TO_CLIENT, b"") == []


@pytest.mark.parametrize(
    ("conversation", "text"),
    [(BEHIND_NAT, CHAT % 5000), (IPV6, b"PRIVMSG b :\1DCC CHAT chat 2001:db8:1::9 5000\1\r\n")],
)
def test_who_may_connect_and_for_how_long(conversation: Conversation, text: bytes) -> None:
    session = Session(options(offer_wait=77), conversation).talk()
    session.client(text)
    (asked,) = session.gateway.asked
    anybody = "0.0.0.0/0" if conversation is BEHIND_NAT else "::/0"
    assert asked.peers == (ip_network(anybody),)
    assert session.gateway.asked[0].wait == 77
    narrow = Session(options(dcc_peers=["198.51.100.0/24", "2001:db8:7::/48"]), conversation)
    narrow.talk().client(text)
    assert len(narrow.gateway.asked[0].peers) == 1


def test_what_the_gateway_refuses() -> None:
    session = Session().talk()
    session.gateway.refusals[5000] = Refusal("quota.session", "32 are announced already")
    session.client(CHAT % 5000 + b"PRIVMSG bob :hi\r\n")
    assert session.events == ["irc.dcc.refused"]
    assert session.left[TO_SERVER] == b"PRIVMSG bob :hi\r\n"
    assert b"the gateway cannot open" in session.notices[0]


def test_an_address_that_cannot_be_written() -> None:
    session = Session().talk()
    session.gateway.announce_as = "2001:db8::1"
    session.client(CHAT % 5000)
    assert session.events == ["close 1", "irc.dcc.family"]
    assert session.left[TO_SERVER] == b""


def test_many_offers_in_a_message() -> None:
    session = Session().talk()
    offers = [b"\1DCC CHAT chat 3232238082 %d\1" % (5000 + n) for n in range(MAX_DCCS + 1)]
    session.client(b"PRIVMSG bob :" + b"".join(offers[:MAX_DCCS]) + b"\r\n")
    assert len(session.opened) == MAX_DCCS
    session.client(b"PRIVMSG bob :" + b"".join(offers) + b"\r\n")
    assert len(session.opened) == MAX_DCCS
    closed = [f"close {number}" for number in range(MAX_DCCS + 1, 2 * MAX_DCCS + 1)]
    assert session.events[-MAX_DCCS - 1 :] == [*closed, "irc.dcc.too_many"]


def test_what_is_remembered_of_offers_is_bounded() -> None:
    session = Session().talk()
    for number in range(MAX_ANNOUNCED + 3):
        session.client(CHAT % (5000 + number))
    assert len(session.opened) == len(session.inspector.dialogue.announced) == MAX_ANNOUNCED
    assert session.events[-3:] == ["irc.dcc.too_many"] * 3
    session.gateway.closed = {1, 2}
    session.client(CHAT % 7000 + CHAT % 7001 + CHAT % 7002)
    assert len(session.opened) == MAX_ANNOUNCED + 2
    assert len(session.inspector.dialogue.announced) == MAX_ANNOUNCED


def test_nothing_is_remembered_of_what_is_not_translated() -> None:
    session = Session(conversation=IPV6).talk()
    for number in range(MAX_ANNOUNCED + 3):
        session.client(b"PRIVMSG b :\1DCC CHAT chat 2001:db8:1::9 %d\1\r\n" % (5000 + number))
    assert len(session.opened) == MAX_ANNOUNCED + 3
    assert session.inspector.dialogue.announced == {}


def test_no_room_for_the_public_address() -> None:
    session = Session().talk()
    offer = b"PRIVMSG bob :%s\1DCC CHAT chat 3232238082 5000\1\r\n"
    full = offer % (b"x" * (512 - len(offer) + 2))
    assert len(full) == 512
    session.client(b"@a=b " + full)
    assert session.events == ["close 1", "irc.dcc.overlong"]
    session.client(offer % (b"x" * (512 - len(offer) + 1)))  # the port gets one digit more
    assert session.opened == {2}


@pytest.mark.parametrize("length", [LINE_LIMIT, LINE_LIMIT + 1, 3 * LINE_LIMIT])
def test_long_lines_of_the_client(length: int) -> None:
    session = Session().talk()
    line = b"PRIVMSG bob :" + b"x" * (length - 15) + b"\r\n"
    for start in range(0, length, 1000):
        session.client(line[start : start + 1000])
        assert len(session.held[TO_SERVER]) < LINE_LIMIT
    session.client(b"PING 1\r\n")
    if length == LINE_LIMIT:
        assert session.left[TO_SERVER] == line + b"PING 1\r\n"
    else:
        assert session.left[TO_SERVER] == b"PING 1\r\n"
        assert session.events == ["irc.line.overlong"]
        assert session.left[TO_CLIENT].startswith(b":gateway.invalid 417 amy :")


def test_long_lines_of_the_server() -> None:
    session = Session().talk()
    session.server(b":irc NOTICE amy :" + b"x" * LINE_LIMIT)
    assert session.events == ["irc.line.overlong", "abort"]
    assert session.left[TO_CLIENT] == b""


def test_a_first_line_without_end() -> None:
    session = Session()
    session.client(b"NICK " + b"x" * LINE_LIMIT)
    assert session.events == ["irc.not_irc", "abort"]


def test_notices_fit_into_a_message() -> None:
    session = Session().talk()
    session.client(b"PRIVMSG b :\1DCC SEND " + b"\xff" * 400 + b" 1 5000 1\1\r\n")
    (line,) = session.notices
    assert len(line) == 510


def test_ends() -> None:
    session = Session().talk()
    session.client(CHAT % 5000 + b"QUIT")
    session.end(TO_SERVER)
    assert session.left[TO_SERVER].count(b"\r\n") == 1
    session.server(b"ERROR :bye")
    session.end(TO_CLIENT)
    assert session.left[TO_CLIENT] == b"ERROR :bye"


def test_a_last_line_that_might_be_an_offer_does_not_leave() -> None:
    session = Session(options(dcc="refuse")).talk()
    session.server(b":bob PRIVMSG amy :\1DCC CHAT chat 1 5000\1")
    session.end(TO_CLIENT)
    assert session.left[TO_CLIENT] == b""


def test_opaque_to_the_end() -> None:
    session = Session(options(tls="allow"))
    session.client(b"\x16\x03\x01")
    assert session.opaque
    for direction in (TO_SERVER, TO_CLIENT):
        assert session.inspector.end(direction, b"\1\1") == [Forward(2)]


def test_nobody_hears_what_users_say() -> None:
    session = Session().talk()
    session.client(b"PRIVMSG bob :secret \1DCC CHAT chat 3232238082 5000\1\r\n")
    session.client(b"PRIVMSG bob :secret \1DCC CHAT chat 3232238083 5000\1\r\n")
    session.client(b"PASS secret\r\nPRIVMSG bob :secret\r\n\0secret\r\n")
    session.server(b":bob PRIVMSG amy :secret \1DCC RESUME a 32769 10\1\r\n")
    assert len(session.reports) == 5
    assert not any("secret" in report.detail for report in session.reports)
