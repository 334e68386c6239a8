"""vsftpd on the lab's hosts, with one file to fetch."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ryu_alg.lab.demo.dialogue import FTP_PORT
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.lab import Host

_CHUNK_BYTES = 1 << 20
_START_SECONDS = 10.0

# Nothing here is about NAT: the server does not know that there is any.
_CONFIGURATION = """\
listen=YES
background=NO
anonymous_enable=YES
local_enable=NO
anon_root={root}
secure_chroot_dir={empty}
connect_from_port_20=YES
xferlog_enable=NO
# Its sandbox forbids system calls that newer C libraries make.
seccomp_sandbox=NO
"""


@dataclass(frozen=True, slots=True)
class RandomFile:
    """What is fetched."""

    path: Path
    size: int
    sha256: str


def make_file(folder: Path, size: int) -> RandomFile:
    """Write `size` random bytes: nobody on the way could have made them up."""
    folder.mkdir()
    path = folder / f"{size // 1_000_000}MB.bin"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size, _CHUNK_BYTES):
            chunk = os.urandom(min(_CHUNK_BYTES, size - start))
            digest.update(chunk)
            file.write(chunk)
    return RandomFile(path, size, digest.hexdigest())


def sha256(path: Path) -> str:
    """Of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def vsftpd(host: Host, root: Path, folder: Path) -> Iterator[None]:
    """vsftpd on `host`, serving `root` to anybody; LabError if it does not start."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    configuration = folder / "vsftpd.conf"
    configuration.write_text(_CONFIGURATION.format(root=root, empty=empty))
    process = host.popen(
        ["vsftpd", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(host):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                said = " ".join((process.communicate()[0] or "").split())
                raise LabError(f"vsftpd on {host.name} has not started: {said}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.communicate()


def _listens(host: Host) -> bool:
    """Whether something accepts control connections on `host`."""
    found = []

    def connect() -> None:
        host.namespace.enter()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", FTP_PORT), 1):
            found.append(True)

    # A thread that has entered a namespace stays there.
    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    return bool(found)
