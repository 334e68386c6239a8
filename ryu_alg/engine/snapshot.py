"""The engine as others may see it: views made on request, of plain data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import merge
from ipaddress import ip_network

from ryu_alg.engine.commands import Pinhole
from ryu_alg.engine.data_binding import Admitted, DataBinding
from ryu_alg.engine.datagram_session import DatagramSession
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.expectations import Announced
from ryu_alg.engine.holder import Holder
from ryu_alg.engine.listening_port import ListeningPort
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

_TRANSPORTS = len(Transport)
"""How many views there may be of one public port."""


def sessions(engine: Engine, now: float, after: int = 0) -> Iterator[SessionView]:
    """Every session with an id above `after`, oldest first."""
    found = merge(
        engine.order.after(after), engine.datagrams.order.after(after), key=lambda item: item[0]
    )
    for _, session in found:
        if isinstance(session, Session):
            yield _stream(session, now)
        elif isinstance(session, DatagramSession):
            yield _datagrams(session, now)


def sessions_total(engine: Engine) -> int:
    """How many there are."""
    return len(engine.sessions) + len(engine.datagrams.sessions)


def pinholes(engine: Engine, now: float, after: int = 0) -> Iterator[PinholeView]:
    """Every pinhole with an id above `after`, oldest first: of expectations that are not over, and
    what bindings and listening ports admit."""
    for number, owner in engine.tables.numbers.order.after(after):
        match owner:
            case Announced(pinhole=Pinhole() as pinhole):
                yield _announced(owner, pinhole, now)
            case DataBinding():
                for admitted in owner.admitted:
                    if admitted.id == number:
                        yield _exchange(owner, admitted, now)
            case ListeningPort(admits=True):
                transport = Transport.TCP if number == owner.pinholes[0] else Transport.UDP
                yield _anybody(number, transport, owner, now)


def pinholes_total(engine: Engine) -> int:
    """How many there are."""
    return engine.tables.numbers.states.total() - engine.expectations.elsewhere


def bindings(engine: Engine, now: float, after: int = 0) -> Iterator[BindingView]:
    """Every public port in use with a number above `after`, and every listening port; oldest
    first, those over two transports twice."""
    for number, lease in engine.tables.ports.order.after((after - 1) // _TRANSPORTS):
        for index, transport in enumerate(lease.transports):
            view = number * _TRANSPORTS + index
            if view > after:
                yield BindingView(
                    transport,
                    lease.inside,
                    lease.public,
                    lease.kind,
                    lease.session,
                    now - lease.since,
                    lease.listener,
                    view,
                )


def bindings_total(engine: Engine) -> int:
    """How many there are."""
    return engine.tables.ports.counts.total()


def pinhole_states(engine: Engine) -> Counter[PinholeState]:
    """How many expectations and exchanges are how far."""
    return +engine.tables.numbers.states


def binding_kinds(engine: Engine) -> Counter[BindingKind]:
    """How many public ports are in use for what."""
    return +engine.tables.ports.counts


def _announced(entry: Announced, pinhole: Pinhole, now: float) -> PinholeView:
    return PinholeView(
        id=pinhole.id,
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
        pinholes=(*_expected(session), *_admitted(session)),
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


def _expected(session: Session) -> tuple[int, ...]:
    return () if session.announced is None else session.announced.ids


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
        state=PinholeState.OPEN if port.confirmed else PinholeState.OPENING,
        age=now - port.since,
        expires_in=None if until is None else max(0.0, until - now),
    )


def _user(inspector: object) -> str | None:
    try:
        user = getattr(inspector, "user", None)
    except Exception:  # a plugin's fault must not keep others from being shown
        return None
    return user if isinstance(user, str) else None
