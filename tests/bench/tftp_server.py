"""tftpd-hpa, with what `tftp` fetches."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ryu_alg.lab import Host, process
from tests.bench.errors import BenchError, last_words


@contextmanager
def tftpd(host: Host, root: Path, log_path: Path) -> Iterator[None]:
    """A TFTP server of the files in `root`; it forks for each request. BenchError."""
    # -L: in the foreground.
    command = ["in.tftpd", "-L", "--ipv4", "--secure", str(root)]
    try:
        with open(log_path, "w", encoding="utf-8") as log:
            server = host.popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    except FileNotFoundError:
        raise BenchError("in.tftpd is missing: apt-get install tftpd-hpa") from None
    try:
        time.sleep(0.1)
        if server.poll() is not None:
            raise BenchError(f"in.tftpd does not start; {last_words(log_path)}")
        yield
    finally:
        # Those that it has forked wait for acknowledgements that a gateway has lost.
        process.end([server.pid])
        server.wait()
