"""A program on a lab's host that is told what to do, and says what happens: JSON, line by line."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host, process


class Program:
    """Its standard input takes orders, its standard output gives objects with an `event`."""

    def __init__(self, host: Host, argv: Sequence[str], log: Path) -> None:
        """Starts it; what it complains about goes to `log`."""
        self.host = host
        self.name = log.stem
        self._log = log
        with log.open("w") as errors:
            self._process = host.popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self._said: list[dict[str, Any]] = []
        self._ended = False
        self._change = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._change:
                    self._said.append(json.loads(line))
                    self._change.notify_all()
        with self._change:
            self._ended = True
            self._change.notify_all()

    def tell(self, what: str, **arguments: Any) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self._process.stdin.flush()

    def wait(self, event: str, timeout: float = 40, **fields: Any) -> dict[str, Any]:
        """The first event of that name, with these fields, that was not waited for before.

        AssertionError, with all that it has said, after `timeout` s, or when the program ends.
        """
        wanted = {"event": event, **fields}
        deadline = time.monotonic() + timeout
        with self._change:
            while True:
                for said in self._said:
                    if wanted.items() <= said.items():
                        self._said.remove(said)
                        return said
                left = deadline - time.monotonic()
                if self._ended or left <= 0 or not self._change.wait(left):
                    log = self._log.read_text()[-3000:]
                    raise AssertionError(f"{self.name}: no {wanted}, but {self._said}\n{log}")

    def said(self, event: str) -> list[dict[str, Any]]:
        """The events of that name that nobody has waited for."""
        with self._change:
            return [said for said in self._said if said["event"] == event]

    def say_goodbye(self) -> None:
        """Close its standard input, which has it say goodbye and end."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def leave(self, timeout: float = 40) -> None:
        """End its input, and wait for its end. AssertionError after `timeout` s."""
        self.say_goodbye()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end: {self._said}") from None
        self._reader.join()

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            process.end([self._process.pid])
            self._process.wait()
        self._reader.join()
        self.say_goodbye()
