"""The gateway's controller: `ryu-alg run` in the lab, and what its REST endpoint says."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ryu_alg import resources
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.lab import Host
from ryu_alg.rest.client import Gateway, GatewayError, Item

_URL = "http://127.0.0.1:8080"
_POLL_SECONDS = 0.1
_START_SECONDS = 30.0
_COUNTERS_SECONDS = 10.0
_LOG_LINES = 15


class Controller:
    """The controller process and a thread that reads its events, while the context lasts.

    `event_seen` is called in that thread, with Unix time and event.
    """

    def __init__(self, host: Host, folder: Path, event_seen: Callable[[float, Item], None]) -> None:
        self._host = host
        self._log = folder / "gateway.log"
        self._event_seen = event_seen
        self._last_event = 0
        self._rest = Gateway(_URL, None)
        self._status: Item = {}
        self._stop = threading.Event()
        self._looked = threading.Condition()
        self._looks = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        config = resources.resource("config", "lab.yaml")
        with self._log.open("w") as log:
            self._process = self._host.popen(
                ["ryu-alg", "run", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()

    def wait_ready(self) -> None:
        """Return once the pipeline is in the switch; LabError with the log's end if it is not."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._status.get("connected"):
            self.require_running()
            if time.monotonic() > deadline:
                raise LabError(f"the gateway has no switch after {_START_SECONDS:.0f} s:{self.log}")
            time.sleep(_POLL_SECONDS / 2)

    def require_running(self) -> None:
        """LabError with the log's end if it has ended."""
        status = self._process.poll()
        if status is not None:
            raise LabError(f"the gateway has ended with status {status}:{self.log}")

    def caught_up(self) -> None:
        """Return once every event up to now was seen."""
        with self._looked:
            # The look that is under way may have begun too early.
            wanted = self._looks + 2
            self._looked.wait_for(lambda: self._looks >= wanted, timeout=_START_SECONDS)

    def status(self, enough_bytes: int) -> Item:
        """The gateway as a whole, once the switch has reported that much data.

        Open vSwitch brings the counters of its flows up to date about once a second. Without
        enough after some seconds: as it is.
        """
        deadline = time.monotonic() + _COUNTERS_SECONDS
        while True:
            self.caught_up()
            before = self._status["data_bytes"]
            # Longer than what goes by between two of the gateway's questions to the switch.
            time.sleep(1.2)
            self.caught_up()
            settled = self._status["data_bytes"] == before >= enough_bytes
            if settled or time.monotonic() > deadline:
                return self._status

    @property
    def log(self) -> str:
        """The last lines of its log, each on a line of its own."""
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "".join(f"\n  {line}" for line in lines)

    def _watch(self) -> None:
        self._host.namespace.enter()
        while not self._stop.is_set():
            try:
                for event in self._rest.items("events", self._last_event):
                    self._last_event = event["id"]
                    self._event_seen(datetime.fromisoformat(event["time"]).timestamp(), event)
                self._status = self._rest.status()
            except GatewayError:
                pass  # not yet, or no more
            with self._looked:
                self._looks += 1
                self._looked.notify_all()
            self._stop.wait(_POLL_SECONDS)
