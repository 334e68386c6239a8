"""Putting the whole pipeline in place at once: an ONF bundle (EXT-230) around its flows.

A switch that (re)connects keeps working with its old flows until the bundle is committed, and
with the new ones from then on; connections in conntrack are not touched. Meters cannot be part
of a bundle, and deleting one deletes the flows that use it: so they are added, and in case they
are there, changed; the switch refuses one of the two with OFPMMFC_METER_EXISTS, which is fine.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from ryu_alg.openflow.flowtext import delete_every_flow, flow_mod
from ryu_alg.openflow.messages import (
    MessageType,
    MeterCommand,
    message,
    meter_mod,
    with_xid,
)

_ONF = 0x4F4E_4600
_CONTROL, _ADD_MESSAGE = 2300, 2301
_ATOMIC_ORDERED = 0b11


class BundleControl(IntEnum):
    """What a bundle control message asks for."""

    OPEN_REQUEST = 0
    COMMIT_REQUEST = 4


@dataclass(frozen=True, slots=True)
class Installation:
    """The messages that put a pipeline in place, to be sent in this order."""

    meters: tuple[bytes, ...]
    """Errors that the switch answers these with say nothing about the rest."""
    bundle: tuple[bytes, ...]
    xid: int
    """Of every message of the bundle, and of what the switch answers: an OFPT_ERROR when
    anything failed (nothing has changed then), else a commit reply."""


def installation(flows: Iterable[str], meters: Mapping[int, int], xid: int) -> Installation:
    """Replace every flow of the switch by `flows`. The bundle's id is `xid`, too."""
    replaced = (delete_every_flow(), *(flow_mod(flow) for flow in flows))
    return Installation(
        meters=tuple(
            meter_mod(command, meter, rate)
            for meter, rate in meters.items()
            for command in (MeterCommand.ADD, MeterCommand.MODIFY)
        ),
        bundle=(
            _control(BundleControl.OPEN_REQUEST, xid),
            *(_added(flow, xid) for flow in replaced),
            _control(BundleControl.COMMIT_REQUEST, xid),
        ),
        xid=xid,
    )


def _control(control: BundleControl, xid: int) -> bytes:
    body = struct.pack("!IIIHH", _ONF, _CONTROL, xid, control, _ATOMIC_ORDERED)
    return message(MessageType.EXPERIMENTER, body, xid)


def _added(flow: bytes, xid: int) -> bytes:
    body = struct.pack("!III2xH", _ONF, _ADD_MESSAGE, xid, _ATOMIC_ORDERED)
    # The switch wants the transaction id of the outer message inside, too.
    return message(MessageType.EXPERIMENTER, body + with_xid(flow, xid), xid)
