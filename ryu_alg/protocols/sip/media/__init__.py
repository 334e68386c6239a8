"""The media of a call: offers and answers (RFC 3264), and what the gateway opens for them.

call        the state of one call
inward, outward   a description on its way in, and out
draft       a description being rewritten
streams     what one side says about each stream
exchanges   who may exchange data, once both sides have said it
sockets     the public ports that stand for the inside's
capabilities  a description that is neither
candidates  ICE (RFC 8839)
paths       MSRP (RFC 4975)
outcome     what becomes of a description
"""

from ryu_alg.protocols.sip.media.call import CallMedia
from ryu_alg.protocols.sip.media.capabilities import shown
from ryu_alg.protocols.sip.media.outcome import MediaEffect, Refused, Rewritten
from ryu_alg.protocols.sip.media.sockets import Owner

__all__ = ["CallMedia", "MediaEffect", "Owner", "Refused", "Rewritten", "shown"]
