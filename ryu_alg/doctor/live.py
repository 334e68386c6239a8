"""What a running gateway says that is open: what flows in its switch have to be accounted to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ryu_alg.inspection import Endpoint, Network, Realm, Transport

OPEN = frozenset(("opening", "open"))
"""States of a pinhole whose flows may be there."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LivePinhole:
    """One that the gateway lists."""

    id: int
    state: str
    transport: Transport
    realm: Realm
    """Where who connects is."""
    peers: tuple[Network, ...]
    seen: Endpoint
    listener: Endpoint
    remote: Endpoint | None
    binding: int | None
    ends: bool
    """It has a time-out."""

    @classmethod
    def parse(cls, item: Item) -> LivePinhole:
        """KeyError, ValueError or TypeError if it is none."""
        return cls(
            id=item["id"],
            state=item["state"],
            transport=Transport[item["transport"].upper()],
            realm=Realm(item["realm"]),
            peers=tuple(ip_network(peer) for peer in item["peers"]),
            seen=_endpoint(item["seen"]),
            listener=_endpoint(item["listener"]),
            remote=None if item["remote"] is None else _endpoint(item["remote"]),
            binding=item["binding"],
            ends=item["expires_in"] is not None,
        )


@dataclass(frozen=True, slots=True)
class LiveListener:
    """A port where an inside host waits for anybody."""

    inside: Endpoint
    public: Endpoint


@dataclass(frozen=True, slots=True)
class Live:
    """All that there is."""

    sessions: frozenset[int] = frozenset()
    pinholes: dict[int, LivePinhole] = field(default_factory=dict)
    listeners: dict[int, LiveListener] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, sessions: Iterable[Item], pinholes: Iterable[Item], bindings: Iterable[Item]
    ) -> Live:
        """From the lists of the REST endpoint. KeyError, ValueError or TypeError if something is
        missing."""
        found = [LivePinhole.parse(item) for item in pinholes]
        return cls(
            frozenset(item["id"] for item in sessions),
            {pinhole.id: pinhole for pinhole in found},
            {
                item["listener"]: LiveListener(_endpoint(item["inside"]), _endpoint(item["public"]))
                for item in bindings
                if item["listener"] is not None
            },
        )

    def and_later(self, later: Live) -> Live:
        """What was there at one of two times, as it was at the later one."""
        return Live(
            self.sessions | later.sessions,
            self.pinholes | later.pinholes,
            self.listeners | later.listeners,
        )

    def by_binding(self) -> dict[int, list[LivePinhole]]:
        """UDP data, by the binding that admits it."""
        found: dict[int, list[LivePinhole]] = defaultdict(list)
        for pinhole in self.pinholes.values():
            if pinhole.binding is not None and pinhole.transport is Transport.UDP:
                found[pinhole.binding].append(pinhole)
        return found

    def by_seen(self) -> dict[tuple[Transport, Endpoint], list[LivePinhole]]:
        """By where somebody connects to."""
        found: dict[tuple[Transport, Endpoint], list[LivePinhole]] = defaultdict(list)
        for pinhole in self.pinholes.values():
            found[pinhole.transport, pinhole.seen].append(pinhole)
        return found


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    return Endpoint(ip_address(address.strip("[]")), int(port))
