"""Networks: unique, apart from each other, and with routers that are in them."""

from __future__ import annotations

from collections.abc import Iterator

from ryu_alg.inspection import Network
from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import Finding, KeyPath
from ryu_alg.settings.realms import AttachedNetwork, InsideNetwork, OutsideNetwork


def findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with `realms`."""
    placed = _placed(settings)
    yield from _names(placed)
    yield from _ports(placed)
    yield from _prefixes(placed)
    for path, network in placed:
        if isinstance(network, InsideNetwork):
            yield from _translation(path, network, settings)
        if isinstance(network, OutsideNetwork):
            yield from _next_hops(path, network)
    yield from _default_routes(settings)


def overlap(one: Network, other: Network) -> bool:
    """Whether an address is in both; never between IPv4 and IPv6."""
    return one.version == other.version and one.overlaps(other)


def _placed(settings: Settings) -> list[tuple[KeyPath, AttachedNetwork]]:
    inside = [
        (("realms", "inside", position), network)
        for position, network in enumerate(settings.realms.inside)
    ]
    outside = [
        (("realms", "outside", position), network)
        for position, network in enumerate(settings.realms.outside)
    ]
    return [*inside, *outside]


def _names(placed: list[tuple[KeyPath, AttachedNetwork]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, network in placed:
        if network.name in seen:
            yield Finding(
                (*path, "name"),
                f"another network is called {network.name}",
                "give each network a name of its own",
            )
        seen.add(network.name)


def _ports(placed: list[tuple[KeyPath, AttachedNetwork]]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, network in placed:
        if network.port in seen:
            yield Finding(
                (*path, "port"),
                f"port {network.port} leads to network {seen[network.port]} already",
                "each network needs a port of its own",
            )
        seen.setdefault(network.port, network.name)


def _prefixes(placed: list[tuple[KeyPath, AttachedNetwork]]) -> Iterator[Finding]:
    seen: list[tuple[Network, str]] = []
    for path, network in placed:
        for position, interface in enumerate(network.addresses):
            for other, name in seen:
                if overlap(interface.network, other):
                    yield Finding(
                        (*path, "addresses", position),
                        f"{interface.network} overlaps {other} of network {name}",
                        "each network needs prefixes of its own, and one router address in each",
                    )
            seen.append((interface.network, network.name))


def _translation(path: KeyPath, network: InsideNetwork, settings: Settings) -> Iterator[Finding]:
    if network.nat and not any(interface.version == 4 for interface in network.addresses):
        yield Finding(
            (*path, "nat"),
            f"network {network.name} has no IPv4 address, and IPv6 is routed without NAT",
            "remove nat, or give the network an IPv4 router address",
        )
    known = ", ".join(map(str, settings.public.addresses)) or "none so far"
    for position, address in enumerate(network.nat):
        if not settings.public.knows(address):
            yield Finding(
                (*path, "nat", position),
                f"{address} is not one of public.addresses",
                f"use one of them ({known}), or add it there",
            )
        if address in network.nat[:position]:
            yield Finding((*path, "nat", position), f"{address} is there twice", "remove one")


def _next_hops(path: KeyPath, network: OutsideNetwork) -> Iterator[Finding]:
    prefixes = ", ".join(map(str, network.prefixes))
    own = {interface.ip for interface in network.addresses}
    for position, hop in enumerate(network.next_hop):
        here = (*path, "next_hop", position)
        if hop in own:
            yield Finding(
                here, f"{hop} is the gateway itself", "write the address of the next router"
            )
        elif not network.holds(hop) and not (hop.version == 6 and hop.is_link_local):
            yield Finding(
                here,
                f"{hop} is not in network {network.name}",
                f"a next hop is an address in {prefixes}",
            )


def _default_routes(settings: Settings) -> Iterator[Finding]:
    seen: dict[int, str] = {}
    for place, network in enumerate(settings.realms.outside):
        for position, hop in enumerate(network.next_hop):
            if hop.version in seen:
                yield Finding(
                    ("realms", "outside", place, "next_hop", position),
                    f"{seen[hop.version]} is the IPv{hop.version} default router already",
                    f"keep one next hop for IPv{hop.version} in all",
                )
            seen.setdefault(hop.version, str(hop))
