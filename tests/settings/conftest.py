"""Protocols to validate options with: the built-in ones, and one that is made up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, NoReturn

import pytest
from pydantic import BaseModel, ConfigDict, Field

from ryu_alg.inspection import Gateway, ProtocolSpec, Transport
from ryu_alg.settings.protocols import GROUP

ROOT = Path(__file__).parents[2]


class Greeting(BaseModel):
    """A part of the made-up options."""

    model_config = ConfigDict(extra="forbid")

    text: str
    times: int = Field(default=1, ge=1, description="How often. Not less than once.")


class MadeUpOptions(BaseModel):
    """Options of all kinds."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["refuse", "allow"] = "refuse"
    hosts: tuple[IPv4Network | IPv6Network, ...] = ()
    greetings: list[Greeting] = Field(default=[], description="What to say.")


def no_inspector(options: Any, gateway: Gateway) -> NoReturn:
    """Configuring a protocol makes no inspector."""
    raise NotImplementedError


def spec(name: str, *ports: int, transport: Transport = Transport.TCP) -> ProtocolSpec:
    """A protocol with the made-up options."""
    made = {"stream" if transport is Transport.TCP else "datagram": no_inspector}
    return ProtocolSpec(name, f"Made-up {name}", ports, MadeUpOptions, **made)


@pytest.fixture
def made_up() -> Mapping[str, ProtocolSpec]:
    """Stand-ins for installed protocols."""
    return {
        "ftp": spec("ftp", 21),
        "gopher": spec("gopher", 70),
        "tftp": spec("tftp", 69, transport=Transport.UDP),
    }


@pytest.fixture(scope="session")
def built_in() -> Mapping[str, ProtocolSpec]:
    """The built-in protocols as pyproject.toml registers them, installed or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"][GROUP]
    return {name: EntryPoint(name, value, GROUP).load() for name, value in entries.items()}
