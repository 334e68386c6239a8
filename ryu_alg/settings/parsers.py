"""How each scalar of the configuration is written, and what is refused.

Each parser takes what YAML gave (text, number, truth value, nothing) and says, when it
refuses, both what is wrong and what would be right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
    ip_network,
)
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from ryu_alg.inspection import Address, Endpoint, Network, Transport
from ryu_alg.settings.ports import PORT_MAX, PortRange

Interface = IPv4Interface | IPv6Interface

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?")
_RANGE = re.compile(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?")
_DATABASE = re.compile(r"unix:/\S+|(?:tcp|ssl):(?:\[[0-9A-Fa-f:]+\]|[^\s:]+):[0-9]{1,5}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_DATAPATH_ID = re.compile(r"[0-9a-fA-F]{16}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PORT_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,15}")


def refusal(wrong: str, right: str = "") -> PydanticCustomError:
    """What a parser raises: pydantic adds where, the loader adds the line."""
    return PydanticCustomError("settings", "{wrong}", {"wrong": wrong, "right": right})


def shown(value: object) -> str:
    """`value` as an error message quotes it: short, on one line, without control characters."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return repr(text) if isinstance(value, str) else text


class RuleTransport(Enum):
    """What an outbound rule looks at."""

    ANY = "any"
    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"
    """ICMP and ICMPv6."""


class FailMode(Enum):
    """How it is known that the switch stays closed without its controller."""

    VERIFIED = "verified"
    """Its database says so."""
    TRUSTED = "trusted"
    """The configuration does."""


class Action(Enum):
    """What happens to a new connection from inside."""

    ALLOW = "allow"
    DENY = "deny"


def _text(value: object) -> str:
    """The text of a scalar; "" for anything else, which no parser accepts."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def _without_scope(value: object) -> str:
    """The text of an address; the port that a network is on says where it is."""
    text = _text(value)
    if "%" in text:
        right = f"write {text.partition('%')[0]}"
        raise refusal(f"{shown(value)} has an interface behind its %", right)
    return text


def parse_duration(value: object) -> float:
    """Seconds from `90`, "90s", "5m", "2h", "1d" or "250ms"; more than zero."""
    match = _DURATION.fullmatch(_text(value))
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not 0 < seconds < math.inf:  # 400 digits are no number
        raise refusal(
            f"{shown(value)} is not a duration above zero",
            "write seconds, or a number with its unit: 30s, 5m, 2h",
        )
    return seconds


def write_duration(seconds: float) -> str:
    """`seconds` in the largest unit that they are a whole number of."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{int(seconds // _UNITS[unit])}{unit}"
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def parse_flow_timeout(value: object) -> int:
    """A duration that an OpenFlow flow can carry: whole seconds, 1 to 65535."""
    seconds = parse_duration(value)
    if seconds != int(seconds) or seconds > PORT_MAX:
        raise refusal(
            f"{shown(value)} is no OpenFlow timeout", "write whole seconds, 1s to 65535s (18h)"
        )
    return int(seconds)


def whole_number(low: int, high: int, what: str) -> Callable[[object], int]:
    """A parser of integers from `low` to `high`; `what` names them in errors."""

    def parse(value: object) -> int:
        text = _text(value)
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise refusal(f"{shown(value)} is not {what}", f"write a whole number, {low} to {high}")
        return int(text)

    return parse


parse_port = whole_number(1, PORT_MAX, "a port")


def parse_port_range(value: object) -> PortRange:
    """One port, or "first-last"."""
    if isinstance(value, PortRange):
        return value
    match = _RANGE.fullmatch(_text(value))
    if match is None:
        raise refusal(
            f"{shown(value)} is not a port or port range", "write a range as first-last: 1024-32767"
        )
    first = parse_port(match[1])
    last = parse_port(match[2] or match[1])
    if first > last:
        raise refusal(f"the range {first}-{last} runs backwards", f"write {last}-{first}")
    return PortRange(first, last)


def parse_address(value: object) -> Address:
    """An IPv4 or IPv6 address, without prefix."""
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    text = _without_scope(value)
    try:
        return ip_address(text)
    except ValueError:
        right = "write an IPv4 or IPv6 address, without a prefix length"
        raise refusal(f"{shown(value)} is not an address", right) from None


def parse_public_address(value: object) -> IPv4Address:
    """An address that connections may be translated to: IPv4 only."""
    address = parse_address(value)
    if isinstance(address, IPv6Address):
        raise refusal(
            f"{address} is IPv6, and IPv6 is routed without NAT",
            "remove it here: a network's IPv6 addresses work as they are, under the firewall only",
        )
    return address


def parse_interface(value: object) -> Interface:
    """A router address with the prefix of its network: 192.168.10.1/24."""
    if isinstance(value, IPv4Interface | IPv6Interface):
        return value
    text = _without_scope(value)
    try:
        interface = ip_interface(text)
    except ValueError:
        raise refusal(
            f"{shown(value)} is not a router address",
            "write the router's address with its prefix length: 192.168.10.1/24",
        ) from None
    if "/" not in text:
        length = 24 if interface.version == 4 else 64
        raise refusal(f"{text} has no prefix length", f"write {text}/{length}, say")
    _check_router_address(interface)
    return interface


