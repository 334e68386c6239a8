"""Which MAC address each neighbour has: a state machine without clock, socket or switch.

    unknown --packet waits--> resolving --answer--> known --time--> verifying --answer--> known
                                  |                                     |
                                  +--no answer to 3 questions: forgotten+

A host that asks for our own address is known from then on. If another MAC address claims to be a
known neighbour, that is asked where it is known, and keeps its address if it answers. Time goes in
as seconds of any clock that never goes back.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address

from ryu_alg.inspection import Address
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.discovery import Claim, arp_request, read, solicitation
from ryu_alg.openflow.plan import LINK_LOCAL, Interface, PipelinePlan

RETRY = 1.0
"""Seconds between questions."""
TRIES = 3
REACHABLE = 300.0
"""Seconds until a known neighbour is asked again."""
TRUSTED = 10.0
"""Seconds between two looks into what others claim to be the same neighbour."""

WAITING_PACKETS = 8
"""Per neighbour; further ones are dropped."""
RESOLVING = 256
"""Per network: neighbours asked for and not known. Further ones are not asked for."""
NEIGHBOURS = 4096
"""Per network, in all."""


@dataclass(frozen=True, slots=True)
class InstallFlow:
    """Add this flow."""

    text: str


@dataclass(frozen=True, slots=True)
class RemoveFlow:
    """Delete exactly this flow (`flowtext.Command.DELETE_STRICT`)."""

    text: str


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send a frame, as it is, out of a port of the switch."""

    port: int
    frame: bytes


Command = InstallFlow | RemoveFlow | SendFrame


@dataclass(frozen=True, slots=True)
class Link:
    """A network as seen from here."""

    number: int
    port: int
    """The OpenFlow port number."""
    addresses: tuple[Interface, ...]
    """The router's own, with their prefixes."""
    link_local: IPv6Address
    """The router's own, used when any of `addresses` is IPv6."""

    def source_for(self, neighbour: Address) -> Address | None:
        """The router's address to ask from; None when no such neighbour can be here."""
        if isinstance(neighbour, IPv6Address) and neighbour in LINK_LOCAL:
            own_ipv6 = any(isinstance(own, IPv6Interface) for own in self.addresses)
            return self.link_local if own_ipv6 and neighbour != self.link_local else None
        for own in self.addresses:
            if own.version == neighbour.version and neighbour in own.network:
                return None if self._is_not_a_host(neighbour) else own.ip
        return None

    def _is_not_a_host(self, address: Address) -> bool:
        for own in self.addresses:
            if address == own.ip:
                return True
            if (
                isinstance(own, IPv4Interface)
                and own.network.prefixlen < 31
                and address in (own.network.network_address, own.network.broadcast_address)
            ):
                return True
        return False


def links(plan: PipelinePlan, ports: Mapping[str, int]) -> list[Link]:
    """The links of a plan. KeyError when `ports` lacks the number of a port."""
    return [
        Link(network.number, ports[network.port], network.network.addresses, plan.link_local)
        for network in plan.networks
    ]


@dataclass(slots=True)
class _Neighbour:
    link: Link
    address: Address
    mac: bytes | None = None
    questions: int = 0
    """Asked since the last answer."""
    due: float = 0.0
    """When to ask, or give up."""
    queued: float | None = None
    """Its place in the queue of what is due: at `due`, or earlier."""
    waiting: list[bytes] = field(default_factory=list)
    rival: bytes | None = None
    """Another MAC address that claims to be it, until this one has answered."""
    trusted_until: float = float("-inf")
    """No claim of another is looked into before."""


