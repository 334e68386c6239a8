"""What may pass: published services, the outbound policy, inspected protocols."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any, Literal

from pydantic import Field

from ryu_alg.inspection import Transport
from ryu_alg.settings.fields import (
    Name,
    Port,
    Ports,
    Prefix,
    RuleAction,
    RuleTransportChoice,
    Selector,
    ServiceEndpoint,
    ServiceTransport,
)
from ryu_alg.settings.parsers import Action, RuleTransport
from ryu_alg.settings.section import Section

ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class PublishedService(Section):
    """An inside server that outside hosts may connect to."""

    public: ServiceEndpoint = Field(
        description="The endpoint that outside hosts connect to: `203.0.113.1:21`, "
        "`[2001:db8::2]:21`. Without NAT it is the server's own."
    )
    inside: ServiceEndpoint = Field(description="The endpoint where the server really is.")
    transport: ServiceTransport = Field(default=Transport.TCP, description="`tcp` or `udp`.")
    protocol: Name | None = Field(
        default=None,
        description="The protocol whose inspector serves these connections, one of `protocols`. "
        "Without it they are ordinary connections.",
    )

    @property
    def translated(self) -> bool:
        """Whether the service is reached through NAT."""
        return self.public != self.inside


class OutboundRule(Section):
    """One rule; what it does not name, it does not look at."""

    source: Selector | None = Field(
        default=None, alias="from", description="The name of an inside network, or a prefix."
    )
    destination: Selector | None = Field(
        default=None, alias="to", description="The name of a network, or a prefix."
    )
    transport: RuleTransportChoice = Field(
        default=RuleTransport.ANY, description="`tcp`, `udp`, `icmp` (both versions) or `any`."
    )
    ports: tuple[Ports, ...] = Field(
        default=(),
        description="Destination ports and port ranges; only with `tcp` or `udp`.",
    )
    action: RuleAction = Field(description="`allow` or `deny`.")


class OutboundPolicy(Section):
    """Which new connections inside hosts may open. The first rule that fits decides."""

    default: RuleAction = Field(
        default=Action.ALLOW, description="What happens when no rule fits: `allow` or `deny`."
    )
    rules: tuple[OutboundRule, ...] = Field(
        default=(), max_length=10_000, description="The rules, in order."
    )


class ProtocolSettings(Section):
    """Where a protocol is inspected, and how."""

    ports: tuple[Port, ...] = Field(
        default=(),
        description="Server ports of its control connections. Default: the protocol's own.",
    )
    servers: tuple[Prefix, ...] = Field(
        default=ANYWHERE,
        description="Prefixes of the servers: a connection to any other host is ordinary.",
    )
    on_fault: Literal["drop", "opaque"] = Field(
        default="drop",
        description="What becomes of a conversation whose inspector fails or takes too long: it "
        "ends (`drop`: reset; over UDP, the datagram is dropped), or goes on unread (`opaque`) "
        "and nothing opens for it any more.",
    )
    options: Any = Field(
        default=None, description="The protocol's own options, see its table below."
    )
