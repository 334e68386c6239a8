"""What tests do that stand in for the controller."""

from __future__ import annotations

from ryu_alg.openflow import packet_in
from ryu_alg.openflow.cookies import Kind, parse
from ryu_alg.openflow.messages import MessageType
from tests.openflow.bench import PATIENCE, OpenFlowClient


def put(controller: OpenFlowClient, *messages: bytes) -> None:
    controller.send(*messages)
    controller.settle()


def packet_of(
    controller: OpenFlowClient, kind: Kind, timeout: float = PATIENCE
) -> packet_in.PacketIn | None:
    """The next packet-in of a kind."""
    received = controller.next(
        MessageType.PACKET_IN,
        timeout,
        lambda message: (parse(packet_in.decode(message).cookie) or (None,))[0] is kind,
    )
    return None if received is None else packet_in.decode(received)
