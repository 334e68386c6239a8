"""Inspected protocols: each with ports, and no port with two protocols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ryu_alg.inspection import ProtocolSpec, Transport
from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import Finding, KeyPath


def findings(settings: Settings, installed: Mapping[str, ProtocolSpec]) -> Iterator[Finding]:
    """What is wrong with `protocols`."""
    owners: dict[tuple[Transport, int], str] = {}
    for name, protocol in settings.protocols.items():
        here: KeyPath = ("protocols", name)
        transports = installed[name].transports
        if not protocol.ports:
            defaults = ", ".join(map(str, installed[name].ports))
            yield Finding(
                (*here, "ports"),
                "the list is empty, so nothing would be inspected",
                f"leave the key out for the default ({defaults})",
            )
        if not protocol.servers:
            yield Finding(
                (*here, "servers"),
                "the list is empty, so nothing would be inspected",
                "leave the key out to inspect connections to every server",
            )
        for position, port in enumerate(protocol.ports):
            for transport in transports:
                owner = owners.setdefault((transport, port), name)
                if owner != name:
                    yield Finding(
                        (*here, "ports", position),
                        f"{transport.name.lower()} port {port} is inspected as {owner} already",
                        "a port has one protocol",
                    )
            if port in protocol.ports[:position]:
                yield Finding(
                    (*here, "ports", position), f"port {port} is there twice", "remove one"
                )
