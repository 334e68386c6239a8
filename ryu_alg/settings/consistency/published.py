"""Published services: reachable, apart from each other, and inspected where they say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ryu_alg.inspection import Endpoint, ProtocolSpec, Transport
from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import Finding, KeyPath
from ryu_alg.settings.traffic import PublishedService


def findings(settings: Settings, installed: Mapping[str, ProtocolSpec]) -> Iterator[Finding]:
    """What is wrong with `published`."""
    seen: dict[tuple[Transport, Endpoint], int] = {}
    for position, service in enumerate(settings.published):
        here: KeyPath = ("published", position)
        endpoint = (service.transport, service.public)
        if endpoint in seen:
            yield Finding(
                (*here, "public"),
                f"{service.public} is published already, by published[{seen[endpoint]}]",
                "use another port or another public address",
            )
        seen.setdefault(endpoint, position)
        yield from _server(here, service, settings)
        yield from _protocol(here, service, settings, installed)


def _server(here: KeyPath, service: PublishedService, settings: Settings) -> Iterator[Finding]:
    server = service.inside.address
    network = settings.realms.inside_of(server)
    if network is None:
        yield Finding(
            (*here, "inside"),
            f"{server} is in no inside network",
            f"a published server is in one of: {_inside_prefixes(settings)}",
        )
        return
    if any(server == interface.ip for interface in network.addresses):
        yield Finding(
            (*here, "inside"), f"{server} is the gateway itself", "write the server's address"
        )
    if not network.translates(server):
        if service.public != service.inside:
            reason = "IPv6 is" if server.version == 6 else f"network {network.name} is"
            yield Finding(
                (*here, "public"),
                f"{service.public} differs from {service.inside}, but {reason} routed without NAT",
                f'write public: "{service.inside}"',
            )
        return
    yield from _translated(here, service, settings)


def _translated(here: KeyPath, service: PublishedService, settings: Settings) -> Iterator[Finding]:
    known = settings.public.addresses
    if not settings.public.knows(service.public.address):
        choices = ", ".join(map(str, known)) or "none so far"
        yield Finding(
            (*here, "public"),
            f"{service.public.address} is not one of public.addresses",
            f"use one of them ({choices}), or add it there",
        )
    if settings.public.ports is None:
        return
    for name, ports in settings.public.ports.items():
        if service.public.port in ports:
            yield Finding(
                (*here, "public"),
                f"port {service.public.port} is in the {name} partition ({ports})",
                "publish a port outside the three partitions of public.ports",
            )


def _protocol(
    here: KeyPath,
    service: PublishedService,
    settings: Settings,
    installed: Mapping[str, ProtocolSpec],
) -> Iterator[Finding]:
    name = service.protocol
    if name is None:
        return
    if name not in settings.protocols:
        configured = ", ".join(settings.protocols) or "none so far"
        yield Finding(
            (*here, "protocol"),
            f"{name} is not configured under protocols",
            f"use one that is ({configured}), or add it there",
        )
        return
    transports = [transport.name.lower() for transport in installed[name].transports]
    if service.transport not in installed[name].transports:
        yield Finding(
            (*here, "transport"),
            f"{name} runs over {' and '.join(transports)}, not {service.transport.name.lower()}",
            f"write transport: {transports[0]}",
        )
    ports = settings.protocols[name].ports
    if service.inside.port not in ports:
        yield Finding(
            (*here, "inside"),
            f"port {service.inside.port} is not one of {name}'s ports, so it is not inspected",
            f"use one of protocols.{name}.ports ({', '.join(map(str, ports))}), or add it there",
        )


def _inside_prefixes(settings: Settings) -> str:
    return ", ".join(
        str(prefix) for network in settings.realms.inside for prefix in network.prefixes
    )
