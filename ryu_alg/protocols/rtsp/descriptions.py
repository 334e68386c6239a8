"""Session descriptions (SDP) of DESCRIBE and ANNOUNCE.

Nothing opens by them: in RTSP it is SETUP that says where media go. They name their sender as the
reader knows it, and no inside address leaves. What they say of the reader's own address is left
alone: programs look there for multicast and nothing else.
"""

from __future__ import annotations

from ryu_alg.inspection import Address, Conversation, Gateway, Party, Realm, sdp
from ryu_alg.inspection.edits import Edit
from ryu_alg.inspection.sdp import Host, Malformed
from ryu_alg.protocols.rtsp import urls

MAX_SIZE = 32768
"""Bytes of a description that is read; a longer one passes as it is."""


def translated(
    raw: bytes, gateway: Gateway, conversation: Conversation, sender: Party
) -> list[Edit] | Malformed:
    """The edits for the description `raw` that `sender` sends."""
    description = sdp.parse(raw)
    if isinstance(description, Malformed):
        return description
    hosts: list[Host] = [] if description.origin is None else [description.origin]
    connections = [description.connection] if description.connection else []
    for media in description.media:
        connections += media.connections
    hosts += [connection.host for connection in connections]
    edits: list[Edit] = []
    for host in hosts:
        if host.address is None:
            continue
        address = _for_reader(host.address, gateway, conversation, sender)
        if address != host.address:
            edits.append((host.span, str(address).encode("ascii")))
    if sender is Party.SERVER:
        for attribute in description.all_attributes():
            edits += urls.translated(
                raw, *attribute.span, conversation.server, conversation.server_seen
            )
    return edits


def _for_reader(
    address: Address, gateway: Gateway, conversation: Conversation, sender: Party
) -> Address:
    actual, seen = conversation.actual(sender).address, conversation.seen(sender).address
    if address == actual:
        return seen
    leaves = gateway.realm_of(conversation.actual(sender.other).address) is Realm.OUTSIDE
    if leaves and gateway.realm_of(address) is Realm.INSIDE:
        return gateway.public_of(address)
    return address
