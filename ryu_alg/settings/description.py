"""A configuration in words: what `ryu-alg check` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address

from pydantic import BaseModel

from ryu_alg.inspection import Endpoint
from ryu_alg.settings.model import Settings
from ryu_alg.settings.ports import PortRange
from ryu_alg.settings.protocols import InstalledProtocols
from ryu_alg.settings.realms import AttachedNetwork, InsideNetwork, OutsideNetwork
from ryu_alg.settings.traffic import OutboundRule, ProtocolSettings, PublishedService


def describe(settings: Settings) -> str:
    """The gateway that `settings` make, defaults filled in: plain text for people."""
    return "\n".join(
        line
        for title, lines in (
            ("gateway", _gateway(settings)),
            ("networks", _networks(settings)),
            ("public addresses", _public(settings)),
            ("published services", _published(settings)),
            ("outbound policy: the first rule that fits decides", _outbound(settings)),
            ("inspected protocols", _protocols(settings)),
            ("timers", _values(settings.timers)),
            ("quotas", _values(settings.quotas)),
            ("no pinhole leads to", _denied(settings)),
            ("REST", _rest(settings)),
        )
        for line in (title, *(f"  {line}" for line in lines), "")
    ).rstrip("\n")


def link_local(mac: str) -> IPv6Address:
    """The address that a router with this MAC address has on each link (RFC 4291 appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(b"\xfe\x80" + bytes(6) + interface)


def _gateway(settings: Settings) -> Iterator[str]:
    gateway = settings.gateway
    yield f"switch {gateway.datapath_id}, conntrack zone {gateway.ct_zone}"
    openflow = settings.openflow
    host = f"[{openflow.bind}]" if openflow.bind.version == 6 else str(openflow.bind)
    how = "plain TCP" if openflow.tls is None else "TLS, certificates on both sides"
    yield f"connects to {host}:{openflow.port}, {how}; fail mode {gateway.fail_mode.value}"
    yield f"router MAC {gateway.mac}, IPv6 link-local {link_local(gateway.mac)}"


def _networks(settings: Settings) -> list[str]:
    rows = []
    for network in settings.realms.networks:
        realm = "inside" if isinstance(network, InsideNetwork) else "outside"
        rows.append(
            (
                realm,
                network.name,
                f"port {network.port}",
                _listed(network.addresses),
                _beyond(network),
            )
        )
    return _table(rows)


def _beyond(network: AttachedNetwork) -> str:
    if isinstance(network, OutsideNetwork):
        hops = f"default via {_listed(network.next_hop)}" if network.next_hop else "no default"
        return f"{hops}, routed here: {_listed(network.routed)}" if network.routed else hops
    assert isinstance(network, InsideNetwork)
    if not network.nat:
        return "no NAT, firewall only"
    spread = " (each host keeps one)" if len(network.nat) > 1 else ""
    only = "IPv4 " if any(address.version == 6 for address in network.addresses) else ""
    return f"{only}NAT to {_listed(network.nat)}{spread}"


def _public(settings: Settings) -> Iterator[str]:
    public = settings.public
    if not public.addresses:
        yield "none: nothing is translated"
        return
    rows: list[tuple[str, ...]] = []
    for address in public.addresses:
        users = [network.name for network in settings.realms.inside if address in network.nat]
        outside = settings.realms.outside_of(address)
        place = f"in {outside.name}" if outside else "routed here"
        users = [f"hosts of {_listed(users)}"] if users else []
        if any(service.public.address == address for service in settings.published):
            users.append("published services")
        rows.append((str(address), place, " and ".join(users) or "spare"))
    yield from _table(rows)
    yield "ports of each:"
    pickers = {"napt": "conntrack picks", "data": "pinholes", "control": "inspected sessions"}
    rows = []
    for name, ports in public.partitions.items():
        size = f"{len(ports)} ports"
        matches = _listed(f"0x{value:04x}/0x{mask:04x}" for value, mask in ports.blocks())
        masked = f"tcp_dst={matches}" if name == "control" else ""
        rows.append((name, str(ports), size, pickers[name], masked))
    yield from (f"  {line}" for line in _table(rows))


def _published(settings: Settings) -> list[str]:
    return _table(
        (
            service.transport.name.lower(),
            str(service.public),
            f"-> {service.inside}" if service.translated else "without NAT",
            f"in {_place(settings, service.inside)}",
            f"inspected as {service.protocol}" if service.protocol else "not inspected",
        )
        for service in settings.published
    ) or ["none"]


def _place(settings: Settings, endpoint: Endpoint) -> str:
    network = settings.realms.inside_of(endpoint.address)
    return network.name if network else "no inside network"


def _outbound(settings: Settings) -> Iterator[str]:
    for position, rule in enumerate(settings.outbound.rules, start=1):
        yield f"{position}. {_rule(rule)}"
    yield f"otherwise {settings.outbound.default.value}"


def _rule(rule: OutboundRule) -> str:
    ports = f" to ports {_listed(rule.ports)}" if rule.ports else ""
    source = "any inside host" if rule.source is None else str(rule.source)
    destination = "anywhere" if rule.destination is None else str(rule.destination)
    return f"{rule.action.value} {rule.transport.value}{ports} from {source} to {destination}"


def _protocols(settings: Settings) -> Iterator[str]:
    installed = InstalledProtocols()
    for name, protocol in settings.protocols.items():
        transports = " and ".join(each.name for each in installed[name].transports)
        fault = "passes unread" if protocol.on_fault == "opaque" else "is dropped"
        yield f"{name} over {transports}; a conversation whose inspector fails {fault}"
        yield from (f"  {line}" for line in _punted(settings, name, protocol))
        if isinstance(protocol.options, BaseModel):
            yield "  options"
            yield from (f"    {line}" for line in _values(protocol.options))
    if not settings.protocols:
        yield "none: all traffic is ordinary"


def _punted(settings: Settings, name: str, protocol: ProtocolSettings) -> Iterator[str]:
    """What table 1 sends to the controller for this protocol."""
    ports = _listed(protocol.ports)
    yield f"from inside to ports {ports} of {_listed(protocol.servers)}"
    translated = [network.name for network in settings.realms.inside if network.nat]
    plain = [
        network.name
        for network in settings.realms.inside
        if any(not network.translates(address.ip) for address in network.addresses)
    ]
    if translated:
        control = settings.public.partitions.control
        yield f"answers to {_listed(translated)}: from outside to a public address, ports {control}"
    if plain:
        yield f"answers to {_listed(plain)} without NAT: from ports {ports}"
    for service in _services(settings, name):
        yield f"to the published {service.public}, and answers from {service.inside}"


def _services(settings: Settings, protocol: str) -> list[PublishedService]:
    return [service for service in settings.published if service.protocol == protocol]


def _denied(settings: Settings) -> list[str]:
    return [_listed((PortRange(1, 1023), *settings.denied_ports))]


def _rest(settings: Settings) -> Iterator[str]:
    rest = settings.rest
    host = f"[{rest.bind}]" if rest.bind.version == 6 else str(rest.bind)
    token = f"bearer token from {rest.token_file}" if rest.token_file else "no token"
    yield f"http://{host}:{rest.port}/v1.0/alg, {token}"


def _values(model: BaseModel) -> list[str]:
    """Keys and values as they may be written."""
    values = model.model_dump(mode="json", by_alias=True)
    lines = _table((key, _shown(value)) for key, value in values.items() if not _nested(value))
    for key, value in values.items():
        if _nested(value):
            lines += [key, *(f"  - {_mapping(item)}" for item in value)]
    return lines


def _nested(value: object) -> bool:
    """Whether `value` is a list of mappings."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _mapping(item: dict[str, object]) -> str:
    """What a mapping says, without the keys that say nothing."""
    return "; ".join(
        f"{key}: {_shown(value)}" for key, value in item.items() if value not in (None, [], {})
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return _listed(map(_shown, value))
    if isinstance(value, dict):
        return f"{{{_mapping(value)}}}"
    return "none" if value is None else str(value)


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items)) or "none"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows with their columns aligned."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
