"""What the configuration may say about IRC: `protocols: {irc: {options: ...}}`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ryu_alg.options import ANYBODY, Networks, Options, Patterns


class IrcOptions(Options):
    """The options of the protocol `irc`."""

    dcc: Literal["allow", "refuse"] = "allow"
    """Connections between users: `refuse` keeps every DCC from passing, either way."""
    deny_files: Patterns = ()
    """Glob patterns (* ? [a-z]) for names of files that may not be offered, either way."""
    allow_files: Patterns = ()
    """Glob patterns for names of files, of which no others may be offered. Empty: any."""
    max_size: int | None = Field(default=None, ge=0)
    """Bytes that an offered file may have; with it, an offer has to say how many. This is what
    the offer says: the transfer itself is not counted."""
    dcc_peers: Networks = ANYBODY
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
