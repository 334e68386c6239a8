"""What the configuration may say about RTSP: `protocols: {rtsp: {options: ...}}`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from ryu_alg.options import Networks, Options, Several

_METHOD = re.compile(r"[A-Za-z0-9_.\-]{1,32}")


def _method(name: str) -> str:
    if not _METHOD.fullmatch(name):
        raise ValueError(f"{name!r} is no RTSP method: a word, as RECORD")
    if name.upper() == "TEARDOWN":
        raise ValueError("TEARDOWN only ends what SETUP began: deny that")
    return name.upper()


MethodName = Annotated[str, AfterValidator(_method)]


class MethodRule(Options):
    """One rule about requests. What it leaves out, it does not ask about."""

    action: Literal["allow", "deny"]
    """What happens to a request that fits."""
    methods: Several[MethodName] = ()
    """Methods, as RECORD. Empty: any but TEARDOWN."""
    sender: Literal["any", "client", "server"] = "any"
    """Who sends the request."""
    clients: Networks = ()
    """Networks in which the client is. Empty: any."""
    servers: Networks = ()
    """Networks in which the server is. Empty: any."""


class RtspOptions(Options):
    """The options of the protocol `rtsp`."""

    rules: tuple[MethodRule, ...] = ()
    """Which requests may pass. The first rule that fits decides; if none does, they pass."""
    media_hosts: Networks = ()
    """Third hosts that may be named as destination or source of media: recorders, and media
    servers apart from the RTSP server."""
