"""What a run was made on: figures mean little without it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import ryu_alg

_UNKNOWN = "unknown"
_LIBTORRENT = "import libtorrent; print(libtorrent.__version__)"


def describe() -> dict[str, str]:
    """Processors, kernel and versions."""
    return {
        "Processors": f"{os.cpu_count()} x {_cpu_model()}",
        "Load before the run": f"{os.getloadavg()[0]:.2f}",
        "Linux": platform.release(),
        "Open vSwitch": _version("ovs-vswitchd", "--version"),
        "nftables": _version("nft", "--version"),
        "vsftpd": _version("vsftpd", "-v"),
        "sipp": _version("sipp", "-v"),
        "libtorrent": _version("/usr/bin/python3", "-c", _LIBTORRENT),
        "Python": platform.python_version(),
        "ryu_alg": ryu_alg.__version__,
    }


def _cpu_model() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(*command: str) -> str:
    """The first thing like a version that the command prints."""
    try:
        # vsftpd prints to its standard input.
        done = subprocess.run(
            ["sh", "-c", '"$@" 0>&1 2>&1', "sh", *command],
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return _UNKNOWN
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found[0] if found else _UNKNOWN
