"""All public ports where inside hosts wait for anybody: one for each protocol and endpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ryu_alg.engine.commands import Command
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.data_marks import DataMark, DataMarks, Tally
from ryu_alg.engine.listening_port import Cause, ListeningPort
from ryu_alg.engine.pinhole_limits import PinholeLimits
from ryu_alg.engine.pinhole_table import Numbers, PinholeTable
from ryu_alg.engine.public_ports import PublicPorts
from ryu_alg.engine.timers import Timers
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import Address, Endpoint, Listener, Realm, Refusal, Transport

ARMED = 60.0
"""Seconds for which a cause waits to be confirmed."""
MAX_CAUSE = 64
"""Bytes."""
MAX_CAUSES = 1024
"""Of one inside host in one protocol, those of each endpoint for themselves."""
MAX_HOLD = 7 * 86400.0
"""Seconds: for no longer does a cause last at a time."""
PINHOLES = 2
"""What one of them counts as in the quotas: one over TCP, one over UDP."""


@dataclass(slots=True)
class Listeners:
    """Within the quotas for pinholes."""

    config: EngineConfig
    ports: PublicPorts
    limits: PinholeLimits
    marks: DataMarks
    numbers: PinholeTable
    ids: Numbers
    """Those of sessions, too: timers and marks are found by them."""
    timers: Timers
    live: dict[int, ListeningPort] = field(default_factory=dict)
    _by_host: dict[tuple[str, Address], dict[Endpoint, ListeningPort]] = field(default_factory=dict)

    def listen(
        self, session: int, protocol: str, host: Address, inside: Endpoint, cause: bytes, now: float
    ) -> Listener | Refusal:
        """Arm; see `ryu_alg.inspection.Gateway.listen`."""
        if not 0 < len(cause) <= MAX_CAUSE:
            return Refusal("listener.cause", f"{len(cause)} bytes, of 1 to {MAX_CAUSE}")
        own = self._by_host.get((protocol, host), {})
        new = inside not in own or cause not in own[inside].causes
        if new and sum(len(port.causes) for port in own.values()) >= MAX_CAUSES:
            return Refusal("listener.causes", f"{host} has {MAX_CAUSES}")
        port = self._port(session, protocol, host, inside, now)
        if isinstance(port, Refusal):
            return port
        port.causes.setdefault(cause, Cause(now)).armed = now + ARMED
        self._settle(port, now)
        return port.listener

    def hold(self, number: int, cause: bytes, until: float, now: float) -> list[Command] | None:
        """Confirm a cause until `until`, or end it: what changes in the switch. None: it was not
        armed."""
        port = self.live.get(number)
        if port is None or cause not in port.causes:
            return None
        if until <= now:
            del port.causes[cause]
        else:
            port.causes[cause] = Cause(now, min(until, now + MAX_HOLD))
        commands = port.expire(now)
        self._settle(port, now)
        return commands

    def watch(
        self,
        session: int,
        protocol: str,
        host: Address,
        inside: Endpoint,
        sizes: tuple[int, int],
        now: float,
    ) -> tuple[ListeningPort, list[Command]] | Refusal:
        """Have datagrams of these sizes inspected; see `ryu_alg.inspection.Watch`."""
        port = self._port(session, protocol, host, inside, now)
        if isinstance(port, Refusal):
            return port
        port.watched, port.watcher = sizes, session
        return port, port.update()

    def unwatch(self, number: int, now: float) -> list[Command]:
        """Nobody inspects its datagrams any more."""
        port = self.live.get(number)
        if port is None:
            return []
        port.watched = None
        commands = port.update()
        self._settle(port, now)
        return commands

    def at(self, protocol: str, inside: Endpoint) -> ListeningPort | None:
        """The one of an inside endpoint."""
        return self._by_host.get((protocol, inside.address), {}).get(inside)

    def causes(self, protocol: str, host: Address) -> Collection[bytes]:
        """All causes of an inside host."""
        own = self._by_host.get((protocol, host), {})
        return {cause for port in own.values() for cause in port.causes}

    def expire(self, port: ListeningPort, now: float) -> list[Command]:
        """A cause's time may be over."""
        commands = port.expire(now)
        self._settle(port, now)
        return commands

    def idle(self, port: ListeningPort, data: DataMark, now: float) -> list[Command]:
        """The counting flow of one of its marks is gone."""
        commands = port.idle(data, now)
        self._settle(port, now)
        return commands

    def cut_host(self, protocol: str, host: Address, now: float) -> list[Command]:
        """Somebody in charge wants the data of a host ended. Whatever it asks for afterwards gets
        other ports: what has the marks of these is dropped."""
        commands: list[Command] = []
        for port in self._by_host.pop((protocol, host), {}).values():
            commands += port.cut()
            self._settle(port, now)
        return commands

    def installed(self) -> Iterator[Command]:
        """All flows of the switch are being replaced: name those of listening ports."""
        for port in self.live.values():
            yield from port.installed()

    def _port(
        self, session: int, protocol: str, host: Address, inside: Endpoint, now: float
    ) -> ListeningPort | Refusal:
        if inside.address != host or self.config.realm_of(host) is not Realm.INSIDE:
            return Refusal("listener.foreign", f"{inside} is not of an inside host {host}")
        known = self.at(protocol, inside)
        if known is not None:
            known.session = known.lease.session = session
            return known
        refusal = self.limits.forbidden((inside.port,), Realm.INSIDE) or self.limits.over_quota(
            host, protocol, PINHOLES
        )
        if refusal is not None:
            return refusal
        address = self.config.public_for(host)
        number = self.ids.next()
        lease = self.ports.listening(address, inside, now, session=session, listener=number)
        if lease is None:
            detail = f"no data port of {address} is free for {host}"
            return Refusal("ports.exhausted", detail)
        self.limits.take(host, protocol, PINHOLES)
        version = host.version
        tally = Tally()
        tcp, udp, asking = (
            self.marks.new(number, version, tally, transport=transport, binding=number)
            for transport in (Transport.TCP, Transport.UDP, Transport.UDP)
        )
        port = ListeningPort(
            listener=Listener(number, inside, lease.public),
            protocol=protocol,
            session=session,
            lease=lease,
            since=now,
            timers=self.config.timers,
            tcp=tcp,
            udp=udp,
            asking=asking,
            pinholes=(self.numbers.next(), self.numbers.next()),
        )
        for pinhole in port.pinholes:
            self.numbers.add(pinhole, port)
        self.live[number] = port
        self._by_host.setdefault((protocol, host), {})[inside] = port
        return port

    def _settle(self, port: ListeningPort, now: float) -> None:
        number, inside = port.listener.id, port.listener.inside
        self._count(port)
        if not port.over:
            self.timers.set(number, port.next_timeout())
            return
        self.timers.set(number, None)
        del self.live[number]
        own = self._by_host.get((port.protocol, inside.address), {})
        if own.get(inside) is port:
            del own[inside]
            if not own:
                del self._by_host[port.protocol, inside.address]
        self.limits.give_back(inside.address, port.protocol, PINHOLES)
        for data in (port.tcp, port.udp, port.asking):
            self.marks.remove(data)
        for pinhole in port.pinholes:
            self.numbers.remove(pinhole)
        port.lease.end(now)

    def confirm(self, port: ListeningPort) -> None:
        """The switch has opened it."""
        port.confirmed = True
        self._count(port)

    def _count(self, port: ListeningPort) -> None:
        state = None
        if port.admits:
            state = PinholeState.OPEN if port.confirmed else PinholeState.OPENING
        for _ in port.pinholes:
            self.numbers.moved(port.state, state)
        port.state = state
