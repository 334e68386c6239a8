"""The verbs of DCC, and what stands behind each: one table for parser, policy and documentation.

There is no standard. The shapes are those of ircII's CTCP specification and mIRC (SEND, CHAT,
RESUME, ACCEPT, and port 0 for reverse), and of KVIrc, which puts T (turbo: no acknowledgements)
and S (TLS) in front of names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """What stands behind a verb."""

    FILE_OFFER = "file address port [size] [token]"
    OFFER = "kind address port [token]"
    FILE = "file [size]"
    POSITION = "file port position [token]"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb."""

    name: str
    shape: Shape
    what: str
    prefixes: bool = False
    """T and S may stand in front of it."""

    @property
    def has_file(self) -> bool:
        """Whether it begins a transfer, of a file that it names."""
        return self.shape in (Shape.FILE_OFFER, Shape.FILE)


VERBS = {
    verb.name: verb
    for verb in (
        Verb("ACCEPT", Shape.POSITION, "the sender's answer to `RESUME`"),
        Verb("CHAT", Shape.OFFER, "come and talk", prefixes=True),
        Verb("GET", Shape.FILE, "ask for a file (KVIrc)", prefixes=True),
        Verb("RECV", Shape.FILE_OFFER, "come and send that file (KVIrc)", prefixes=True),
        Verb("REJECT", Shape.TEXT, "no, thank you"),
        Verb("RESUME", Shape.POSITION, "send what I lack of the file"),
        Verb("RSEND", Shape.FILE, "ask where a file may be sent to (KVIrc)", prefixes=True),
        Verb("SEND", Shape.FILE_OFFER, "come and fetch a file", prefixes=True),
    )
}
_PREFIXES = ("", "T", "S", "TS", "ST")


def find(name: bytes) -> Verb | None:
    """The verb that `name` stands for, in upper or lower case."""
    return _NAMES.get(name.upper())


_NAMES = {
    f"{prefix}{verb.name}".encode(): verb
    for verb in VERBS.values()
    for prefix in (_PREFIXES if verb.prefixes else ("",))
}
