"""The controller is killed, or loses its switch, in the middle of things (fail mode secure)."""

from __future__ import annotations

import hashlib
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from ryu_alg.lab import Lab
from tests.bench.first_syns.counters import REPEATED, counted
from tests.bench.floods import frames
from tests.e2e import network
from tests.e2e.clients import Ftplib
from tests.e2e.conftest import StartGateway
from tests.e2e.dialogue import Client, Server, port_command
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration
from tests.e2e.network import Background, TcpState
from tests.e2e.outsider import Outsider
from tests.e2e.servers import SMALL, FtpServer
from tests.e2e.situations import IPV6_IN, NAT, PUBLISHED, Mode, Situation

BIG = 100 * 1000 * 1000
UNPUBLISHED = 5555
INSIDE = {"plain": ("198.51.100.2", "2001:db8:30::2"), "client": ("192.168.10.2",)}
Servers = dict[tuple[str, str], FtpServer]


@pytest.fixture(scope="module")
def big(ftp_servers: Servers) -> Iterator[str]:
    """The digest of the file `big`, which every vsftpd has."""
    content = os.urandom(BIG)
    files = [it.root / "big" for (kind, _), it in ftp_servers.items() if kind == "vsftpd"]
    for file in files:
        file.write_bytes(content)
    yield hashlib.sha256(content).hexdigest()
    for file in files:
        file.unlink()


class Siege:
    """The outsider tries all the time to reach inside hosts that listen, by TCP and UDP."""

    def __init__(self, lab: Lab, outsider: Outsider) -> None:
        self.outsider = outsider
        self.targets = [(host, address) for host in INSIDE for address in INSIDE[host]]
        self.listeners: list[socket.socket] = []
        for name, address in self.targets:
            host = lab.host(name)
            self.listeners.append(network.listen(host, address, UNPUBLISHED))
            with network.on(host):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                receiver = socket.socket(family, socket.SOCK_DGRAM)
            receiver.bind((address, UNPUBLISHED))
            self.listeners.append(receiver)
        with network.on(outsider.host):
            self._senders = {
                family: socket.socket(family, socket.SOCK_DGRAM)
                for family in (socket.AF_INET, socket.AF_INET6)
            }
        self.pinholes: list[int] = []
        """Public ports to try as well."""
        self.datagrams = 0
        self._over = False
        self._thread = Background(self._run)

    def _run(self) -> None:
        while not self._over:
            for _, address in self.targets:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                self._senders[family].sendto(b"?", (address, UNPUBLISHED))
                self.datagrams += 1
            if self.datagrams % 100 == 0:
                for _, address in self.targets:
                    self.outsider.attempt(address, UNPUBLISHED, "during the siege")
                for port in self.pinholes:
                    self.outsider.attempt(PUBLIC, port, "during the siege")
            time.sleep(0.001)

    def end(self) -> None:
        """Nobody got in."""
        self._over = True
        self._thread.join()
        assert self.datagrams > 300
        assert self.outsider.answers() == []
        assert select.select(self.listeners, [], [], 0)[0] == []

    def close(self) -> None:
        self._over = True
        for connection in (*self.listeners, *self._senders.values()):
            connection.close()


@pytest.fixture
def siege(lab: Lab, outsider: Outsider) -> Iterator[Siege]:
    siege = Siege(lab, outsider)
    yield siege
    siege.close()


