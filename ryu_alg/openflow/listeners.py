"""Public ports where inside hosts wait for anybody: the flows that let in, and those that find the
few UDP datagrams which the controller has to see.

A switch cannot look into a datagram, but it can tell its size (`check_pkt_larger`). What a watched
endpoint sends goes by way of table 10, which punts the sizes in question. An answer may have any
size: the exchange that it belongs to gets a conntrack mark of its own, as the question leaves, and
what comes in with that mark is punted. So neither needs a flow for each question, and no flow that
the datapath has cached lets an answer pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ryu_alg.engine.commands import Command, OpenListener, Watched
from ryu_alg.inspection import Realm, Transport
from ryu_alg.openflow.cookies import EVERY, Kind, cookie
from ryu_alg.openflow.ct_flush import forget
from ryu_alg.openflow.datagrams import DESTINATION, SOURCE
from ryu_alg.openflow.flowtext import Command as FlowCommand
from ryu_alg.openflow.flowtext import delete_by_cookie
from ryu_alg.openflow.packet_out import ANSWERED, SEEN
from ryu_alg.openflow.render import PUNT, REALM_NUMBER, SYN, size_checks, transport_match
from ryu_alg.openflow.stencil import flow_mod

_WATCH = 460
"""In table 1, below all control packets."""
_SENT_ON = 120
_WATCH_TRACKED, _ASKED, _ADMIT = 505, 415, 400
_MAPPING = 150
_INSIDE, _OUTSIDE = REALM_NUMBER[Realm.INSIDE], REALM_NUMBER[Realm.OUTSIDE]


@dataclass(slots=True)
class Listeners:
    """What is open in the switch."""

    _open: dict[int, OpenListener] = field(default_factory=dict)
    """By the listening port's id."""

    def open(self, command: OpenListener, zone: int) -> list[bytes]:
        """The messages that carry out `OpenListener`."""
        before = self._open.get(command.id)
        self._open[command.id] = command
        known = {} if before is None else listener_flows(before, zone)
        flows = listener_flows(command, zone)
        return [
            *(flow_mod(m, FlowCommand.DELETE_STRICT) for m in known if m not in flows),
            *(flow_mod(f"{match} actions={actions}") for match, actions in flows.items()),
            *_forgotten(before, command.watched, zone),
        ]

    def close(self, number: int, zone: int) -> list[bytes]:
        """The messages that carry out `CloseListener`."""
        before = self._open.pop(number, None)
        return [
            delete_by_cookie(cookie(Kind.LISTENER, number), EVERY),
            *_forgotten(before, None, zone),
        ]

    def installed(self, commands: Iterable[Command], zone: int) -> list[str]:
        """All flows that are in place of the switch's, after `commands`."""
        self._open = {
            command.id: command for command in commands if isinstance(command, OpenListener)
        }
        return [
            f"{match} actions={actions}"
            for command in self._open.values()
            for match, actions in listener_flows(command, zone).items()
        ]


def _forgotten(before: OpenListener | None, watched: Watched | None, zone: int) -> list[bytes]:
    """When a watch ends, the switch forgets the exchanges that the endpoint has begun, which are
    silent: if one goes on, it begins anew, and is looked at again."""
    if before is None or before.watched is None or watched is not None:
        return []
    inside = before.inside
    return [forget(zone, Transport.UDP, source=inside.address, source_port=inside.port)]


def listener_flows(port: OpenListener, zone: int) -> dict[str, str]:
    """The flows of one listening port: actions by match."""
    flows = _mapping(port, zone)
    if port.admits:
        flows |= _admitting(port, zone)
    if port.watched is not None:
        flows |= _watching(port, port.watched, zone)
    return {f"cookie={cookie(Kind.LISTENER, port.id):#x},{m}": a for m, a in flows.items()}


def _mapping(port: OpenListener, zone: int) -> dict[str, str]:
    """What the endpoint sends by UDP, whomever it is for."""
    match = f"table=8,priority={_MAPPING},{_from_inside(port)}"
    return {match: _mapped(port, zone, port.udp_mark)}


