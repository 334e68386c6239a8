"""Real FTP servers on hosts of a lab."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from ryu_alg.lab import Host, process
from tests.e2e import network

VSFTPD_PORT = 21
PYFTPDLIB_PORT = 2121
SMALL = b"small, but mine\n"
"""What every server has as `small`."""
_VSFTPD = {
    "background": "NO",
    "listen": "NO",
    "listen_ipv6": "YES",
    "seccomp_sandbox": "NO",
    "local_enable": "NO",
    "anonymous_enable": "YES",
    "anon_world_readable_only": "NO",
    "write_enable": "YES",
    "anon_upload_enable": "YES",
    "anon_other_write_enable": "YES",
    "connect_from_port_20": "YES",
    "xferlog_enable": "NO",
}


class FtpServer:
    """A server's process, what it serves, and where it listens."""

    def __init__(self, host: Host, root: Path, port: int, argv: list[str], log: IO[str]) -> None:
        self.host = host
        self.root = root
        self.port = port
        self.log = log.name
        # vsftpd complains on its standard input.
        self._process = host.popen(argv, stdin=log, stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    @property
    def incoming(self) -> Path:
        """Where anybody may write."""
        return self.root / "incoming"

    def _wait(self) -> None:
        deadline = time.monotonic() + network.PATIENCE
        while True:
            assert self._process.poll() is None, f"it has ended, see {self.log}"
            with contextlib.suppress(OSError):
                network.connect(self.host, "127.0.0.1", self.port).close()
                return
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, and what serves its clients."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = [self._process.pid]
        with contextlib.suppress(OSError):
            pids += [int(pid) for pid in children.read_text().split()]
        process.end(pids)
        self._process.wait()


def _root(directory: Path) -> Path:
    root = directory / "root"
    (root / "incoming").mkdir(parents=True)
    ftp = pwd.getpwnam("ftp")
    os.chown(root / "incoming", ftp.pw_uid, ftp.pw_gid)
    root.chmod(0o755)
    (root / "small").write_bytes(SMALL)
    return root


def vsftpd(host: Host, directory: Path, port: int = VSFTPD_PORT, **options: object) -> FtpServer:
    """vsftpd, IPv4 and IPv6; `options` are added to its configuration."""
    directory.mkdir(parents=True)
    empty = directory / "empty"
    empty.mkdir()
    root = _root(directory)
    config = directory / "vsftpd.conf"
    settings = {
        **_VSFTPD,
        "listen_port": port,
        "anon_root": root,
        "secure_chroot_dir": empty,
        # No port of the list that no pinhole leads to.
        "pasv_min_port": 30000,
        **options,
    }
    config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    with (directory / "vsftpd.log").open("w") as log:
        return FtpServer(host, root, port, ["vsftpd", str(config)], log)


def pyftpdlib(host: Host, directory: Path) -> FtpServer:
    """pyftpdlib on port 2121, IPv4 and IPv6."""
    directory.mkdir(parents=True)
    root = _root(directory)
    script = Path(__file__).with_name("pyftpd.py")
    argv = [sys.executable, str(script), str(root), str(PYFTPDLIB_PORT)]
    with (directory / "pyftpdlib.log").open("w") as log:
        return FtpServer(host, root, PYFTPDLIB_PORT, argv, log)
