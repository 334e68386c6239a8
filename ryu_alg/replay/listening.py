"""Ports where inside hosts wait for anybody, as the stand-in for the switch has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ryu_alg.engine.commands import OpenListener, Watched
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.replay.vantage import View


@dataclass(slots=True)
class ListeningPorts:
    """Those that are open. A mark is that of a connection."""

    open: dict[int, OpenListener] = field(default_factory=dict)

    def stands_for(self, inside: Endpoint) -> bool:
        """Whether an inside endpoint has a public port."""
        return any(port.inside == inside for port in self.open.values())

    def inside_of(self, public: Endpoint) -> Endpoint:
        """Where what comes to a public port really goes."""
        inside = (port.inside for port in self.open.values() if port.public == public)
        return next(inside, public)

    def lets_in(self, view: View) -> Iterator[tuple[int, Endpoint]]:
        """The mark of a connection that somebody outside begins, and where it came to."""
        for port in self.open.values():
            if view.origin is Realm.OUTSIDE and port.admits and view.inside == port.inside:
                udp = view.transport is Transport.UDP
                yield port.udp_mark if udp else port.tcp_mark, port.public

    def leaves_from(self, view: View) -> tuple[int, Endpoint] | None:
        """The mark of what an inside endpoint sends by UDP, and what it is seen as."""
        return next(((port.udp_mark, port.public) for port in self._sending(view)), None)

    def watches(self, view: View) -> bool:
        """Whether the sizes of what an endpoint sends have it punted: those of first datagrams do
        not."""
        return any(self._watched(view))

    def punts(self, view: View, size: int, mark: int | None) -> int | None:
        """The port because of which a datagram is punted, with `size` bytes of payload, of a
        connection with that mark, or of none."""
        for port, watched in self._watched(view):
            if view.origin is Realm.INSIDE:
                shortest, longest = watched.sizes
                punted = shortest <= size <= longest
            else:
                punted = mark == watched.asking_mark
            if punted:
                return port.id
        return None

    def marks(self, view: View, answered: bool) -> int | None:
        """What the connection of a datagram is marked with that goes on after it was punted;
        `answered`: the next one from outside is to be punted. None: it stays as it is."""
        for port, watched in self._watched(view):
            if answered:
                return watched.asking_mark
            if view.origin is Realm.OUTSIDE:
                return port.udp_mark
        return None

    def _watched(self, view: View) -> Iterator[tuple[OpenListener, Watched]]:
        for port in self._sending(view):
            if port.watched is not None:
                yield port, port.watched

    def _sending(self, view: View) -> Iterator[OpenListener]:
        if view.transport is Transport.UDP:
            yield from (port for port in self.open.values() if port.inside == view.inside)
