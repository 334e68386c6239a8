"""What the configuration may say about XMPP: `protocols: {xmpp: {options: ...}}`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ryu_alg.options import ANYBODY, Networks, Options


class XmppOptions(Options):
    """The options of the protocol `xmpp`."""

    starttls: Literal["pass", "strip"] = "pass"
    """`pass`: once the server agrees to STARTTLS or compression, nothing of the session is seen
    or rewritten. `strip`: the server's offer of both is removed, so that the session stays
    readable; where the server insists on STARTTLS, the session is refused."""
    other_hosts: Literal["pass", "remove"] = "pass"
    """Candidates that a user offers, but not at the address that the connection comes from:
    proxies, other interfaces, names. They open nothing: `pass` leaves them as they are, `remove`
    takes them out of the offer."""
    peers: Networks = ANYBODY
    """Networks from which the other user may connect. The server does not tell where that user
    is, so by default the first that connects is let in."""
    relayed_hosts: Networks = ()
    """Inside hosts whose candidates a server inside may pass on to clients outside; the client
    that is told may connect. Whoever can send through the server can name them."""
    offer_wait: int = Field(default=300, ge=10, le=3600)
    """Seconds that the candidates of a Jingle session wait for the other user to accept it."""
    stanza_limit: int = Field(default=16_384, ge=4096, le=32_768)
    """The longest stanza that negotiates a bytestream, in bytes. A longer one is refused. Other
    stanzas may be of any length."""
