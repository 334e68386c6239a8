"""A description that neither offers nor answers: what somebody could do (RFC 3261 section 11.2)."""

from __future__ import annotations

from ryu_alg.inspection import Address, Gateway, Report
from ryu_alg.protocols.sip.media import draft as drafts
from ryu_alg.protocols.sip.media.outcome import RefusalError, Rewritten
from ryu_alg.protocols.sip.media.outward import Outward
from ryu_alg.protocols.sip.media.sockets import Sockets


def shown(gateway: Gateway, host: Address, description: bytes) -> Rewritten:
    """It as it leaves: addresses of the inside become public ones, and nothing is opened.

    Its ports mean nothing, and stay. One that cannot be read leaves as it is: nobody is to send
    anything anywhere because of it.
    """
    try:
        draft = drafts.read(description)
        Outward(gateway, host, (), Sockets(gateway), draft, None, {}).describe()
    except RefusalError as error:
        return Rewritten(description, (Report(error.code, error.detail),))
    return Rewritten(draft.result(), tuple(draft.reports))
