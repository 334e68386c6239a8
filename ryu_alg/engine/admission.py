"""Whether a SYN may become a session, and how its addresses are translated."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ryu_alg.engine.config import EngineConfig, ProtocolBinding
from ryu_alg.engine.packed import endpoint
from ryu_alg.engine.public_ports import Lease, PublicPorts
from ryu_alg.engine.segment import Segment
from ryu_alg.inspection import Address, Conversation, Endpoint, Realm, Transport


class Verdict(Enum):
    """What a SYN that does not become a session is."""

    ORDINARY = "ordinary"
    """Not a control connection of this protocol: for the switch to judge."""
    REFUSED = "refused"
    """Policy or a quota forbids it: answered with a reset."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no session."""

    verdict: Verdict
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The conversation of the new session."""

    conversation: Conversation
    client_realm: Realm
    server_realm: Realm
    lease: Lease | None
    host: Address
    """The inside host that its quota counts for."""


def admit(
    config: EngineConfig,
    binding: ProtocolBinding,
    segment: Segment,
    realm: Realm,
    ports: PublicPorts,
    now: float,
) -> Admitted | Refused:
    """Judge a SYN from `realm`."""
    client = endpoint(segment.src, segment.sport)
    target = endpoint(segment.dst, segment.dport)
    if realm is Realm.OUTSIDE:
        return _from_outside(config, binding, client, target)
    return _from_inside(config, binding, client, target, ports, now)


def _from_outside(
    config: EngineConfig, binding: ProtocolBinding, client: Endpoint, target: Endpoint
) -> Admitted | Refused:
    service = config.service_at(target, binding.name)
    if service is None:
        return Refused(Verdict.ORDINARY, "session.unpublished", f"{target} is not published")
    conversation = Conversation(client, client, service.inside, service.public)
    return Admitted(conversation, Realm.OUTSIDE, Realm.INSIDE, None, service.inside.address)


def _from_inside(
    config: EngineConfig,
    binding: ProtocolBinding,
    client: Endpoint,
    target: Endpoint,
    ports: PublicPorts,
    now: float,
) -> Admitted | Refused:
    if target.port not in binding.ports or not any(
        target.address in prefix for prefix in binding.servers
    ):
        return Refused(Verdict.ORDINARY, "session.unbound", f"{target} is not bound")
    network = config.network_of(client.address)
    if network is None:
        return Refused(Verdict.ORDINARY, "session.spoofed", f"{client} is not inside")
    if target.address in config.public:
        return Refused(
            Verdict.REFUSED, "session.hairpin", f"{client} to the public endpoint {target}"
        )
    if not config.outbound_allowed(client.address, target, Transport.TCP):
        return Refused(Verdict.REFUSED, "session.denied", f"outbound policy: {client} to {target}")
    server_realm = config.realm_of(target.address)
    public = None if server_realm is Realm.INSIDE else network.public_for(client.address)
    lease: Lease | None = None
    seen = client
    if public is not None:
        lease = ports.control(public, client, Transport.TCP, now)
        if lease is None:
            detail = f"no control port of {public} is free for {client.address}"
            return Refused(Verdict.REFUSED, "session.ports_exhausted", detail)
        seen = lease.public
    conversation = Conversation(client, seen, target, target)
    return Admitted(conversation, Realm.INSIDE, server_realm, lease, client.address)
