"""The engine with TFTP, and hosts on both sides of it."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random
from typing import Any

from ryu_alg.engine.commands import Publish
from ryu_alg.engine.config import InsideNetwork, ProtocolBinding, Service
from ryu_alg.engine.engine import Engine
from ryu_alg.inspection import Transport
from ryu_alg.protocols.tftp import PROTOCOL, TftpInspector, TftpOptions
from tests.engine import toy_datagrams
from tests.engine.toy_datagrams import PUBLIC, Exchanged, Network, at

PORT = 69
CLIENT = at("192.168.10.2", 4000)
SERVER = at("198.51.100.9", PORT)
OTHER_SERVER = at("198.51.100.10", PORT)
INSIDE_SERVER = at("192.168.20.2", PORT)
PUBLISHED = at(PUBLIC, PORT)
OUTSIDE_CLIENT = at("198.51.100.9", 5000)
IPV6_CLIENT = at("2001:db8:30::2", 4000)
IPV6_SERVER = at("2001:db8:1::2", PORT)
PLAIN_SERVER = at("192.0.2.2", PORT)
"""Inside, without NAT, published as it is."""


def request(
    *fields: str | bytes, write: bool = False, mode: str = "octet", name: str | bytes = "boot/image"
) -> bytes:
    """RRQ or WRQ; `fields` are options and their values."""
    texts = (name, mode, *fields)
    encoded = (text.encode() if isinstance(text, str) else text for text in texts)
    return (b"\0\2" if write else b"\0\1") + b"".join(text + b"\0" for text in encoded)


def site(options: dict[str, Any] | None = None, **changes: Any) -> Network:
    """A gateway with NAT, two published servers, and one network that is not translated."""
    validated = TftpOptions.model_validate(options or {})
    anywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    protocol = ProtocolBinding(
        "tftp",
        frozenset(PROTOCOL.ports),
        anywhere,
        datagram=lambda gateway: TftpInspector(validated, gateway),
    )
    networks = toy_datagrams.config().networks
    values: dict[str, Any] = {
        "protocols": (protocol,),
        "networks": (*networks, InsideNetwork("six", (ip_network("2001:db8:30::/64"),))),
        "services": tuple(
            Service(public, inside, "tftp", Transport.UDP)
            for public, inside in ((PUBLISHED, INSIDE_SERVER), (PLAIN_SERVER, PLAIN_SERVER))
        ),
    }
    config = toy_datagrams.config(**{**values, **changes})
    return Network(Engine(config, random=Random(7)))


def inspector(net: Network) -> TftpInspector:
    """Of the only session."""
    (session,) = net.engine.datagrams.sessions.values()
    assert isinstance(session.inspector, TftpInspector)
    return session.inspector


def codes(step: Exchanged) -> list[str]:
    """Of the events."""
    return [publish.code for publish in step.of(Publish)]


def error_of(payload: bytes) -> int:
    """The code of an ERROR packet, which has a text and one NUL."""
    assert payload[:2] == b"\0\5" and payload.index(0, 4) == len(payload) - 1 > 4
    return payload[3]
