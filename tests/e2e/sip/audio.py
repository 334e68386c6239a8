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
    # At once: what the kernel still collects when tcpdump is ended would be missing.
    options = ["-i", "eth0", "-n", "-U", "--immediate-mode", "-Z", "root", "-w", str(file)]
    tcpdump = host.popen(
        ["tcpdump", *options, _RTP],
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
    sent, come = _payloads(file, address, "src"), Counter(_payloads(file, address, "dst"))
    assert len(sent) >= PACKETS_PER_SECOND, "hardly anything was sent"
    missing = []
    for number, payload in enumerate(sent):
        if come[payload]:
            come[payload] -= 1
        else:
            missing.append(number)
    assert not missing, f"of {len(sent)} packets, these did not come back: {missing}"


def _payloads(file: Path, address: str, end_: str) -> list[str]:
    """Of the datagrams that have this address at one end, in their order."""
    which = f"{'ipv6' if ':' in address else 'ip'}.{end_} == {address}"
    argv = ["tshark", "-r", str(file), "-n", "-T", "fields", "-e", "udp.payload", "-Y", which]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