@pytest.mark.parametrize(
    ("situation", "mode"),
    [(NAT, Mode.PORT), (PUBLISHED, Mode.PASV), (IPV6_IN, Mode.EPSV)],
    ids=lambda it: it.name,
)
def test_killed_during_a_transfer(
    situation: Situation,
    mode: Mode,
    lab: Lab,
    gateway: RunningGateway,
    ftp_servers: Servers,
    big: str,
    siege: Siege,
) -> None:
    """The transfer completes; nothing new opens; after a restart, new sessions work."""
    ftp = Ftplib(lab.host(situation.client), situation, situation.port("vsftpd"), mode)
    ftp.voidcmd("TYPE I")
    waiting = Client(lab.host("client"), NAT.address, 21)
    listener = waiting.listen()
    assert waiting.ask(port_command(listener.getsockname())).code == 200
    siege.pinholes = [int(it["seen"].rsplit(":", 1)[1]) for it in gateway.pinholes()]
    assert len(siege.pinholes) == 1
    data = ftp.open_data("RETR big")
    digest = hashlib.sha256()
    received = read(data, digest.update, BIG // 4)

    gateway.kill()
    with network.on(lab.host("client")):
        stalled = socket.socket()
    stalled.setblocking(False)
    stalled.connect_ex((NAT.address, 21))
    received += read(data, digest.update, BIG)
    data.close()
    assert received == BIG
    assert digest.hexdigest() == big
    assert network.state(stalled) == TcpState.SYN_SENT

    gateway.start()
    with Client(lab.host("client"), NAT.address, 21) as client:
        for verb in (b"PASV\r\n", b"EPSV\r\n"):
            assert client.retrieve_from(client.ask(verb).endpoint(client.peer)) == SMALL
    # The connection that stalled is let through when its SYN is repeated.
    gateway.wait_for(lambda: network.state(stalled) == TcpState.ESTABLISHED, "the stalled one")
    # The sessions of before are not known any more, and are told so.
    waiting.write(b"NOOP\r\n")
    assert waiting.at_end()
    siege.end()
    for connection in (stalled, listener, waiting, ftp):
        connection.close()


def read(data: socket.socket, take: Callable[[bytes], object], length: int) -> int:
    """Up to `length` bytes, or to the end: how many there were."""
    count = 0
    while count < length and (block := data.recv(1 << 18)):
        take(block)
        count += len(block)
    return count


def test_switch_connects_again(
    lab: Lab,
    gateway: RunningGateway,
    nat_client: Client,
    nat_server: Server,
    siege: Siege,
) -> None:
    """Sessions, pinholes and transfers outlive it, and nobody gets in while flows are replaced."""
    nat_server.content = os.urandom(400_000)
    nat_server.released.clear()
    endpoint = nat_client.ask(b"PASV\r\n").endpoint(nat_client.peer)
    data = network.connect(nat_client.host, *endpoint)
    assert nat_client.ask(b"RETR big\r\n").code == 150
    target = lab.topology.bridges["br-alg"].controller
    assert target is not None
    with Client(lab.host("client"), NAT.address, 21) as other, other.listen() as listener:
        assert other.ask(port_command(listener.getsockname())).code == 200
        for _ in range(3):
            before = gateway.last_event()
            lab.ovs_vsctl("del-controller", "br-alg")
            gateway.wait_event("switch.disconnected", before)
            lab.ovs_vsctl("set-controller", "br-alg", target)
            gateway.wait_event("switch.ready", before)
        assert other.retrieve(listener) == SMALL
    nat_server.released.set()
    assert nat_client.fetch(data) == nat_server.content
    assert nat_client.reply().code == 226
    assert nat_client.ask(b"NOOP\r\n").code == 200
    siege.end()


def test_a_siege_would_be_noticed(lab: Lab, siege: Siege) -> None:
    """What comes by a way that is open arrives at the same sockets."""
    receiver = siege.listeners[1]
    sender = siege.outsider.host
    with network.on(sender):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with peer:
        peer.bind(("203.0.113.3", 6000))
        peer.settimeout(network.PATIENCE)
        receiver.sendto(b"come in", ("203.0.113.3", 6000))
        _, inside = peer.recvfrom(100)
        peer.sendto(b"I do", inside)
        assert select.select([receiver], [], [], network.PATIENCE)[0]


def test_a_server_that_still_has_a_connection_of_before(
    lab: Lab, start_gateway: StartGateway, ftp_servers: Servers
) -> None:
    """A new session gets the public port of a forgotten one: the server makes way."""
    config = configuration()
    config["public"]["ports"]["control"] = "49152"
    gateway = start_gateway(config)
    with Client(lab.host("client"), NAT.address, 21) as forgotten:
        gateway.kill()
        gateway.start()
        with Client(lab.host("client"), NAT.address, 21) as client:
            assert gateway.sessions()[0]["client_seen"] == f"{PUBLIC}:49152"
            assert client.ask(b"NOOP\r\n").code == 200
        forgotten.write(b"NOOP\r\n")
        assert forgotten.at_end()


def test_a_server_that_has_a_connection_which_has_made_way(
    lab: Lab, start_gateway: StartGateway, ftp_servers: Servers
) -> None:
    """A new session gets the public port of one that nobody has completed: its first SYN is taken
    for what it is."""
    config = configuration(quotas={"half_open": 1})
    config["public"]["ports"]["control"] = "49152-49153"
    gateway = start_gateway(config)
    host = lab.host("client")
    nobody = [IPv4Address(f"192.168.10.{number}") for number in (77, 78)]
    syns = [
        frames.tcp(frames.Way(source, 40000, IPv4Address(NAT.address), 21), frames.SYN, 1000)
        for source in nobody
    ]
    with network.on(host), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        for syn in syns:
            raw.send(frames.ethernet(raw.getsockname()[4], bytes.fromhex("02a160000001"), syn))
    gateway.wait_event("session.half_open")
    before = counted(lab, [host])[REPEATED]
    with Client(host, NAT.address, 21) as client:
        assert client.ask(b"NOOP\r\n").code == 200
    assert counted(lab, [host])[REPEATED] == before
