"""What the configuration may say about IRC: `protocols: {irc: {options: ...}}`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

HostNetwork = IPv4Network | IPv6Network
ANYBODY = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


def _as_list(value: object) -> object:
    """One item may stand without brackets."""
    return value if isinstance(value, list | tuple) else [value]


class IrcOptions(BaseModel):
    """The options of the protocol `irc`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    dcc: Literal["allow", "refuse"] = "allow"
    """Connections between users: `refuse` keeps every DCC from passing, either way."""
    deny_files: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Glob patterns (* ? [a-z]) for names of files that may not be offered, either way."""
    allow_files: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Glob patterns for names of files, of which no others may be offered. Empty: any."""
    max_size: int | None = Field(default=None, ge=0)
    """Bytes that an offered file may have; with it, an offer has to say how many. This is what
    the offer says: the transfer itself is not counted."""
    dcc_peers: Annotated[tuple[HostNetwork, ...], BeforeValidator(_as_list)] = ANYBODY
    """Networks from which the other user may connect. IRC does not tell where that user is, so
    by default the first that connects is let in."""
    offer_wait: int = Field(default=300, ge=10, le=3600)
    """Seconds that an offer may wait for the other user to accept it."""
    tls: Literal["refuse", "allow"] = "refuse"
    """STARTTLS, and TLS from the first byte: `refuse` them, so that the session stays readable,
    or `allow` them: nothing of the session is seen or rewritten then."""

    @property
    def restricts_files(self) -> bool:
        """Whether some file may not be offered."""
        return bool(self.deny_files or self.allow_files or self.max_size is not None)
