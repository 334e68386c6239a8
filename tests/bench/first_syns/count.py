"""Transfers in every way, one after the other, and what became of their SYNs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ryu_alg.lab import Lab
from tests.bench.first_syns import transfers
from tests.bench.first_syns.counters import counted
from tests.bench.first_syns.syns import NONE, SynCapture, SynCount, SynError, count_apart
from tests.bench.first_syns.transfers import Done, Way
from tests.e2e.gateway import PYFTPDLIB_PUBLIC_PORT
from tests.e2e.servers import PYFTPDLIB_PORT, VSFTPD_PORT
from tests.e2e.situations import NAT, PUBLISHED

HOSTS = ("client", "server", "inserver")
CONTROL_PORTS = (VSFTPD_PORT, PYFTPDLIB_PORT, PYFTPDLIB_PUBLIC_PORT)


@dataclass(frozen=True, slots=True)
class Row:
    """One way, and how it went."""

    way: Way
    done: Done
    data: SynCount
    control: SynCount


@dataclass(frozen=True, slots=True)
class Result:
    """Of all ways."""

    rows: Sequence[Row]
    counters: Counter[str]
    """What kernels and switch have counted meanwhile; only what is not 0."""

    @property
    def transfers(self) -> int:
        return sum(row.done.transfers for row in self.rows)

    @property
    def failures(self) -> list[str]:
        return [failure for row in self.rows for failure in row.done.failures]

    @property
    def data(self) -> SynCount:
        """Of all data connections."""
        return sum((row.data for row in self.rows), NONE)

    @property
    def control(self) -> SynCount:
        """Of all control connections."""
        return sum((row.control for row in self.rows), NONE)


def ways(at_once: Sequence[int]) -> Iterator[Way]:
    """Client inside and server published, passive and active, with RETR behind the reply and in
    one segment with the command before it, by so many clients at once."""
    for situation in (NAT, PUBLISHED):
        for active in (False, True):
            for pipelined in (False, True):
                for clients in at_once:
                    yield Way(situation, active, pipelined, clients)


def measure(
    lab: Lab,
    plan: Sequence[tuple[Way, int]],
    *,
    per_session: int,
    progress: Callable[[Way, int], None] = lambda *_: None,
    over: Callable[[Row], None] = lambda _: None,
) -> Result:
    """Make so many transfers in each way, through the gateway and from the servers that run.

    Calls `progress` after each transfer and `over` after each way. SynError when not every data
    connection was seen.
    """
    hosts = [lab.host(name) for name in HOSTS]
    before = counted(lab, hosts)
    rows = []
    with SynCapture(hosts) as capture:
        for way, number in plan:
            done = transfers.run(
                lab,
                way,
                number,
                per_session=per_session,
                progress=partial(progress, way),
            )
            row = Row(way, done, *count_apart(capture.take(), CONTROL_PORTS))
            if row.data.connections < done.transfers:
                raise SynError(
                    f"{done.transfers} transfers, but {row.data.connections} data connections seen"
                )
            rows.append(row)
            over(row)
    after = counted(lab, hosts)
    after.subtract(before)
    return Result(rows, +after)
