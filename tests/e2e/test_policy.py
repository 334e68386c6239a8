"""What the configuration forbids never reaches the server, whatever the client does about it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ryu_alg.lab import Lab
from ryu_alg.openflow.cookies import Kind, cookie
from tests.e2e.dialogue import Client, Server, port_command
from tests.e2e.gateway import SCRIPTED_PORT, RunningGateway, configuration, ftp
from tests.e2e.servers import SMALL, FtpServer

Servers = dict[tuple[str, str], FtpServer]
URL = "ftp://203.0.113.2"


@pytest.fixture
def options(request: pytest.FixtureRequest, gateway: RunningGateway) -> Iterator[None]:
    """The gateway with the options of FTP that the test names, and afterwards without."""
    gateway.apply(configuration(protocols=ftp(**request.param)))
    yield
    gateway.apply(configuration())


@pytest.fixture
def dialogue(options: None, nat_server: Server, nat_client: Client) -> tuple[Client, Server]:
    """A session under these options."""
    return nat_client, nat_server


def with_options(**options: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("options", [options], indirect=True, ids=["-".join(options)])


def curl(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    return lab.host("client").run(
        ["curl", "--silent", "--show-error", "--verbose", "--max-time", "60", *arguments]
    )


class TestReadOnly:
    @with_options(profile="read-only")
    def test_curl(self, options: None, lab: Lab, ftp_servers: Servers, tmp_path: Path) -> None:
        server = ftp_servers["vsftpd", "server"]
        upload = tmp_path / "upload"
        upload.write_bytes(b"not wanted")
        refused = curl(lab, "--upload-file", str(upload), f"{URL}/incoming/refused")
        assert refused.returncode == 25, refused.stderr
        assert "< 550 Permission denied: the gateway" in refused.stderr
        assert not (server.incoming / "refused").exists()
        fetched = curl(lab, f"{URL}/small")
        assert fetched.stdout.encode() == SMALL, fetched.stderr

    @with_options(profile="read-only")
    def test_lftp(self, options: None, lab: Lab, ftp_servers: Servers) -> None:
        server = ftp_servers["pyftpdlib", "server"]
        kept = server.incoming / "kept"
        kept.write_bytes(SMALL)
        for command in ("rm kept", "mv kept gone", "mkdir more"):
            script = f"set net:max-retries 1; open {URL}:2121; cd incoming; {command}"
            done = lab.host("client").run(["lftp", "-c", script], timeout=60)
            assert done.returncode != 0
            assert "550" in done.stderr, done.stderr
        assert [it.name for it in server.incoming.iterdir()] == ["kept"]
        kept.unlink()


@with_options(rules=[{"action": "deny", "commands": ["DELE"], "reply": "553 Never."}])
def test_denied_among_pipelined_commands(dialogue: tuple[Client, Server]) -> None:
    """Its reply stands where the server's would have stood."""
    client, server = dialogue
    server.heard.clear()
    client.write(b"NOOP\r\nDELE a\r\nTYPE I\r\nDELE b\r\nNOOP\r\n")
    replies = [client.reply() for _ in range(5)]
    assert [reply.code for reply in replies] == [200, 553, 200, 553, 200]
    assert replies[1].raw == b"553 Never.\r\n"
    assert server.heard == [b"NOOP\r\n", b"TYPE I\r\n", b"NOOP\r\n"]


class TestAuth:
    def test_refused(self, lab: Lab, gateway: RunningGateway, ftp_servers: Servers) -> None:
        """A client that insists ends; one that only tries goes on in the clear."""
        insists = curl(lab, "--ssl-reqd", f"{URL}/small")
        assert insists.returncode == 64, insists.stderr
        assert "< 534 " in insists.stderr
        tries = curl(lab, "--ssl", f"{URL}/small")
        assert tries.stdout.encode() == SMALL, tries.stderr

    def test_never_reaches_the_server(self, nat_client: Client, nat_server: Server) -> None:
        assert nat_client.ask(b"AUTH TLS\r\n").code == 534
        assert nat_client.ask(b"auth ssl\r\n").code == 534
        assert not any(line.upper().startswith(b"AUTH") for line in nat_server.heard)

    @with_options(auth="allow")
    def test_allowed(self, dialogue: tuple[Client, Server], gateway: RunningGateway) -> None:
        """From then on nothing is read, rewritten or opened; the switch forwards by itself."""
        client, server = dialogue
        first = gateway.last_event()
        assert client.ask(b"AUTH TLS\r\n").code == 234
        gateway.wait_event("session.opaque", first)
        secret = port_command((client.address, 50000))
        assert client.ask(secret).code == 200
        assert server.heard[-1] == secret
        gateway.wait_event("session.offloaded", first)
        punts = gateway.status()["punts"]["ftp"]
        for _ in range(10):
            assert client.ask(b"NOOP\r\n").code == 200
        assert gateway.status()["punts"]["ftp"] <= punts + 2
        assert gateway.events(first, "pinhole.opened") == []

    @with_options(auth="allow")
    def test_a_reset_leaves_no_flow(
        self, dialogue: tuple[Client, Server], gateway: RunningGateway, lab: Lab
    ) -> None:
        """Nobody answers a reset: the flow of the other direction sees no end."""
        client, _ = dialogue
        first = gateway.last_event()
        assert client.ask(b"AUTH TLS\r\n").code == 234
        assert client.ask(b"NOOP\r\n").code == 200
        session = gateway.wait_event("session.offloaded", first)["session"]
        assert client.ask(b"NOOP\r\n").code == 200

        def flows() -> str:
            own = f"cookie={cookie(Kind.OFFLOAD, session):#x}/-1"
            return lab.ovs_ofctl("--no-stats", "dump-flows", "br-alg", own)

        assert flows().count("actions=") == 2
        client.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4)
        )
        client.lines.close()
        client.socket.close()
        gateway.wait_event("session.ended", first)
        gateway.wait_for(lambda: "actions=" not in flows(), "no flow to be left")


def test_http_on_the_ftp_port(lab: Lab, gateway: RunningGateway, nat_server: Server) -> None:
    """What does not begin as FTP does is ended."""
    first = gateway.last_event()
    done = curl(lab, f"http://203.0.113.2:{SCRIPTED_PORT}/")
    assert done.returncode != 0
    gateway.wait_event("ftp.not_ftp", first)
    assert nat_server.heard == []
