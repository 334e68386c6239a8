"""The engine as others may see it: views made on request, of plain data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ryu_alg.engine.engine import Engine
from ryu_alg.engine.public_ports import Lease
from ryu_alg.engine.session import Session
from ryu_alg.engine.views import (
    BindingKind,
    BindingView,
    PinholeState,
    PinholeView,
    SessionView,
)
from ryu_alg.inspection import Direction, Transport


def sessions(engine: Engine, now: float) -> Iterator[SessionView]:
    """Every session, oldest first."""
    for session in engine.sessions.values():
        conversation = session.conversation
        yield SessionView(
            id=session.id,
            protocol=session.binding.name,
            client=conversation.client,
            client_seen=conversation.client_seen,
            server=conversation.server,
            server_seen=conversation.server_seen,
            state=session.state,
            age=now - session.since,
            idle=now - session.last_activity,
            to_server_bytes=session.forwarded_bytes[Direction.TO_SERVER],
            to_client_bytes=session.forwarded_bytes[Direction.TO_CLIENT],
            to_server_shift=session.editor.shift(Direction.TO_SERVER),
            to_client_shift=session.editor.shift(Direction.TO_CLIENT),
            pinholes=tuple(sorted(session.announced)),
            data_packets=session.data.packets,
            data_bytes=session.data.bytes,
            user=_user(session),
        )


def pinholes(engine: Engine, now: float) -> Iterator[PinholeView]:
    """Every expectation that is not over, oldest first."""
    for number, entry in engine.expectations.live.items():
        pinhole = entry.pinhole
        if pinhole is None:
            continue
        yield PinholeView(
            id=number,
            session=entry.session,
            protocol=entry.protocol,
            transport=pinhole.transport,
            peers=pinhole.peers,
            realm=pinhole.connecting_realm,
            seen=pinhole.seen,
            listener=entry.expectation.listener,
            state=entry.state,
            age=now - entry.since,
            expires_in=None if entry.expires is None else max(0.0, entry.expires - now),
        )


def bindings(engine: Engine, now: float) -> Iterator[BindingView]:
    """Every public port in use, sessions' control connections first."""
    for session in engine.sessions.values():
        if session.lease is not None:
            yield _binding(session.lease, BindingKind.CONTROL, session.id, now)
    for entry in engine.expectations.live.values():
        if entry.lease is not None:
            yield _binding(entry.lease, BindingKind.DATA, entry.session, now)
    for data in engine.marks.values():
        for lease in data.leases:
            yield _binding(lease, BindingKind.DATA, data.session, now)


def pinhole_states(engine: Engine) -> Counter[PinholeState]:
    """How many expectations are how far."""
    return Counter(entry.state for entry in engine.expectations.live.values())


def _binding(lease: Lease, kind: BindingKind, session: int, now: float) -> BindingView:
    return BindingView(Transport.TCP, lease.inside, lease.public, kind, session, now - lease.since)


def _user(session: Session) -> str | None:
    user = getattr(session.inspector, "user", None)
    return user if isinstance(user, str) else None
