"""What the configuration may say about FTP: `protocols: {ftp: {options: ...}}`."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_VERB = re.compile(r"[A-Z0-9]{1,16}")
_REPLY = re.compile(r"(?:[45][0-9]{2} )?[ -~]{1,200}")


def _as_list(value: object) -> object:
    """One item may stand without brackets."""
    return value if isinstance(value, list | tuple) else [value]


def _verb(name: str) -> str:
    if not _VERB.fullmatch(name.upper()):
        raise ValueError(f"{name!r} is no FTP command: letters and digits, as STOR")
    return name.upper()


def _reply(text: str) -> str:
    if not _REPLY.fullmatch(text):
        raise ValueError("a reply is one line of at most 200 ASCII characters")
    if re.match(r"[0-9]{3}\b", text) and text[0] not in "45":
        raise ValueError("a reply that denies begins with a code from 400 to 599, or with none")
    return text


VerbName = Annotated[str, AfterValidator(_verb)]
HostNetwork = IPv4Network | IPv6Network


class Rule(BaseModel):
    """One rule of command control. What it leaves out, it does not ask about."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    action: Literal["allow", "deny"]
    """What happens to a command that fits."""
    commands: Annotated[tuple[VerbName, ...], BeforeValidator(_as_list)] = ()
    """Verbs; a rule about MKD holds for XMKD too. Empty: any."""
    arguments: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Glob patterns (* ? [a-z]) for the whole argument, as /incoming/*. Empty: any."""
    users: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Glob patterns for the user name given in USER. Empty: any, also none."""
    clients: Annotated[tuple[HostNetwork, ...], BeforeValidator(_as_list)] = ()
    """Networks in which the client is. Empty: any."""
    reply: Annotated[str, AfterValidator(_reply)] | None = None
    """What a denied client reads, as "550 Not here."; the code may be left out."""

    @model_validator(mode="after")
    def _only_denials_are_answered(self) -> Rule:
        if self.reply is not None and self.action == "allow":
            raise ValueError("`reply` belongs to a rule that denies; this one allows")
        return self


class FtpOptions(BaseModel):
    """The options of the protocol `ftp`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    auth: Literal["refuse", "allow"] = "refuse"
    """AUTH TLS and its like: `refuse` them (534), so that the session stays readable, or
    `allow` them: once the server accepts, nothing of the session is seen or rewritten."""
    foreign_port: Literal["refuse", "replace"] = "refuse"
    """PORT or EPRT with an address that is not the client's: `refuse` it (501), or `replace`
    it with the client's own."""
    foreign_pasv: Literal["refuse", "replace"] = "refuse"
    """A 227 or 229 with an address that is not the server's: `refuse` it (the client reads
    425), or `replace` it with the server's own."""
    fxp_hosts: Annotated[tuple[HostNetwork, ...], BeforeValidator(_as_list)] = ()
    """Third hosts that may be named in PORT, EPRT and 227, and may connect to a server's
    passive port: transfers from server to server (FXP)."""
    profile: Literal["none", "read-only"] = "none"
    """Ready-made command control behind `rules`: `read-only` denies all that changes files,
    and all verbs that are not known to leave them alone."""
    rules: tuple[Rule, ...] = ()
    """Command control. The first rule that fits decides; if none does, the profile does."""
    command_limit: int = Field(default=512, ge=64, le=4096)
    """The longest command line, in bytes with its end. A longer one is refused (500)."""
