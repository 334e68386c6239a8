"""What users announce to each other, and who gets in because of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.gateway import PUBLIC, RunningGateway
from tests.e2e.irc.conftest import (
    INSIDE,
    OUTSIDE,
    OUTSIDE_IPV6,
    PUBLIC_PORT,
    StartUser,
    irc_configuration,
)
from tests.e2e.irc.user import User, endpoint
from tests.e2e.outsider import Outsider

OUTSIDER = "203.0.113.3"


@pytest.fixture
def stranger(lab: Lab, gateway: RunningGateway, ircds: None) -> Iterator[Outsider]:
    """On the outside server's host. It may connect where anybody may, and gets nothing here."""
    stranger = Outsider(lab.host("server"), (PUBLIC, PUBLIC_PORT))
    yield stranger
    answers = stranger.answers()
    stranger.close()
    assert answers == []


@pytest.fixture
def reconfigured(gateway: RunningGateway, request: pytest.FixtureRequest) -> Iterator[None]:
    """The gateway with the configuration that the test names, and afterwards the usual one."""
    gateway.apply(request.param)
    yield
    gateway.apply(irc_configuration())


def with_configuration(**sections: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("reconfigured", [sections], indirect=True, ids=[""])


def meet(listener: socket.socket, caller: User, where: tuple[str, int]) -> None:
    """`caller` connects there, and is the one who comes; data go both ways."""
    with network.connect(caller.host, *where) as there, listener.accept()[0] as here:
        for one, other in ((here, there), (there, here)):
            data = os.urandom(1000)
            one.settimeout(10)
            other.settimeout(10)
            one.sendall(data)
            got = b""
            while len(got) < len(data):
                got += other.recv(4096)
            assert got == data


def test_one_connection_and_no_second(
    user: StartUser, stranger: Outsider, gateway: RunningGateway
) -> None:
    amy, bob = user("client", "amy"), user("outsider", "bob")
    with amy.listen() as listener:
        port = listener.getsockname()[1]
        amy.dcc("bob", f"SEND cat.jpg {amy.number} {port} 1000")
        verb, name, address, public, size = bob.heard()
        assert (verb, name, size) == ("SEND", "cat.jpg", "1000")
        where = endpoint(address, public)
        assert where[0] == PUBLIC and where[1] in range(32768, 49152)
        for wrong in (where[1] - 1, where[1] + 1):
            stranger.attempt(PUBLIC, wrong, "beside it")
        before = gateway.last_event()
        meet(listener, bob, where)
        gateway.wait_event("pinhole.used", before)
        stranger.attempt(*where, "after it was used")
        assert stranger.answers() == []
        assert gateway.pinholes() == []


def test_resume_names_the_ports_that_each_side_knows(user: StartUser) -> None:
    amy, bob = user("client", "amy"), user("outsider", "bob")
    with amy.listen() as listener:
        port = listener.getsockname()[1]
        amy.dcc("bob", f'SEND "two words.bin" {amy.number} {port} 1000')
        public = bob.heard()[-2]
        bob.dcc("amy", f"RESUME file.ext {public} 600")
        assert amy.heard() == ["RESUME", "file.ext", str(port), "600"]
        amy.dcc("bob", f"ACCEPT file.ext {port} 600")
        assert bob.heard() == ["ACCEPT", "file.ext", public, "600"]
        meet(listener, bob, (PUBLIC, int(public)))


def test_reverse(user: StartUser) -> None:
    """The one who is offered something listens."""
    amy, bob = user("client", "amy"), user("outsider", "bob")
    with amy.listen() as listener:
        bob.dcc("amy", "SEND cat.jpg 199 0 1000 77")
        assert amy.heard() == ["SEND", "cat.jpg", "199", "0", "1000", "77"]
        amy.dcc("bob", f"SEND cat.jpg {amy.number} {listener.getsockname()[1]} 1000 77")
        *_, address, public, _, token = bob.heard()
        assert token == "77"
        meet(listener, bob, endpoint(address, public))
    with bob.listen() as listener:
        amy.dcc("bob", f"CHAT chat {amy.number} 0 78")
        _, _, address, port, token = bob.heard()
        assert endpoint(address, port) == (PUBLIC, 0) and token == "78"
        bob.dcc("amy", f"CHAT chat {bob.number} {listener.getsockname()[1]} 78")
        meet(listener, amy, endpoint(*amy.heard()[2:4]))


def test_from_one_inside_network_to_another(user: StartUser) -> None:
    """The way by the public address would not lead back in."""
    amy, bob = user("client", "amy"), user("inserver", "bob")
    with amy.listen() as listener:
        amy.dcc("bob", f"CHAT chat {amy.number} {listener.getsockname()[1]}")
        where = endpoint(*bob.heard()[2:4])
        assert where == listener.getsockname()
        meet(listener, bob, where)


def test_ipv6(user: StartUser, stranger: Outsider) -> None:
    amy, bob = user("plain", "amy", OUTSIDE_IPV6), user("outsider", "bob", OUTSIDE_IPV6)
    with amy.listen() as listener:
        port = listener.getsockname()[1]
        stranger.attempt(amy.address, port, "before it is announced")
        assert stranger.answers() == []
        stranger.close()  # or its next SYN might be the first to come
        amy.dcc("bob", f"CHAT chat {amy.number} {port}", "NOTICE")
        where = endpoint(*bob.heard()[2:4])
        assert where == (amy.address, port)
        meet(listener, bob, where)


_NO_WAY_OUT = {
    "outbound": {
        "rules": [
            {"from": "lan", "to": f"{OUTSIDE}/32", "transport": "tcp", "action": "deny"},
        ]
    }
}


@with_configuration(**{**irc_configuration(), **_NO_WAY_OUT})
def test_a_published_server(reconfigured: None, user: StartUser, lab: Lab) -> None:
    """What an outside user announces there may be reached from inside, and nothing else."""
    amy, bob = user("server", "amy", PUBLIC, PUBLIC_PORT), user("client", "bob", INSIDE)
    denied = Outsider(lab.host("client"), (INSIDE, 6667))
    with amy.listen() as listener, amy.listen() as other:
        amy.dcc("bob", f"SEND cat.jpg {amy.number} {listener.getsockname()[1]} 1000")
        denied.attempt(OUTSIDE, other.getsockname()[1], "what nobody announced")
        where = endpoint(*bob.heard()[2:4])
        assert where == listener.getsockname()
        meet(listener, bob, where)
        assert denied.answers() == []
    denied.close()


@with_configuration(**irc_configuration(dcc_peers="203.0.113.2/32"))
def test_who_may_connect(reconfigured: None, user: StartUser, lab: Lab) -> None:
    amy, bob = user("client", "amy"), user("server", "bob")
    stranger = Outsider(lab.host("outsider"), (PUBLIC, PUBLIC_PORT))
    with amy.listen() as listener:
        amy.dcc("bob", f"CHAT chat {amy.number} {listener.getsockname()[1]}")
        where = endpoint(*bob.heard()[2:4])
        stranger.attempt(*where, "from elsewhere")
        assert stranger.answers() == []
        meet(listener, bob, where)
    stranger.close()


def test_somebody_elses_address(user: StartUser, gateway: RunningGateway) -> None:
    amy, bob = user("client", "amy"), user("outsider", "bob")
    before = gateway.last_event()
    for address in (INSIDE, OUTSIDER):
        amy.dcc("bob", f"CHAT chat {address} 5000")
        assert "the address is not yours" in amy.wait("NOTICE amy :")
    amy.dcc("bob", f"CHAT chat {amy.number} 22")
    assert "ports below 1024" in amy.wait("NOTICE amy :")
    amy.dcc("bob", f"CHAT chat {amy.number} 6653")
    assert "the gateway cannot open" in amy.wait("NOTICE amy :")
    amy.write("PRIVMSG bob :hello\r\n")
    assert "PRIVMSG bob :hello" in bob.wait("PRIVMSG")
    assert gateway.events(before, "pinhole.opened") == []


@with_configuration(**irc_configuration(deny_files="*.exe"))
def test_denied_files(reconfigured: None, user: StartUser) -> None:
    """Neither way, and the user is told."""
    amy, bob = user("client", "amy"), user("outsider", "bob")
    for sender, receiver in ((amy, bob), (bob, amy)):
        sender.dcc(receiver.nick, f"SEND Cat.EXE {sender.number} 5000 10")
        assert "this file is not permitted" in amy.wait("NOTICE amy :")
        sender.write(f"PRIVMSG {receiver.nick} :hello\r\n")
        assert receiver.wait("PRIVMSG").endswith(":hello")


def test_a_web_page_that_sends_text_to_port_6667(
    lab: Lab, gateway: RunningGateway, ircds: None
) -> None:
    before = gateway.last_event()
    with network.connect(lab.host("client"), OUTSIDE, 6667) as web:
        web.sendall(b"POST / HTTP/1.1\r\n\r\nPRIVMSG x :\1DCC CHAT chat 3232238082 5000\1\r\n")
        web.settimeout(10)
        with pytest.raises(ConnectionResetError), web.makefile("rb") as answers:
            answers.read()
    gateway.wait_event("irc.not_irc", before)
