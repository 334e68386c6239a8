"""What the configuration may say about FTP: `protocols: {ftp: {options: ...}}`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ryu_alg.options import Networks, Options, Patterns, Several

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_MAX_PORT = 65535
MIN_PORT = 1024
"""No data connection is let in to a lower port."""
_VERB = re.compile(r"[A-Z0-9]{1,16}")
_REPLY = re.compile(r"(?:[45][0-9]{2} )?[ -~]{1,200}")


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


def _range(value: object) -> object:
    match = _RANGE.fullmatch(str(value).replace(" ", ""))
    if match is None:
        raise ValueError(f"{value!r} is no port range: write first-last, as 50000-50099")
    first, last = int(match[1]), int(match[2] or match[1])
    if not MIN_PORT <= first <= last <= _MAX_PORT:
        raise ValueError(f"a port range goes upwards from {MIN_PORT} at least, to {_MAX_PORT}")
    return f"{first}-{last}"


PortRange = Annotated[
    str, Field(pattern=r"^[0-9]{4,5}( *- *[0-9]{4,5})?$"), BeforeValidator(_range)
]
VerbName = Annotated[str, AfterValidator(_verb)]


class Rule(Options):
    """One rule of command control. What it leaves out, it does not ask about."""

    action: Literal["allow", "deny"]
    """What happens to a command that fits."""
    commands: Several[VerbName] = ()
    """Verbs; a rule about MKD holds for XMKD too. Empty: any."""
    arguments: Patterns = ()
    """Glob patterns (* ? [a-z]) for the whole argument, as /incoming/*. Empty: any."""
    users: Patterns = ()
    """Glob patterns for the user name given in USER. Empty: any, also none."""
    clients: Networks = ()
    """Networks in which the client is. Empty: any."""
    reply: Annotated[str, AfterValidator(_reply)] | None = None
    """What a denied client reads, as "550 Not here."; the code may be left out."""

    @model_validator(mode="after")
    def _only_denials_are_answered(self) -> Rule:
        if self.reply is not None and self.action == "allow":
            raise ValueError("`reply` belongs to a rule that denies; this one allows")
        return self


class FtpOptions(Options):
    """The options of the protocol `ftp`."""

    auth: Literal["refuse", "allow"] = "refuse"
    """AUTH TLS and its like: `refuse` them (534), so that the session stays readable, or
    `allow` them: once the server accepts, nothing of the session is seen or rewritten."""
    foreign_port: Literal["refuse", "replace"] = "refuse"
    """PORT or EPRT with an address that is not the client's: `refuse` it (501), or `replace`
    it with the client's own."""
    foreign_pasv: Literal["refuse", "replace"] = "refuse"
    """A 227 or 229 with an address that is not the server's: `refuse` it (the client reads
    425), or `replace` it with the server's own."""
    fxp_hosts: Networks = ()
    """Third hosts that may be named in PORT, EPRT and 227, and may connect to a server's
    passive port: transfers from server to server (FXP)."""
    profile: Literal["none", "read-only"] = "none"
    """Ready-made command control behind `rules`: `read-only` denies all that changes files,
    and all verbs that are not known to leave them alone."""
    rules: tuple[Rule, ...] = ()
    """Command control. The first rule that fits decides; if none does, the profile does."""
    passive_ports: PortRange | None = None
    """The server's passive ports, as "50000-50099": open to the client of an encrypted session
    as long as that lasts. Only with `auth: allow`."""
    command_limit: int = Field(default=512, ge=64, le=4096)
    """The longest command line, in bytes with its end. A longer one is refused (500)."""

    @model_validator(mode="after")
    def _only_encrypted_sessions_need_a_range(self) -> FtpOptions:
        if self.passive_ports is not None and self.auth == "refuse":
            raise ValueError("`passive_ports` serves encrypted sessions: set `auth` to allow them")
        return self

    @property
    def passive_range(self) -> tuple[int, int] | None:
        """First and last of `passive_ports`."""
        if self.passive_ports is None:
            return None
        first, _, last = self.passive_ports.partition("-")
        return int(first), int(last)
