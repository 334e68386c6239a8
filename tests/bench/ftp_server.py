"""vsftpd, with what `load` fetches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ryu_alg.lab import Host
from tests.bench import load
from tests.bench.errors import BenchError, last_words

_VSFTPD = """
listen=YES
background=NO
anonymous_enable=YES
local_enable=NO
no_anon_password=NO
anon_root={root}
secure_chroot_dir={empty}
ftp_username=ftp
nopriv_user=nobody
max_clients=0
max_per_ip=0
xferlog_enable=NO
use_localtime=NO
connect_from_port_20=NO
# Above every port that gateway configurations deny by default.
pasv_min_port=30000
pasv_max_port=65535
# The server is not what is measured: one process per session instead of three, and neither
# namespaces nor a system call filter for it.
one_process_model=YES
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
"""


@contextmanager
def vsftpd(host: Host, directory: Path) -> Iterator[Path]:
    """An FTP server; the directory of the two files of `load`, the large one without disk space."""
    root, empty = directory / "files", directory / "empty"
    root.mkdir()
    empty.mkdir()
    (root / load.SMALL_FILE).write_bytes(bytes(load.SMALL_BYTES))
    with open(root / load.LARGE_FILE, "wb") as large:
        large.truncate(load.LARGE_BYTES)
    config = directory / "vsftpd.conf"
    config.write_text(_VSFTPD.format(root=root, empty=empty), encoding="utf-8")
    log_path = directory / "vsftpd.log"
    try:
        with open(log_path, "w", encoding="utf-8") as log:
            # It complains on its standard input, where it expects the client.
            server = host.popen(["vsftpd", str(config)], stdin=log, stdout=log, stderr=log)
    except FileNotFoundError:
        raise BenchError("vsftpd is missing: apt-get install vsftpd") from None
    try:
        time.sleep(0.2)
        if server.poll() is not None:
            raise BenchError(f"vsftpd does not start; {last_words(log_path)}")
        yield root
    finally:
        server.terminate()
        server.wait(5)
