"""Certificate authorities that last as long as a test, made as docs/production.md says."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_DAYS = ("-days", "2")


@dataclass(frozen=True)
class Identity:
    """A key and its certificate."""

    key: Path
    certificate: Path


class Authority:
    """Signs certificates; its own is `certificate`."""

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key, self.certificate = directory / f"{name}.key", directory / f"{name}.crt"
        subject = ("-subj", f"/CN={name}")
        files = ("-keyout", str(self._key), "-out", str(self.certificate))
        _openssl("req", "-x509", *_EC, "-nodes", *_DAYS, *subject, *files)

    def sign(self, name: str, days: int = 2) -> Identity:
        """A new identity; one that has expired with `days=-1`."""
        base = self._directory / name
        key, request, certificate = (base.with_suffix(it) for it in (".key", ".csr", ".crt"))
        subject = ("-subj", f"/CN={name}")
        _openssl("req", *_EC, "-nodes", *subject, "-keyout", str(key), "-out", str(request))
        by = ("-CA", str(self.certificate), "-CAkey", str(self._key), "-CAcreateserial")
        files = ("-in", str(request), "-out", str(certificate))
        _openssl("x509", "-req", *by, "-days", str(days), *files)
        return Identity(key, certificate)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
