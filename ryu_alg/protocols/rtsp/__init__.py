"""RTSP through the gateway: RFC 2326 (version 1.0) and RFC 7826 (version 2.0), over TCP.

transport     the Transport header, and where addresses and ports stand in it
messages      start lines, and what of a message's head matters here
urls          the server's address within URLs
descriptions  SDP within bodies
options       what can be configured
policy        which request of whom may pass
replies       the gateway's own responses
streams       what SETUP has made: bindings, sessions, their time
negotiation   from a Transport header to a binding, and from its answer to what is admitted
output        what leaves in place of what came
inspector     the state machine
"""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.protocols.rtsp.inspector import RtspInspector
from ryu_alg.protocols.rtsp.options import RtspOptions

PROTOCOL = ProtocolSpec(
    name="rtsp",
    summary="Real-Time Streaming Protocol: media over UDP, over TCP and interleaved",
    ports=(554,),
    options=RtspOptions,
    stream=RtspInspector,
)

__all__ = ["PROTOCOL", "RtspInspector", "RtspOptions"]
