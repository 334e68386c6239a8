"""Protocols of other packages, installed by pip: the example's whole way, and ones that fail."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ryu_alg.lab import Host, Lab
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.gateway import PUBLIC, RunningGateway, configuration, ftp
from tests.e2e.situations import IPV4_OUT, NAT, PUBLISHED, Situation
from tests.plugins.distribution import environment, make

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "parcel"
FAULTY = ROOT / "tests" / "plugins" / "faulty.py"
PORT = 7117
PUBLIC_PORT = 60117
FAULTY_PORT = 7200
PARCEL = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment's upper layer: what it holds is not in the environment itself."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", "--no-build-isolation", "--target", folder, EXAMPLE),
        ],
        check=True,
        timeout=100,
    )
    make(folder, "faulty", FAULTY.read_text())
    return folder


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway, packages: Path) -> Iterator[RunningGateway]:
    config = configuration(
        protocols={**ftp(), "parcel": {"options": {"deny": ["*.exe"]}}, "faulty": {}}
    )
    published = {"public": f"{PUBLIC}:{PUBLIC_PORT}", "inside": f"192.168.20.2:{PORT}"}
    config["published"].append({**published, "protocol": "parcel"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(packages))
        yield start_gateway(config)


@contextmanager
def connection(lab: Lab, where: Situation, port: int) -> Iterator[tuple[Lines, Lines]]:
    """A control connection: the client's end, the server's end."""
    server = lab.host(where.server)
    inside = {"inserver": "192.168.20.2"}.get(where.server, where.address)
    with ExitStack() as stack:
        listener = stack.enter_context(network.listen(server, inside, port))
        seen = PUBLIC_PORT if where is PUBLISHED else port
        client = network.connect(lab.host(where.client), where.address, seen)
        stack.enter_context(client)
        accepted, _ = listener.accept()
        stack.enter_context(accepted)
        accepted.settimeout(network.PATIENCE)
        yield Lines(client), Lines(accepted)


class Lines:
    """One end of a control connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")
        self.address = connection.getsockname()[0]

    def say(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\r\n")

    def hear(self) -> str:
        return self._file.readline().decode().rstrip("\r\n")

    def hears_the_end(self) -> None:
        """Wait for it; TimeoutError if it does not come."""
        with contextlib.suppress(ConnectionResetError):
            self._file.read()


def deliver(giver: socket.socket, taker: Host, place: str) -> bytes:
    """The taker connects to where it was told, and has all that the giver sends."""
    address, port = place.split()
    with network.connect(taker, address, int(port)) as taken:
        given, _ = giver.accept()

        def give() -> None:
            with given:
                given.sendall(PARCEL)

        sending = network.Background(give)
        received = b"".join(iter(lambda: taken.recv(1 << 16), b""))
        sending.join()
        return received


def refuses(host: Host, address: str, port: int) -> bool:
    """Whether nobody can connect."""
    with network.on(host), socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) != 0


SITUATIONS = pytest.mark.parametrize("where", [NAT, PUBLISHED, IPV4_OUT], ids=lambda w: w.name)


