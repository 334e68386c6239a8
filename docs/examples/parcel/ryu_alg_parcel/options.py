"""What the configuration may say: `protocols: {parcel: {options: ...}}`."""

from pydantic import BaseModel, ConfigDict, Field


class ParcelOptions(BaseModel):
    """The options of the protocol `parcel`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    deny: tuple[str, ...] = ()
    """Glob patterns (* ? [a-z]) for names of parcels that may not be handed over."""
    answer_wait: int = Field(default=30, ge=1, le=300)
    """Seconds that a call may wait for its answer."""
