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
    number: int
    since: float
    state: PinholeState = PinholeState.OPENING


@dataclass(slots=True, kw_only=True)
class MediaBinding(DataBinding):
    """All its paths have one mark, and are counted together."""

    data: DataMark = field(init=False)
    _paths: dict[MediaPath, _Opened] = field(default_factory=dict)

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
        for path, opened in self._paths.items():
            yield Admitted(
                opened.number,
                Realm.OUTSIDE,
                path.remote,
                path.public,
                path.inside,
                opened.state,
                opened.since,
                None,
            )

    def differs(self, exchanges: Sequence[Exchange], connecting: Realm) -> bool:
        """See `DataBinding`. Either side may be first: `connecting` says nothing here."""
        return {self._path(exchange) for exchange in exchanges} != self._paths.keys()

    def admit(self, exchanges: Sequence[Exchange], connecting: Realm, now: float) -> list[Command]:
        """See `DataBinding`."""
        if not exchanges:
            return self._shut(now)
        paths = dict.fromkeys(self._path(exchange) for exchange in exchanges)
        before = self._paths
        self._paths = {path: before.get(path) or self._opened(now) for path in paths}
        self._drop(opened for path, opened in before.items() if path not in self._paths)
        self.data.moving = True
        return [
            self.data.count_for(self.timers.data_idle),
            OpenMedia(self.binding.id, self.data.mark, tuple(self._paths)),
        ]

    def confirm(self) -> list[str]:
        """See `DataBinding`."""
        shown = []
        for path, opened in self._paths.items():
            if opened.state is PinholeState.OPENING:
                self.numbers.moved(opened.state, PinholeState.OPEN)
                opened.state = PinholeState.OPEN
                shown.append(_described(path))
        return shown

    def idle(self, data: DataMark, now: float) -> list[Command]:
        """See `DataBinding`. It stays open: what comes later wants counting."""
        data.idle(now)
        return [data.count_for(self.timers.data_idle)] if self._paths else []

    def installed(self, now: float) -> list[Command]:
        """See `DataBinding`."""
        if not self._paths:
            return []
        return [OpenMedia(self.binding.id, self.data.mark, tuple(self._paths))]

    def close(self, now: float) -> list[Command]:
        """See `DataBinding`."""
        commands = self._shut(now)
        self.marks.end(self.data, now)
        return commands

    def _shut(self, now: float) -> list[Command]:
        if not self._paths:
            return []
        paths = tuple(self._paths)
        self._drop(self._paths.values())
        self._paths.clear()
        self.data.removed(now)
        return [CloseMedia(self.binding.id, self.data.mark, paths)]

    def _opened(self, now: float) -> _Opened:
        opened = _Opened(self.numbers.next(), now)
        self.numbers.add(opened.number, self)
        self.numbers.moved(None, opened.state)
        return opened

    def _drop(self, paths: Iterable[_Opened]) -> None:
        for opened in paths:
            self.numbers.remove(opened.number)
            self.numbers.moved(opened.state, None)

    def _path(self, exchange: Exchange) -> MediaPath:
        index = exchange.index
        return MediaPath(self.binding.inside[index], self.binding.public[index], exchange.remote)


def _described(path: MediaPath) -> str:
    text = f"udp {path.remote} <-> {path.public}"
    return text if path.public == path.inside else f"{text} to {path.inside}"
