"""What is counted as it happens is what a count of everything finds."""

from __future__ import annotations

from collections import Counter

from ryu_alg.engine import snapshot
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.views import BindingKind


def check_counts(engine: Engine, now: float) -> None:
    """Counters and pages, against everything that there is."""
    tables = engine.tables
    pinholes = list(snapshot.pinholes(engine, now))
    elsewhere = [entry for entry in engine.expectations.live.values() if entry.pinhole is None]
    states = Counter(view.state for view in pinholes)
    assert snapshot.pinhole_states(engine) == states + Counter(entry.state for entry in elsewhere)
    assert snapshot.pinholes_total(engine) == len(pinholes)
    assert {view.id for view in pinholes} == _pinholes(engine)

    bindings = list(snapshot.bindings(engine, now))
    assert snapshot.binding_kinds(engine) == Counter(view.kind for view in bindings)
    assert snapshot.bindings_total(engine) == len(bindings)
    leases = Counter({kind: number for kind, number in _leases(engine).items() if number})
    assert snapshot.binding_kinds(engine) == leases

    sessions = list(snapshot.sessions(engine, now))
    assert snapshot.sessions_total(engine) == len(sessions) == tables.quotas.total

    for views, page in (
        ([view.id for view in sessions], snapshot.sessions),
        ([view.id for view in pinholes], snapshot.pinholes),
    ):
        assert views == sorted(set(views))
        middle = views[len(views) // 2] if views else 0
        assert [view.id for view in page(engine, now, middle)] == [n for n in views if n > middle]
    numbers = [view.number for view in bindings]
    assert numbers == sorted(set(numbers))
    for number in numbers:
        rest = [view.number for view in snapshot.bindings(engine, now, number)]
        assert rest == [other for other in numbers if other > number]


def _pinholes(engine: Engine) -> set[int]:
    """By those that have them."""
    tables = engine.tables
    found = {number for number, entry in engine.expectations.live.items() if entry.pinhole}
    for bound in tables.bindings.live.values():
        found |= {admitted.id for admitted in bound.admitted}
    for port in tables.listeners.live.values():
        found |= set(port.pinholes if port.admits else ())
    return found


def _leases(engine: Engine) -> dict[BindingKind, int]:
    """By those that have them."""
    tables = engine.tables
    control = sum(session.lease is not None for session in engine.sessions.values())
    for host in engine.datagrams.sessions.values():
        control += sum(one.lease is not None for one in host.endpoints.live.values())
    data = sum(entry.lease is not None for entry in engine.expectations.live.values())
    data += sum(len(mark.leases) for mark in tables.marks.live.values())
    data += sum(len(bound.leases) for bound in tables.bindings.live.values())
    return {
        BindingKind.CONTROL: control,
        BindingKind.DATA: data,
        BindingKind.LISTENING: 2 * len(tables.listeners.live),
    }
