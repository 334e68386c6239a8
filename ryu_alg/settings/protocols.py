"""The installed protocols: what is registered in the entry point group `ryu_alg.protocols`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from ryu_alg.inspection import ProtocolSpec

GROUP = "ryu_alg.protocols"


class ProtocolUnusableError(Exception):
    """A protocol is registered, but its package cannot be used."""


class InstalledProtocols(Mapping[str, ProtocolSpec]):
    """The registered protocols by name. One is imported when it is first asked for."""

    def __init__(self, *, built_in_only: bool = False) -> None:
        """`built_in_only` leaves out those of other packages."""
        self._registered: dict[str, EntryPoint] = {
            entry.name: entry
            for entry in entry_points(group=GROUP)
            if not built_in_only or entry.module.startswith("ryu_alg.")
        }
        self._loaded: dict[str, ProtocolSpec] = {}

    def __getitem__(self, name: str) -> ProtocolSpec:
        """Raises KeyError for an unknown name, ProtocolUnusableError for a broken package."""
        if name not in self._loaded:
            self._loaded[name] = _load(self._registered[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registered)

    def __len__(self) -> int:
        return len(self._registered)


def _load(entry: EntryPoint) -> ProtocolSpec:
    try:
        spec = entry.load()
    except Exception as error:  # a third party's module may raise anything at import
        raise ProtocolUnusableError(f"{entry.value} cannot be imported: {error}") from error
    if not isinstance(spec, ProtocolSpec):
        raise ProtocolUnusableError(f"{entry.value} is not a ProtocolSpec")
    if not spec.transports:
        raise ProtocolUnusableError(f"{entry.value} has no inspector, neither for TCP nor for UDP")
    if spec.name != entry.name:
        raise ProtocolUnusableError(f"{entry.value} calls itself {spec.name}")
    return spec
