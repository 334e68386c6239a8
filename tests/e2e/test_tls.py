"""FTP over TLS, with real clients and servers: nothing can be read, and the static range serves."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.e2e.gateway import (
    PUBLIC,
    SCRIPTED_PORT,
    SCRIPTED_PUBLIC_PORT,
    RunningGateway,
    configuration,
    ftp,
)
from tests.e2e.servers import FtpServer, vsftpd

SIZE = 512 * 1024
FIRST, LAST = 60_000, 60_009


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody has signed, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    subject = ("-subj", "/CN=server", "-days", "2")
    files = ("-keyout", str(file), "-out", f"{file}.crt")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture(params=["server", "inserver"])
def tls_server(
    request: pytest.FixtureRequest,
    lab: Lab,
    gateway: RunningGateway,
    certificate: Path,
    tmp_path: Path,
) -> Iterator[tuple[str, FtpServer]]:
    """A vsftpd that speaks TLS, and the host of its client; the gateway lets them."""
    options = {"auth": "allow", "passive_ports": f"{FIRST}-{LAST}"}
    gateway.apply(configuration(protocols=ftp(**options)))
    outside = request.param == "server"
    server = vsftpd(
        lab.host(request.param),
        tmp_path / "vsftpd",
        port=SCRIPTED_PORT,
        ssl_enable="YES",
        allow_anon_ssl="YES",
        require_ssl_reuse="NO",
        rsa_cert_file=certificate,
        pasv_min_port=FIRST,
        pasv_max_port=LAST,
        pasv_promiscuous="YES",
    )
    yield ("client" if outside else "outsider"), server
    server.stop()
    gateway.apply(configuration())


def test_a_session_that_cannot_be_read(
    tls_server: tuple[str, FtpServer], lab: Lab, gateway: RunningGateway
) -> None:
    client, server = tls_server
    content = os.urandom(SIZE)
    (server.root / "file").write_bytes(content)
    behind_nat = client == "client"
    target = f"203.0.113.2:{SCRIPTED_PORT}" if behind_nat else f"{PUBLIC}:{SCRIPTED_PUBLIC_PORT}"
    before = gateway.last_event()
    url = f"ftp://{target}/file"
    # The address in a 227 is the server's own, which nobody could rewrite: curl is told so.
    options = ("--ssl-reqd", "--insecure", "--ftp-skip-pasv-ip", "--max-time", "60")
    fetched = lab.host(client).run(["curl", "-q", "-sS", *options, url, url], text=False)
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout == content * 2
    codes = [event["code"] for event in gateway.events(before)]
    assert codes.count("session.opaque") == codes.count("session.offloaded") == 1
    assert "ftp.rewritten" not in codes
    # Both files came by the range, and with the session it is gone.
    assert codes.count("pinhole.used") == 2
    gateway.wait_event("session.ended", before, timeout=60)
    assert gateway.pinholes() == []