class TestExample:
    @SITUATIONS
    def test_what_a_client_gives_is_fetched(
        self, where: Situation, lab: Lab, gateway: RunningGateway
    ) -> None:
        with connection(lab, where, PORT) as (client, server):
            with network.listen(lab.host(where.client), client.address) as giver:
                port = giver.getsockname()[1]
                client.say(f"GIVE {client.address} {port} cake")
                verb, address, seen, name = server.hear().split()
                assert (verb, name) == ("GIVE", "cake")
                if where is NAT:
                    assert address == PUBLIC and int(seen) != port
                    assert refuses(lab.host(where.server), address, int(seen)), "not taken yet"
                else:
                    assert (address, int(seen)) == (client.address, port)
                server.say("TAKE")
                assert client.hear() == "TAKE"
                assert deliver(giver, lab.host(where.server), f"{address} {seen}") == PARCEL
            own = "{}:{}".format(*client.connection.getsockname())
            (session,) = [s for s in gateway.sessions() if s["client"] == own]
            assert (session["protocol"], session["state"]) == ("parcel", "inspected")

    @SITUATIONS
    def test_what_a_server_has_is_fetched(
        self, where: Situation, lab: Lab, gateway: RunningGateway
    ) -> None:
        with (
            connection(lab, where, PORT) as (client, server),
            network.listen(lab.host(where.server), server.address) as giver,
        ):
            port = giver.getsockname()[1]
            client.say("WANT cake")
            assert server.hear() == "WANT cake"
            server.say(f"FETCH {server.address} {port}")
            verb, _, place = client.hear().partition(" ")
            assert verb == "FETCH"
            if where is PUBLISHED:
                assert place.startswith(f"{PUBLIC} ")
            else:
                assert place == f"{server.address} {port}"
            assert deliver(giver, lab.host(where.client), place) == PARCEL

    def test_its_policy_is_in_force(self, lab: Lab, gateway: RunningGateway) -> None:
        after = gateway.last_event()
        with connection(lab, NAT, PORT) as (client, server):
            client.say("WANT worm.EXE")
            assert client.hear().startswith("NO ")
            client.say("WANT cake")
            assert server.hear() == "WANT cake"
            event = gateway.wait_event("parcel.denied", after)
            assert (event["protocol"], event["detail"]) == ("parcel", "worm.EXE")

    def test_a_call_over_udp(self, lab: Lab, gateway: RunningGateway) -> None:
        with ExitStack() as stack:

            def udp(host: str, address: str, port: int = 0) -> socket.socket:
                with network.on(lab.host(host)):
                    made = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                made.bind((address, port))
                made.settimeout(network.PATIENCE)
                return made

            caller, voice = udp("client", "192.168.10.2"), udp("client", "192.168.10.2")
            server, answer = udp("server", "203.0.113.2", PORT), udp("server", "203.0.113.2")
            caller.sendto(
                f"CALL 192.168.10.2 {voice.getsockname()[1]}".encode(), server.getsockname()
            )
            called, seen = server.recvfrom(512)
            verb, address, port = called.split()
            assert (verb, address) == (b"CALL", PUBLIC.encode())
            here = f"HERE 203.0.113.2 {answer.getsockname()[1]}".encode()
            server.sendto(here, seen)
            assert caller.recv(512) == here
            answer.sendto(b"ring", (address.decode(), int(port)))
            assert voice.recvfrom(512) == (b"ring", answer.getsockname())
            voice.sendto(b"hello", answer.getsockname())
            assert answer.recvfrom(512) == (b"hello", (PUBLIC, int(port)))

    def test_it_is_listed_with_its_package(self, gateway: RunningGateway, packages: Path) -> None:
        command = Path(sys.executable).with_name("ryu-alg")
        listed = subprocess.run(
            [command, "protocols", gateway.config_file, "--json"],
            capture_output=True,
            check=True,
            timeout=30,
            env=environment(packages),
        )
        (parcel,) = [item for item in json.loads(listed.stdout) if item["name"] == "parcel"]
        assert parcel["packages"] == ["ryu-alg-parcel 1.0"]
        assert parcel["transports"] == ["tcp", "udp"]
        assert parcel["on"] is True and parcel["bound"]["published"] == [f"{PUBLIC}:{PUBLIC_PORT}"]
        without = subprocess.run(
            [command, "check", gateway.config_file],
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        assert "no protocol of that name is installed" in without.stderr, "not in .venv itself"


class TestFaults:
    @pytest.mark.parametrize(
        ("line", "code", "detail"),
        [
            ("raises", "inspector.failed", "ValueError"),
            ("exits", "inspector.failed", "SystemExit"),
            ("hangs", "inspector.slow", "interrupted"),
            ("backtracks", "inspector.slow", "interrupted"),
            ("sleeps", "inspector.failed", "RuntimeError"),
            ("sleeps_later", "inspector.slow", "interrupted"),
            ("answers_nonsense", "inspector.failed", "Replace"),
        ],
    )
    def test_a_fault_ends_its_own_session_and_no_other(
        self, line: str, code: str, detail: str, lab: Lab, gateway: RunningGateway
    ) -> None:
        with (
            connection(lab, NAT, PORT) as (other, server),
            connection(lab, NAT, FAULTY_PORT) as (client, faulty_server),
        ):
            client.say("hello")
            assert faulty_server.hear() == "hello"
            after = gateway.last_event()
            client.connection.sendall(line.encode() + b"\n")
            event = gateway.wait_event(code, after)
            assert event["protocol"] == "faulty" and event["session"] is not None
            assert event["detail"].startswith("faulty: ") and detail in event["detail"]
            assert "hunter2" not in event["detail"]
            client.hears_the_end()
            faulty_server.hears_the_end()
            other.say("WANT cake")
            assert server.hear() == "WANT cake"
        assert gateway.status()["connected"]

    def test_what_policy_forbids_is_refused_and_named(
        self, lab: Lab, gateway: RunningGateway
    ) -> None:
        after = gateway.last_event()
        with connection(lab, NAT, FAULTY_PORT) as (client, server):
            client.connection.sendall(b"wants_a_privileged_port\n")
            assert client.hear() == "port.privileged"
            event = gateway.wait_event("expectation.refused.port.privileged", after)
            assert event["protocol"] == "faulty"
            client.connection.sendall(b"hello\n")
            assert server.hear() == "hello", "its session goes on"
        assert not [hole for hole in gateway.pinholes() if hole["protocol"] == "faulty"]
