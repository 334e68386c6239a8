"""Calls by sipp: a caller inside, a callee outside, at a fixed rate."""

from __future__ import annotations

import csv
import ipaddress
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ryu_alg.lab import Host
from tests.bench.errors import BenchError, last_words
from tests.bench.phone import SIP_PORT

_CALLER, _CALLEE = (Path(__file__).with_name(f"{name}.xml") for name in ("caller", "callee"))
_CALLER_MEDIA, _CALLEE_MEDIA = 30000, 16000
"""The lowest media ports. The caller takes another one for each call, of the next 10,000: none of
them is on the list of ports that no pinhole of ryu_alg leads to."""
_PATIENCE_SECONDS = 2.0
"""A call in which the next message does not come within this, repeated or not, has failed."""
_START_SECONDS = 5.0
_AFTERWARDS_SECONDS = 5.0
"""For what is still going on when the last call has begun."""
_MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of the calls at one rate."""

    rate: int
    calls: int
    successful: int
    failed: int
    retransmissions: int
    seconds: float
    """From the first call's begin to the last one's end."""

    @property
    def held(self) -> bool:
        """Whether every call succeeded, in the time that the rate gives them: a tenth more, but
        not less than 0.2 s, is for the last call."""
        planned = self.calls / self.rate
        in_time = self.seconds <= planned + max(0.2, planned / 10)
        return self.successful == self.calls and not self.failed and in_time


@contextmanager
def callee(host: Host, address: str, directory: Path, *options: str) -> Iterator[None]:
    """Somebody on `host` who registers callers, answers calls and echoes RTP. BenchError."""
    log_path = directory / "callee.log"
    own = ["-i", address, "-mi", address, "-p", str(SIP_PORT), "-mp", str(_CALLEE_MEDIA)]
    command = ["sipp", "-sf", str(_CALLEE), *own, "-rtp_echo", "-t", "u1", "-nostdin", *options]
    with open(log_path, "w", encoding="utf-8") as log:
        process = _started(host, command, directory, log)
    try:
        _wait_bound(process, address, log_path)
        yield
    finally:
        # It would wait for calls that a gateway has lost.
        process.kill()
        process.wait()


def attempt(
    host: Host, address: str, server: str, directory: Path, rate: int, calls: int
) -> Attempt:
    """Have `host` make so many calls at so many a second. BenchError."""
    statistics = directory / "caller.csv"
    statistics.unlink(missing_ok=True)
    most = round(calls / rate + _AFTERWARDS_SECONDS)
    command = [
        *("sipp", f"{server}:{SIP_PORT}", "-sf", str(_CALLER), "-t", "u1", "-nostdin"),
        *("-i", address, "-mi", address, "-p", str(SIP_PORT), "-mp", str(_CALLER_MEDIA)),
        *("-r", str(rate), "-m", str(calls), "-l", str(min(calls, _MOST_AT_ONCE))),
        *("-recv_timeout", str(round(_PATIENCE_SECONDS * 1e3)), "-timeout", f"{most}s"),
        *("-trace_stat", "-stf", str(statistics)),
    ]
    log_path = directory / "caller.log"
    with open(log_path, "w", encoding="utf-8") as log:
        process = _started(host, command, directory, log)
    try:
        process.wait(most + _AFTERWARDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return result(rate, calls, statistics, log_path)


def _started(
    host: Host, command: list[str], directory: Path, log: IO[str]
) -> subprocess.Popen[str]:
    try:
        return host.popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    except FileNotFoundError:
        raise BenchError("sipp is missing: apt-get install sip-tester") from None


def _wait_bound(process: subprocess.Popen[str], address: str, log: Path) -> None:
    """Return when it receives. BenchError when it does not come to that."""
    number = int.from_bytes(ipaddress.IPv4Address(address).packed, sys.byteorder)
    socket = f" {number:08X}:{SIP_PORT:04X} "
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        # In its own namespace.
        if socket in Path(f"/proc/{process.pid}/net/udp").read_text(encoding="ascii"):
            return
        time.sleep(0.01)
    raise BenchError(f"sipp does not start; {last_words(log)}")


def result(rate: int, calls: int, statistics: Path, log: Path) -> Attempt:
    """What sipp's last line of statistics says."""
    try:
        with open(statistics, encoding="ascii") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        # Date, time, and seconds since 1970; the elapsed time is given in whole seconds only.
        began, ended = (float(last[at].split("\t")[2]) for at in ("StartTime", "CurrentTime"))
        return Attempt(
            rate,
            calls,
            int(last["SuccessfulCall(C)"]),
            int(last["FailedCall(C)"]),
            int(last["Retransmissions(C)"]),
            ended - began,
        )
    except (OSError, LookupError, ValueError):
        raise BenchError(f"sipp made no calls; {last_words(log)}") from None
