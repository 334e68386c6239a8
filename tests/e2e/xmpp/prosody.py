"""prosody: the XMPP server of the tests."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

from ryu_alg.lab import Host, process
from tests.e2e import network

DOMAIN = "example.net"
PORT = 5222
PASSWORD = "secret"
_CONFIG = """\
run_as_root = true
pidfile = "{directory}/pid"
data_path = "{directory}/data"
plugin_paths = {{}}
interfaces = {{ "*", "::" }}
c2s_ports = {{ 5222 }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
c2s_require_encryption = {required}
allow_unencrypted_plain_auth = true
ssl = {{ key = "{directory}/key", certificate = "{directory}/certificate" }}
log = {{ debug = "{directory}/prosody.log" }}
VirtualHost "example.net"
"""


class Prosody:
    """A server on a host, that `alice` and `bob` are known to."""

    def __init__(self, host: Host, directory: Path, *, encryption_required: bool = False) -> None:
        accounts = directory / "data" / "example%2enet" / "accounts"
        accounts.mkdir(parents=True)
        for user in ("alice", "bob"):
            (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        subject = (
            "-subj",
            f"/CN={DOMAIN}",
            "-days",
            "2",
            "-addext",
            f"subjectAltName=DNS:{DOMAIN}",
        )
        files = ("-keyout", f"{directory}/key", "-out", f"{directory}/certificate")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files],
            check=True,
            capture_output=True,
        )
        config = directory / "prosody.cfg.lua"
        required = "true" if encryption_required else "false"
        config.write_text(_CONFIG.format(directory=directory, required=required))
        self.certificate = directory / "certificate"
        self._host = host
        self._log = directory / "output"
        with self._log.open("w") as log:
            self._process = host.popen(
                ["prosody", "-F", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            with contextlib.suppress(OSError):
                network.connect(self._host, "127.0.0.1", PORT).close()
                return
            assert time.monotonic() < deadline, "prosody does not listen"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            process.end([self._process.pid])
        self._process.wait()
