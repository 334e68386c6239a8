"""sipp, which plays one side of a scenario and checks what the other does."""

from __future__ import annotations

import itertools
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from ryu_alg.lab import Host
from ryu_alg.lab.process import end
from tests.e2e.sip import audio

_TRACED = 10
"""Of so many calls, messages are kept."""
SCENARIOS = Path(__file__).with_name("scenarios")
PORT = 5060
_ports = itertools.count(20100)
_UDP_TABLES = ("udp", "udp6")
_TCP_TABLES = ("tcp", "tcp6")
_TCP_LISTEN = "0A"


def fresh_port() -> int:
    """For a TCP client: the kernel keeps ended connections for a minute."""
    return next(_ports)


@dataclass
class Sipp:
    """A sipp process on a host. It ends by itself after `calls` calls."""

    host: Host
    directory: Path
    address: str
    """Its own."""
    scenario: str
    remote: str | None = None
    """`address:port` to send to. None: it waits to be called."""
    service: str = "service"
    transport: str = "u1"
    port: int = PORT
    """Its own."""
    calls: int = 1
    rate: int = 10
    keys: dict[str, str] = field(default_factory=dict)
    replace: dict[str, str] = field(default_factory=dict)
    """Text of the scenario that is replaced before."""
    answers: str | None = None
    """The scenario of calls that it gets while it is busy with its own."""
    options: tuple[str, ...] = ()
    timeout: int = 60
    """Seconds: it then gives up."""

    def start(self) -> Sipp:
        """Start it; of one that waits to be called, return when it listens."""
        self.directory.mkdir(parents=True)
        text = (SCENARIOS / f"{self.scenario}.xml").read_text()
        for old, new in self.replace.items():
            assert old in text, old
            text = text.replace(old, new)
        (self.directory / "scenario.xml").write_text(text)
        audio.write(self.directory / "audio.raw")
        argv = ["sipp", *([self.remote] if self.remote else []), "-sf", "scenario.xml"]
        argv += ["-i", self._own, "-p", str(self.port), "-s", self.service]
        # Not where it would be by itself: no pinhole leads to the ports of X11.
        argv += ["-mi", self._own, "-mp", "20000"]
        argv += ["-t", self.transport, "-m", str(self.calls), "-r", str(self.rate)]
        argv += ["-timeout", str(self.timeout), "-timeout_error", "-nostdin"]
        argv += ["-trace_err", "-error_file", "errors.log"]
        if self.answers:
            argv += ["-oocsf", str(SCENARIOS / f"{self.answers}.xml")]
        if self.calls <= _TRACED:
            argv += ["-trace_msg", "-message_file", "messages.log"]
        for key, value in self.keys.items():
            argv += ["-key", key, value]
        with (self.directory / "output.log").open("w") as output:
            self._process = self.host.popen(
                [*argv, *self.options],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if self.remote is None:
            self._wait_listening()
        return self

    @property
    def _own(self) -> str:
        return f"[{self.address}]" if ":" in self.address else self.address

    def _wait_listening(self) -> None:
        tables = _UDP_TABLES if self.transport.startswith("u") else _TCP_TABLES
        deadline = time.monotonic() + 10
        while not any(self._listens(table) for table in tables):
            assert self._process.poll() is None, self.complaint()
            assert time.monotonic() < deadline, "sipp does not listen"
            time.sleep(0.01)

    def _listens(self, table: str) -> bool:
        rows = Path(f"/proc/{self._process.pid}/net/{table}").read_text().splitlines()[1:]
        return any(
            row.split()[1].endswith(f":{self.port:04X}")
            and (table.startswith("udp") or row.split()[3] == _TCP_LISTEN)
            for row in rows
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> None:
        """Its end: every call has gone as the scenario has it, or AssertionError says what
        did not."""
        code = self._process.wait(self.timeout + 30)
        assert code == 0, f"{self.scenario} on {self.host.name}: exit {code}\n{self.complaint()}"

    def run(self) -> None:
        """Start it, and wait for its end."""
        self.start()
        self.wait()

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            end([self._process.pid])
            self._process.wait()

    def complaint(self) -> str:
        """What it says went wrong."""
        errors = self.directory / "errors.log"
        if errors.exists() and errors.stat().st_size:
            return errors.read_text(errors="replace")[-3000:]
        return (self.directory / "output.log").read_text(errors="replace")[-3000:]

    def wait_message(self, text: str) -> None:
        """Wait until there is a message with that text."""
        deadline = time.monotonic() + 20
        while text not in self.messages():
            assert self.running, self.complaint()
            assert time.monotonic() < deadline, f"no {text}"
            time.sleep(0.02)

    def messages(self) -> str:
        """The messages that it sent and received."""
        log = self.directory / "messages.log"
        return log.read_text(errors="replace") if log.exists() else ""
