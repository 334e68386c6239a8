"""Which core inspects: the transparent one, or the back-to-back user agent."""

from __future__ import annotations

from ryu_alg.inspection import (
    DatagramGateway,
    DatagramInspector,
    StreamGateway,
    StreamInspector,
    Transport,
)
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.stream import SipStreamInspector
from ryu_alg.protocols.sip.transparent import TransparentInspector


def core(options: SipOptions, gateway: DatagramGateway, transport: Transport) -> DatagramInspector:
    """What inspects the messages of one host, or of one connection."""
    return TransparentInspector(options, gateway, transport)


def datagram_inspector(options: SipOptions, gateway: DatagramGateway) -> DatagramInspector:
    """SIP over UDP, of one host."""
    return core(options, gateway, Transport.UDP)


def stream_inspector(options: SipOptions, gateway: StreamGateway) -> StreamInspector:
    """SIP over one TCP connection."""
    return SipStreamInspector(
        gateway, options.message_limit, lambda host: core(options, host, Transport.TCP)
    )
