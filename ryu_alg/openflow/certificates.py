"""What the controller and its switch are known by to each other."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


class TransportError(Exception):
    """No connection comes about safely with what is configured; says why in one line."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files with what the two sides are known by (PEM)."""

    certificate: Path
    private_key: Path
    ca: Path

    def context(self) -> ssl.SSLContext:
        """What a server wants of its clients. Raises TransportError for unusable files."""
        return self._filled(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def client_context(self) -> ssl.SSLContext:
        """The same of a client; certificates of switches name no host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        return self._filled(context)

    def _filled(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            # Without a passphrase of our own, OpenSSL would ask the terminal for one.
            context.load_cert_chain(self.certificate, self.private_key, password="")
        except (OSError, ValueError) as error:
            raise TransportError(f"{self.certificate} with {self.private_key}: {error}") from error
        try:
            context.load_verify_locations(self.ca)
        except (OSError, ValueError) as error:
            raise TransportError(f"{self.ca}: {error}") from error
        return context
