"""The inspector as the engine sees it: ends, fifty transfers, effects."""

from __future__ import annotations

from ryu_alg.inspection import Direction, Forward
from ryu_alg.protocols.ftp import PROTOCOL, FtpInspector, FtpOptions
from tests.protocols.ftp.session import Session
from tests.protocols.gateway import BEHIND_NAT, MemoryGateway
from tests.protocols.session import TO_CLIENT, TO_SERVER


def logged_in(options: FtpOptions | None = None) -> Session:
    session = Session(options)
    session.server(b"220 ready\r\n")
    session.client(b"USER x\r\n")
    session.server(b"230 in\r\n")
    session.left = {TO_SERVER: b"", TO_CLIENT: b""}
    return session


def test_the_protocol_makes_inspectors() -> None:
    inspector = PROTOCOL.stream(PROTOCOL.options(), MemoryGateway(BEHIND_NAT))
    assert isinstance(inspector, FtpInspector)
    assert inspector.inspect(Direction.TO_CLIENT, b"220 ready\r\n") == [Forward(11)]
    assert inspector.inspect(Direction.TO_CLIENT, b"") == []


def test_fifty_transfers() -> None:
    session = logged_in()
    for number in range(1, 51):
        session.client(b"PORT 192,168,10,2,%d,7\r\nRETR f\r\n" % (number + 100))
        session.server(b"200 ok\r\n")
        session.server(b"150 here\r\n226 done\r\n")
        assert session.events[-1] == f"close {2 * number - 1}"
        session.client(b"PASV\r\nSTOR f\r\n")
        session.server(b"227 (198,51,100,7,%d,8)\r\n" % (number + 100))
        session.server(b"150 here\r\n226 done\r\n")
        assert session.events[-1] == f"close {2 * number}"
    assert len(session.opened) == 100
    assert not session.inspector.dialogue.pending


def test_the_server_ends() -> None:
    session = logged_in()
    session.client(b"PORT 192,168,10,2,4,5\r\n")
    session.server(b"200 ok\r\n")
    session.client(b"PORT 192,168,10,2,4,6\r\n")
    session.server(b"221 bye")
    session.end(TO_CLIENT)
    assert session.events[-2:] == ["close 1", "close 2"]
    assert session.left[TO_CLIENT] == b"200 ok\r\n221 bye"


def test_an_address_without_line_end_does_not_leave() -> None:
    session = logged_in()
    session.client(b"PASV\r\n")
    session.server(b"227 (198,51,100,7,4,5)")
    session.end(TO_CLIENT)
    assert session.left[TO_CLIENT] == b""
    assert session.opened == set()


def test_the_client_ends() -> None:
    session = logged_in()
    session.client(b"PASV\r\n")
    session.server(b"227 (198,51,100,7,4,5)\r\n")
    session.client(b"QUI")
    session.end(TO_SERVER)
    assert session.events == ["open 1", "close 1"]
    assert session.left[TO_SERVER] == b"PASV\r\n"


def test_the_client_ends_but_its_transfer_goes_on() -> None:
    session = logged_in()
    session.client(b"PORT 192,168,10,2,4,5\r\n")
    session.server(b"200 ok\r\n")
    session.client(b"RETR f\r\nQUIT\r\n")
    session.end(TO_SERVER)
    session.server(b"150 here\r\n")
    assert session.events[0] == "open 1"
    assert "close 1" not in session.events
    session.server(b"226 done\r\n")
    assert session.events[-1] == "close 1"


def test_a_client_that_sends_all_and_ends() -> None:
    options = FtpOptions.model_validate(
        {"rules": [{"action": "deny", "users": "bob", "commands": "DELE"}]}
    )
    session = Session(options)
    session.server(b"220 ready\r\n")
    session.client(b"USER bob\r\nPASS x\r\nDELE y\r\nPASV\r\nSIZE x\r\nQUIT\r\n")
    assert session.left[TO_SERVER] == b"USER bob\r\n"
    session.end(TO_SERVER)
    assert session.left[TO_SERVER] == b"USER bob\r\nPASS x\r\nPASV\r\nSIZE x\r\nQUIT\r\n"
    session.server(b"331 go on\r\n230 in\r\n227 (198,51,100,7,4,5)\r\n213 7\r\n221 bye\r\n")
    assert session.left[TO_CLIENT].endswith(
        b"230 in\r\n550 Permission denied by the gateway.\r\n"
        b"227 (198,51,100,7,4,5)\r\n213 7\r\n221 bye\r\n"
    )
    assert session.events == ["ftp.denied", "open 1", "close 1"]


def test_a_port_behind_what_is_unanswered_ends_with_the_client() -> None:
    session = logged_in()
    session.client(b"NOOP\r\nPORT 192,168,10,2,4,5\r\nLIST\r\n")
    session.end(TO_SERVER)
    session.server(b"200 ok\r\n")
    assert session.left[TO_SERVER] == b"NOOP\r\n"
    assert session.opened == set()


def test_behind_auth_there_may_be_anything() -> None:
    session = logged_in(FtpOptions(auth="allow"))
    session.client(b"AUTH TLS\r\nSTOR x\r\n")
    session.end(TO_SERVER)
    assert session.left[TO_SERVER] == b"AUTH TLS\r\n"


def test_opaque_to_the_end() -> None:
    session = logged_in(FtpOptions(auth="allow"))
    session.client(b"AUTH TLS\r\n")
    session.server(b"234 go\r\n")
    session.client(b"\0\1\2")
    assert session.inspector.end(TO_SERVER, b"\0") == [Forward(1)]
    assert session.left[TO_SERVER] == b"AUTH TLS\r\n\0\1\2"


def test_quit_and_abor_withdraw() -> None:
    for command, reply in ((b"QUIT\r\n", b"221 bye\r\n"), (b"ABOR\r\n", b"226 ok\r\n")):
        session = logged_in()
        session.client(b"PASV\r\n")
        session.server(b"227 (198,51,100,7,4,5)\r\n")
        session.client(command)
        session.server(reply)
        assert session.events == ["open 1", "close 1"]
