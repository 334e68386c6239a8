"""What the configuration may say about RTSP: `protocols: {rtsp: {options: ...}}`."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_METHOD = re.compile(r"[A-Za-z0-9_.\-]{1,32}")


def _as_list(value: object) -> object:
    """One item may stand without brackets."""
    return value if isinstance(value, list | tuple) else [value]


def _method(name: str) -> str:
    if not _METHOD.fullmatch(name):
        raise ValueError(f"{name!r} is no RTSP method: a word, as RECORD")
    if name.upper() == "TEARDOWN":
        raise ValueError("TEARDOWN only ends what SETUP began: deny that")
    return name.upper()


MethodName = Annotated[str, AfterValidator(_method)]
HostNetwork = IPv4Network | IPv6Network
Networks = Annotated[tuple[HostNetwork, ...], BeforeValidator(_as_list)]


class MethodRule(BaseModel):
    """One rule about requests. What it leaves out, it does not ask about."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    action: Literal["allow", "deny"]
    """What happens to a request that fits."""
    methods: Annotated[tuple[MethodName, ...], BeforeValidator(_as_list)] = ()
    """Methods, as RECORD. Empty: any but TEARDOWN."""
    sender: Literal["any", "client", "server"] = "any"
    """Who sends the request."""
    clients: Networks = ()
    """Networks in which the client is. Empty: any."""
    servers: Networks = ()
    """Networks in which the server is. Empty: any."""


class RtspOptions(BaseModel):
    """The options of the protocol `rtsp`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    rules: tuple[MethodRule, ...] = ()
    """Which requests may pass. The first rule that fits decides; if none does, they pass."""
    media_hosts: Networks = ()
    """Third hosts that may be named as destination or source of media: recorders, and media
    servers apart from the RTSP server."""
