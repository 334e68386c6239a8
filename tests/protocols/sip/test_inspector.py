"""Which core inspects."""

from __future__ import annotations

from ryu_alg.inspection import Datagram, Realm, Send, Transport
from ryu_alg.protocols.sip import PROTOCOL, SipOptions
from ryu_alg.protocols.sip.b2bua.core import BackToBack
from ryu_alg.protocols.sip.inspector import PeerInspector, datagram_inspector
from ryu_alg.protocols.sip.transparent import TransparentInspector
from tests.protocols.sip.gateway import HOST, World, endpoint
from tests.protocols.sip.messages import request
from tests.protocols.sip.site import PHONE, PROXY, PUBLIC_PHONE, only
from tests.protocols.sip.ua import invite, sdp

OTHER = endpoint("198.51.100.8", 5060)
BOTH = SipOptions.model_validate({"mode": "b2bua", "b2bua_peers": "198.51.100.8"})


def test_the_protocol() -> None:
    assert (PROTOCOL.name, PROTOCOL.ports) == ("sip", (5060,))
    assert PROTOCOL.transports == (Transport.TCP, Transport.UDP)


def test_the_mode_decides() -> None:
    gateway = World().gateway(HOST)
    assert isinstance(datagram_inspector(SipOptions(), gateway), TransparentInspector)
    assert isinstance(datagram_inspector(SipOptions(mode="b2bua"), gateway), BackToBack)
    assert isinstance(datagram_inspector(BOTH, gateway), PeerInspector)
    for network, core in (
        ("192.168.10.0/24", BackToBack),
        ("192.168.20.0/24", TransparentInspector),
    ):
        own = SipOptions.model_validate({"mode": "b2bua", "b2bua_hosts": network})
        assert isinstance(datagram_inspector(own, gateway), core)


def test_the_peer_decides() -> None:
    world = World()
    gateway = world.gateway(HOST)
    inspector = datagram_inspector(BOTH, gateway)
    gateway.signalling(PHONE)
    raw = invite(body=sdp("192.168.10.2", 4000))
    for remote, kept in ((PROXY, True), (OTHER, False)):
        effects = inspector.inspect(Datagram(Realm.INSIDE, PHONE, PUBLIC_PHONE, remote, raw))
        left = [effect for effect in effects if isinstance(effect, Send)]
        outside = [send for send in left if send.towards is Realm.OUTSIDE]
        assert (b"Call-ID: c1@192.168.10.2\r\n" in only(outside, Realm.OUTSIDE)) is kept
    assert {send.remote for send in inspector.keep_alive() if isinstance(send, Send)} >= {PROXY}
    while (due := inspector.next_timeout()) is not None:
        world.now = max(due, world.now)
        world.carry_out(inspector.wake())
    assert world.bindings == {}


def test_both_are_told_of_silence() -> None:
    gateway = World().gateway(HOST)
    inspector = datagram_inspector(BOTH, gateway)
    assert list(inspector.binding_idle(7)) == []
    raw = request("OPTIONS", "sip:x@203.0.113.1:49152", via="SIP/2.0/UDP 198.51.100.7;branch=b")
    gateway.signalling(PHONE)
    sends = inspector.inspect(Datagram(Realm.OUTSIDE, PHONE, PUBLIC_PHONE, PROXY, raw))
    assert any(isinstance(effect, Send) for effect in sends)
