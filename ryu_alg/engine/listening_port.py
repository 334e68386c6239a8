"""A public port where an inside endpoint waits for anybody, and on account of what."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.commands import CloseListener, Command, CutData, OpenListener, Watched
from ryu_alg.engine.config import Timers
from ryu_alg.engine.data_marks import DataMark
from ryu_alg.engine.public_ports import Lease
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import Listener


@dataclass(slots=True)
class Cause:
    """On account of which somebody may be let in. Times are of the engine's clock, in seconds."""

    armed: float
    """Until when it waits to be confirmed."""
    until: float | None = None
    """Until when both sides want it; None: it is only armed."""

    @property
    def ends(self) -> float:
        """When it is something else, or over."""
        return self.armed if self.until is None else self.until


@dataclass(slots=True, kw_only=True)
class ListeningPort:
    """Nobody's session's own: what one session has announced, another one finds."""

    listener: Listener
    protocol: str
    session: int
    """That asked for it last."""
    lease: Lease
    since: float
    timers: Timers
    tcp: DataMark
    udp: DataMark
    asking: DataMark
    """Of UDP exchanges whose next answer is to be inspected."""
    pinholes: tuple[int, int]
    """What its TCP and UDP pinholes are shown as."""
    causes: dict[bytes, Cause] = field(default_factory=dict)
    watched: tuple[int, int] | None = None
    """The sizes of datagrams of the host that are inspected, in bytes of payload."""
    watcher: int | None = None
    """The session that inspects them."""
    state: PinholeState | None = None
    """As its pinholes are counted; None: nobody gets in."""
    confirmed: bool = False
    """The switch has opened it."""
    opening: int = 0
    """How often the switch was told to: what confirms an earlier time says nothing of this one."""
    _sent: OpenListener | None = None
    """What the switch was told last."""

    @property
    def admits(self) -> bool:
        """Whether anybody outside gets in."""
        return self.until is not None

    @property
    def until(self) -> float | None:
        """When the last confirmed cause ends; None: nobody gets in."""
        return max((c.until for c in self.causes.values() if c.until is not None), default=None)

    @property
    def opened(self) -> bool:
        """Whether the switch has flows of it."""
        return self._sent is not None

    @property
    def over(self) -> bool:
        """Whether nothing is left of it. After the last cause, its port is kept until nothing has
        moved for a while."""
        moved = self.tcp.counted or self.udp.counted
        return not self.causes and self.watched is None and not moved

    def next_timeout(self) -> float | None:
        """When the next cause ends."""
        return min((cause.ends for cause in self.causes.values()), default=None)

    def expire(self, now: float) -> list[Command]:
        """Drop the causes whose time is over. One that is armed again waits for its answer."""
        for name, cause in list(self.causes.items()):
            if cause.until is not None and cause.until <= now:
                cause.until = None
            if cause.ends <= now:
                del self.causes[name]
        return self.update()

    def update(self) -> list[Command]:
        """Tell the switch, if something has changed."""
        wanted = self._wanted()
        if wanted == self._sent:
            return []
        before, self._sent = self._sent, wanted
        if wanted is None:
            self.confirmed = False
            return [CloseListener(self.listener.id)]
        commands: list[Command] = [wanted]
        if before is None:
            commands += [m.count_for(self.timers.data_idle) for m in (self.tcp, self.udp)]
        if not (before is not None and before.admits):
            self.confirmed = False
            self.opening += 1
        return commands

    def idle(self, data: DataMark, now: float) -> list[Command]:
        """The counting flow of one of its marks is gone. The watch ends with the UDP traffic."""
        data.idle(now)
        if data is self.udp:
            self.watched = None
        commands = self.update()
        if self.opened:
            commands.append(data.count_for(self.timers.data_idle))
        return commands

    def installed(self) -> list[Command]:
        """All flows of the switch are being replaced: its own, but for the counting ones."""
        return [] if self._sent is None else [self._sent]

    def cut(self) -> list[Command]:
        """Somebody in charge wants it closed, and its data ended."""
        self.causes.clear()
        self.watched = None
        cuts = [CutData(m.mark, self.timers.data_idle) for m in (self.tcp, self.udp) if m.counted]
        return [*self.update(), *cuts]

    def _wanted(self) -> OpenListener | None:
        if not self.admits and self.watched is None:
            return None
        watched = None if self.watched is None else Watched(self.watched, self.asking.mark)
        return OpenListener(
            self.listener.id,
            self.listener.inside,
            self.listener.public,
            self.admits,
            self.tcp.mark,
            self.udp.mark,
            watched,
        )
