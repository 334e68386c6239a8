"""What the configuration may say about SIP: `protocols: {sip: {options: ...}}`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ryu_alg.options import Networks, Options, Several
from ryu_alg.protocols.sip.b2bua.options import B2buaOptions

_METHOD = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]{1,32}")
_CLOSING = frozenset({"ACK", "CANCEL"})


def _method(name: str) -> str:
    if not _METHOD.fullmatch(name):
        raise ValueError(f"{name!r} is no SIP method: a word, as INVITE")
    if name.upper() in _CLOSING:
        raise ValueError(f"{name.upper()} belongs to an INVITE: deny that")
    return name.upper()


MethodName = Annotated[str, AfterValidator(_method)]


class MethodRule(Options):
    """One rule about requests. What it leaves out, it does not ask about."""

    action: Literal["allow", "deny"]
    """What happens to a request that fits."""
    methods: Several[MethodName] = ()
    """Methods, as MESSAGE. Empty: any but ACK and CANCEL, which go with their INVITE."""
    sender: Literal["any", "inside", "outside"] = "any"
    """The realm from which the request comes."""
    hosts: Networks = ()
    """Networks in which the inside host is. Empty: any."""
    peers: Networks = ()
    """Networks in which the other end, a proxy most often, is. Empty: any."""


class SipOptions(Options):
    """The options of the protocol `sip`."""

    mode: Literal["transparent", "b2bua"] = "transparent"
    """`transparent`: messages pass, with the addresses in them translated. `b2bua`: the gateway
    ends the dialogue of one side and leads another with the other side."""
    b2bua_peers: Networks = ()
    """With `mode: b2bua`: the other ends with which the gateway leads dialogues of its own; with
    all others it is transparent. Empty: all."""
    b2bua_hosts: Networks = ()
    """With `mode: b2bua`: the networks of the inside for whose hosts it does so; for all others
    it is transparent. Empty: all."""
    b2bua: B2buaOptions = B2buaOptions()
    """With `mode: b2bua`: see docs/sip-b2bua.md."""
    rules: tuple[MethodRule, ...] = ()
    """Which requests may pass. The first rule that fits decides; if none does, they pass."""
    registrars: Networks = ()
    """Where inside hosts may register. Empty: anywhere."""
    trunks: Networks = ()
    """Other ends that may send requests that begin something (INVITE, MESSAGE, ...) to inside
    hosts, besides `registrars`. Both empty: whoever the host has sent to before."""
    media_servers: Networks = ()
    """Inside hosts that others may announce as theirs: media servers, phones behind a proxy."""
    rewrite_identity: bool = False
    """Translate addresses in From and To, too. Most systems neither need nor expect it."""
    calls_per_host: int = Field(default=1000, ge=1, le=100_000)
    """Calls of one inside host at a time. A quarter of them is for those that the host begins."""
    registrations_per_host: int = Field(default=100, ge=1, le=10_000)
    """Contacts that one inside host has registered at a time."""
    messages_per_second: int = Field(default=1000, ge=1, le=100_000)
    """Messages of one inside host, and as many to it; for a moment, twice as many."""
    transactions_per_host: int = Field(default=20_000, ge=16, le=1_000_000)
    """Requests of and to one inside host that are remembered at a time, a quarter for its own."""
    message_limit: int = Field(default=16_384, ge=1500, le=49_152)
    """The longest message, in bytes. A longer one is refused (513)."""
    ringing_limit: int = Field(default=300, ge=180, le=3600)
    """Seconds without a response after which an unanswered INVITE is given up."""
    call_limit: int = Field(default=43_200, ge=60, le=604_800)
    """Seconds after which a call without a session timer (RFC 4028) is forgotten, and its media
    closed; any re-INVITE or UPDATE that succeeds starts them again."""

    @model_validator(mode="after")
    def _peers_belong_to_the_mode(self) -> SipOptions:
        for name in ("b2bua_peers", "b2bua_hosts"):
            if getattr(self, name) and self.mode != "b2bua":
                raise ValueError(f"`{name}` needs `mode: b2bua`")
        return self
