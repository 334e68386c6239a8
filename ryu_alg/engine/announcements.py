"""The expectations of one session: armed, opened, used or withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ryu_alg.engine.commands import ClosePinhole, Command, OpenPinhole, Publish
from ryu_alg.engine.config import Timers
from ryu_alg.engine.data_marks import DataMark
from ryu_alg.engine.expectations import Announced, Expectations, Owner
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import Address, Network, Party, Refusal, Transport


@dataclass(slots=True)
class Announcements:
    """Those that are not over."""

    owner: Owner
    expectations: Expectations
    data: DataMark
    """Of all their data connections."""
    timers: Timers
    ids: tuple[int, ...] = ()

    def arm(
        self,
        now: float,
        *,
        listener: Party,
        port: int,
        transport: Transport,
        third_party: Address | None,
        peers: Sequence[Network],
        last_port: int | None,
        wait: int | None,
    ) -> Announced | Refusal:
        """See `ryu_alg.inspection.StreamGateway.expect`."""
        entry = self.expectations.arm(
            self.owner,
            now,
            listener=listener,
            port=port,
            transport=transport,
            third_party=third_party,
            peers=peers,
            last_port=last_port,
            wait=wait,
        )
        if isinstance(entry, Announced):
            self.ids += (entry.expectation.id,)
        return entry

    def needs_switch(self, number: int) -> bool:
        """Whether `open` would open a pinhole."""
        entry = self._armed(number)
        return entry is not None and entry.pinhole is not None

    def open(self, number: int, now: float) -> list[Command]:
        """The other side has accepted. Empty: the switch has nothing to do."""
        entry = self._armed(number)
        if entry is None:
            return []
        if entry.pinhole is None:
            self.expectations.move(entry, PinholeState.OPEN)
            return []
        self.expectations.move(entry, PinholeState.OPENING)
        if entry.pinhole.last_port is None:
            entry.expires = now + entry.pinhole.hard
        # Anew for each: the end of the connection before has cut the flow's idle time-out short.
        return [self.data.count_for(self.timers.data_idle), OpenPinhole(entry.pinhole)]

    def confirm(self) -> list[Command]:
        """The switch has opened what was to be opened."""
        commands: list[Command] = []
        for number in self.ids:
            entry = self.expectations.live[number]
            if entry.state is PinholeState.OPENING:
                self.expectations.move(entry, PinholeState.OPEN)
                commands.append(self._shown("pinhole.opened", str(entry.pinhole)))
        return commands

    def used(self, number: int) -> list[Command]:
        """The expected data connection came: nothing more is let in, but to a range."""
        entry = self.expectations.live[number]
        self.data.moving = True
        shown = self._shown("pinhole.used", str(entry.pinhole))
        if entry.pinhole is not None and entry.pinhole.last_port is not None:
            return [shown]
        self.expectations.remove(number)
        self._drop(number)
        if entry.lease is not None:
            self.data.leases += (entry.lease,)
        return [shown, ClosePinhole(number)]

    def withdraw(self, number: int, now: float, reason: str) -> list[Command]:
        """It is over: close what of it is open."""
        if number not in self.ids:
            return []
        self._drop(number)
        entry = self.expectations.remove(number)
        if entry is None:
            return []
        if entry.lease is not None:
            entry.lease.end(now)
        if entry.pinhole is None or entry.state is PinholeState.ARMED:
            return []
        return [
            ClosePinhole(number),
            self._shown("pinhole.closed", f"{reason}: {entry.pinhole}"),
        ]

    def withdraw_all(self, now: float, reason: str) -> list[Command]:
        """All of them are over."""
        return [command for number in self.ids for command in self.withdraw(number, now, reason)]

    def installed(self, now: float) -> list[Command]:
        """All flows of the switch are being replaced: name those of open pinholes."""
        commands: list[Command] = []
        for number in self.ids:
            entry = self.expectations.live[number]
            if entry.expires is not None and entry.expires <= now:
                # While the switch could not say so.
                commands += self.withdraw(number, now, "unused")
            elif entry.pinhole and entry.state in (PinholeState.OPENING, PinholeState.OPEN):
                commands.append(OpenPinhole(entry.pinhole))
        return commands

    def await_data(self) -> bool:
        """Whether a pinhole may still let something in."""
        return any(self.expectations.live[number].pinhole for number in self.ids)

    def _drop(self, number: int) -> None:
        self.ids = tuple(known for known in self.ids if known != number)

    def _armed(self, number: int) -> Announced | None:
        """This session's expectation of that id, if it is armed and nothing more."""
        if number not in self.ids:
            return None
        entry = self.expectations.live[number]
        return entry if entry.state is PinholeState.ARMED else None

    def _shown(self, code: str, detail: str) -> Publish:
        return Publish(code, detail, self.owner.session, self.owner.protocol)
