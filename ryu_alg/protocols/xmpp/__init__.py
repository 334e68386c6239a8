"""XMPP through the gateway: RFC 6120, XEP-0065, XEP-0174, XEP-0260.

names       names of elements
tokens      where tags begin and end
elements    elements and where they stand, read by expat
candidates  where a stanza says that somebody listens
options     what can be configured
dialogue    what is remembered of a session
offers      from candidates to pinholes
inspector   the state machine
"""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.protocols.xmpp.inspector import XmppInspector
from ryu_alg.protocols.xmpp.options import XmppOptions

PROTOCOL = ProtocolSpec(
    name="xmpp",
    summary="XMPP: SOCKS5 bytestreams (XEP-0065), Jingle file transfer (XEP-0260)",
    ports=(5222,),
    options=XmppOptions,
    stream=XmppInspector,
)

__all__ = ["PROTOCOL", "XmppInspector", "XmppOptions"]
