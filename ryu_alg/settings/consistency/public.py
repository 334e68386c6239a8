"""Public addresses that can be reached, and port partitions that the switch can match."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from ryu_alg.settings.model import Settings
from ryu_alg.settings.ports import PORT_MAX, PORT_MIN, PortRange, nearest_range
from ryu_alg.settings.problems import Finding, KeyPath
from ryu_alg.settings.realms import Partitions

CONTROL_BLOCKS_MAX = 4
"""Masked matches of the control partition, per public address."""


def findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with `public`."""
    public = settings.public
    if public.addresses and public.ports is None:
        yield Finding(
            ("public", "ports"),
            "is missing, though there are public addresses",
            "write ports: {napt: 1024-32767, data: 32768-49151, control: 49152-53247}",
        )
    if public.ports is not None:
        yield from _partitions(public.ports)
    for position, address in enumerate(public.addresses):
        here: KeyPath = ("public", "addresses", position)
        if address in public.addresses[:position]:
            yield Finding(here, f"{address} is there twice", "remove one")
        yield from _address(here, address, settings)


def _address(here: KeyPath, address: IPv4Address, settings: Settings) -> Iterator[Finding]:
    realms = settings.realms
    inside = realms.inside_of(address)
    if inside is not None:
        yield Finding(
            here,
            f"{address} belongs to the inside network {inside.name}",
            "a public address is in an outside network, or in what is routed to the gateway",
        )
        return
    if any(address in network.next_hop for network in realms.outside):
        yield Finding(here, f"{address} is a next hop", "a public address is the gateway's own")
    outside = realms.outside_of(address)
    if outside is None:
        if any(address in prefix for network in realms.outside for prefix in network.routed):
            return
        prefixes = [str(p) for n in realms.outside for p in n.prefixes if p.version == 4]
        yield Finding(
            here,
            f"{address} is in no outside network ({', '.join(prefixes) or 'none has IPv4'})",
            "take one of theirs, or list the prefix that upstream routes here under that "
            "network's `routed`",
        )
        return
    for prefix in outside.prefixes:
        edges = (prefix.network_address, prefix.broadcast_address)
        if prefix.num_addresses > 2 and address in edges:
            yield Finding(
                here,
                f"{address} is the network or broadcast address of {prefix}",
                "take one of its hosts",
            )


def _partitions(partitions: Partitions) -> Iterator[Finding]:
    named = partitions.items()
    for position, (name, ports) in enumerate(named):
        here = ("public", "ports", name)
        if ports.first < PORT_MIN:
            yield Finding(
                here,
                f"{ports} reaches below {PORT_MIN}, where services are",
                f"stay within {PORT_MIN}-{PORT_MAX}",
            )
        for other_name, other in named[:position]:
            if ports.overlaps(other):
                yield Finding(
                    here,
                    f"{ports} overlaps {other_name} ({other})",
                    "the three partitions share no port",
                )
    yield from _control_blocks(partitions)


def _control_blocks(partitions: Partitions) -> Iterator[Finding]:
    control = partitions.control
    needed = len(control.blocks())
    if needed <= CONTROL_BLOCKS_MAX:
        return
    taken: tuple[PortRange, ...] = (partitions.napt, partitions.data)
    nearest = nearest_range(control, CONTROL_BLOCKS_MAX, taken)
    right = f"{nearest} is the nearest range that works" if nearest else "try 49152-53247"
    yield Finding(
        ("public", "ports", "control"),
        f"{control} takes {needed} masked matches in the switch, and "
        f"{CONTROL_BLOCKS_MAX} are the most",
        right,
    )
