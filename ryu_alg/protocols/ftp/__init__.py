"""FTP through the gateway: RFC 959, 1123, 2389, 2428, 2640, 7151.

verbs       the table of commands; reference puts it into the documentation
telnet      TELNET commands within lines
commands    one line of the client
replies     one line of the server
addresses   PORT, EPRT, 227, 229
options     what can be configured
policy      command control
negotiation from an announced address to an expectation
dialogue    what is remembered of a session
decisions   the effects of one inspection
inspector   the state machine
"""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.protocols.ftp.inspector import FtpInspector
from ryu_alg.protocols.ftp.options import FtpOptions

PROTOCOL = ProtocolSpec(
    name="ftp",
    summary="File Transfer Protocol: PORT, EPRT, PASV, EPSV and command control",
    ports=(21,),
    options=FtpOptions,
    stream=FtpInspector,
)

__all__ = ["PROTOCOL", "FtpInspector", "FtpOptions"]
