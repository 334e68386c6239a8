"""Packets of one interface while they pass, by way of tcpdump."""

from __future__ import annotations

import struct
import subprocess
import threading
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

from ryu_alg import packets
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.lab import Host
from ryu_alg.packets import Packet

_FILE_HEADER_BYTES = 24
_RECORD = struct.Struct("=IIII")
"""Seconds, microseconds, captured length, length; tcpdump writes in this machine's order."""
_PATIENCE_SECONDS = 5.0

Seen = Callable[[float, Packet], None]
"""Called with Unix time and packet, in a thread of the capture's own."""


class Capture:
    """tcpdump on `interface` of `host`, for as long as the context lasts.

    On leaving it, all that had passed by then has been handed to `seen`.
    """

    def __init__(self, host: Host, interface: str, expression: str, seen: Seen) -> None:
        self._host = host
        self._interface = interface
        self._expression = expression
        self._seen = seen
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        # -Z: it would become another user, who may not be known in a container.
        options = ["-i", self._interface, "-n", "-U", "--immediate-mode", "-Z", "root", "-w", "-"]
        self._process = subprocess.Popen(
            self._host.argv(["tcpdump", *options, *self._expression.split()]),
            env=self._host.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        complaints = self._process.stderr
        assert complaints is not None
        said = complaints.readline().decode(errors="replace").strip()
        if "listening on" not in said:
            self._process.kill()
            self._process.wait()
            raise LabError(f"tcpdump on {self._host.name}: {said or 'no output'}")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._thread.join(_PATIENCE_SECONDS)
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        stream.read(_FILE_HEADER_BYTES)
        while record := _record(stream):
            time, frame = record
            packet = packets.decode(frame)
            if isinstance(packet, Packet):
                self._seen(time, packet)


def _record(stream: IO[bytes]) -> tuple[float, bytes] | None:
    """The next packet of a capture file (pcap-savefile(5)); None at its end."""
    header = stream.read(_RECORD.size)
    if len(header) < _RECORD.size:
        return None
    seconds, microseconds, captured, _ = _RECORD.unpack(header)
    frame = stream.read(captured)
    return (seconds + microseconds / 1e6, frame) if len(frame) == captured else None
