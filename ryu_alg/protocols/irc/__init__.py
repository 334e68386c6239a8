"""IRC through the gateway, for the connections that its users make with each other (DCC): RFC
1459 and 2812, CTCP and DCC as clients speak them, IRCv3 message tags.

messages    one line
ctcp        the CTCPs within a text
verbs       the table of DCC's verbs; reference puts it into the documentation
dcc         one DCC: what it announces, and where that stands
options     what can be configured
policy      what may be offered
offers      from an announced endpoint to an expectation
dialogue    what is remembered of a session
decisions   the effects of one inspection
requests    what the client sends
responses   what the server sends
inspector   both directions
"""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.protocols.irc.inspector import IrcInspector
from ryu_alg.protocols.irc.options import IrcOptions

PROTOCOL = ProtocolSpec(
    name="irc",
    summary="Internet Relay Chat: DCC SEND, CHAT, RESUME, also in reverse, and control of files",
    ports=(6667,),
    options=IrcOptions,
    stream=IrcInspector,
)

__all__ = ["PROTOCOL", "IrcInspector", "IrcOptions"]
