"""The engine as others may see it: views made on request, of plain data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network

from ryu_alg.engine.data_binding import Admitted, DataBinding
from ryu_alg.engine.datagram_session import DatagramSession
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.holder import Holder
from ryu_alg.engine.listening_port import ListeningPort
from ryu_alg.engine.public_ports import Lease
from ryu_alg.engine.session import Session
from ryu_alg.engine.views import (
    BindingKind,
    BindingView,
    PinholeState,
    PinholeView,
    SessionState,
    SessionView,
)
from ryu_alg.inspection import Direction, Endpoint, Realm, Transport


def sessions(engine: Engine, now: float) -> Iterator[SessionView]:
    """Every session: those over TCP first, oldest first."""
    for session in engine.sessions.values():
        yield _stream(session, now)
    for host in engine.datagrams.sessions.values():
        yield _datagrams(host, now)


def pinholes(engine: Engine, now: float) -> Iterator[PinholeView]:
    """Every expectation that is not over, and all that bindings admit; each oldest first."""
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
    for bound in engine.tables.bindings.live.values():
        for admitted in bound.admitted:
            yield _exchange(bound, admitted, now)
    for port in engine.tables.listeners.live.values():
        if port.admits:
            for number, transport in zip(port.pinholes, Transport, strict=True):
                yield _anybody(number, transport, port, now)


def bindings(engine: Engine, now: float) -> Iterator[BindingView]:
    """Every public port in use, sessions' control endpoints first; and every listening port."""
    for session in engine.sessions.values():
        if session.lease is not None:
            yield from _bindings(session.lease, BindingKind.CONTROL, session.id, now)
    for host in engine.datagrams.sessions.values():
        for control in host.endpoints.live.values():
            if control.lease is not None:
                yield from _bindings(control.lease, BindingKind.CONTROL, host.id, now)
    for entry in engine.expectations.live.values():
        if entry.lease is not None:
            yield from _bindings(entry.lease, BindingKind.DATA, entry.session, now)
    for data in engine.tables.marks.live.values():
        for lease in data.leases:
            yield from _bindings(lease, BindingKind.DATA, data.session, now)
    for bound in engine.tables.bindings.live.values():
        for lease in bound.leases:
            yield from _bindings(lease, BindingKind.DATA, bound.session, now)
    for port in engine.tables.listeners.live.values():
        for transport in Transport:
            yield _listening(port, transport, now)


def pinhole_states(engine: Engine) -> Counter[PinholeState]:
    """How many expectations and exchanges are how far."""
    states = Counter(entry.state for entry in engine.expectations.live.values())
    for bound in engine.tables.bindings.live.values():
        states.update(admitted.state for admitted in bound.admitted)
    for port in engine.tables.listeners.live.values():
        if port.admits:
            states[_listening_state(port)] += len(port.pinholes)
    return states


def _stream(session: Session, now: float) -> SessionView:
    conversation = session.conversation
    return SessionView(
        id=session.id,
        protocol=session.binding.name,
        client=conversation.client,
        client_seen=conversation.client_seen,
        server=conversation.server,
        server_seen=conversation.server_seen,
        state=session.state,
        age=now - session.since,
        idle=now - session.last_activity,
        to_server_bytes=session.editor.to_server.decided_bytes,
        to_client_bytes=session.editor.to_client.decided_bytes,
        to_server_shift=session.editor.shift(Direction.TO_SERVER),
        to_client_shift=session.editor.shift(Direction.TO_CLIENT),
        pinholes=(*session.announced.ids, *_admitted(session)),
        data_packets=session.tally.packets,
        data_bytes=session.tally.bytes,
        transport=Transport.TCP,
        user=_user(session.inspector),
    )


def _datagrams(session: DatagramSession, now: float) -> SessionView:
    control = next(reversed(session.endpoints.live.values()), None)
    nowhere = Endpoint(session.host, 0)
    client = nowhere if control is None else control.inside
    server = nowhere if session.remote is None else session.remote
    return SessionView(
        id=session.id,
        protocol=session.binding.name,
        client=client,
        client_seen=client if control is None else control.public,
        server=server,
        server_seen=server,
        state=SessionState.INSPECTED,
        age=now - session.since,
        idle=now - session.last_activity,
        to_server_bytes=session.outward_bytes,
        to_client_bytes=session.inward_bytes,
        to_server_shift=0,
        to_client_shift=0,
        pinholes=tuple(_admitted(session)),
        data_packets=session.tally.packets,
        data_bytes=session.tally.bytes,
        transport=Transport.UDP,
        user=_user(session.inspector),
    )


def _admitted(session: Holder) -> Iterator[int]:
    for bound in session.held.values():
        for admitted in bound.admitted:
            yield admitted.id


def _exchange(bound: DataBinding, admitted: Admitted, now: float) -> PinholeView:
    peer = admitted.peer
    outside = admitted.connecting is Realm.OUTSIDE
    return PinholeView(
        id=admitted.id,
        session=bound.session,
        protocol=bound.protocol,
        transport=bound.binding.transport,
        peers=(ip_network(peer.address),),
        realm=admitted.connecting,
        seen=admitted.seen,
        listener=admitted.listener,
        state=admitted.state,
        age=now - admitted.since,
        expires_in=None if admitted.expires is None else max(0.0, admitted.expires - now),
        remote=peer if outside else admitted.seen,
        binding=bound.binding.id,
    )


def _anybody(number: int, transport: Transport, port: ListeningPort, now: float) -> PinholeView:
    listener, until = port.listener, port.until
    return PinholeView(
        id=number,
        session=port.session,
        protocol=port.protocol,
        transport=transport,
        peers=(ip_network("0.0.0.0/0" if listener.inside.address.version == 4 else "::/0"),),
        realm=Realm.OUTSIDE,
        seen=listener.public,
        listener=listener.inside,
        state=_listening_state(port),
        age=now - port.since,
        expires_in=None if until is None else max(0.0, until - now),
    )


def _listening_state(port: ListeningPort) -> PinholeState:
    return PinholeState.OPEN if port.confirmed else PinholeState.OPENING


def _bindings(lease: Lease, kind: BindingKind, session: int, now: float) -> Iterator[BindingView]:
    for transport in lease.transports:
        yield BindingView(transport, lease.inside, lease.public, kind, session, now - lease.since)


def _listening(port: ListeningPort, transport: Transport, now: float) -> BindingView:
    listener = port.listener
    return BindingView(
        transport,
        listener.inside,
        listener.public,
        BindingKind.LISTENING,
        port.session,
        now - port.since,
        listener.id,
    )


def _user(inspector: object) -> str | None:
    try:
        user = getattr(inspector, "user", None)
    except Exception:  # a plugin's fault must not keep others from being shown
        return None
    return user if isinstance(user, str) else None
