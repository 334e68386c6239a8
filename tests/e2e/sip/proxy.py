"""kamailio: the registrar and proxy of the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from ryu_alg.lab import Host
from tests.e2e import network

CONFIG = Path(__file__).with_name("kamailio.cfg")


class Proxy:
    """kamailio in the foreground, UDP and TCP on port 5060 of an address."""

    def __init__(self, host: Host, directory: Path, address: str) -> None:
        """Starts it."""
        self.address = address
        self._host = host
        self._log = directory / "kamailio.log"
        self._argv = ["kamailio", "-f", str(CONFIG), "-DD", "-E", "-m", "64", "-M", "8"]
        self._argv += ["-Y", str(directory), "-w", str(directory), "-A", f"ADDRESS={address}"]
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it, with no memory of before; return when it listens."""
        with self._log.open("a") as log:
            self._process = self._host.popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while True:
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            # It opens TCP last, when the processes for UDP are there.
            with contextlib.suppress(OSError):
                network.connect(self._host, self.address, 5060).close()
                return
            assert time.monotonic() < deadline, "kamailio does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, with all its processes."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        """End it."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)
