"""The installed protocols: what is registered in the entry point group `ryu_alg.protocols`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel

from ryu_alg.inspection import ProtocolSpec

GROUP = "ryu_alg.protocols"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_PORTS = range(1, 65536)


class ProtocolUnusableError(Exception):
    """A protocol is registered, but its package cannot be used."""


class InstalledProtocols(Mapping[str, ProtocolSpec]):
    """The registered protocols by name. One is imported when it is first asked for."""

    def __init__(self, *, built_in_only: bool = False) -> None:
        """`built_in_only` leaves out those of other packages."""
        self._registered: dict[str, list[EntryPoint]] = {}
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            if not built_in_only or entry.module.startswith("ryu_alg."):
                self._registered.setdefault(entry.name, []).append(entry)
        self._loaded: dict[str, ProtocolSpec] = {}

    def __getitem__(self, name: str) -> ProtocolSpec:
        """Raises KeyError for an unknown name, ProtocolUnusableError for a broken package."""
        if name not in self._loaded:
            first, *others = self._registered[name]
            if others:
                packages = " and ".join(package(entry) for entry in (first, *others))
                raise ProtocolUnusableError(f"{packages} have a protocol of that name")
            self._loaded[name] = _load(first)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registered)

    def __len__(self) -> int:
        return len(self._registered)

    def packages(self, name: str) -> tuple[str, ...]:
        """The distributions that register `name`, each with its version; without importing it."""
        return tuple(package(entry) for entry in self._registered[name])


def package(entry: EntryPoint) -> str:
    """The distribution of an entry point, and its version."""
    return entry.module if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _load(entry: EntryPoint) -> ProtocolSpec:
    try:
        spec = entry.load()
    except (Exception, SystemExit) as error:  # a third party's module may raise anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ProtocolUnusableError(f"{entry.value} cannot be imported: {reason}") from error
    if not isinstance(spec, ProtocolSpec):
        raise ProtocolUnusableError(f"{entry.value} is not a ProtocolSpec")
    if not spec.transports:
        raise ProtocolUnusableError(f"{entry.value} has no inspector, neither for TCP nor for UDP")
    if spec.name != entry.name:
        raise ProtocolUnusableError(f"{entry.value} calls itself {spec.name}")
    if not _NAME.fullmatch(spec.name):
        raise ProtocolUnusableError(f"{spec.name} is no name: lower-case letters and digits")
    if not (isinstance(spec.options, type) and issubclass(spec.options, BaseModel)):
        raise ProtocolUnusableError(f"the options of {entry.value} are no pydantic model")
    if not (isinstance(spec.ports, tuple) and all(port in _PORTS for port in spec.ports)):
        raise ProtocolUnusableError(f"the ports of {entry.value} are none: {spec.ports}")
    return spec
