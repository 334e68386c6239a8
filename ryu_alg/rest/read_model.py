"""Where the REST endpoint reads: the application implements `ReadModel` over the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ryu_alg.engine.views import (
    BindingView,
    EventView,
    PinholeView,
    ProtocolView,
    SessionView,
    StatusView,
)


class Mistake(Protocol):
    """Something that is wrong in a configuration file."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int:
        """Counted from 1; 0 when the file could not be read at all."""

    @property
    def key(self) -> str:
        """Dotted path; empty for the document as a whole."""

    @property
    def wrong(self) -> str: ...
    @property
    def right(self) -> str:
        """What would be right instead; may be empty."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The configuration file was read again, and is in force."""

    path: str
    sha256: str
    changed: tuple[str, ...]
    """Top-level keys under which something is other than before."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The configuration file has mistakes: nothing of it was applied, the old one stays."""

    mistakes: Sequence[Mistake]


View = TypeVar("View", covariant=True)


@dataclass(frozen=True, slots=True)
class Listed(Generic[View]):
    """What a page is made of."""

    total: int
    """How many there are in all."""
    views: Iterator[View]
    """Those behind the page before, in the order of their keys. As many as are wanted are read
    before anything else runs; making one takes as long however many there are."""


class ReadModel(Protocol):
    """The gateway's state. `after` is the key behind which a list goes on (`rest.listing`)."""

    def sessions(self, after: int) -> Listed[SessionView]: ...
    def pinholes(self, after: int) -> Listed[PinholeView]: ...
    def bindings(self, after: int) -> Listed[BindingView]: ...
    def protocols(self) -> Iterable[ProtocolView]:
        """What is inspected, and where."""

    def events(self, after: int) -> Listed[EventView]:
        """The most recent ones, of a bounded number."""

    def status(self) -> StatusView: ...
    def end_session(self, number: int) -> bool:
        """End a session, and cut its data; False if there is no such session."""

    def reload(self) -> Applied | Refused:
        """Read the configuration file again and apply it whole, or not at all."""
