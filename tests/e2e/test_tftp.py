"""TFTP with tftpd-hpa, curl and atftp: whole files, both ways, and nothing for anybody else."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Host, Lab, process
from ryu_alg.openflow.cookies import EVERY_ID, Kind, cookie
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration, ftp
from tests.e2e.situations import (
    IPV4_IN,
    IPV4_OUT,
    IPV6_IN,
    IPV6_OUT,
    NAT,
    PUBLISHED,
    Situation,
)

PORT = 69
SCRIPTED = 1069
"""Where servers of the tests' own listen."""
SCRIPTED_PUBLIC = 169
SITUATIONS = (NAT, PUBLISHED, IPV4_OUT, IPV4_IN, IPV6_OUT, IPV6_IN)
SIZE = 300_000
CONTENT = random.Random(1350).randbytes(SIZE)
DATA_IDLE = 5
SMALL = b"small, but mine\n"

Servers = dict[str, "TftpServer"]


def settings(**options: Any) -> dict[str, Any]:
    """Inside hosts may send requests, and nothing else on their own account."""
    config = configuration(
        protocols={**ftp(), "tftp": {"ports": [PORT, SCRIPTED], "options": options}},
        outbound={
            "default": "deny",
            "rules": [{"transport": "udp", "ports": [PORT, SCRIPTED], "action": "allow"}],
        },
        timers={"data_idle": DATA_IDLE, "datagram_idle": 5},
    )
    for public, inside in (
        (f"{PUBLIC}:{PORT}", f"192.168.20.2:{PORT}"),
        (f"{PUBLIC}:{SCRIPTED_PUBLIC}", f"192.168.20.2:{SCRIPTED}"),
        (f"198.51.100.2:{PORT}", f"198.51.100.2:{PORT}"),
        (f"[2001:db8:30::2]:{PORT}", f"[2001:db8:30::2]:{PORT}"),
    ):
        service = {"public": public, "inside": inside, "transport": "udp", "protocol": "tftp"}
        config["published"].append(service)
    return config


