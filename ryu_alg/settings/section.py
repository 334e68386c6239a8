"""What all models of the configuration have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the configuration: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
