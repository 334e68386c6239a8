"""What the configuration may say: `protocols: {parcel: {options: ...}}`."""

from pydantic import Field

from ryu_alg.options import Options, Patterns


class ParcelOptions(Options):
    """The options of the protocol `parcel`."""

    deny: Patterns = ()
    """Glob patterns (* ? [a-z]) for names of parcels that may not be handed over."""
    answer_wait: int = Field(default=30, ge=1, le=300)
    """Seconds that a call may wait for its answer."""
