"""From the configuration to what the engine and the pipeline are told of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ryu_alg.engine import config as engine
from ryu_alg.engine.supervision import Watch, unwatched
from ryu_alg.engine.views import ProtocolView, PublishedView
from ryu_alg.inspection import ProtocolSpec, Sizes, Transport
from ryu_alg.openflow import plan as pipeline
from ryu_alg.settings import Action, RuleTransport, Settings
from ryu_alg.settings.ports import PortRange
from ryu_alg.settings.protocols import InstalledProtocols
from ryu_alg.settings.traffic import ProtocolSettings

_Asked = TypeVar("_Asked")
_Made = TypeVar("_Made")

_NO_NAT = PortRange(1, 0)
"""Where a configuration has no public addresses, no port of theirs is ever handed out."""


def protocol_specs(settings: Settings) -> dict[str, ProtocolSpec]:
    """The protocols that `settings` names, by name; `load` has seen that they can be used."""
    installed = InstalledProtocols()
    return {name: installed[name] for name in settings.protocols}


def engine_config(
    settings: Settings, specs: dict[str, ProtocolSpec], watch: Watch = unwatched
) -> engine.EngineConfig:
    """What the engine works by. `specs`: see `protocol_specs`; `watch` limits inspectors' time."""
    napt, data, control = _partitions(settings)
    quotas = settings.quotas
    return engine.EngineConfig(
        networks=tuple(
            engine.InsideNetwork(network.name, network.prefixes, network.nat)
            for network in settings.realms.inside
        ),
        protocols=tuple(
            engine.ProtocolBinding(
                name=name,
                ports=frozenset(bound.ports),
                servers=bound.servers,
                stream=_made(specs[name].stream, bound.options),
                datagram=_made(specs[name].datagram, bound.options),
                sizes=_sizes(specs[name], bound.options),
                opaque_on_fault=bound.on_fault == "opaque",
            )
            for name, bound in settings.protocols.items()
        ),
        services=tuple(
            engine.Service(service.public, service.inside, service.protocol, service.transport)
            for service in settings.published
            if service.protocol is not None
        ),
        outbound=tuple(
            engine.OutboundRule(
                sources=settings.prefixes(rule.source),
                destinations=settings.prefixes(rule.destination),
                transport=_TRANSPORTS[rule.transport],
                ports=tuple((ports.first, ports.last) for ports in rule.ports),
                allow=rule.action is Action.ALLOW,
            )
            for rule in settings.outbound.rules
            if rule.transport is not RuleTransport.ICMP
        ),
        outbound_default=settings.outbound.default is Action.ALLOW,
        public=settings.public.addresses,
        napt=engine.PortRange(napt.first, napt.last),
        data=engine.PortRange(data.first, data.last),
        control=engine.PortRange(control.first, control.last),
        denied_ports=tuple((ports.first, ports.last) for ports in settings.denied_ports),
        timers=engine.Timers(**dict(settings.timers)),
        quotas=engine.Quotas(
            sessions=quotas.sessions,
            sessions_per_host=quotas.sessions_per_host,
            sessions_per_protocol=_share(settings, quotas.sessions),
            half_open=quotas.half_open,
            pinholes=quotas.pinholes,
            pinholes_per_host=quotas.pinholes_per_host,
            pinholes_per_protocol=_share(settings, quotas.pinholes),
            pinholes_per_session=quotas.pinholes_per_session,
            port_share=quotas.port_share,
        ),
        watch=watch,
    )


