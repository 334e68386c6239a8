"""The UDP traffic of one inside host as the engine runs it, with a gateway in memory."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    Endpoint,
    Hold,
    Listen,
    Pass,
    Realm,
    Report,
    Send,
    Watch,
)
from ryu_alg.protocols.bittorrent.datagrams import BitTorrentDatagrams
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.gateway import MemoryGateway, Site, endpoint

CLIENT = endpoint("192.168.10.2", 6881)
PUBLIC = endpoint("203.0.113.1", 40001)
"""What stands for the client: the first public port that there is."""
TRACKER = endpoint("198.51.100.7", 6969)
NODE = endpoint("198.51.100.9", 7000)
IPV6_CLIENT = endpoint("2001:db8:30::2", 6881)
IPV6_TRACKER = endpoint("2001:db8:1::7", 6969)


class Host:
    """Feeds the inspector of a host, and keeps what leaves and what happens."""

    def __init__(
        self,
        configured: BitTorrentOptions | None = None,
        *,
        client: Endpoint = CLIENT,
        remote: Endpoint = TRACKER,
        watched: bool = False,
        published: bool = False,
        site: Site | None = None,
    ) -> None:
        self.site = site or Site()
        self.client, self.remote = client, remote
        self.watched, self.published = watched, published
        self.gateway = MemoryGateway(self.site, inside=client.address)
        self.inspector = BitTorrentDatagrams(configured or options(), self.gateway)
        self.reports: list[str] = []
        self.answered = False
        """What `Pass` said last."""
        self.held_until = 0.0
        """Until when what stands for a control endpoint of it stays at least."""

    def sends(
        self, payload: bytes, to: Endpoint | None = None, client: Endpoint | None = None
    ) -> tuple[list[bytes], list[bytes]]:
        """What leaves for outside because of it, and what the host is told."""
        return self._inspect(Realm.INSIDE, payload, to, client)

    def gets(
        self, payload: bytes, remote: Endpoint | None = None, client: Endpoint | None = None
    ) -> list[bytes]:
        """What comes in because of it; nothing may leave."""
        out, inward = self._inspect(Realm.OUTSIDE, payload, remote, client)
        assert out == []
        return inward

    def sleep(self, seconds: float) -> None:
        """Time passes, and what is due happens."""
        end = self.site.now + seconds
        while (due := self.inspector.next_timeout()) is not None and due <= end:
            self.site.now = max(due, self.site.now)
            self.carry_out(self.inspector.wake(), None)
            after = self.inspector.next_timeout()
            assert after is None or after > self.site.now
        self.site.now = end

    def silence(self, inside: Endpoint) -> None:
        """No UDP moves through a watched endpoint any more."""
        self.site.watched.discard(inside)
        self.carry_out(self.inspector.binding_idle(self.site.of(inside).id), None)

    def _inspect(
        self, origin: Realm, payload: bytes, remote: Endpoint | None, client: Endpoint | None
    ) -> tuple[list[bytes], list[bytes]]:
        client = client or self.client
        public = self.site.of(client).public if self.watched else client
        remote = remote or self.remote
        datagram = Datagram(
            origin, client, public, remote, payload, self.published, watched=self.watched
        )
        return self.carry_out(self.inspector.inspect(datagram), datagram)

    def carry_out(
        self, effects: Sequence[DatagramEffect], datagram: Datagram | None
    ) -> tuple[list[bytes], list[bytes]]:
        """As the engine would; what it would not understand fails."""
        left: dict[Realm, list[bytes]] = {Realm.OUTSIDE: [], Realm.INSIDE: []}
        for effect in effects:
            match effect:
                case Send(towards, inside, remote, payload, None):
                    assert datagram is not None
                    assert (inside, remote) == (datagram.inside, datagram.remote)
                    left[towards].append(payload)
                case Pass(payload, answered):
                    assert datagram is not None and datagram.watched
                    left[datagram.origin.other].append(payload)
                    self.answered = answered
                case Listen(_, _, until):
                    assert until <= self.site.now or not any(left.values()), "it leaves too early"
                    self.site.listen(effect)
                case Hold(inside, until):
                    assert inside == (datagram and datagram.inside)
                    self.held_until = until
                case Watch(inside):
                    assert self.watched
                    self.site.watch(effect)
                    assert inside.address == self.client.address
                case Report(code, _):
                    self.reports.append(code)
                case _:
                    raise AssertionError(effect)
        return left[Realm.OUTSIDE], left[Realm.INSIDE]

    def reached(self) -> set[tuple[Endpoint, bytes]]:
        """Who lets peers in, on account of what."""
        return self.site.reached()
