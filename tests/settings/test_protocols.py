"""Installed protocols."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import protocols
from ryu_alg.settings.protocols import GROUP, InstalledProtocols, ProtocolUnusableError
from tests.settings.conftest import spec

GOPHER: ProtocolSpec = spec("gopher", 70)
UNMODELLED = replace(GOPHER, name="unmodelled", options=dict)
UNREACHABLE = replace(GOPHER, name="unreachable", ports=(70000,))
NOT_A_SPEC = "gopher"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protocols of this module instead of what is installed."""
    entries = [
        EntryPoint("gopher", f"{__name__}:GOPHER", GROUP),
        EntryPoint("veronica", f"{__name__}:GOPHER", GROUP),
        EntryPoint("text", f"{__name__}:NOT_A_SPEC", GROUP),
        EntryPoint("gone", "no.such.module:PROTOCOL", GROUP),
        EntryPoint("unmodelled", f"{__name__}:UNMODELLED", GROUP),
        EntryPoint("unreachable", f"{__name__}:UNREACHABLE", GROUP),
        EntryPoint("twice", f"{__name__}:GOPHER", GROUP),
        EntryPoint("twice", "no.such.module:PROTOCOL", GROUP),
        EntryPoint("ftp", "ryu_alg.protocols.ftp:PROTOCOL", GROUP),
    ]

    def entry_points(group: str) -> list[EntryPoint]:
        assert group == GROUP
        return entries

    monkeypatch.setattr(protocols, "entry_points", entry_points)


def test_names_are_known_before_anything_is_imported() -> None:
    installed = InstalledProtocols()

    names = {"gopher", "veronica", "text", "gone", "unmodelled", "unreachable", "twice", "ftp"}
    assert set(installed) == names
    assert len(installed) == len(names)
    assert "gopher" in installed


def test_a_protocol_is_imported_when_it_is_asked_for() -> None:
    installed = InstalledProtocols()

    assert installed["gopher"].name == "gopher"
    assert installed["gopher"] is installed["gopher"]


def test_built_in_ones_alone() -> None:
    assert set(InstalledProtocols(built_in_only=True)) == {"ftp"}


def test_an_unknown_protocol() -> None:
    with pytest.raises(KeyError):
        InstalledProtocols()["archie"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gone", "cannot be imported: ModuleNotFoundError: No module named 'no'"),
        ("text", "is not a ProtocolSpec"),
        ("veronica", "calls itself gopher"),
        ("unmodelled", "the options of .* are no pydantic model"),
        ("unreachable", "the ports of .* are none"),
        ("twice", f"{__name__} and no.such.module have a protocol of that name"),
    ],
)
def test_an_unusable_protocol(name: str, why: str) -> None:
    with pytest.raises(ProtocolUnusableError, match=why):
        InstalledProtocols()[name]