def _admitting(port: OpenListener, zone: int) -> dict[str, str]:
    """Anybody connects, or begins to send: from outside, or by the public address from inside."""
    begins = "ct_state=+new-inv+trk"
    # What is left of an older connection does not come in: only a SYN does.
    tcp = f"{begins},{_to_public(port, Transport.TCP)},tcp_flags={SYN}"
    udp = f"{begins},{_to_public(port, Transport.UDP)}"
    outside = f"table=3,priority={_ADMIT},reg1={_OUTSIDE}"
    admitting = {
        f"{outside},{tcp}": _let_in(port, zone, port.tcp_mark),
        f"{outside},{udp}": _let_in(port, zone, port.udp_mark),
    }
    if port.public != port.inside:
        hairpin = f"table=11,priority=100,reg1={_INSIDE}"
        admitting |= {
            f"{hairpin},{tcp}": _let_in(port, zone, port.tcp_mark, table=12),
            f"{hairpin},{udp}": _let_in(port, zone, port.udp_mark, table=12),
        }
    return admitting


def _watching(port: OpenListener, watched: Watched, zone: int) -> dict[str, str]:
    """What is punted, and what the controller sends on."""
    version = port.inside.address.version
    sent = f"reg1={_INSIDE},{_from_inside(port)}"
    received = f"reg1={_OUTSIDE},{_to_public(port, Transport.UDP)}"
    sent_on = f"table=2,priority={_SENT_ON}"
    asking = watched.asking_mark
    asked = (
        f"table=3,priority={_ASKED},ct_state=+est-inv+trk,reg1={_OUTSIDE},reg3=0,"
        f"{transport_match(Transport.UDP, version)},ct_mark={asking:#x}"
    )
    # The same by the mark of exchanges that have begun since: for some milliseconds, the datapath
    # may go on with what it has cached of table 1.
    tracked = f"reg1={_INSIDE},{transport_match(Transport.UDP, version)},ct_mark={port.udp_mark:#x}"
    measured = f"{size_checks(watched.sizes, version)},resubmit(,10)"
    return {
        f"table=1,priority={_WATCH},reg3=0,{sent}": measured,
        f"table=10,priority=100,{sent},reg6=0x1/0x3": PUNT,
        f"table=3,priority={_WATCH_TRACKED},ct_state=+est-inv+trk,reg3=0,{tracked}": measured,
        f"table=10,priority=100,ct_state=+est+trk,{tracked},reg6=0x1/0x3": PUNT,
        f"{sent_on},reg3={ANSWERED},{sent}": _mapped(port, zone, asking),
        f"{sent_on},reg3={SEEN},{received}": _let_in(port, zone, port.udp_mark),
        f"{sent_on},reg3={ANSWERED},{received}": _let_in(port, zone, asking),
        asked: PUNT,
    }


def _from_inside(port: OpenListener) -> str:
    version = port.inside.address.version
    udp = transport_match(Transport.UDP, version)
    return f"{udp},{SOURCE[version]}={port.inside.address},tp_src={port.inside.port}"


def _to_public(port: OpenListener, transport: Transport) -> str:
    public = port.public
    version = public.address.version
    ends = f"{DESTINATION[version]}={public.address},tp_dst={public.port}"
    return f"{transport_match(transport, version)},{ends}"


def _mapped(port: OpenListener, zone: int, mark: int) -> str:
    public = port.public
    nat = f",nat(src={public.address}:{public.port}-{public.port})"
    return _commit(port, zone, nat, mark)


def _let_in(port: OpenListener, zone: int, mark: int, table: int = 4) -> str:
    inside = port.inside
    return _commit(port, zone, f",nat(dst={inside.address}:{inside.port})", mark, table)


def _commit(port: OpenListener, zone: int, nat: str, mark: int, table: int = 4) -> str:
    if port.public == port.inside:
        nat = ""
    return f"ct(commit,table={table},zone={zone}{nat},exec(load:{mark:#x}->NXM_NX_CT_MARK[]))"
