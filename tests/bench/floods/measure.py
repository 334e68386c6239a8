"""One flood after the other, each between times without."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ryu_alg.lab import Lab
from tests.bench.floods.site import Attack, Flood, Sent, Users
from tests.bench.floods.users import Outcome
from tests.bench.peer import cpu_seconds
from tests.e2e.gateway import RunningGateway

RATES = {"ftp": 5.0, "sip": 10.0}
"""Transactions of the users a second. A session that has ended counts for half a minute; more of
FTP would not fit into the default quota of a host."""
_LEAD_SECONDS = 1.0
"""A flood begins before the users, and ends after them."""
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)
_SAMPLE_SECONDS = 0.05
_ECHO_LOST = re.compile(r"no response to inactivity probe")
_METER = re.compile(r"meter:(\d+) .*?\n\s*0: packet_count:(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """What gateway and switch have counted so far."""

    punts: int
    events: Mapping[str, int]
    meters: Mapping[str, int]
    """Packets that each meter has dropped."""
    echo_lost: int
    """How often the switch had no answer to its echo requests."""
    cpu: float
    """Processor time of the controller, in seconds."""

    def since(self, before: Said) -> Said:
        """What has come since then; without what is 0."""
        return Said(
            self.punts - before.punts,
            dict(Counter(self.events) - Counter(before.events)),
            dict(Counter(self.meters) - Counter(before.meters)),
            self.echo_lost - before.echo_lost,
            self.cpu - before.cpu,
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """The controller's resident memory, in bytes."""

    before: int
    most: int
    after: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One flood, once."""

    without: Mapping[str, Outcome]
    during: Mapping[str, Outcome]
    """By kind of user."""
    sent: Sent
    said: Said
    memory: Memory


def said(lab: Lab, gateway: RunningGateway) -> Said:
    """For now."""
    status = gateway.status()
    log = lab.switch.directory / "ovs-vswitchd.log"
    meters = _METER.findall(lab.ovs_ofctl("meter-stats", "br-alg"))
    return Said(
        sum(status["punts"].values()),
        status["events"],
        {number: int(dropped) for number, dropped in meters},
        len(_ECHO_LOST.findall(log.read_text(encoding="utf-8", errors="replace"))),
        cpu_seconds(gateway.pid),
    )


def resident(pid: int) -> int:
    """Memory of a process, in bytes."""
    found = _RESIDENT.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


def turn(lab: Lab, gateway: RunningGateway, flood: Flood, seconds: float) -> Turn:
    """The users without the flood, and then with it, for so long each. BenchError."""
    without = Users(lab, seconds, RATES).outcomes()
    before = said(lab, gateway)
    with (
        _most(gateway.pid) as most,
        Attack(lab, flood, seconds + 2 * _LEAD_SECONDS) as attack,
    ):
        time.sleep(_LEAD_SECONDS)
        during = Users(lab, seconds, RATES).outcomes()
        sent = attack.over()
    after = said(lab, gateway)
    memory = Memory(most[0], max(most), resident(gateway.pid))
    return Turn(without, during, sent, after.since(before), memory)


@contextmanager
def _most(pid: int) -> Iterator[list[int]]:
    """The memory of a process, looked at again and again."""
    samples = [resident(pid)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            samples.append(resident(pid))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()
