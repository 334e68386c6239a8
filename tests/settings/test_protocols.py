"""Installed protocols."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import protocols
from ryu_alg.settings.protocols import GROUP, InstalledProtocols, ProtocolUnusableError
from tests.settings.conftest import spec

GOPHER: ProtocolSpec = spec("gopher", 70)
NOT_A_SPEC = "gopher"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protocols of this module instead of what is installed."""
    entries = [
        EntryPoint("gopher", f"{__name__}:GOPHER", GROUP),
        EntryPoint("veronica", f"{__name__}:GOPHER", GROUP),
        EntryPoint("text", f"{__name__}:NOT_A_SPEC", GROUP),
        EntryPoint("gone", "no.such.module:PROTOCOL", GROUP),
        EntryPoint("ftp", "ryu_alg.protocols.ftp:PROTOCOL", GROUP),
    ]

    def entry_points(group: str) -> list[EntryPoint]:
        assert group == GROUP
        return entries

    monkeypatch.setattr(protocols, "entry_points", entry_points)


def test_names_are_known_before_anything_is_imported() -> None:
    installed = InstalledProtocols()

    assert set(installed) == {"gopher", "veronica", "text", "gone", "ftp"}
    assert len(installed) == 5
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
        ("gone", "cannot be imported: No module named 'no'"),
        ("text", "is not a ProtocolSpec"),
        ("veronica", "calls itself gopher"),
    ],
)
def test_an_unusable_protocol(name: str, why: str) -> None:
    with pytest.raises(ProtocolUnusableError, match=why):
        InstalledProtocols()[name]
