"""A gateway that is up, and what can be sent through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host
from tests.bench import announcer, load, phone, tftp
from tests.bench.calls import Attempt, attempt, callee
from tests.bench.errors import BenchError
from tests.bench.swarm import Swarm

SERVER_ADDRESS = "203.0.113.2"

_ROOT = Path(__file__).parents[2]

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway that is up, and tried out."""

    name: str
    client: Host
    client_address: str
    server: Host
    directory: Path
    processes: Mapping[str, int] = field(default_factory=dict)
    """The gateway's own: pid by what it is."""
    status: Callable[[], Mapping[str, Any] | None] = lambda: None
    """What the controller says of itself; None when there is no controller."""
    active: bool = True
    """Whether it knows what FTP is, or need not know: active sessions work."""
    sip: bool = True
    """The same of SIP."""
    tftp: bool = True
    """The same of TFTP."""
    swarm: Swarm | None = None
    """Through it; None: it does not know what BitTorrent is."""

    def load(self, kind: str, *, patience: float = 60.0, **parameters: Any) -> dict[str, Any]:
        """Have the client run a measurement of `load`. BenchError when FTP does not work, or is
        not done after `patience` seconds more than it should take."""
        return self._client(["-I", load.__file__], kind, patience, parameters)

    def fetch(self, kind: str, *, patience: float = 60.0, **parameters: Any) -> dict[str, Any]:
        """The same of `tftp`."""
        return self._client(["-E", "-m", tftp.__name__], kind, patience, parameters)

    def announce(self, kind: str, *, patience: float = 60.0, **parameters: Any) -> dict[str, Any]:
        """The same of `announcer`, with BitTorrent."""
        assert self.swarm is not None
        parameters["info_hash"] = self.swarm.torrent.info_hash
        return self._client(["-E", "-m", announcer.__name__], kind, patience, parameters)

    def dial(self, kind: str, *, patience: float = 60.0, **parameters: Any) -> dict[str, Any]:
        """The same of `phone`, with SIP."""
        with callee(self.server, SERVER_ADDRESS, self.directory, "-set", "at_once", "true"):
            return self._client(["-I", phone.__file__], kind, patience, parameters)

    def attempt(self, rate: int, seconds: float) -> Attempt:
        """Have the client make so many calls a second for so long. BenchError."""
        number = max(1, round(rate * seconds))
        with callee(self.server, SERVER_ADDRESS, self.directory):
            return attempt(
                self.client, self.client_address, SERVER_ADDRESS, self.directory, rate, number
            )

    def _client(
        self, program: Sequence[str], kind: str, patience: float, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        command = [sys.executable, *program, kind, SERVER_ADDRESS, json.dumps(parameters)]
        timeout = patience + parameters.get("seconds", 0.0)
        try:
            done = self.client.run(command, timeout=timeout, cwd=_ROOT)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{self.name}: {kind}: no end after {error.timeout:.0f} s") from None
        if done.returncode:
            complaint = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise BenchError(f"{self.name}: {kind} {json.dumps(parameters)}: {complaint}")
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def cpu(self) -> dict[str, float]:
        """Processor time that each process of the gateway has used so far, in seconds."""
        return {name: cpu_seconds(pid) for name, pid in self.processes.items()}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, in seconds, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
