"""The load: an FTP client of a few lines, the same for every gateway.

Runs as a process of its own in the client's namespace, by its path:
`python -I load.py KIND ADDRESS PARAMETERS`, the parameters as a JSON object. Prints one JSON
object. Exit status 1 and one line on standard error when FTP did not work.

Sockets block, and clients that work at the same time are processes: on a machine where the
client, the server and the gateway share the processors, that is the client that costs least.
Only the standard library: it starts in a moment.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

CONTROL_PORT = 21
SMALL_FILE, SMALL_BYTES = "small", 1024
LARGE_FILE, LARGE_BYTES = "large", 100_000_000

_PATIENCE_SECONDS = 5.0
# A client gives up after as many.
_MOST_FAILURES = 3
_BUFFER = 1 << 18
_LONGEST_REPLY = 1 << 16


class LoadError(Exception):
    """What is measured did not go as it should; says how."""


class FtpError(LoadError):
    """Of an FTP conversation."""


class Control:
    """A control connection, logged in."""

    def __init__(self, address: str, port: int = CONTROL_PORT) -> None:
        """FtpError or OSError when there is no way in."""
        self._received = b""
        self.socket = socket.create_connection((address, port), _PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.expect(b"220")
        self.ask(b"USER anonymous", b"331")
        self.ask(b"PASS bench@", b"230")
        self.ask(b"TYPE I", b"200")

    def ask(self, command: bytes, code: bytes) -> bytes:
        """Send `command`; its reply, which has to begin with `code`."""
        self.socket.sendall(command + b"\r\n")
        return self.expect(code, command)

    def expect(self, code: bytes, command: bytes = b"the connection") -> bytes:
        """The last line of the next reply, which has to begin with `code`."""
        last_begins = b""
        while True:
            line, found, rest = self._received.partition(b"\r\n")
            if found:
                self._received = rest
                last_begins = last_begins or line[:3] + b" "
                if line.startswith(last_begins):
                    break
                continue
            more = self.socket.recv(_BUFFER)
            if not more or len(self._received) > _LONGEST_REPLY:
                raise FtpError(f"{command.decode()}: the connection ended")
            self._received += more
        if not line.startswith(code):
            raise FtpError(f"{command.decode()}: {line.decode(errors='replace')}")
        return line

    def quit(self) -> None:
        """Say goodbye and wait until the server has gone."""
        self.ask(b"QUIT", b"221")
        if self.socket.recv(1):
            raise FtpError("QUIT: more after the goodbye")
        self.socket.close()

    def retrieve(self, path: str, *, active: bool) -> int:
        """Fetch a file and forget it: how many bytes it had."""
        command = b"RETR " + path.encode()
        if active:
            with self._listen() as listener:
                self.ask(command, b"150")
                data, _ = listener.accept()
            data.settimeout(_PATIENCE_SECONDS)
        else:
            reply = self.ask(b"PASV", b"227")
            data = socket.create_connection(passive_endpoint(reply), _PATIENCE_SECONDS)
            self.ask(command, b"150")
        with data:
            size = _drain(data)
        self.expect(b"226", command)
        return size

    def _listen(self) -> socket.socket:
        """A listener that the server knows of."""
        address = self.socket.getsockname()[0]
        listener = socket.create_server((address, 0), backlog=1)
        listener.settimeout(_PATIENCE_SECONDS)
        self.ask(b"PORT " + port_argument(address, listener.getsockname()[1]), b"200")
        return listener


def passive_endpoint(reply: bytes) -> tuple[str, int]:
    """Where a 227 reply (RFC 959 section 4.2) says that the server listens. FtpError."""
    try:
        numbers = [
            int(part) for part in reply[reply.index(b"(") + 1 : reply.index(b")")].split(b",")
        ]
        *host, high, low = numbers
        if len(host) != 4 or not all(0 <= number <= 255 for number in numbers):
            raise ValueError
    except ValueError:
        raise FtpError(f"PASV: {reply.decode(errors='replace')}") from None
    return ".".join(map(str, host)), high * 256 + low


def port_argument(address: str, port: int) -> bytes:
    """The argument of PORT (RFC 959 section 4.1.2)."""
    return ",".join([*address.split("."), str(port >> 8), str(port & 255)]).encode()


def _drain(data: socket.socket) -> int:
    size = 0
    buffer = bytearray(_BUFFER)
    while count := data.recv_into(buffer):
        size += count
    return size


def session(address: str, port: int = CONTROL_PORT, *, active: bool) -> None:
    """Connect, log in, fetch the small file, quit."""
    control = Control(address, port)
    size = control.retrieve(SMALL_FILE, active=active)
    if size != SMALL_BYTES:
        raise FtpError(f"{SMALL_FILE} came with {size} bytes instead of {SMALL_BYTES}")
    control.quit()


@dataclass(frozen=True, slots=True)
class _Done:
    """What one of the clients that work at the same time has done."""

    begin: float
    end: float
    durations: list[float]
    """Of what worked."""
    failures: list[str]


def _work(operation: Callable[[], object], seconds: float) -> _Done:
    """One after the other, until the time is up."""
    durations: list[float] = []
    failures: list[str] = []
    begin = now = time.monotonic()
    while now < begin + seconds:
        before = now
        try:
            operation()
        except (LoadError, OSError) as error:
            failures.append(str(error))
            now = time.monotonic()
            if len(failures) == _MOST_FAILURES:
                break
        else:
            now = time.monotonic()
            durations.append(now - before)
    return _Done(begin, now, durations, failures)


def together(operations: Sequence[Callable[[], object]], seconds: float) -> dict[str, Any]:
    """How many per second as many clients get done in `seconds`, each one operation again and
    again.

    What fails takes its time and counts as nothing; LoadError when most fail.
    """
    forked = multiprocessing.get_context("fork")
    all_there = forked.Barrier(len(operations))
    results = forked.SimpleQueue()

    def client(operation: Callable[[], object]) -> None:
        all_there.wait()
        results.put(_work(operation, seconds))

    for operation in operations:
        forked.Process(target=client, args=(operation,), daemon=True).start()
    done: list[_Done] = [results.get() for _ in operations]
    failures = [failure for one in done for failure in one.failures]
    durations = sorted(duration for one in done for duration in one.durations)
    if len(failures) > len(durations):
        raise LoadError(f"{len(failures)} failed, {len(durations)} worked: {failures[0]}")
    return {
        "count": len(durations),
        # That one client's hangs says nothing about the speed of the others.
        "per_second": sum(len(one.durations) / (one.end - one.begin) for one in done),
        "p50": percentile(durations, 50),
        "p99": percentile(durations, 99),
        "failures": failures,
    }


def sessions(address: str, *, at_once: int, seconds: float, active: bool) -> dict[str, Any]:
    """How many sessions per second `at_once` clients get done in `seconds`. LoadError."""
    return together([partial(session, address, active=active)] * at_once, seconds)


def noop(address: str, *, seconds: float) -> dict[str, Any]:
    """Round trips of NOOP on one control connection, one at a time."""
    control = Control(address)
    for _ in range(20):
        control.ask(b"NOOP", b"200")
    durations: list[float] = []
    begin = now = time.monotonic()
    while now < begin + seconds:
        before = now
        control.ask(b"NOOP", b"200")
        now = time.monotonic()
        durations.append(now - before)
    control.quit()
    durations.sort()
    return {
        "count": len(durations),
        "per_second": len(durations) / (now - begin),
        "p50": percentile(durations, 50),
        "p99": percentile(durations, 99),
    }


def download(address: str, *, times: int) -> dict[str, Any]:
    """The time from PASV to 226 for the large file; the median of so many times."""
    control = Control(address)
    rates = []
    for _ in range(times):
        begin = time.monotonic()
        size = control.retrieve(LARGE_FILE, active=False)
        rates.append(size / (time.monotonic() - begin))
        if size != LARGE_BYTES:
            raise FtpError(f"{LARGE_FILE} came with {size} bytes instead of {LARGE_BYTES}")
    control.quit()
    return {"count": LARGE_BYTES * times, "per_second": median(rates)}


def check(address: str, *, seconds: float, active: bool) -> dict[str, Any]:
    """Wait until sessions work, active ones only if `active`; `seconds` is the patience."""
    begin = time.monotonic()
    while True:
        try:
            session(address, active=False)
            if active:
                session(address, active=True)
        except (FtpError, OSError):
            if time.monotonic() > begin + seconds:
                raise
            time.sleep(0.1)
        else:
            return {"count": 1 + active}


def percentile(ordered: list[float], share: int) -> float:
    """The smallest member of `ordered` that `share` percent are not above; 0 if there is none."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0.0


KINDS: dict[str, Callable[..., dict[str, Any]]] = {
    "sessions": sessions,
    "noop": noop,
    "download": download,
    "check": check,
}


def main(kind: str, address: str, parameters: str) -> None:
    """Run one measurement and print it."""
    try:
        print(json.dumps(KINDS[kind](address, **json.loads(parameters))))
    except (LoadError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
