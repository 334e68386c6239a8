"""Users of XMPP on hosts of a lab: each is a process with slixmpp in it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host
from tests.e2e.xmpp.prosody import DOMAIN, PASSWORD, PORT, Prosody

_PROGRAM = Path(__file__).with_name("user.py")


class User:
    """`name@example.net/lab`, on a host."""

    def __init__(
        self,
        host: Host,
        directory: Path,
        name: str,
        server: Prosody,
        address: str,
        *,
        port: int = PORT,
        starttls: bool = False,
    ) -> None:
        """It begins to log in."""
        self.jid = f"{name}@{DOMAIN}/lab"
        self._log = directory / f"{name}.log"
        options = ["--starttls"] if starttls else []
        arguments = [self.jid, PASSWORD, str(server.certificate), address, str(port), *options]
        with self._log.open("w") as log:
            self._process = host.popen(
                [sys.executable, str(_PROGRAM), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))

    def tell(self, what: str, **arguments: str) -> None:
        """Have it send something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self._process.stdin.flush()

    def wait(self, event: str, timeout: float = 40) -> dict[str, Any]:
        """The next event of that name; those before it are forgotten."""
        deadline = time.monotonic() + timeout
        others = []
        while True:
            try:
                said = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                log = self._log.read_text()[-3000:]
                raise AssertionError(f"{self.jid}: no {event}, but {others}\n{log}") from None
            if said["event"] == event:
                return said
            others.append(said)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
