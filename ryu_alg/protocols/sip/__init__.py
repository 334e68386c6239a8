"""SIP through the gateway: RFC 3261 and what grew around it.

grammar, uris, addresses, via, names   the pieces of a message, and where they stand in it
message       one message, read in place
edits         changes of a message
responses     the gateway's own responses, answers: how they reach whoever asked
bodies        session descriptions within bodies, media: what they open
options       what can be configured
policy, limits   who may do what, and how much
passages      transactions as they pass
registrations contacts of the inside, and how long they are kept
calls         calls and their dialogues, negotiation: their offers and answers
translation   inside addresses to public ones and back
keepalive     what is no SIP
state         all that is remembered of one host
requests, replies   what is done with a message
transparent   the inspector that passes messages on
transactions, b2bua   the inspector that leads dialogues of its own
stream        SIP over TCP
inspector     which of them inspects
"""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.protocols.sip.inspector import datagram_inspector, stream_inspector
from ryu_alg.protocols.sip.options import SipOptions

PROTOCOL = ProtocolSpec(
    name="sip",
    summary="Session Initiation Protocol: registrations, calls and their media",
    ports=(5060,),
    options=SipOptions,
    stream=stream_inspector,
    datagram=datagram_inspector,
)

__all__ = ["PROTOCOL", "SipOptions"]