def _share(settings: Settings, total: int) -> int:
    """How many of `total` one protocol may have: all, where it is the only one."""
    if len(settings.protocols) == 1:
        return total
    return max(1, total * settings.quotas.protocol_share // 100)


def protocol_views(settings: Settings, specs: dict[str, ProtocolSpec]) -> list[ProtocolView]:
    """What is bound where. `specs`: see `protocol_specs`."""
    return [
        ProtocolView(
            name=name,
            transports=specs[name].transports,
            clients=tuple(network.name for network in settings.realms.inside),
            servers=bound.servers,
            ports=bound.ports,
            sizes=_sizes(specs[name], bound.options) is not None,
            published=tuple(
                PublishedView(service.transport, service.public, service.inside)
                for service in settings.published
                if service.protocol == name
            ),
            on_fault=bound.on_fault,
            policy=bound.options.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        )
        for name, bound in settings.protocols.items()
    ]


def pipeline_plan(settings: Settings, specs: dict[str, ProtocolSpec]) -> pipeline.PipelinePlan:
    """What the switch's static flows are rendered from. `specs`: see `protocol_specs`."""
    napt, data, control = _partitions(settings)
    names = list(settings.protocols)
    return pipeline.PipelinePlan(
        datapath_id=settings.gateway.datapath_id,
        mac=str(settings.gateway.mac),
        ct_zone=settings.gateway.ct_zone,
        inside=tuple(
            pipeline.InsideNetwork(network.name, network.port, network.addresses, network.nat)
            for network in settings.realms.inside
        ),
        outside=tuple(
            pipeline.OutsideNetwork(network.name, network.port, network.addresses, network.next_hop)
            for network in settings.realms.outside
        ),
        public=settings.public.addresses,
        napt=pipeline.PortRange(napt.first, napt.last),
        data=pipeline.PortRange(data.first, data.last),
        control=pipeline.PortRange(control.first, control.last),
        published=tuple(
            pipeline.PublishedService(
                service.public,
                service.inside,
                service.transport,
                None if service.protocol is None else names.index(service.protocol),
            )
            for service in settings.published
        ),
        outbound=tuple(
            pipeline.OutboundRule(
                allow=rule.action is Action.ALLOW,
                sources=settings.prefixes(rule.source),
                destinations=settings.prefixes(rule.destination),
                protocol=_IP_PROTOCOLS[rule.transport],
                ports=tuple(pipeline.PortRange(p.first, p.last) for p in rule.ports),
            )
            for rule in settings.outbound.rules
        ),
        outbound_default=settings.outbound.default is Action.ALLOW,
        protocols=tuple(
            _intercepted(index, specs[name], transport, bound)
            for index, (name, bound) in enumerate(settings.protocols.items())
            for transport in specs[name].transports
        ),
        meters=pipeline.MeterRates(
            known=settings.quotas.punt_rate,
            first=settings.quotas.first_rate,
            neighbours=settings.quotas.neighbour_rate,
            icmp_errors=settings.quotas.icmp_rate,
        ),
    )


_TRANSPORTS = {
    RuleTransport.ANY: None,
    RuleTransport.TCP: Transport.TCP,
    RuleTransport.UDP: Transport.UDP,
}
_IP_PROTOCOLS = {
    RuleTransport.ANY: None,
    RuleTransport.TCP: pipeline.IpProtocol.TCP,
    RuleTransport.UDP: pipeline.IpProtocol.UDP,
    RuleTransport.ICMP: pipeline.IpProtocol.ICMP,
}


def _partitions(settings: Settings) -> tuple[PortRange, PortRange, PortRange]:
    if settings.public.ports is None:
        return _NO_NAT, _NO_NAT, _NO_NAT
    ports = settings.public.ports
    return ports.napt, ports.data, ports.control


def _intercepted(
    index: int, spec: ProtocolSpec, transport: Transport, bound: ProtocolSettings
) -> pipeline.InterceptedProtocol:
    sizes = _sizes(spec, bound.options) if transport is Transport.UDP else None
    return pipeline.InterceptedProtocol(
        index,
        spec.name,
        transport,
        bound.ports,
        bound.servers,
        first_sizes=None if sizes is None else sizes.first,
        first_hosts=() if sizes is None else sizes.hosts,
    )


def _sizes(spec: ProtocolSpec, options: Any) -> Sizes | None:
    return None if spec.sizes is None else spec.sizes(options)


def _made(
    inspector: Callable[[Any, _Asked], _Made] | None, options: object
) -> Callable[[_Asked], _Made] | None:
    return None if inspector is None else partial(inspector, options)
