"""Which core inspects: the transparent one, the back-to-back user agent, or each its peers."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import (
    Datagram,
    DatagramEffect,
    DatagramGateway,
    DatagramInspector,
    Realm,
    StreamGateway,
    StreamInspector,
    Transport,
)
from ryu_alg.inspection.addresses import within
from ryu_alg.inspection.headers import Head
from ryu_alg.protocols.sip.b2bua.core import BackToBack
from ryu_alg.protocols.sip.core import SipCore
from ryu_alg.protocols.sip.options import SipOptions
from ryu_alg.protocols.sip.stream import SipStreamInspector
from ryu_alg.protocols.sip.transparent import TransparentInspector


def core(options: SipOptions, gateway: DatagramGateway, transport: Transport) -> SipCore:
    """What inspects the messages of one host, or of one connection."""
    elsewhere = options.b2bua_hosts and not within(gateway.host, options.b2bua_hosts)
    if options.mode == "transparent" or elsewhere:
        return TransparentInspector(options, gateway, transport)
    if not options.b2bua_peers:
        return BackToBack(options, gateway, transport)
    return PeerInspector(options, gateway, transport)


def datagram_inspector(options: SipOptions, gateway: DatagramGateway) -> DatagramInspector:
    """SIP over UDP, of one host."""
    return core(options, gateway, Transport.UDP)


def stream_inspector(options: SipOptions, gateway: StreamGateway) -> StreamInspector:
    """SIP over one TCP connection."""
    return SipStreamInspector(
        gateway, options.message_limit, lambda host: core(options, host, Transport.TCP)
    )


class PeerInspector(SipCore):
    """Both cores, side by side: the other end of a message says which one it is for."""

    def __init__(self, options: SipOptions, gateway: DatagramGateway, transport: Transport) -> None:
        self.peers = options.b2bua_peers
        self.transparent = TransparentInspector(options, gateway, transport)
        self.b2bua = BackToBack(options, gateway, transport)

    def inspect(self, datagram: Datagram, head: Head | None = None) -> Sequence[DatagramEffect]:
        """As the core for this peer."""
        if within(datagram.remote.address, self.peers):
            return self.b2bua.inspect(datagram, head)
        return self.transparent.inspect(datagram, head)

    def keep_alive(self) -> Sequence[DatagramEffect]:
        """Of both."""
        return (*self.transparent.keep_alive(), *self.b2bua.keep_alive())

    def next_timeout(self) -> float | None:
        """Of whichever is due first."""
        times = (self.transparent.next_timeout(), self.b2bua.next_timeout())
        return min((time for time in times if time is not None), default=None)

    def wake(self) -> Sequence[DatagramEffect]:
        """Both; before its time it does no harm."""
        return (*self.transparent.wake(), *self.b2bua.wake())

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        """The one whose binding it is knows it, the other does not."""
        return (*self.transparent.binding_idle(binding), *self.b2bua.binding_idle(binding))

    def disconnected(self, lost: Realm) -> Sequence[DatagramEffect]:
        """Of both."""
        return (*self.transparent.disconnected(lost), *self.b2bua.disconnected(lost))
