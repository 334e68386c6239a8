"""All UDP sessions: which one a datagram is for, whether it begins one, and who may send."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from ryu_alg.engine.commands import (
    Command,
    EmitIcmpError,
    FiveTuple,
    Ordinary,
    PassDatagram,
    Publish,
)
from ryu_alg.engine.config import ProtocolBinding
from ryu_alg.engine.control_bindings import Control, ControlBindings
from ryu_alg.engine.datagram_session import DatagramSession, ends
from ryu_alg.engine.events import DatagramArrived, IcmpErrorArrived, SizedDatagramArrived
from ryu_alg.engine.host_endpoints import HostEndpoints
from ryu_alg.engine.packed import endpoint
from ryu_alg.engine.rising import Rising
from ryu_alg.engine.segment import Datagram as WireDatagram
from ryu_alg.engine.supervision import Fault, MuteOfDatagrams, ask
from ryu_alg.engine.tables import Tables
from ryu_alg.inspection import Address, Endpoint, Realm, Refusal, Transport

MAX_HAIRPIN_TURNS = 4
"""How often what one event causes may come back in."""
MAX_HAIRPINS = 256
"""Datagrams that come back in by one event."""


@dataclass(slots=True)
class Datagrams:
    """One session for each protocol and inside host."""

    tables: Tables
    sessions: dict[int, DatagramSession] = field(default_factory=dict)
    order: Rising[DatagramSession] = field(init=False)
    """Of `sessions`."""
    controls: ControlBindings = field(init=False)
    _by_host: dict[tuple[str, Address], DatagramSession] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.order = Rising(self.sessions)
        self.controls = ControlBindings(self.tables.ports, self.tables.quotas)

    def arrived(self, event: DatagramArrived, now: float) -> list[Command]:
        """A datagram was punted."""
        datagram = event.datagram
        source, target = ends(datagram)
        binding = self.tables.config.protocol_at(event.protocol)
        if event.realm is Realm.INSIDE:
            delivered = self._from_inside(binding, source, target, datagram, now)
        else:
            delivered = self._from_outside(binding, source, target, datagram, now)
        if isinstance(delivered, DatagramSession):
            return self.settle(delivered, now, delivered.take_commands())
        return delivered

    def arrived_by_size(self, event: SizedDatagramArrived, now: float) -> list[Command]:
        """A datagram to any port was punted because of its size."""
        source, target = ends(event.datagram)
        if event.realm is Realm.OUTSIDE:
            delivered = self._answer(event, source, target, now)
        elif event.listener is not None:
            delivered = self._from_watched(event, target, now)
        else:
            delivered = self._first(event, source, target, now)
        if isinstance(delivered, DatagramSession):
            return self.settle(delivered, now, delivered.take_commands())
        return delivered

    def icmp_error(self, event: IcmpErrorArrived) -> list[Command]:
        """Translate an error about a control datagram, for whoever sent it (RFC 5508 section 4).
        It keeps no endpoint, and ends none."""
        quoted = event.quoted
        source = endpoint(quoted.src, quoted.sport)
        target = endpoint(quoted.dst, quoted.dport)
        outward = event.realm is Realm.OUTSIDE
        control = self._control_seen_as(source) if outward else self._control_of(target)
        remote = target if outward else source
        if control is None or not self._dealt_with(control, remote.address):
            self.tables.counters["icmp.stray"] += 1
            return []
        if outward:
            reporter, sender, receiver = event.source, control.inside, remote
        else:
            reporter, sender, receiver = event.source, remote, control.public
            if control.public != control.inside:
                reporter = control.public.address.packed  # inside addresses mean nothing outside
        ends_of = FiveTuple(
            sender.address.packed, sender.port, receiver.address.packed, receiver.port
        )
        return [
            EmitIcmpError(
                src=reporter, dst=sender.address.packed, quoted=ends_of, quoted_sequence=0
            )
        ]

    def _control_seen_as(self, public: Endpoint) -> Control | None:
        for binding in self.tables.config.protocols:
            control = self.controls.at(public, binding.name)
            if control is not None:
                return control
        return None

    def _control_of(self, inside: Endpoint) -> Control | None:
        for binding in self.tables.config.protocols:
            session = self._by_host.get((binding.name, inside.address))
            if session is not None and inside in session.endpoints.live:
                return session.endpoints.live[inside]
        return None

    def _dealt_with(self, control: Control, remote: Address) -> bool:
        """Whether there were datagrams between the two."""
        return self.sessions[control.session].endpoints.deals_with(remote)

    def of_host(self, protocol: str, host: Address) -> DatagramSession | None:
        """The session of an inside host in a protocol."""
        return self._by_host.get((protocol, host))

    def settle(
        self, session: DatagramSession, now: float, commands: list[Command]
    ) -> list[Command]:
        """`commands`, and what else comes of them: hairpins, the next time-out, the end."""
        leaving = deque((1, session.binding, hairpin) for hairpin in session.take_hairpins())
        commands = commands + self._finish_turn(session, now)
        came_back = 0
        while leaving:
            turn, binding, hairpin = leaving.popleft()
            came_back += 1
            if turn > MAX_HAIRPIN_TURNS or came_back > MAX_HAIRPINS:
                self.tables.counters["datagram.hairpin_loop"] += 1
                continue
            receiver = self._enter(
                binding, hairpin.source, hairpin.target, hairpin.datagram, now, welcome=True
            )
            if not isinstance(receiver, DatagramSession):
                commands += receiver
                continue
            commands += receiver.take_commands()
            back = receiver.take_hairpins()
            leaving.extend((turn + 1, receiver.binding, hairpin) for hairpin in back)
            commands += self._finish_turn(receiver, now)
        return commands

    # -- from inside ----------------------------------------------------------------------------

    def _from_inside(
        self,
        binding: ProtocolBinding | None,
        source: Endpoint,
        target: Endpoint,
        datagram: WireDatagram,
        now: float,
    ) -> DatagramSession | list[Command]:
        config = self.tables.config
        if binding is None:
            # The punt names no protocol: only what stands for somebody outside tells it.
            control = self.controls.at(target, None)
            binding = None if control is None else self.sessions[control.session].binding
        if binding is None or binding.datagram is None:
            return [Ordinary()]
        if config.network_of(source.address) is None:
            self.tables.counters["session.spoofed"] += 1
            return [Ordinary()]
        if config.realm_of(target.address) is Realm.INSIDE:
            return [Ordinary()]
        session = self._by_host.get((binding.name, source.address))
        if session is None or source not in session.endpoints.live:
            if not self._bound(binding, source, target):
                self.tables.counters["session.unbound"] += 1
                return [Ordinary()]
            hairpin = target.address in config.public
            if not hairpin and not config.outbound_allowed(source.address, target, Transport.UDP):
                detail = f"outbound policy: {source} to {target}"
                return [Publish("session.denied", detail, None, binding.name)]
        return self._deliver(binding, Realm.INSIDE, source, target, datagram, now)

    def _bound(self, binding: ProtocolBinding, source: Endpoint, target: Endpoint) -> bool:
        """Whether a datagram from an inside endpoint without a session is of the protocol."""
        config = self.tables.config
        if config.service_of(source, binding.name, Transport.UDP) is not None:
            return True
        if target.address in config.public:
            return self._inside_of(binding.name, target) is not None
        return target.port in binding.ports and any(
            target.address in prefix for prefix in binding.servers
        )

    # -- from outside ---------------------------------------------------------------------------

    def _from_outside(
        self,
        binding: ProtocolBinding | None,
        source: Endpoint,
        target: Endpoint,
        datagram: WireDatagram,
        now: float,
    ) -> DatagramSession | list[Command]:
        control = self.controls.at(target, None if binding is None else binding.name)
        if control is not None:
            binding = self.sessions[control.session].binding
        if binding is None or self._inside_of(binding.name, target) is None:
            if target.address not in self.tables.config.public:
                return [Ordinary()]
            self.tables.counters["datagram.stray"] += 1
            return []
        return self._enter(binding, source, target, datagram, now, welcome=False)

    def _enter(
        self,
        binding: ProtocolBinding,
        source: Endpoint,
        target: Endpoint,
        datagram: WireDatagram,
        now: float,
        *,
        welcome: bool,
    ) -> DatagramSession | list[Command]:
        """From outside, or as if: to whatever inside endpoint `target` stands for."""
        inside = self._inside_of(binding.name, target)
        if inside is None:
            self.tables.counters["datagram.stray"] += 1
            return []
        session = self._by_host.get((binding.name, inside.address))
        if session is not None and not welcome:
            # An endpoint that is not there yet is a published service's.
            welcome = session.endpoints.welcomes(inside, source.address)
        if session is not None and not welcome:
            self.tables.counters["datagram.unsolicited"] += 1
            return []
        return self._deliver(binding, Realm.OUTSIDE, inside, source, datagram, now)

    def _inside_of(self, protocol: str, public: Endpoint) -> Endpoint | None:
        """The control endpoint or published service of this protocol behind `public`."""
        control = self.controls.at(public, protocol)
        if control is not None:
            return control.inside if control.protocol == protocol else None
        service = self.tables.config.service_at(public, protocol, Transport.UDP)
        return None if service is None else service.inside

    # -- by size --------------------------------------------------------------------------------

    def _first(
        self, event: SizedDatagramArrived, source: Endpoint, target: Endpoint, now: float
    ) -> DatagramSession | list[Command]:
        """The first datagram of an exchange."""
        config = self.tables.config
        binding = config.protocol_at(event.protocol)
        if binding is None or binding.sizes is None or config.network_of(source.address) is None:
            return [Ordinary()]
        if not self._may_send(source, target):
            return [Ordinary()]
        session = self._by_host.get((binding.name, source.address))
        opens, payload = binding.sizes.opens, event.datagram.payload
        found = ask(config.watch, lambda: opens(payload))
        if isinstance(found, Fault):
            detail = f"{binding.name}: {found.detail}"
            return [Publish(found.code, detail, None, binding.name), Ordinary()]
        if found is not True:
            return [Ordinary()]
        if session is None:
            opened = self._open_sized(binding, source, target, now)
            if not isinstance(opened, DatagramSession):
                return opened
            session = opened
        port = self.tables.listeners.at(binding.name, source)
        public = source if port is None else port.listener.public
        session.receive_sized(Realm.INSIDE, source, public, target, event.datagram, now)
        return session

    def _from_watched(
        self, event: SizedDatagramArrived, target: Endpoint, now: float
    ) -> DatagramSession | list[Command]:
        """What a watched endpoint sends; the switch may have translated it already."""
        port = self.tables.listeners.live.get(event.listener or 0)
        if port is None:
            return [Ordinary()]
        inside, public = port.listener.inside, port.listener.public
        session = self.sessions.get(port.watcher or 0)
        if session is None or not self._may_send(inside, target):
            sent = replace(event.datagram, src=inside.address.packed, sport=inside.port)
            return [PassDatagram(sent, Realm.INSIDE, answered=False)]
        session.receive_sized(Realm.INSIDE, inside, public, target, event.datagram, now)
        return session

    def _may_send(self, inside: Endpoint, target: Endpoint) -> bool:
        """Whether it crosses the gateway. If not, it goes on all the same: the switch sees to it,
        and counts it."""
        config = self.tables.config
        if config.realm_of(target.address) is Realm.INSIDE or target.address in config.public:
            return False
        return config.outbound_allowed(inside.address, target, Transport.UDP)

    def _answer(
        self, event: SizedDatagramArrived, source: Endpoint, target: Endpoint, now: float
    ) -> DatagramSession | list[Command]:
        """What somebody outside has sent to a watched endpoint that asked there."""
        port = self.tables.listeners.live.get(event.listener or 0)
        session = None if port is None else self.sessions.get(port.watcher or 0)
        if port is None or session is None or target != port.listener.inside:
            self.tables.counters["datagram.stray"] += 1
            return []
        public = port.listener.public
        session.receive_sized(Realm.OUTSIDE, target, public, source, event.datagram, now)
        return session

    # -- sessions -------------------------------------------------------------------------------

    def _deliver(
        self,
        binding: ProtocolBinding,
        origin: Realm,
        inside: Endpoint,
        remote: Endpoint,
        datagram: WireDatagram,
        now: float,
    ) -> DatagramSession | list[Command]:
        """Have it inspected: the session, which keeps what comes of it, or why there is none."""
        session = self._by_host.get((binding.name, inside.address))
        if session is None:
            opened = self._open(binding, inside, remote, now)
            if not isinstance(opened, DatagramSession):
                return opened
            session = opened
        session.receive(origin, inside, remote, datagram, now)
        return session

    def _open(
        self, binding: ProtocolBinding, inside: Endpoint, remote: Endpoint, now: float
    ) -> DatagramSession | list[Command]:
        host = inside.address
        over = self.tables.quotas.over(host, binding.name)
        if over is not None:
            return [Publish(over, str(inside), None, binding.name)]
        own = self._no_endpoints(binding, host)
        control = own.open(inside, now)
        if isinstance(control, Refusal):
            return [Publish(control.code, control.detail, None, binding.name)]
        seen = "" if control.public == inside else f", seen as {control.public}"
        return self._begin(binding, own, f"udp {inside} -> {remote}{seen}", now)

    def _open_sized(
        self, binding: ProtocolBinding, inside: Endpoint, remote: Endpoint, now: float
    ) -> DatagramSession | list[Command]:
        """A session that has no control endpoint, for datagrams that are punted by their size."""
        over = self.tables.quotas.over(inside.address, binding.name)
        if over is not None:
            return [Publish(over, str(inside), None, binding.name), Ordinary()]
        own = self._no_endpoints(binding, inside.address)
        return self._begin(binding, own, f"udp {inside} -> {remote}", now)

    def _no_endpoints(self, binding: ProtocolBinding, host: Address) -> HostEndpoints:
        """Those of a new session."""
        tables = self.tables
        number = tables.session_ids.next()
        return HostEndpoints(number, binding.name, host, tables.config, self.controls)

    def _begin(
        self, binding: ProtocolBinding, own: HostEndpoints, detail: str, now: float
    ) -> DatagramSession:
        tables = self.tables
        session = DatagramSession(
            id=own.session,
            binding=binding,
            host=own.host,
            config=tables.config,
            bindings=tables.bindings,
            listeners=tables.listeners,
            since=now,
            last_activity=now,
            endpoints=own,
            barriers=tables.barriers,
            counters=tables.counters,
            now=now,
        )
        self.sessions[session.id] = session
        self.order.added(session.id)
        self._by_host[binding.name, own.host] = session
        tables.quotas.opened(binding.name)
        session.start(detail)
        return session

    def _finish_turn(self, session: DatagramSession, now: float) -> list[Command]:
        due = session.next_timeout()
        if not session.over():
            self.tables.timers.set(session.id, due)
            return []
        commands = session.finish(now)
        session.inspector = MuteOfDatagrams()  # or else the two would keep each other
        del self.sessions[session.id]
        del self._by_host[session.binding.name, session.host]
        self.tables.quotas.forgotten(session.binding.name)
        self.tables.timers.set(session.id, None)
        return commands
