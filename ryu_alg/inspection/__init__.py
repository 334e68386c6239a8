"""The plugin API: everything that a protocol needs, and all that it may import from here."""

from ryu_alg.inspection.effects import (
    Abort,
    Close,
    Effect,
    Forward,
    Inject,
    Opaque,
    Open,
    Replace,
    Report,
)
from ryu_alg.inspection.endpoints import (
    Address,
    Direction,
    Endpoint,
    Network,
    Party,
    Realm,
    Transport,
)
from ryu_alg.inspection.inspector import (
    Conversation,
    Expectation,
    Gateway,
    ProtocolSpec,
    Refusal,
    StreamInspector,
)

__all__ = [
    "Abort",
    "Address",
    "Close",
    "Conversation",
    "Direction",
    "Effect",
    "Endpoint",
    "Expectation",
    "Forward",
    "Gateway",
    "Inject",
    "Network",
    "Opaque",
    "Open",
    "Party",
    "ProtocolSpec",
    "Realm",
    "Refusal",
    "Replace",
    "Report",
    "StreamInspector",
    "Transport",
]
