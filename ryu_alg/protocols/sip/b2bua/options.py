"""What the configuration may say about the B2BUA: `options: {mode: b2bua, b2bua: {...}}`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ryu_alg.options import Networks, Options, Patterns, Several

_METHOD = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]{1,32}")
_ANSWERLESS = frozenset({"ACK", "CANCEL", "BYE", "PRACK"})


def _method(name: str) -> str:
    if not _METHOD.fullmatch(name):
        raise ValueError(f"{name!r} is no SIP method: a word, as INVITE")
    if name.upper() in _ANSWERLESS:
        raise ValueError(f"{name.upper()} belongs to a call: a rule is about what begins it")
    return name.upper()


class CallRule(Options):
    """One rule about calls and requests. What it leaves out, it does not ask about."""

    action: Literal["allow", "deny"]
    """What happens to a request that fits."""
    methods: Several[Annotated[str, AfterValidator(_method)]] = ("INVITE",)
    """Methods; an empty list means any."""
    callers: Patterns = ()
    """Glob patterns for user@host in From, as *@example.com; tel numbers as they are written."""
    callees: Patterns = ()
    """Glob patterns for user@host of the Request-URI, as +4490*."""
    sources: Networks = ()
    """Networks that the request comes from."""
    status: int = Field(default=403, ge=400, le=699)
    """What a denied caller gets."""
    calls: int | None = Field(default=None, ge=1, le=100_000)
    """How many calls that fit one host may have at once."""
    time_limit: int | None = Field(default=None, ge=1, le=604_800)
    """Seconds after which such a call is ended, both ways."""

    @model_validator(mode="after")
    def _limits_are_for_what_is_allowed(self) -> CallRule:
        if self.action == "deny" and (self.calls is not None or self.time_limit is not None):
            raise ValueError("`calls` and `time_limit` belong to a rule that allows")
        return self


class B2buaOptions(Options):
    """The options of the back-to-back user agent."""

    rules: tuple[CallRule, ...] = ()
    """Which calls may be made. The first rule that fits decides; if none does, they may."""
    calls_per_second: float | None = Field(default=None, gt=0, le=10_000)
    """New calls of and to one host; for a moment, twice as many. None: no limit of their own."""
    time_limit: int | None = Field(default=None, ge=1, le=604_800)
    """Seconds after which any call is ended, both ways. None: `call_limit` of SIP holds, from
    the last re-INVITE or UPDATE on."""
    end_idle_calls: bool = True
    """End calls (BYE both ways) whose media have stopped for `timers.data_idle`, unless held."""
    inside_names: Patterns = ()
    """Glob patterns for host names of the inside, as *.corp.example.com: not seen outside.
    Names without a dot, and those under .local, .lan, .internal, .home.arpa and .localhost,
    never are."""
    t1: float = Field(default=0.5, ge=0.05, le=5.0)
    """Seconds: estimate of the round trip (RFC 3261, T1)."""
    t2: float = Field(default=4.0, ge=0.5, le=40.0)
    """Seconds: longest interval between two copies of a request or final response (T2)."""
    t4: float = Field(default=5.0, ge=0.5, le=40.0)
    """Seconds: how long a message may stay in the network (T4)."""
