"""`ryu-alg run` on a lab's gateway, and its REST endpoint."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from click.testing import CliRunner

from ryu_alg.doctor.command import doctor
from ryu_alg.lab import GATEWAY, Lab
from tests.e2e import network
from tests.e2e.waiting import wait_for

_Answer = TypeVar("_Answer")

CONFIG = Path(__file__).parents[2] / "config" / "lab.yaml"
PUBLIC = "203.0.113.1"
# Outside the partitions of the public ports.
PYFTPDLIB_PUBLIC_PORT = 121
SCRIPTED_PUBLIC_PORT = 122
SCRIPTED_PORT = 2122
"""Where servers of the tests' own listen."""


def configuration(**sections: Any) -> dict[str, Any]:
    """config/lab.yaml, with more FTP servers, and with whole sections replaced."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    for public, inside in (
        (f"{PUBLIC}:{PYFTPDLIB_PUBLIC_PORT}", "192.168.20.2:2121"),
        (f"{PUBLIC}:{SCRIPTED_PUBLIC_PORT}", f"192.168.20.2:{SCRIPTED_PORT}"),
        ("198.51.100.2:2121", "198.51.100.2:2121"),
        ("[2001:db8:30::2]:2121", "[2001:db8:30::2]:2121"),
        (f"[2001:db8:30::2]:{SCRIPTED_PORT}", f"[2001:db8:30::2]:{SCRIPTED_PORT}"),
    ):
        config["published"].append({"public": public, "inside": inside, "protocol": "ftp"})
    return {**config, "protocols": ftp(), **sections}


def ftp(**options: Any) -> dict[str, Any]:
    """The section `protocols`, with these options of FTP."""
    return {"ftp": {"ports": [21, 2121, SCRIPTED_PORT], "options": options}}


class RunningGateway:
    """The controller's process in its namespace."""

    running: ClassVar[list[RunningGateway]] = []
    """Those that were started, and not stopped."""

    def __init__(
        self,
        lab: Lab,
        directory: Path,
        config: dict[str, Any],
        openflow_port: int = 6653,
        applications: Sequence[str] = (),
    ) -> None:
        """`start` starts it, with these other applications of Ryu beside it."""
        self.lab = lab
        self.host = lab.host(GATEWAY)
        # With TLS, the configuration says where it listens.
        self._options = [f"--ofp-tcp-listen-port={openflow_port}"]
        if "openflow" in config:
            self._options = []
        self._options += applications
        self._rest_port = config.get("rest", {}).get("port", 8080)
        self.config_file = directory / "gateway.yaml"
        self.log = directory / "gateway.log"
        self.write(config)
        self._process: subprocess.Popen[str] | None = None
        self._last_event = 0

    def write(self, config: dict[str, Any]) -> None:
        """Change the configuration file."""
        self.config_file.write_text(yaml.safe_dump(config))

    @property
    def pid(self) -> int:
        """Of its process, which has been started."""
        assert self._process is not None
        return self._process.pid

    # -- its life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, and return when the switch has its pipeline."""
        self._last_event = 0
        command = [str(Path(sys.executable).with_name("ryu-alg")), "run", str(self.config_file)]
        with self.log.open("a") as log:
            self._process = self.host.popen(
                [*command, *self._options],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        if self not in self.running:
            self.running.append(self)
        self.wait_for(self._connected, "the switch and its pipeline")

    def _connected(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it has ended:\n{self.log.read_text()[-2000:]}"
        try:
            return bool(self.status()["connected"])
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL: no goodbye to the switch."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def hang_up(self) -> None:
        """SIGHUP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it; its log must show no exception."""
        if self in self.running:
            self.running.remove(self)
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        log = self.log.read_text()
        assert "Traceback" not in log, log[log.index("Traceback") :][:3000]

    def doctor(self, *options: str) -> tuple[int, dict[str, Any]]:
        """The exit status of `ryu-alg doctor`, and what it says."""
        arguments = [str(self.config_file), *options, "--json"]
        # In this process, for the time that it takes to start another.
        with network.on(self.host):
            environment = self.lab.switch.environment
            result = CliRunner().invoke(doctor, arguments, env=environment)
        assert result.stdout, result.exception
        return result.exit_code, json.loads(result.stdout)

    def audit(self) -> None:
        """If it runs and has its switch: every flow that lets something through is in order."""
        if self._process is None or self._process.poll() is not None or not self._connected():
            return
        _, said = self.doctor("--audit")
        assert said["audit"] is not None, said
        findings = said["audit"]["findings"]
        assert findings == [], findings

    def apply(self, config: dict[str, Any]) -> None:
        """Change the configuration of the running gateway, for new sessions."""
        self.write(config)
        status, body = self.request("POST", "config")
        assert status == 200, body

    def last_words(self) -> str:
        """The end of its log, and what it has counted if it still answers."""
        log = self.log.read_text().splitlines() if self.log.exists() else ["it has no log"]
        told = [line for line in log if not re.search(r'"GET |\) accepted ', line)]
        said = "\n".join(told[-30:])
        try:
            return f"{said}\n{json.dumps(self.status())}"
        except (OSError, AssertionError) as error:
            return f"{said}\nit does not answer: {error}"

    # -- what it shows --------------------------------------------------------------------------

    def request(
        self, method: str, path: str, root: str = "/v1.0/alg", body: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON of an answer; OSError if there is none."""
        with network.on(self.host):
            connection = http.client.HTTPConnection("127.0.0.1", self._rest_port, timeout=15)
            connection.connect()
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"{root}/{path}", sent)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def get(self, path: str) -> dict[str, Any]:
        status, body = self.request("GET", path)
        assert status == 200, body
        return body

    def status(self) -> dict[str, Any]:
        return self.get("status")

    def sessions(self) -> list[dict[str, Any]]:
        return list(self.get("sessions")["sessions"])

    def pinholes(self) -> list[dict[str, Any]]:
        return list(self.get("pinholes")["pinholes"])

    def events(self, after: int = 0, code: str | None = None) -> list[dict[str, Any]]:
        """Events with a higher id than `after`, oldest first."""
        query = f"events?after={after}" + (f"&code={code}" if code else "")
        return list(self.get(query)["events"])

    def last_event(self) -> int:
        """The id of the latest event."""
        while events := self.events(self._last_event):  # in pages
            self._last_event = events[-1]["id"]
        return self._last_event

    def wait_for(
        self, condition: Callable[[], _Answer | None], what: str, timeout: float = 20
    ) -> _Answer:
        """Return what `condition` says once that is true; AssertionError after `timeout` s."""
        return wait_for(condition, what, timeout)

    def wait_event(self, code: str, after: int = 0, timeout: float = 20) -> dict[str, Any]:
        """The first event of that code with a higher id than `after`."""
        return self.wait_for(lambda: self.events(after, code), code, timeout)[0]