def _check_router_address(interface: Interface) -> None:
    network = interface.network
    if network.num_addresses < 2:
        raise refusal(f"{interface} leaves no room for a host", "write a shorter prefix length")
    if interface.ip.is_multicast or interface.ip.is_loopback or interface.ip.is_unspecified:
        raise refusal(f"{interface.ip} cannot be a router's address", "write a unicast address")
    if isinstance(interface, IPv6Interface) and interface.ip.is_link_local:
        raise refusal(
            f"{interface.ip} is link-local",
            "leave it out: the router's link-local address is made from gateway.mac",
        )
    hosts = f"write one of its hosts, {network[1]}/{network.prefixlen} for example"
    if interface.ip == network.network_address and network.num_addresses > 2:
        raise refusal(f"{interface} is the network, not an address in it", hosts)
    if (
        isinstance(interface, IPv4Interface)
        and interface.ip == network.broadcast_address
        and network.num_addresses > 2
    ):
        raise refusal(f"{interface} is the network's broadcast address", hosts)


def parse_network(value: object) -> Network:
    """A prefix: 192.168.10.0/24, or a single address."""
    if not isinstance(value, str):
        if isinstance(value, Network):
            return value
        raise refusal(f"{shown(value)} is not a prefix", "write a prefix: 192.168.10.0/24")
    text = _without_scope(value)
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        right = "write a prefix: 192.168.10.0/24 or 2001:db8::/32"
        raise refusal(f"{shown(value)} is not a prefix", right) from None
    raise refusal(f"{text} has bits set behind its prefix length", f"write {network}")


def parse_selector(value: object) -> str | Network:
    """A network's name, or a prefix."""
    text = value.strip() if isinstance(value, str) else ""
    if _NAME.fullmatch(text):
        return text
    return parse_network(value)


def parse_endpoint(value: object) -> Endpoint:
    """`address:port`; an IPv6 address stands in brackets."""
    if isinstance(value, Endpoint):
        return value
    text = _text(value)
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or (":" in host and not bracketed):
        raise refusal(
            f"{shown(value)} is not an endpoint",
            "write address:port, 203.0.113.1:21 or [2001:db8::2]:21",
        )
    address = parse_address(host[1:-1] if bracketed else host)
    return Endpoint(address, parse_port(port))


def parse_transport(value: object) -> Transport:
    """`tcp` or `udp`."""
    if isinstance(value, Transport):
        return value
    try:
        return Transport[_text(value).upper()]
    except KeyError:
        raise refusal(f"{shown(value)} is not a transport", "write tcp or udp") from None


def parse_datapath_id(value: object) -> str:
    """16 hexadecimal digits, as Ryu and `ovs-vsctl get bridge BR datapath_id` show them."""
    text = _text(value)
    if not _DATAPATH_ID.fullmatch(text):
        right = "write 16 hexadecimal digits in quotes"
        if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,15}", text):
            right = f'write "{text.removeprefix("0x").zfill(16).lower()}"'
        raise refusal(f"{shown(value)} is not a datapath id", right)
    if int(text, 16) == 0:
        raise refusal("no switch has the datapath id 0", "write the bridge's datapath_id")
    return text.lower()


def parse_mac(value: object) -> str:
    """A unicast MAC address, six octets with colons; lower case."""
    text = _text(value).lower()
    if not _MAC.fullmatch(text):
        right = "write six octets in hexadecimal, with colons: 02:a1:60:00:00:01"
        raise refusal(f"{shown(value)} is not a MAC address", right)
    first = int(text[:2], 16)
    if first & 1:
        right = f"clear the lowest bit of the first octet: {first & 0xFE:02x}{text[2:]}"
        raise refusal(f"{text} is a multicast MAC address", right)
    if text == "00:00:00:00:00:00":
        raise refusal("the MAC address is all zeros", "write 02:a1:60:00:00:01, say")
    return text


def parse_database(value: object) -> str:
    """Where an Open vSwitch database listens."""
    text = _text(value)
    if not _DATABASE.fullmatch(text):
        raise refusal(
            f"{shown(value)} is not the address of a database",
            "write unix:/var/run/openvswitch/db.sock, tcp:127.0.0.1:6640 or ssl:192.0.2.1:6640",
        )
    return text


def parse_name(value: object) -> str:
    """A network's name."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise refusal(
            f"{shown(value)} is not a name",
            "write a lower-case letter, then up to 31 of a-z, 0-9, _ and -",
        )
    return value


def parse_port_name(value: object) -> str:
    """The name of a port of the bridge."""
    if not isinstance(value, str) or not _PORT_NAME.fullmatch(value):
        raise refusal(
            f"{shown(value)} is not the name of a switch port",
            "write the name that `ovs-vsctl list-ports` shows, in quotes if it is a number",
        )
    return value


def parse_path(value: object) -> Path:
    """A file's path."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise refusal(f"{shown(value)} is not a file's path", "write a path")
    return Path(value)


def choice(kind: type[Enum]) -> Callable[[object], Any]:
    """A parser of the values of `kind`."""
    names = [str(item.value) for item in kind]

    def parse(value: object) -> Any:
        if isinstance(value, kind):
            return value
        try:
            return kind(value)
        except ValueError:
            right = f"write {', '.join(names[:-1])} or {names[-1]}"
            raise refusal(f"{shown(value)} is not a choice here", right) from None

    return parse
