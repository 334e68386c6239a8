"""Types for protocols' options: the part of the plugin API that needs pydantic."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from ryu_alg.inspection import Network

T = TypeVar("T")

ANYBODY = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
"""The networks of all addresses."""


class Options(BaseModel):
    """A mapping of options: immutable, and unknown keys are mistakes. The text below a field is
    its description, in the JSON schema and in the tables of the documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


Several = Annotated[tuple[T, ...], BeforeValidator(_as_list)]
"""A list in which one item may stand without brackets."""
Networks = Several[Network]
Patterns = Several[str]
"""Glob patterns: see `ryu_alg.inspection.names`."""
