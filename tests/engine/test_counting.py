"""Counts of pinholes and public ports, and pages of what there is, after any history over TCP.

Over UDP, and of listening ports: `test_datagram_properties`, `test_listener_properties`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from ryu_alg.engine.config import PortRange
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    PinholeExpired,
    PinholeUsed,
    PipelineInstalled,
    SessionUnwanted,
    Timeout,
)
from ryu_alg.engine.rising import Rising
from ryu_alg.engine.segment import ACK, FIN
from tests.engine.conversation import CLIENT, INSIDE_SERVER, PLAIN, SERVER, Talk, config
from tests.engine.counting import check_counts

HOSTS = [(CLIENT, SERVER), (PLAIN, SERVER), (CLIENT, INSIDE_SERVER)]


@dataclass
class History:
    """Some conversations, and a switch that may say anything at any time."""

    random: Random
    engine: Engine = field(init=False)
    talks: list[Talk] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        ports = {"data": PortRange(32768, 32799), "control": PortRange(49152, 49183)}
        self.engine = Engine(config(**ports), random=self.random)

    def step(self) -> None:
        """One more event."""
        random, engine = self.random, self.engine
        self.now += random.choice((0.0, 0.1, 5.0, 40.0))
        talk = self._talk()
        match random.randrange(12):
            case 0:
                talk.client_sends(b"LISTEN %d\n" % random.choice((5000, 80, 6379)))
            case 1 | 2:
                talk.server_sends(random.choice((b"OK\n", b"OK\n", b"NO\n")))
            case 3:
                talk.server_sends(random.choice((b"SERVE 6000\n", b"RANGE 6000 6005\n")))
            case 4 | 5:
                for token in list(engine.tables.barriers.waiting):
                    talk.handle(BarrierDone(token))
            case 6 if engine.expectations.live:
                number = random.choice(list(engine.expectations.live))
                talk.handle(random.choice((PinholeUsed(number), PinholeExpired(number))))
            case 7 if engine.tables.marks.live:
                mark = random.choice(list(engine.tables.marks.live))
                talk.handle(DataCounted(mark, 3, 300, idle=True))
            case 8:
                talk.handle(Timeout())
            case 9:
                talk.client_sends(flags=FIN | ACK)
            case 10 if engine.sessions:
                talk.handle(SessionUnwanted(random.choice(list(engine.sessions))))
            case 11:
                talk.handle(PipelineInstalled())

    def _talk(self) -> Talk:
        if len(self.talks) < 4 or self.random.random() < 0.1:
            client, server = self.random.choice(HOSTS)
            port = 40000 + len(self.talks)
            talk = Talk(self.engine, client, server, client_port=port, now=self.now).open()
            self.talks.append(talk)
        talk = self.random.choice(self.talks[-6:])
        talk.now = self.now
        return talk


@pytest.mark.parametrize("seed", range(20))
def test_counts_are_what_a_count_of_everything_finds(seed: int) -> None:
    history = History(Random(seed))
    for _ in range(120):
        history.step()
        check_counts(history.engine, history.now)


def test_a_table_is_read_in_order_whatever_has_gone() -> None:
    random = Random(5)
    table: dict[int, str] = {}
    subject = Rising(table)
    for key in range(1, 1000):
        table[key] = str(key)
        subject.added(key)
        for _ in range(2):
            table.pop(random.randint(1, key), None)
        after = random.randrange(key)
        rest = [known for known in sorted(table) if known > after]
        assert [found for found, _ in subject.after(after)] == rest
        assert len(subject._keys) <= 2 * len(table) + 65
