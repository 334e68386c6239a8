"""The UDP control endpoints of one inside host in one protocol, and who may be dealt with there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.control_bindings import Control, ControlBindings
from ryu_alg.engine.datagram_deadlines import Deadlines, deadline
from ryu_alg.engine.pinhole_limits import MAX_PORT
from ryu_alg.inspection import Address, Endpoint, Realm, Refusal, Send, Transport

MAX_CONTACTS = 1024
"""Remote addresses that are remembered."""
MAX_PAYLOAD = 65507
"""Bytes: what an IPv4 packet holds (RFC 791, RFC 768)."""


@dataclass(slots=True)
class Contacts:
    """Remote addresses, the latest of them: over the bound the one unused longest goes."""

    _known: dict[Address, None] = field(default_factory=dict)

    def add(self, address: Address) -> None:
        """There was a datagram to it or from it."""
        self._known.pop(address, None)
        self._known[address] = None
        if len(self._known) > MAX_CONTACTS:
            del self._known[next(iter(self._known))]

    def __contains__(self, address: Address) -> bool:
        return address in self._known


@dataclass(slots=True)
class HostEndpoints:
    """Whom it may deal with, the configuration says that its session began with; what stands for
    a new endpoint, the present one."""

    session: int
    protocol: str
    host: Address
    config: EngineConfig
    table: ControlBindings
    live: dict[Endpoint, Control] = field(default_factory=dict)
    """By inside endpoint; the one with the latest traffic is last."""
    contacts: Contacts = field(default_factory=Contacts)
    """Whom the host has sent to: they may send to it."""
    callers: Contacts | None = None
    """Who has sent to a published endpoint: they may be answered."""
    _deadlines: Deadlines | None = None
    """Of all of them, as long as there are several."""

    @property
    def idle(self) -> float:
        """Seconds without traffic after which one goes."""
        return self.config.timers.datagram_idle

    def open(self, inside: Endpoint, now: float) -> Control | Refusal:
        """The endpoint, with something that stands for it outside, by now if there is room."""
        known = self.live.get(inside)
        if known is not None:
            return known
        opened = self.table.open(self.session, self.protocol, inside, now)
        if isinstance(opened, Control):
            self.live[inside] = opened
            if self._deadlines is not None:
                self._deadlines.add(opened)
            elif len(self.live) > 1:
                self._deadlines = Deadlines(self.idle)
                for control in self.live.values():
                    self._deadlines.add(control)
        return opened

    def touch(self, control: Control, now: float) -> None:
        """There was traffic."""
        control.last_activity = now
        if len(self.live) > 1:
            self.live[control.inside] = self.live.pop(control.inside)

    def known(self, control: Control) -> None:
        """Somebody outside may know of it."""
        if not control.known:
            control.known = True
            self._moved(control)

    def hold(self, control: Control, until: float) -> None:
        """It stays until then, also without traffic."""
        control.held_until = until
        self._moved(control)

    def release(self, control: Control, now: float) -> None:
        """Nothing stands for it any more."""
        del self.live[control.inside]
        if self._deadlines is not None:
            self._deadlines.drop(control)
            if len(self.live) <= 1:
                self._deadlines = None
        self.table.close(control, now, known=control.known)

    def release_all(self, now: float) -> None:
        """The session is over."""
        self._release(list(self.live.values()), now)

    def release_idle(self, earliest: float, now: float) -> None:
        """Those go whose time is up; `earliest` as for `next_timeout`."""
        if self._deadlines is not None:
            self._release(self._deadlines.take(earliest, now), now)
        elif self.next_timeout(earliest) <= now:
            self.release_all(now)

    def next_timeout(self, earliest: float) -> float:
        """When the first of them goes, if none that is known goes before `earliest`; infinite
        without any."""
        if self._deadlines is not None:
            return self._deadlines.next(earliest)
        for control in self.live.values():
            due = deadline(control, self.idle)
            return max(due, earliest) if control.known else due
        return float("inf")

    def _moved(self, control: Control) -> None:
        if self._deadlines is not None:
            self._deadlines.add(control)

    def _release(self, controls: Iterable[Control], now: float) -> None:
        for control in controls:
            self.release(control, now)

    def called(self, address: Address) -> None:
        """Somebody outside has sent to a published endpoint."""
        if self.callers is None:
            self.callers = Contacts()
        self.callers.add(address)

    def deals_with(self, address: Address) -> bool:
        """Whether there were datagrams between the two."""
        return address in self.contacts or (self.callers is not None and address in self.callers)

    def welcomes(self, inside: Endpoint, address: Address) -> bool:
        """Whether somebody outside may send to it."""
        control = self.live.get(inside)
        return control is None or control.published or address in self.contacts

    def leads_inside(self, remote: Endpoint) -> bool:
        """Whether a public endpoint stands for an inside host in this protocol."""
        return self.table.leads_inside(remote, self.protocol)

    def unsendable(self, effect: Send) -> str | None:
        """Why the host may not send that, or be sent it; None if it may."""
        inside, remote = effect.inside, effect.remote
        if inside.address != self.host:
            return f"not of {self.host}"
        if inside.address.version != remote.address.version:
            return "of different IP versions"
        if not 0 < inside.port <= MAX_PORT or not 0 < remote.port <= MAX_PORT:
            return "not a port"
        if len(effect.payload) > MAX_PAYLOAD:
            return f"{len(effect.payload)} bytes are more than a datagram holds"
        if self.config.realm_of(remote.address) is Realm.INSIDE:
            return "the other end is not outside"
        if effect.towards is Realm.INSIDE or self.leads_inside(remote):
            return None
        if remote.address in self.config.public:
            return "nothing stands there"
        if self.callers is not None and remote.address in self.callers:
            return None
        if not self.config.outbound_allowed(self.host, remote, Transport.UDP):
            return "outbound policy"
        return None
