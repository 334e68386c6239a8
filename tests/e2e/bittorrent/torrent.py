"""Torrent files (BEP 3), of content that is the same in every run."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 18
Bencodable = int | str | bytes | dict[str, "Bencodable"]


def bencoded(value: Bencodable) -> bytes:
    """As BEP 3 has it."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return bencoded(value.encode())
        case bytes():
            return b"%d:%b" % (len(value), value)
        case dict():
            items = sorted((key.encode(), item) for key, item in value.items())
            return b"d" + b"".join(bencoded(key) + bencoded(item) for key, item in items) + b"e"


@dataclass(frozen=True)
class Torrent:
    """A file, and what says so."""

    name: str
    file: Path
    """The torrent file."""
    content: Path
    """The folder of whoever has the content."""
    info_hash: str
    """In hexadecimal digits."""
    sha256: str
    """Of the content."""
    size: int
    """In bytes."""

    @classmethod
    def make(cls, directory: Path, name: str, size: int) -> Torrent:
        """Of so many bytes, into two new folders; its content depends on the name."""
        content = random.Random(name).randbytes(size)
        pieces = b"".join(
            hashlib.sha1(content[at : at + _PIECE]).digest() for at in range(0, size, _PIECE)
        )
        info = bencoded({"name": name, "length": size, "piece length": _PIECE, "pieces": pieces})
        file = directory / f"{name}.torrent"
        file.write_bytes(b"d4:info" + info + b"e")
        (directory / name).mkdir()
        (directory / name / name).write_bytes(content)
        return cls(
            name,
            file,
            directory / name,
            hashlib.sha1(info).hexdigest(),
            hashlib.sha256(content).hexdigest(),
            size,
        )

    def complete(self, directory: Path) -> bool:
        """Whether the whole content is in a folder."""
        with (directory / self.name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