class Neighbours:
    """The neighbours on every network."""

    def __init__(self, links: Sequence[Link], mac: str) -> None:
        """`mac` is the router's, as `02:a1:60:00:00:01`."""
        self._links = {link.number: link for link in links}
        self._mac = bytes.fromhex(mac.replace(":", ""))
        self._neighbours: dict[tuple[int, Address], _Neighbour] = {}
        self._known = dict.fromkeys(self._links, 0)
        self._resolving = dict.fromkeys(self._links, 0)
        self._due: list[tuple[float, int, bytes]] = []

    def frame_arrived(self, network: int, frame: bytes, now: float) -> list[Command]:
        """An ARP or neighbour discovery frame came in from `network`."""
        link = self._links.get(network)
        claim = read(frame)
        if link is None or claim is None or not self._is_credible(link, claim):
            return []
        address = ip_address(claim.address)
        neighbour = self._neighbours.get((network, address))
        if neighbour is None:
            # An answer to no question says nothing.
            if claim.answer or self._known[network] >= NEIGHBOURS:
                return []
            neighbour = self._add(link, address)
        elif neighbour.mac not in (None, claim.mac):
            return self._doubt(neighbour, claim.mac, now) if claim.override else []
        return self._learn(neighbour, claim.mac, now)

    def packet_waits(
        self, network: int, address: Address, frame: bytes, now: float
    ) -> list[Command]:
        """A packet's next hop is `address` on `network`, and the switch knows no flow for it."""
        link = self._links.get(network)
        if link is None or link.source_for(address) is None:
            return []
        neighbour = self._neighbours.get((network, address))
        if neighbour is None:
            if self._resolving[network] >= RESOLVING or self._known[network] >= NEIGHBOURS:
                return []
            neighbour = self._add(link, address)
            neighbour.waiting.append(frame)
            return [self._ask(neighbour, now)]
        if neighbour.mac is not None:
            # It became known while this packet was on its way here.
            return [_forward(neighbour, neighbour.mac, frame)]
        if len(neighbour.waiting) < WAITING_PACKETS:
            neighbour.waiting.append(frame)
        return []

    def tick(self, now: float) -> list[Command]:
        """Ask again, or give up, where it is time."""
        commands: list[Command] = []
        while self._due and self._due[0][0] <= now:
            due, network, address = heapq.heappop(self._due)
            neighbour = self._neighbours.get((network, ip_address(address)))
            if neighbour is None or neighbour.queued != due:
                continue
            neighbour.queued = None
            if neighbour.due > now:
                self._wait(neighbour, neighbour.due)
            elif neighbour.questions < TRIES:
                commands.append(self._ask(neighbour, now))
            elif neighbour.rival is not None:
                commands += self._learn(neighbour, neighbour.rival, now)
            else:
                commands += self._forget(neighbour)
        return commands

    def next_timeout(self) -> float | None:
        """When `tick` has something to do; perhaps nothing any more."""
        return self._due[0][0] if self._due else None

    def flows(self) -> list[str]:
        """The flows of all known neighbours, to put in place with a new pipeline."""
        return [
            _flow(neighbour, neighbour.mac)
            for neighbour in self._neighbours.values()
            if neighbour.mac is not None
        ]

    def _is_credible(self, link: Link, claim: Claim) -> bool:
        group_address = claim.mac[0] & 1
        nobody = not any(claim.mac)
        if group_address or nobody or claim.mac == self._mac:
            return False
        return link.source_for(ip_address(claim.address)) is not None

    def _add(self, link: Link, address: Address) -> _Neighbour:
        neighbour = _Neighbour(link, address)
        self._neighbours[link.number, address] = neighbour
        self._known[link.number] += 1
        self._resolving[link.number] += 1
        return neighbour

    def _doubt(self, neighbour: _Neighbour, rival: bytes, now: float) -> list[Command]:
        """Somebody else claims the address: it changes hands if its host is silent where it was."""
        if neighbour.questions:
            neighbour.rival = neighbour.rival or rival
            return []
        if now < neighbour.trusted_until:
            return []
        neighbour.rival, neighbour.trusted_until = rival, now + TRUSTED
        return [self._ask(neighbour, now)]

    def _learn(self, neighbour: _Neighbour, mac: bytes, now: float) -> list[Command]:
        commands: list[Command] = []
        if neighbour.mac is None:
            self._resolving[neighbour.link.number] -= 1
        if neighbour.mac != mac:
            commands.append(InstallFlow(_flow(neighbour, mac)))
        neighbour.mac, neighbour.rival = mac, None
        neighbour.questions = 0
        self._wait(neighbour, now + REACHABLE)
        commands += (_forward(neighbour, mac, frame) for frame in neighbour.waiting)
        neighbour.waiting.clear()
        return commands

    def _ask(self, neighbour: _Neighbour, now: float) -> Command:
        neighbour.questions += 1
        self._wait(neighbour, now + RETRY)
        source = neighbour.link.source_for(neighbour.address)
        assert source is not None, "checked when the neighbour was added"
        question = arp_request if neighbour.address.version == 4 else solicitation
        return SendFrame(
            neighbour.link.port,
            question(self._mac, source.packed, neighbour.address.packed, neighbour.mac),
        )

    def _wait(self, neighbour: _Neighbour, due: float) -> None:
        neighbour.due = due
        # One place in the queue each, however often a host makes itself known; what was due later
        # before a doubt is passed over.
        if neighbour.queued is None or due < neighbour.queued:
            neighbour.queued = due
            heapq.heappush(self._due, (due, neighbour.link.number, neighbour.address.packed))

    def _forget(self, neighbour: _Neighbour) -> Iterable[Command]:
        number = neighbour.link.number
        del self._neighbours[number, neighbour.address]
        self._known[number] -= 1
        if neighbour.mac is None:
            self._resolving[number] -= 1
            return []
        return [RemoveFlow(_match(neighbour))]


def _match(neighbour: _Neighbour) -> str:
    match neighbour.address:
        case IPv4Address():
            next_hop = f"ip,reg0={int(neighbour.address):#x}"
        case IPv6Address():
            next_hop = f"ipv6,xxreg1={int(neighbour.address):#x}"
    return f"table=5,priority=100,reg2={neighbour.link.number},{next_hop}"


def _flow(neighbour: _Neighbour, mac: bytes) -> str:
    own = cookie(Kind.NEIGHBOUR, neighbour.link.number)
    return (
        f"cookie={own:#x},{_match(neighbour)}"
        f" actions=set_field:{mac.hex(':')}->eth_dst,output:{neighbour.link.port}"
    )


def _forward(neighbour: _Neighbour, mac: bytes, frame: bytes) -> Command:
    return SendFrame(neighbour.link.port, mac + frame[6:])
