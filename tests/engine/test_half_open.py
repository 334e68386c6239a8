"""Floods of SYNs: what waits for its handshake is bounded, and keeps nobody out."""

from __future__ import annotations

from ryu_alg.engine.commands import Command, Publish
from ryu_alg.engine.config import PortRange, Quotas, Timers
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import Timeout
from ryu_alg.engine.half_open import TELL_AGAIN
from ryu_alg.engine.segment import ACK, RST, SYN
from tests.engine.conversation import PUBLIC, SERVER, Talk, config, talk


def engine(half_open: int = 3, **changes: object) -> Engine:
    quotas = Quotas(sessions=20, sessions_per_host=10, half_open=half_open)
    return Engine(config(**{"quotas": quotas, **changes}))


def codes(commands: list[Command]) -> list[str]:
    return [command.code for command in commands if isinstance(command, Publish)]


def knock(subject: Engine, number: int, now: float = 0.0) -> Talk:
    """A SYN to the published server from somebody outside."""
    talk = Talk(subject, client=f"198.51.100.{number}", server=str(PUBLIC), now=now)
    talk.client_sends(flags=SYN)
    return talk


def test_the_oldest_makes_way() -> None:
    subject = engine()
    knocks = [knock(subject, number) for number in range(1, 6)]
    assert list(subject.sessions) == [3, 4, 5]
    assert subject.counters["session.half_open_ended"] == 2
    assert codes(knocks[3].commands) == ["session.ended", "session.half_open", "session.opened"]
    assert codes(knocks[4].commands) == ["session.ended", "session.opened"]
    late = knock(subject, 6, now=TELL_AGAIN)
    assert "session.half_open" in codes(late.commands)


def test_its_server_forgets_what_makes_way() -> None:
    """Or else it would take the next SYN from that public port for one of this connection."""
    subject = engine(half_open=1, control=PortRange(49152, 49153))
    flood = [Talk(subject, client=f"192.168.10.{number}") for number in (77, 78)]
    for one in flood:
        one.client_sends(flags=SYN)
    (syn,), (reset, _) = (one.emitted() for one in flood)
    assert (reset.flags, reset.seq, reset.dst) == (RST, syn.seq + 1, syn.dst)
    assert (reset.sport, reset.dport) == (syn.sport, syn.dport)
    client = Talk(subject)
    client.client_sends(flags=SYN)
    assert [segment.sport for segment in client.emitted() if segment.flags == SYN] == [syn.sport]


def test_what_makes_way_after_its_server_has_answered() -> None:
    subject = engine()
    waiting = knock(subject, 1)
    (syn,) = waiting.emitted()
    waiting.server_sends(flags=SYN | ACK)
    later = [knock(subject, number) for number in range(2, 5)][-1]
    reset, _ = later.emitted()
    assert (reset.flags, reset.seq, reset.ack) == (RST, syn.seq + 1, 0)
    assert reset.dst == syn.dst


def test_who_completes_the_handshake_stays() -> None:
    subject = engine()
    earnest = talk(subject, client="198.51.100.200", server=str(PUBLIC))
    for number in range(1, 10):
        knock(subject, number)
    assert 1 in subject.sessions and len(subject.sessions) == 4
    assert len(subject.tables.half_open) == 3
    earnest.client_sends(b"HELLO\n")
    assert earnest.reached_server() == b"HELLO\n"


def test_a_flood_from_outside_leaves_clients_inside_alone() -> None:
    subject = engine()
    inside = Talk(subject)
    inside.client_sends(flags=SYN)
    for number in range(1, 10):
        knock(subject, number)
    assert 1 in subject.sessions


def test_the_host_pays_for_those_from_outside_when_they_are_complete() -> None:
    subject = engine(quotas=Quotas(sessions=20, sessions_per_host=2, half_open=5))
    waiting = [knock(subject, number) for number in range(1, 6)]
    assert not subject.tables.quotas.per_host
    for one in waiting[:2]:
        one.server_sends(flags=SYN | ACK)
        one.client_sends(flags=ACK)
    assert list(subject.tables.quotas.per_host.values()) == [2]
    waiting[2].server_sends(flags=SYN | ACK)
    commands = waiting[2].client_sends(flags=ACK)
    assert "session.quota_host" in codes(commands)
    assert RST in {segment.flags & RST for segment in waiting[2].emitted()}
    waiting[0].client_sends(flags=RST | ACK)
    assert list(subject.tables.quotas.per_host.values()) == [1]


def test_a_refused_connection_is_forgotten_at_once_and_its_port_does_not_rest() -> None:
    subject = engine(control=PortRange(49152, 49152))
    for number in range(3):
        refused = Talk(subject, client_port=40000 + number)
        refused.client_sends(flags=SYN)
        assert "session.opened" in codes(refused.commands)
        refused.server_sends(flags=RST | ACK)
        assert [segment.flags for segment in refused.emitted()][-1:] == [RST | ACK]
        assert not subject.sessions and not len(subject.tables.half_open)
    talk(subject, client_port=50000).client_sends(b"HELLO\n")


def test_the_ports_of_a_flood_from_inside_do_not_run_out() -> None:
    subject = engine(half_open=2, control=PortRange(49152, 49155))
    for number in range(9):
        Talk(subject, client=f"192.168.10.{number + 10}", server=SERVER).client_sends(flags=SYN)
    assert len(subject.sessions) == 2
    assert "session.opened" in codes(
        Talk(subject, client="192.168.10.3", server=SERVER).client_sends(flags=SYN)
    )


def test_what_never_completes_leaves_nothing() -> None:
    subject = engine(timers=Timers(session_setup=10.0))
    last = [knock(subject, number) for number in range(1, 6)][-1]
    last.now = 10.5
    last.handle(Timeout())
    assert not subject.sessions and not len(subject.tables.half_open)
    assert subject.tables.quotas.total == 0 and subject.next_timeout() is None
