"""A binding for UDP data: open both ways for whom it is admitted for, as long as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ryu_alg.engine.commands import CloseMedia, Command, MediaPath, OpenMedia
from ryu_alg.engine.data_binding import Admitted, DataBinding
from ryu_alg.engine.data_marks import DataMark
from ryu_alg.engine.views import PinholeState
from ryu_alg.inspection import Exchange, Realm, Transport


@dataclass(slots=True)
class _Opened:
    path: MediaPath
    number: int
    since: float
    state: PinholeState = PinholeState.OPENING


@dataclass(slots=True, kw_only=True)
class MediaBinding(DataBinding):
    """All its paths have one mark, and are counted together."""

    data: DataMark = field(init=False)
    _opened: tuple[_Opened, ...] = ()

    def __post_init__(self) -> None:
        self.data = self.marks.new(
            self.session,
            self.binding.inside[0].address.version,
            self.tally,
            transport=Transport.UDP,
            binding=self.binding.id,
            idle_limit=self.idle_limit,
        )

    @property
    def moving(self) -> bool:
        """See `DataBinding`."""
        return self.data.moving

    @property
    def admitted(self) -> Iterator[Admitted]:
        """See `DataBinding`."""
        for opened in self._opened:
            yield Admitted(
                opened.number,
                Realm.OUTSIDE,
                opened.path.remote,
                opened.path.public,
                opened.path.inside,
                opened.state,
                opened.since,
                None,
            )

    def differs(self, exchanges: Sequence[Exchange], connecting: Realm) -> bool:
        """See `DataBinding`. Either side may be first: `connecting` says nothing here."""
        wanted = {self._path(exchange) for exchange in exchanges}
        return wanted != {opened.path for opened in self._opened}

    def admit(self, exchanges: Sequence[Exchange], connecting: Realm, now: float) -> list[Command]:
        """See `DataBinding`."""
        if not exchanges:
            return self._shut(now)
        paths = dict.fromkeys(self._path(exchange) for exchange in exchanges)
        before = {opened.path: opened for opened in self._opened}
        self._opened = tuple(before.get(path) or self._open(path, now) for path in paths)
        self._drop(opened for path, opened in before.items() if path not in paths)
        self.data.moving = True
        return [
            self.data.count_for(self.timers.data_idle),
            OpenMedia(self.binding.id, self.data.mark, self._paths),
        ]

    def confirm(self) -> list[str]:
        """See `DataBinding`."""
        shown = []
        for opened in self._opened:
            if opened.state is PinholeState.OPENING:
                self.numbers.moved(opened.state, PinholeState.OPEN)
                opened.state = PinholeState.OPEN
                shown.append(_described(opened.path))
        return shown

    def idle(self, data: DataMark, now: float) -> list[Command]:
        """See `DataBinding`. It stays open: what comes later wants counting."""
        data.idle(now)
        return [data.count_for(self.timers.data_idle)] if self._opened else []

    def installed(self, now: float) -> list[Command]:
        """See `DataBinding`."""
        if not self._opened:
            return []
        return [OpenMedia(self.binding.id, self.data.mark, self._paths)]

    def close(self, now: float) -> list[Command]:
        """See `DataBinding`."""
        commands = self._shut(now)
        self.marks.end(self.data, now)
        return commands

    def _shut(self, now: float) -> list[Command]:
        if not self._opened:
            return []
        paths = self._paths
        self._drop(self._opened)
        self._opened = ()
        self.data.removed(now)
        return [CloseMedia(self.binding.id, self.data.mark, paths)]

    @property
    def _paths(self) -> tuple[MediaPath, ...]:
        return tuple(opened.path for opened in self._opened)

    def _open(self, path: MediaPath, now: float) -> _Opened:
        opened = _Opened(path, self.numbers.next(), now)
        self.numbers.add(opened.number, self)
        self.numbers.moved(None, opened.state)
        return opened

    def _drop(self, gone: Iterable[_Opened]) -> None:
        for opened in gone:
            self.numbers.remove(opened.number)
            self.numbers.moved(opened.state, None)

    def _path(self, exchange: Exchange) -> MediaPath:
        index = exchange.index
        return MediaPath(self.binding.inside[index], self.binding.public[index], exchange.remote)


def _described(path: MediaPath) -> str:
    text = f"udp {path.remote} <-> {path.public}"
    return text if path.public == path.inside else f"{text} to {path.inside}"
