"""Files between slixmpp clients by way of prosody, with the gateway between some of them."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration, ftp
from tests.e2e.xmpp.conftest import MakeUser
from tests.e2e.xmpp.prosody import Prosody
from tests.e2e.xmpp.users import User

LINK_LOCAL = 5298
PUBLISHED, PUBLISHED_LINK_LOCAL = 125, 126
"""Public ports, outside the partitions."""
SERVER, SERVER_6 = "203.0.113.2", "2001:db8:1::2"
CLIENT, INSERVER = "192.168.10.2", "192.168.20.2"
SIZE = 2_000_000


def settings(**options: Any) -> dict[str, Any]:
    """config/lab.yaml, with XMPP and two published services for it."""
    config = configuration(
        protocols={**ftp(), "xmpp": {"ports": [5222, LINK_LOCAL], "options": options}}
    )
    for public, inside in ((PUBLISHED, 5222), (PUBLISHED_LINK_LOCAL, LINK_LOCAL)):
        service = {"public": f"{PUBLIC}:{public}", "inside": f"{INSERVER}:{inside}"}
        config["published"].append({**service, "protocol": "xmpp"})
    return config


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """With STARTTLS removed, unless a test says otherwise."""
    return start_gateway(settings(starttls="strip"))


@pytest.fixture
def apply(gateway: RunningGateway) -> Iterator[Callable[..., None]]:
    """Other options, for one test."""
    yield lambda **options: gateway.apply(settings(**options))
    gateway.apply(settings(starttls="strip"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(SIZE))
    return path


def transfer(sender: User, receiver: User, file: Path, address: str) -> dict[str, Any]:
    """By SOCKS5 from where the sender is: what the sender says of it. The file must arrive."""
    sender.tell("socks5", to=receiver.jid, file=str(file), address=address)
    sent = sender.wait("sent")
    received = receiver.wait("received")
    assert received["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    return sent


def codes(gateway: RunningGateway, after: int) -> list[str]:
    return [event["code"] for event in gateway.events(after)]


def test_a_file_from_behind_nat(
    gateway: RunningGateway, prosody: Prosody, user: MakeUser, file: Path
) -> None:
    before = gateway.last_event()
    alice = user("client", "alice", prosody, SERVER, starttls=True)
    bob = user("outsider", "bob", prosody, SERVER, starttls=True)
    assert not alice.wait("online")["encrypted"]
    assert bob.wait("online")["encrypted"]
    assert transfer(alice, bob, file, CLIENT) == {
        "event": "sent",
        "used": alice.jid,
        "seen": "203.0.113.3",
    }
    seen = codes(gateway, before)
    assert seen.count("xmpp.rewritten") == seen.count("pinhole.used") == 1
    assert "xmpp.feature.removed" in seen
    assert gateway.pinholes() == []


def test_a_file_to_behind_nat(
    gateway: RunningGateway, prosody: Prosody, user: MakeUser, file: Path
) -> None:
    before = gateway.last_event()
    alice = user("client", "alice", prosody, SERVER)
    bob = user("outsider", "bob", prosody, SERVER)
    alice.wait("online")
    bob.wait("online")
    assert transfer(bob, alice, file, "203.0.113.3")["seen"] == PUBLIC
    assert "xmpp.rewritten" not in codes(gateway, before)


def test_two_users_inside_meet_there(
    gateway: RunningGateway, prosody: Prosody, user: MakeUser, file: Path
) -> None:
    before = gateway.last_event()
    alice = user("client", "alice", prosody, SERVER)
    bob = user("inserver", "bob", prosody, SERVER)
    alice.wait("online")
    bob.wait("online")
    assert transfer(alice, bob, file, CLIENT)["seen"] == INSERVER
    seen = codes(gateway, before)
    assert seen.count("xmpp.rewritten") == 2
    assert "pinhole.used" not in seen


def test_without_nat_over_ipv6(
    gateway: RunningGateway, prosody: Prosody, user: MakeUser, file: Path
) -> None:
    before = gateway.last_event()
    alice = user("plain", "alice", prosody, SERVER_6)
    bob = user("outsider", "bob", prosody, SERVER_6)
    alice.wait("online")
    bob.wait("online")
    assert transfer(alice, bob, file, "2001:db8:30::2")["seen"] == "2001:db8:1::3"
    seen = codes(gateway, before)
    assert "xmpp.rewritten" not in seen
    assert seen.count("pinhole.used") == 1


def test_in_band_bytestreams_are_only_text(
    gateway: RunningGateway, prosody: Prosody, user: MakeUser, tmp_path: Path
) -> None:
    before = gateway.last_event()
    alice = user("client", "alice", prosody, SERVER)
    bob = user("outsider", "bob", prosody, SERVER)
    alice.wait("online")
    bob.wait("online")
    small = tmp_path / "small"
    small.write_bytes(os.urandom(200_000))
    for sender, receiver in ((alice, bob), (bob, alice)):
        sender.tell("in_band", to=receiver.jid, file=str(small))
        sender.wait("sent")
        received = receiver.wait("received")
        assert received["sha256"] == hashlib.sha256(small.read_bytes()).hexdigest()
    seen = {code for code in codes(gateway, before) if code.startswith(("pinhole", "xmpp."))}
    assert seen == {"xmpp.feature.removed"}


def test_a_published_server_and_its_users(
    gateway: RunningGateway,
    apply: Callable[..., None],
    inside_prosody: Prosody,
    user: MakeUser,
    file: Path,
) -> None:
    apply(starttls="strip", relayed_hosts=[f"{INSERVER}/32"])
    alice = user("inserver", "alice", inside_prosody, INSERVER)
    bob = user("server", "bob", inside_prosody, PUBLIC, port=PUBLISHED)
    alice.wait("online")
    bob.wait("online")
    before = gateway.last_event()
    assert transfer(alice, bob, file, INSERVER)["seen"] == SERVER
    assert "xmpp.rewritten" in codes(gateway, before)
    assert transfer(bob, alice, file, SERVER)["seen"] == PUBLIC


def test_starttls_passes(
    gateway: RunningGateway,
    apply: Callable[..., None],
    prosody: Prosody,
    user: MakeUser,
    tmp_path: Path,
) -> None:
    apply(starttls="pass")
    before = gateway.last_event()
    alice = user("client", "alice", prosody, SERVER, starttls=True)
    bob = user("outsider", "bob", prosody, SERVER)
    assert alice.wait("online")["encrypted"]
    bob.wait("online")
    small = tmp_path / "small"
    small.write_bytes(os.urandom(20_000))
    alice.tell("in_band", to=bob.jid, file=str(small))
    assert bob.wait("received")["sha256"] == hashlib.sha256(small.read_bytes()).hexdigest()
    gateway.wait_event("session.offloaded", before)
    assert "xmpp.opaque" in codes(gateway, before)


def test_a_server_that_insists_on_starttls(
    lab: Lab, gateway: RunningGateway, user: MakeUser, tmp_path: Path
) -> None:
    directory = tmp_path / "strict"
    directory.mkdir()
    # On a host that has no prosody yet.
    strict = Prosody(lab.host("outsider"), directory, encryption_required=True)
    try:
        before = gateway.last_event()
        alice = user("client", "alice", strict, "203.0.113.3", starttls=True)
        assert alice.wait("stream_error")["what"] == "policy-violation"
        assert "xmpp.starttls.required" in codes(gateway, before)
    finally:
        strict.stop()


@pytest.mark.parametrize("published", [False, True], ids=["out", "in"])
def test_link_local(lab: Lab, gateway: RunningGateway, published: bool) -> None:
    """Two hosts talk to each other (XEP-0174); whichever is inside offers, the other connects."""
    header = (
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='a@x' to='b@y'"
        b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
    )
    offer = (
        "<iq type='set' id='1' from='a@x' to='b@y'>"
        "<query xmlns='http://jabber.org/protocol/bytestreams' sid='s'>"
        "<streamhost jid='a@x' host='%s' port='%d'/></query></iq>"
    )
    server = lab.host("inserver" if published else "server")
    client = lab.host("server" if published else "client")
    with network.listen(server, INSERVER if published else SERVER, LINK_LOCAL) as listener:
        target = (PUBLIC, PUBLISHED_LINK_LOCAL) if published else (SERVER, LINK_LOCAL)
        near = network.connect(client, *target)
        far, _ = listener.accept()
    with near, far:
        far.settimeout(10)
        near.sendall(header)
        assert read(far, len(header)) == header
        far.sendall(header)
        assert read(near, len(header)) == header
        inside, outside = (far, near) if published else (near, far)
        own = INSERVER if published else CLIENT
        with network.listen(server if published else client, own) as data:
            inside.sendall((offer % (own, data.getsockname()[1])).encode())
            told = outside.recv(4096).decode()
            address, port = told.split("'")[-4], int(told.split("'")[-2])
            assert (address, told) == (PUBLIC, offer % (PUBLIC, port))
            # Who it is meant for is known here: nobody else gets in.
            with network.on(lab.host("outsider")):
                other = socket.socket()
            other.setblocking(False)
            other.connect_ex((PUBLIC, port))
            with other, network.connect(lab.host("server"), PUBLIC, port) as there:
                here, _ = data.accept()
                with here:
                    there.sendall(b"data")
                    assert read(here, 4) == b"data"
                    assert network.state(other) == network.TcpState.SYN_SENT


def read(connection: Any, length: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < length:
        got = connection.recv(length - len(data))
        assert got, data
        data += got
    return data
