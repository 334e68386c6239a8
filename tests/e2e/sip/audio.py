"""RTP at a host: whether all that it sent came back as it was."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ryu_alg.lab import Host
from ryu_alg.lab.process import end

PACKETS_PER_SECOND = 50
"""As sipp sends G.711."""
_RTP = "(udp and udp[8] & 0xc0 = 0x80) or (ip6[6] = 17 and ip6[48] & 0xc0 = 0x80)"


def write(path: Path, seconds: float = 1) -> None:
    """Sound that nobody mistakes for any other: G.711 noise, without a header."""
    path.write_bytes(random.Random(7).randbytes(round(8000 * seconds)))


@contextmanager
def echoed(host: Host, address: str, directory: Path) -> Iterator[None]:
    """Within, the host's address sends a second of audio, or more, and gets it all back."""
    file = directory / "audio.pcap"
    tcpdump = host.popen(
        ["tcpdump", "-i", "eth0", "-n", "-U", "-Z", "root", "-w", str(file), _RTP],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert tcpdump.stderr is not None
    for line in tcpdump.stderr:
        if "listening on" in line:
            break
    try:
        yield
    finally:
        end([tcpdump.pid])
        tcpdump.communicate()
    argv = ["tshark", "-r", str(file), "-n", "-T", "fields", "-e", "udp.payload"]
    sides = {"sent": "src", "come": "dst"}
    seen = {
        side: Counter(
            subprocess.run(
                [*argv, "-Y", f"{'ipv6' if ':' in address else 'ip'}.{end_} == {address}"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        )
        for side, end_ in sides.items()
    }
    assert seen["sent"].total() >= PACKETS_PER_SECOND, "hardly anything was sent"
    missing = seen["sent"] - seen["come"]
    assert not missing, f"{missing.total()} of {seen['sent'].total()} packets did not come back"
