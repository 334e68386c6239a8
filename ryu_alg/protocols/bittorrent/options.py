"""What the configuration may say about BitTorrent: `protocols: {bittorrent: {options: ...}}`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ryu_alg.options import Networks, Options, Several

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def _info_hash(text: str) -> bytes:
    if not _HASH.fullmatch(text.lower()):
        raise ValueError(f"{text!r} is no info-hash: 40 hexadecimal digits, or 64 of version 2")
    return bytes.fromhex(text)[:20]


InfoHash = Annotated[str, AfterValidator(lambda text: _info_hash(text).hex())]
"""As trackers and peers name it: the first 20 bytes (BEP 52)."""


class BitTorrentOptions(Options):
    """The options of the protocol `bittorrent`."""

    hosts: Networks = ()
    """Inside hosts that outside peers may reach. Empty: none; what they announce passes as it is,
    unless its torrent is denied."""
    allow: Several[InfoHash] = ()
    """The only torrents that may be announced, by info-hash in hexadecimal. Empty: any."""
    deny: Several[InfoHash] = ()
    """Torrents that may not be announced, even if they are allowed above."""
    torrents: Annotated[int, Field(ge=1, le=1024)] = 64
    """How many torrents an inside host may announce at a time."""
    peers: Annotated[int, Field(ge=1, le=1000)] = 200
    """How many peers a tracker's answer may name; what exceeds it is left out."""
    dht: bool = True
    """Whether announces to the DHT are inspected. If not, nodes are ordinary UDP traffic."""
    pex: bool = True
    """Whether peer exchange is translated, in connections to the ports of the protocol: all their
    data then goes by way of the controller. If not, such a connection leaves it after the
    handshake, if that has kept its length."""

    @property
    def selective(self) -> bool:
        """Whether some torrents may not be announced, by whichever host."""
        return bool(self.allow or self.deny)
