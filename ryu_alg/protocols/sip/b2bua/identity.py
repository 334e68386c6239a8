"""The names that the gateway gives: nobody guesses them, and the same thing has the same name.

A Call-ID or tag of one side leads to that of the other by a keyed hash. So a request that is
made again with credentials, or a registration that is renewed, is the same to the server, too,
and no table says so.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

from ryu_alg.protocols.sip.via import COOKIE

_KEY_BYTES = 16
_NAME_BYTES = 10


class Identity:
    """Makes names with `secret`; one who has another secret makes others."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secrets.token_bytes(_KEY_BYTES) if secret is None else secret
        self._branches = 0

    def name(self, kind: bytes, *parts: bytes) -> bytes:
        """The name of the thing that `kind` and `parts` say."""
        digest = blake2b(key=self._secret, digest_size=_NAME_BYTES)
        for part in (kind, *parts):
            digest.update(b"%d:" % len(part))
            digest.update(part)
        return digest.hexdigest().encode()

    def branch(self) -> bytes:
        """A new branch for a Via."""
        self._branches += 1
        return COOKIE + self.name(b"branch", b"%d" % self._branches)