class TftpServer:
    """in.tftpd on one host, IPv4 and IPv6."""

    def __init__(self, host: Host, directory: Path) -> None:
        directory.mkdir()
        self.host, self.root = host, directory / "root"
        self.root.mkdir()
        self.root.chmod(0o777)
        (self.root / "file").write_bytes(CONTENT)
        (self.root / "small").write_bytes(SMALL)
        argv = ["in.tftpd", "--foreground", "--create", "--permissive", "--secure", str(self.root)]
        with (directory / "log").open("w") as log:
            self._process = host.popen(argv, stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        with udp(self.host, "127.0.0.1", timeout=0.5) as client:
            while True:
                assert self._process.poll() is None, "in.tftpd has ended"
                assert time.monotonic() < deadline, "in.tftpd does not answer"
                client.sendto(read_request("small"), ("127.0.0.1", PORT))
                with contextlib.suppress(OSError):
                    answer, child = client.recvfrom(1000)
                    client.sendto(b"\0\4\0\1", child)
                    assert answer == b"\0\3\0\1" + SMALL
                    return

    def stop(self) -> None:
        process.end([self._process.pid])
        self._process.wait()


def udp(host: Host, address: str, port: int = 0, timeout: float = 10) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with network.on(host):
        made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((address, port))
    made.settimeout(timeout)
    return made


def read_request(name: str) -> bytes:
    return b"\0\1" + name.encode() + b"\0octet\0"


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(settings())


@pytest.fixture(scope="module")
def servers(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    base = tmp_path_factory.mktemp("tftp")
    with ExitStack() as stack:
        running = {}
        for name in ("server", "inserver", "plain"):
            running[name] = TftpServer(lab.host(name), base / name)
            stack.callback(running[name].stop)
        yield running


def run(lab: Lab, host: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    return lab.host(host).run(argv)


def curl(lab: Lab, situation: Situation, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ["--silent", "--show-error", "--max-time", "60"]
    return run(lab, situation.client, ["curl", *options, *arguments])


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def punts(gateway: RunningGateway) -> int:
    """Packets that have come to the controller."""
    return sum(gateway.status()["punts"].values())


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda it: it.name)
class TestWholeFiles:
    def test_curl(
        self,
        situation: Situation,
        lab: Lab,
        gateway: RunningGateway,
        servers: Servers,
        tmp_path: Path,
    ) -> None:
        root = servers[situation.server].root
        url = f"tftp://{situation.url_host}"
        before = punts(gateway)
        got = tmp_path / "got"
        done = curl(lab, situation, "--output", str(got), f"{url}/file")
        assert done.returncode == 0, done.stderr
        assert digest(got) == hashlib.sha256(CONTENT).hexdigest()
        sent = f"curl-{situation.name}"
        done = curl(lab, situation, "--upload-file", str(got), f"{url}/{sent}")
        assert done.returncode == 0, done.stderr
        gateway.wait_for(lambda: digest(root / sent) == digest(got), "the whole upload")
        # 600 packets with data each way; the requests, and what neighbours say, come here.
        assert punts(gateway) - before < 30

    def test_atftp_with_large_blocks(
        self,
        situation: Situation,
        lab: Lab,
        gateway: RunningGateway,
        servers: Servers,
        tmp_path: Path,
    ) -> None:
        root = servers[situation.server].root
        got = tmp_path / "got"
        argv = ["atftp", "--option", "blksize 8192", "--option", "tsize 0"]
        where = ["--local-file", str(got), situation.address, str(PORT)]
        done = run(lab, situation.client, [*argv, "--get", "--remote-file", "file", *where])
        assert done.returncode == 0 and got.exists(), done.stderr
        assert digest(got) == hashlib.sha256(CONTENT).hexdigest()
        sent = f"atftp-{situation.name}"
        done = run(lab, situation.client, [*argv, "--put", "--remote-file", sent, *where])
        assert done.returncode == 0, done.stderr
        gateway.wait_for(lambda: digest(root / sent) == digest(got), "the whole upload")


def wait_empty(gateway: RunningGateway) -> None:
    """Wait until nothing is left of any transfer."""

    def empty() -> bool:
        left = gateway.get("bindings")["bindings"], gateway.pinholes(), gateway.sessions()
        return left == ([], [], [])

    gateway.wait_for(empty, "everything to be over", timeout=60)


def apply(gateway: RunningGateway, **options: Any) -> None:
    """Other options; sessions that are there would go on under the old ones."""
    wait_empty(gateway)
    gateway.apply(settings(**options))


def knock(lab: Lab, servers: Servers, target: tuple[str, int]) -> None:
    """An outside host that is nobody's peer sends to `target`, and it has got there."""
    with udp(lab.host("outsider"), "0.0.0.0") as outsider:
        outsider.sendto(b"\0\3\0\1forged", target)
        # Whatever was sent before this was handled before it.
        outsider.sendto(read_request("small"), (PUBLIC, PORT))
        data, server = outsider.recvfrom(1000)
        assert data == b"\0\3\0\1" + SMALL
        outsider.sendto(b"\0\4\0\1", server)


def test_nobody_but_the_server_sends_to_a_client(
    lab: Lab, gateway: RunningGateway, servers: Servers
) -> None:
    with (
        udp(lab.host("client"), "192.168.10.2") as client,
        udp(lab.host("server"), "203.0.113.2", SCRIPTED) as listener,
        udp(lab.host("server"), "203.0.113.2") as transfer,
    ):
        client.sendto(read_request("file"), ("203.0.113.2", SCRIPTED))
        request, seen = listener.recvfrom(1000)
        assert request == read_request("file")
        assert seen[0] == PUBLIC and 32768 <= seen[1] <= 49151
        knock(lab, servers, seen)
        transfer.sendto(b"\0\3\0\1true", seen)
        data, peer = client.recvfrom(1000)
        assert (data, peer) == (b"\0\3\0\1true", transfer.getsockname())
        client.sendto(b"\0\4\0\1", peer)
        assert transfer.recvfrom(1000) == (b"\0\4\0\1", seen)
        knock(lab, servers, seen)
        transfer.sendto(b"\0\3\0\2more", seen)
        assert client.recv(1000) == b"\0\3\0\2more"


def test_nobody_but_the_client_sends_to_an_inside_server(
    lab: Lab, gateway: RunningGateway, servers: Servers
) -> None:
    """It answers from its public address, from a port that is its own as long as this lasts."""
    with (
        udp(lab.host("server"), "203.0.113.2") as client,
        udp(lab.host("inserver"), "192.168.20.2", SCRIPTED) as listener,
        udp(lab.host("inserver"), "192.168.20.2") as transfer,
    ):
        client.sendto(read_request("file"), (PUBLIC, SCRIPTED_PUBLIC))
        request, seen = listener.recvfrom(1000)
        assert (request, seen) == (read_request("file"), client.getsockname())
        transfer.sendto(b"\0\3\0\1true", seen)
        data, peer = client.recvfrom(1000)
        assert data == b"\0\3\0\1true" and peer[0] == PUBLIC and 32768 <= peer[1] <= 49151
        knock(lab, servers, peer)
        client.sendto(b"\0\4\0\1", peer)
        assert transfer.recvfrom(1000) == (b"\0\4\0\1", seen)


def test_a_transfer_ends_when_it_is_idle(
    lab: Lab, gateway: RunningGateway, servers: Servers, tmp_path: Path
) -> None:
    after = gateway.last_event()
    done = curl(lab, NAT, "--output", str(tmp_path / "got"), "tftp://203.0.113.2/file")
    assert done.returncode == 0, done.stderr
    gateway.wait_event("tftp.request", after)

    wait_empty(gateway)
    ends = [event["detail"] for event in gateway.events(after, "data.idle")]
    assert any(int(end.split()[2]) > SIZE for end in ends), ends


def test_what_moved_is_counted_when_the_next_transfer_takes_the_port(
    lab: Lab, gateway: RunningGateway
) -> None:
    """The switch says it when the counting flow is removed: nobody has asked before."""
    with (
        udp(lab.host("client"), "192.168.10.2") as client,
        udp(lab.host("server"), "203.0.113.2", SCRIPTED) as first,
        udp(lab.host("outsider"), "203.0.113.3", SCRIPTED) as second,
        udp(lab.host("server"), "203.0.113.2") as transfer,
    ):
        before = gateway.status()["data_bytes"]
        client.sendto(read_request("one"), first.getsockname())
        _, seen = first.recvfrom(1000)
        for number in range(100):
            transfer.sendto(b"\0\3" + number.to_bytes(2, "big") + bytes(996), seen)
            assert len(client.recv(2000)) == 1000
        # The switch itself learns with a delay what its datapath has let through. The first
        # packet has no mark yet.
        flow = f"cookie={cookie(Kind.DATA):#x}/{EVERY_ID:#x}"
        gateway.wait_for(
            lambda: re.search("n_packets=99,", lab.ovs_ofctl("dump-flows", "br-alg", flow)),
            "the switch to have counted",
        )
        client.sendto(read_request("two"), second.getsockname())
        _, now_seen = second.recvfrom(1000)
        assert now_seen != seen
        gateway.wait_for(
            lambda: gateway.status()["data_bytes"] - before >= 100_000, "what moved to be counted"
        )
        second.sendto(b"\0\3\0\1next", now_seen)
        assert client.recvfrom(1000) == (b"\0\3\0\1next", second.getsockname())


class TestPolicy:
    def test_what_may_not_be_read_is_an_access_violation(
        self, lab: Lab, gateway: RunningGateway, servers: Servers
    ) -> None:
        rule = {"action": "deny", "requests": "read", "files": ["*.key", "/secret/*"]}
        apply(gateway, rules=[rule])
        after = gateway.last_event()
        done = curl(lab, NAT, "tftp://203.0.113.2/server.KEY")
        assert done.returncode == 69, done.stderr  # CURLE_TFTP_PERM
        event = gateway.wait_event("tftp.denied", after)
        assert "server.KEY" in event["detail"]
        done = curl(lab, NAT, "tftp://203.0.113.2/small")
        assert done.stdout.encode() == SMALL, done.stderr

    def test_what_is_too_large_to_be_written(
        self, lab: Lab, gateway: RunningGateway, servers: Servers, tmp_path: Path
    ) -> None:
        apply(gateway, upload_limit=1000)
        upload = tmp_path / "upload"
        upload.write_bytes(bytes(1001))
        done = curl(lab, PUBLISHED, "--upload-file", str(upload), f"tftp://{PUBLIC}/large")
        assert done.returncode == 70, done.stderr  # CURLE_REMOTE_DISK_FULL
        assert not (servers["inserver"].root / "large").exists()
        os.truncate(upload, 1000)
        done = curl(lab, PUBLISHED, "--upload-file", str(upload), f"tftp://{PUBLIC}/fits")
        assert done.returncode == 0, done.stderr
