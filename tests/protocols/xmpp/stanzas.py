"""Stanzas that negotiate bytestreams."""

from __future__ import annotations

PEER = "bob@example.net/home"
SELF = "alice@example.net/office"


def streamhost(host: str, port: object, jid: str = SELF) -> bytes:
    return f"<streamhost jid='{jid}' host='{host}' port='{port}'/>".encode()


def offer(*hosts: bytes, to: str = PEER, iq: str = "o1") -> bytes:
    """XEP-0065."""
    return (
        f"<iq type='set' to='{to}' id='{iq}'>"
        "<query xmlns='http://jabber.org/protocol/bytestreams' sid='s1'>"
    ).encode() + b"".join((*hosts, b"</query></iq>"))


def result(iq: str = "o1", sender: str = PEER) -> bytes:
    """XEP-0065: a streamhost is used."""
    return (
        f"<iq type='result' from='{sender}' to='{SELF}' id='{iq}'>"
        "<query xmlns='http://jabber.org/protocol/bytestreams' sid='s1'>"
        f"<streamhost-used jid='{SELF}'/></query></iq>"
    ).encode()


def error(iq: str = "o1", sender: str = PEER) -> bytes:
    return (
        f"<iq type='error' from='{sender}' id='{iq}'><error type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ).encode()


def candidate(host: str, port: object, cid: str = "c1", kind: str = "direct") -> bytes:
    return (
        f"<candidate cid='{cid}' host=\"{host}\" jid='{SELF}' port='{port}'"
        f" priority='8257636' type='{kind}'/>"
    ).encode()


def jingle(
    action: str, *inner: bytes, to: str = "", sender: str = "", iq: str = "j1", sid: str = "851ba2"
) -> bytes:
    """XEP-0260."""
    addresses = (f" to='{to}'" if to else "") + (f" from='{sender}'" if sender else "")
    head = (
        f"<iq{addresses} id='{iq}' type='set'>"
        f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='{sid}'>"
        "<content creator='initiator' name='a-file'>"
        "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>a</name></file>"
        "</description><transport xmlns='urn:xmpp:jingle:transports:s5b:1' mode='tcp' sid='v1'>"
    ).encode()
    return head + b"".join(inner) + b"</transport></content></jingle></iq>"
